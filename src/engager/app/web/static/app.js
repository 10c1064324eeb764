"use strict";
// Scripts of the dashboard. Data becomes text by textContent alone; nothing here builds markup from data.
const COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#7A5C00", "#56B4E9"];
const byId = (id) => document.getElementById(id);
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

async function ask(path, body) {
  const options = body === undefined ? {} : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fetch(path, options);
  const told = await answer.json().catch(() => ({ problems: [{ text: "The server gave no answer that can be read." }] }));
  if (!answer.ok && !told.problems) told.problems = [{ text: "The server refused: " + answer.status }];
  return told;
}

function layout(title, unit, isLog) {
  const axis = { color: css("--muted"), gridcolor: css("--line"), zeroline: false };
  return {
    title: { text: title, font: { size: 14 }, y: 0.98, yanchor: "top" }, height: 265, margin: { l: 62, r: 12, t: 56, b: 38 },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: css("--ink"), size: 12 },
    xaxis: { ...axis, title: { text: "day" } }, yaxis: { ...axis, title: { text: unit }, type: isLog ? "log" : "linear", exponentformat: "power", nticks: 6 },
    legend: { orientation: "h", y: 1, yanchor: "bottom", x: 0, font: { size: 11 } }, showlegend: true, hovermode: "x unified",
  };
}
const CONFIG = { displaylogo: false, responsive: true, modeBarButtonsToRemove: ["lasso2d", "select2d"] };

// ---- one patient
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

// ---- study editor
function startEditor() {
  const form = byId("trial-form"), text = byId("text"), kind = form.dataset.kind;
  let timer = null, asked = 0;
  function show(told) {
    const problems = byId("problems");
    problems.replaceChildren(...(told.problems || []).map((one) => { const item = document.createElement("li"); item.textContent = one.text; return item; }));
    byId("run").disabled = Boolean(told.problems);
    if (told.problems) { byId("told").textContent = ""; return; }
    const seconds = Math.round(told.estimate_s || 0);
    byId("told").textContent = told.title + ". " + told.patients + " patients a trial" + (seconds ? "; about " + seconds + " s." : ".");
    const count = byId("replicates").value, seed = byId("seed").value;
    byId("trial-command").textContent = (kind === "trial" ? "engager trial run" : "engager design") + " my-study.yaml --replicates " + count + " --seed " + seed;
    byId("trial-python").textContent = kind === "trial" ? "from engager.study import load_protocol, run_study\nrun_study(load_protocol(\"my-study.yaml\"), replicates=" + count + ", seed=" + seed + ")" : "from engager.study import design_study, load_protocol\ndesign_study(load_protocol(\"my-study.yaml\"), replicates=" + count + ", seed=" + seed + ")";
  }
  function fill(fields) {
    const place = byId("fields");
    if (!place) return;
    place.replaceChildren(...fields.map((field) => {
      const label = document.createElement("label"), name = document.createElement("span"), input = document.createElement("input");
      name.textContent = field.key.replaceAll("_", " ").replaceAll("/", " / ");
      input.dataset.key = field.key;
      input.type = field.kind === "number" ? "number" : field.kind === "yes_no" ? "checkbox" : "text";
      if (field.kind === "yes_no") input.checked = field.value; else input.value = field.value;
      if (field.kind === "number") input.step = "any";
      label.append(name, input);
      return label;
    }));
    find();
  }
  function find() {
    const words = (byId("find")?.value || "").toLowerCase();
    for (const label of byId("fields")?.children || []) label.hidden = !label.textContent.toLowerCase().includes(words);
  }
  async function check(changes) {
    const mine = ++asked;
    const told = await ask("/api/check", { text: text.value, changes, replicates: Number(byId("replicates").value) });
    if (mine !== asked) return;
    show(told);
    if (told.problems) return;
    if (changes) text.value = told.text; else fill(told.fields);
  }
  async function load(study) {
    const told = await ask("/api/study/" + encodeURIComponent(study));
    if (told.problems) { show(told); return; }
    text.value = told.text;
    fill(told.fields);
    check();
  }
  text.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(() => check(), 500); });
  byId("replicates").addEventListener("change", () => check());
  byId("seed").addEventListener("change", () => check());
  byId("find")?.addEventListener("input", find);
  byId("fields")?.addEventListener("change", (event) => {
    const input = event.target;
    const value = input.type === "checkbox" ? input.checked : input.type === "number" ? Number(input.value) : input.value;
    check({ [input.dataset.key]: value });
  });
  byId("study")?.addEventListener("change", (event) => { history.replaceState(null, "", "/trial?study=" + encodeURIComponent(event.target.value)); load(event.target.value); });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    byId("run").disabled = true;
    const told = await ask("/api/jobs", { kind, text: text.value, replicates: byId("replicates").value, seed: byId("seed").value, patients: byId("patients")?.value || null });
    if (told.problems) { show(told); return; }
    location.href = "/jobs/" + told.id;
  });
  if (byId("study")) load(form.dataset.study); else check();
}

// ---- a job
function startJob() {
  const box = byId("job"), id = box.dataset.job;
  async function look() {
    const told = await ask("/api/jobs/" + id);
    if (told.problems) { byId("job-state").textContent = told.problems[0].text; return; }
    byId("job-state").textContent = told.state;
    byId("job-share").value = told.share;
    byId("job-line").textContent = told.line;
    byId("cancel").hidden = !["waiting", "running"].includes(told.state);
    byId("again").hidden = !["canceled", "failed"].includes(told.state);
    if (told.state === "done" && told.result) { location.replace(told.result); return; }
    if (["waiting", "running"].includes(told.state)) setTimeout(look, 700);
  }
  byId("cancel").addEventListener("click", async () => { await ask("/api/jobs/" + id + "/cancel", {}); look(); });
  byId("again").addEventListener("click", async () => { await ask("/api/jobs/" + id + "/again", {}); look(); });
  look();
}

// ---- a run
async function startRun() {
  const place = byId("curves");
  const told = await ask("/api/runs/" + place.dataset.run + "/curves");
  if (told.problems) { place.textContent = told.problems[0].text; return; }
  place.replaceChildren();
  for (const endpoint of [...new Set(told.lines.map((line) => line.endpoint))]) {
    const div = document.createElement("div");
    div.className = "plot";
    place.append(div);
    const arms = told.lines.filter((line) => line.endpoint === endpoint), traces = [];
    arms.forEach((line, k) => {
      const percent = (values) => values.map((value) => value === null ? null : 100 * value), color = COLORS[k % COLORS.length];
      traces.push({ x: line.month, y: percent(line.high), mode: "lines", line: { width: 0, shape: "hv" }, showlegend: false, hoverinfo: "skip" });
      traces.push({ x: line.month, y: percent(line.low), mode: "lines", line: { width: 0, shape: "hv" }, fill: "tonexty", fillcolor: color + "26", showlegend: false, hoverinfo: "skip" });
      traces.push({ x: line.month, y: percent(line.survival), customdata: line.at_risk, mode: "lines", name: line.arm, line: { color, shape: "hv" }, hovertemplate: "%{y:.1f} %, %{customdata:.0f} at risk" });
      const own = told.published.filter((one) => one.endpoint === endpoint && one.arm === line.arm);
      if (own.length) traces.push({ x: own.map((one) => one.month), y: own.map((one) => 100 * one.value), mode: "markers", name: line.arm + ", published", marker: { symbol: "diamond", size: 9, color, line: { color: css("--ink"), width: 1 } } });
    });
    const look = layout(endpoint, "% of patients", false);
    look.xaxis.title.text = "months";
    look.yaxis.range = [0, 102];
    look.height = 320;
    Plotly.newPlot(div, traces, look, CONFIG);
  }
  if (!place.children.length) place.textContent = "This study has no survival endpoint.";
}

function startTrust() {
  byId("find-parameter").addEventListener("input", (event) => {
    const words = event.target.value.toLowerCase();
    for (const row of byId("parameters").tBodies[0].rows) row.hidden = !row.textContent.toLowerCase().includes(words);
  });
}

document.addEventListener("DOMContentLoaded", () => {
  const start = { patient: startPatient, trial: startEditor, design: startEditor, job: startJob, run: startRun, trust: startTrust }[document.body.dataset.page];
  if (start) start();
});
