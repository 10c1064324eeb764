"use strict";
// One virtual patient: presets, sliders, courses.
function startPatient() {
  const form = byId("patient-form"), preset = byId("preset");
  const wanted = new URLSearchParams(location.search);
  let asked = 0, last = null;
  function query() {
    const told = new URLSearchParams();
    for (const slider of form.querySelectorAll("input[type=range]")) if (slider.dataset.moved) told.set(slider.name, slider.value);
    for (const name of ["regimen", "other", "days"]) if (form.elements[name].value) told.set(name, form.elements[name].value);
    return told;
  }
  function draw(told) {
    const panels = byId("panels");
    const log = byId("log").checked;
    told.panels.forEach((panel, place) => {
      let div = panels.children[place];
      if (!div) { div = document.createElement("div"); div.className = "plot"; panels.append(div); }
      const names = [...new Set(panel.lines.map((line) => line.label))];
      const lines = panel.lines.map((line) => ({
        x: told.days, y: line.y, mode: "lines", name: line.label, showlegend: line.regimen === told.regimens[0],
        hovertemplate: told.regimens.length > 1 ? "%{y} " + line.regimen.replace(/[<>&]/g, "") : "%{y}",
        line: { color: COLORS[names.indexOf(line.label) % COLORS.length], dash: told.regimens.indexOf(line.regimen) ? "dot" : "solid" },
      }));
      const look = layout(panel.title, panel.unit, log);
      look.shapes = panel.limits.map(([at]) => ({ type: "line", xref: "paper", x0: 0, x1: 1, y0: at, y1: at, line: { color: css("--muted"), width: 1, dash: "dash" } }));
      look.annotations = panel.limits.map(([at, words]) => ({ xref: "paper", x: 1, y: log ? Math.log10(at) : at, text: words.replace(/[<>&]/g, ""), showarrow: false, xanchor: "right", yanchor: "bottom", font: { size: 10 } }));
      Plotly.react(div, lines, look, CONFIG);
    });
    while (panels.children.length > told.panels.length) { Plotly.purge(panels.lastChild); panels.lastChild.remove(); }
  }
  async function update() {
    const mine = ++asked, told = query();
    byId("patient-state").textContent = "Simulating";
    const found = await ask("/api/patient?" + told);
    if (mine !== asked) return;
    const error = byId("patient-error");
    error.hidden = !found.problems;
    if (found.problems) { error.textContent = found.problems.map((one) => one.text).join(" "); byId("patient-state").textContent = ""; return; }
    history.replaceState(null, "", "/patient?" + told);
    last = found;
    draw(found);
    const styles = found.regimens.length > 1 ? "Solid: " + found.regimens[0] + "; dotted: " + found.regimens[1] + ". " : "";
    byId("patient-state").textContent = "Ready. " + styles + Object.entries(found.covariates).slice(0, 6).map(([name, value]) => name.replaceAll("_", " ") + " " + value).join(", ");
    byId("patient-command").textContent = found.command;
    byId("patient-python").textContent = found.python;
  }
  function setAll(changes) {
    for (const slider of form.querySelectorAll("input[type=range]")) {
      const given = changes[slider.name];
      slider.value = given ?? slider.dataset.usual;
      slider.dataset.moved = given === undefined ? "" : "1";
      byId("o-" + slider.name).textContent = slider.value;
    }
  }
  form.addEventListener("input", (event) => { if (event.target.type === "range") { event.target.dataset.moved = "1"; byId("o-" + event.target.name).textContent = event.target.value; } });
  form.addEventListener("change", (event) => {
    if (event.target === preset) setAll(JSON.parse(preset.selectedOptions[0].dataset.changes));
    if (event.target.id === "log") { if (last) draw(last); return; }
    update();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  if (wanted.has("preset")) { preset.value = wanted.get("preset"); if (preset.selectedOptions[0]) setAll(JSON.parse(preset.selectedOptions[0].dataset.changes)); }
  else setAll(Object.fromEntries(wanted));
  for (const name of ["regimen", "other", "days"]) if (wanted.has(name)) form.elements[name].value = wanted.get(name);
  update();
}

document.addEventListener("DOMContentLoaded", startPatient);
