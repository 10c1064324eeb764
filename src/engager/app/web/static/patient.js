"use strict";
// One virtual patient: presets, sliders, a built regimen, another patient or regimen beside it, a band, own data.
function startPatient() {
  const form = byId("patient-form"), preset = byId("preset");
  const wanted = new URLSearchParams(location.search);
  const shown = { now: null, kept: null, band: null, own: null };
  let asked = 0, keptQuery = wanted.get("kept") || "";

  function steps() {
    const days = [...form.querySelectorAll(".step-day")];
    return [...form.querySelectorAll(".step-amount")].map((one, k) => [one.value, days[k].value]).filter(([amount, day]) => amount !== "" && day !== "").map(([amount, day]) => amount + "@" + day).join(",");
  }
  function query() {
    const told = new URLSearchParams();
    for (const slider of form.querySelectorAll("input[type=range]")) if (slider.dataset.moved) told.set(slider.name, slider.value);
    for (const name of ["regimen", "other", "days"]) if (form.elements[name].value) told.set(name, form.elements[name].value);
    if (told.get("regimen") === "own" || told.get("other") === "own") {
      told.set("own_steps", steps());
      for (const name of ["own_unit", "own_on", "own_off", "own_cycles", "own_in", "own_dex"]) told.set(name, form.elements[name].value);
    }
    return told;
  }

  // ---- drawing
  function linesOf(found, isKept) {
    return (panel) => (found.panels.find((one) => one.title === panel.title) || { lines: [] }).lines.map((line) => {
      const names = [...new Set(panel.lines.map((one) => one.label))], who = (isKept ? "kept: " : "") + line.regimen;
      return {
        x: found.days, y: line.y, mode: "lines", name: line.label, showlegend: !isKept && line.regimen === found.regimens[0],
        hovertemplate: "%{y} " + plainText(who),
        line: { color: COLORS[Math.max(0, names.indexOf(line.label)) % COLORS.length], width: isKept ? 1.5 : 2, dash: isKept ? "dash" : found.regimens.indexOf(line.regimen) ? "dot" : "solid" },
      };
    });
  }
  function bandOf(panel) {
    if (!shown.band) return [];
    const names = [...new Set(panel.lines.map((one) => one.label))];
    return (shown.band.panels[panel.title] || []).flatMap((line) => {
      const color = COLORS[Math.max(0, names.indexOf(line.label)) % COLORS.length], quiet = { x: shown.band.days, mode: "lines", line: { width: 0 }, showlegend: false, hoverinfo: "skip" };
      return [{ ...quiet, y: line.high }, { ...quiet, y: line.low, fill: "tonexty", fillcolor: color + "2e" }];
    });
  }
  function ownOf(panel) {
    if (!shown.own || byId("own-panel").value !== panel.title) return [];
    const points = shown.own.points;
    return [{ x: points.map((one) => one.day), y: points.map((one) => one.value), text: points.map((one) => "subject " + plainText(one.id) + (one.below ? ", below the limit" : "")), mode: "markers", cliponaxis: false, name: "your data", hovertemplate: "%{y}, %{text}", marker: { color: css("--ink"), size: 6, symbol: points.map((one) => one.below ? "circle-open" : "circle") } }];
  }
  const highest = (lines) => Math.max(...lines.flatMap((line) => line.y));
  function draw() {
    const found = shown.now, panels = byId("panels"), log = byId("log").checked;
    const now = linesOf(found, false), kept = shown.kept ? linesOf(shown.kept, true) : () => [];
    found.panels.forEach((panel, place) => {
      let div = panels.children[place];
      if (!div) { div = document.createElement("div"); div.className = "plot"; panels.append(div); }
      div.classList.toggle("key-plot", panel.limits.length > 0 && panel.unit === "share");
      const own = ownOf(panel), lines = [...bandOf(panel), ...kept(panel), ...now(panel), ...own];
      const span = decades(lines), look = layout(panel.title, panel.unit, log, span);
      if (log && span < 1.7) Object.assign(look.yaxis, fewTicks(lines), { dtick: null });
      const ends = own.flatMap((one) => one.x);
      look.xaxis.range = [Math.min(0, ...ends), Math.max(found.days.at(-1), shown.kept?.days.at(-1) ?? 0, ...ends)];
      const limits = panel.limits.filter(([at]) => log || at > highest(lines) / 50); // a line on the axis tells nothing
      look.shapes = limits.map(([at]) => ({ type: "line", xref: "paper", x0: 0, x1: 1, y0: at, y1: at, line: { color: css("--muted"), width: 1, dash: "dash" } }));
      look.annotations = limits.map(([at, words]) => ({ xref: "paper", x: 1, y: log ? Math.log10(at) : at, text: plainText(words), showarrow: false, xanchor: "right", yanchor: "bottom", font: { size: 10 } }));
      Plotly.react(div, lines, look, CONFIG);
    });
    while (panels.children.length > found.panels.length) { Plotly.purge(panels.lastChild); panels.lastChild.remove(); }
    drawExposure(log);
  }
  function drawExposure(log) {
    const section = byId("exposure"), band = shown.band;
    section.hidden = !band || !band.exposure.length;
    if (section.hidden) return;
    const clear = band.blasts.filter((one) => one < 5).length;
    byId("exposure-told").textContent = band.patients - band.failed + " patients: mean drug level on the days with drug of cycle 1, and blasts of the marrow on day " + band.assessed_day + ". " + clear + " have less than 5 %." + (band.failed ? " " + band.failed + " could not be followed." : "");
    const look = layout("Each patient", "% blasts in marrow", log, decades([{ y: band.blasts.map((one) => Math.max(one, 1e-4)) }]));
    look.xaxis = { ...look.xaxis, title: { text: "mean drug level [pg/mL]" }, type: "linear", rangemode: "tozero" };
    look.shapes = [{ type: "line", xref: "paper", x0: 0, x1: 1, y0: 5, y1: 5, line: { color: css("--muted"), width: 1, dash: "dash" } }];
    look.hovermode = "closest";
    look.showlegend = false;
    Plotly.react(byId("exposure-plot"), [{ x: band.exposure, y: band.blasts.map((one) => Math.max(one, 1e-4)), mode: "markers", marker: { color: band.blasts.map((one) => one < 5 ? COLORS[0] : COLORS[1]), size: 7, opacity: 0.7 }, hovertemplate: "%{x} pg/mL, %{y} %<extra></extra>" }], look, CONFIG);
  }

  // ---- asking
  async function update() {
    const mine = ++asked, told = query();
    byId("patient-state").textContent = "Simulating";
    const wantsBand = byId("band").checked;
    const [found, kept, band] = await Promise.all([ask("/api/patient?" + told), keptQuery && !shown.kept ? ask("/api/patient?" + keptQuery) : shown.kept, wantsBand ? ask("/api/band?" + told) : null]);
    if (mine !== asked) return;
    const error = byId("patient-error"), wrong = found.problems || band?.problems;
    error.hidden = !wrong;
    if (wrong) { error.textContent = wrong.map((one) => one.text).join(" "); byId("patient-state").textContent = ""; return; }
    shown.now = found;
    shown.kept = kept && !kept.problems ? kept : null;
    shown.band = band;
    const address = new URLSearchParams(told);
    if (keptQuery) address.set("kept", keptQuery);
    history.replaceState(null, "", "/patient?" + address);
    const panel = byId("own-panel"), before = panel.value;
    panel.replaceChildren(...found.panels.map((one) => new Option(one.title + " [" + one.unit + "]", one.title, false, one.title === before)));
    draw();
    say(found, told);
  }
  function say(found, told) {
    const styles = [];
    if (found.regimens.length > 1) styles.push("Solid: " + found.regimens[0] + "; dotted: " + found.regimens[1]);
    if (shown.kept) styles.push("Dashed: the one kept beside");
    if (shown.band) styles.push("Shaded: 5 % to 95 % of " + shown.band.patients + " patients who share the moved sliders");
    byId("patient-state").textContent = "Ready: " + [found.who, ...styles].join(". ") + ".";
    byId("patient-notes").replaceChildren(...found.notes.map((one) => { const item = document.createElement("li"); item.textContent = one; return item; }));
    byId("patient-command").textContent = found.command;
    byId("patient-python").textContent = found.python;
    byId("patient-yaml").textContent = found.yaml;
    byId("patient-antimony").href = "/api/patient.ant?" + told;
    byId("drop").hidden = !shown.kept;
  }
  async function readOwn() {
    const file = byId("own-file").files[0], told = byId("own-told");
    if (!file) return;
    if (file.size > 200000) { told.textContent = "The file is larger than 200 kB."; return; }
    const found = await ask("/api/observations", { text: await file.text(), time_unit: byId("own-time").value });
    told.classList.toggle("error", Boolean(found.problems));
    told.textContent = found.problems ? found.problems.map((one) => one.text).join(" ") : counted(found.points.length, "observation") + "; " + counted(found.left_out, "other row") + ".";
    shown.own = found.problems ? null : found;
    if (shown.now) draw();
  }

  // ---- controls
  function setAll(changes) {
    for (const slider of form.querySelectorAll("input[type=range]")) {
      const given = changes[slider.name];
      slider.value = given ?? slider.dataset.usual;
      slider.dataset.moved = given === undefined ? "" : "1";
      byId("o-" + slider.name).textContent = slider.value;
    }
  }
  function setSteps(text) {
    const parts = text.split(",").map((one) => one.split("@")), days = [...form.querySelectorAll(".step-day")];
    [...form.querySelectorAll(".step-amount")].forEach((one, k) => { one.value = parts[k]?.[0] ?? ""; days[k].value = parts[k]?.[1] ?? ""; });
  }
  form.addEventListener("input", (event) => { if (event.target.type === "range") { event.target.dataset.moved = "1"; byId("o-" + event.target.name).textContent = event.target.value; } });
  form.addEventListener("change", (event) => {
    const { id, name } = event.target;
    if (event.target === preset) setAll(JSON.parse(preset.selectedOptions[0].dataset.changes));
    if (id === "log" || id === "own-panel") { if (shown.now) draw(); return; }
    if (id === "own-file" || id === "own-time") { readOwn(); return; }
    if ((name === "regimen" || name === "other") && event.target.value === "own") byId("builder").open = true;
    if (byId("builder").contains(event.target) && form.elements.regimen.value !== "own" && form.elements.other.value !== "own") form.elements.regimen.value = "own";
    update();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  byId("keep").addEventListener("click", () => { keptQuery = String(query()); shown.kept = null; update(); });
  byId("drop").addEventListener("click", () => { keptQuery = ""; shown.kept = null; update(); });
  if (wanted.has("preset")) { preset.value = wanted.get("preset"); if (preset.selectedOptions[0]) setAll(JSON.parse(preset.selectedOptions[0].dataset.changes)); }
  else setAll(Object.fromEntries(wanted));
  for (const name of ["regimen", "other", "days", "own_unit", "own_on", "own_off", "own_cycles", "own_in", "own_dex"]) if (wanted.has(name)) form.elements[name].value = wanted.get(name);
  if (wanted.has("own_steps")) { setSteps(wanted.get("own_steps")); byId("builder").open = true; }
  update();
}

document.addEventListener("DOMContentLoaded", startPatient);
