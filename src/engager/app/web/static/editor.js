"use strict";
// The study editor: form and text, each changing the other.
function startEditor() {
  const form = byId("trial-form"), text = byId("text"), kind = form.dataset.kind;
  const shipped = (study) => "/api/study/" + encodeURIComponent(study);
  const base = () => byId("study")?.value || form.dataset.base || "";
  let timer = null, asked = 0;
  function show(told) {
    const problems = byId("problems");
    problems.replaceChildren(...(told.problems || []).map((one) => { const item = document.createElement("li"); item.textContent = one.text; return item; }));
    byId("run").disabled = Boolean(told.problems);
    if (told.problems) { byId("told").textContent = ""; return; }
    const seconds = Math.round(told.estimate_s || 0);
    byId("told").textContent = told.title + ". " + told.patients + " patients a trial" + (seconds ? "; about " + seconds + " s." : ".");
    showFlags(told);
    const count = byId("replicates").value, seed = byId("seed").value;
    byId("trial-command").textContent = (kind === "trial" ? "engager trial run" : "engager design") + " my-study.yaml --replicates " + count + " --seed " + seed;
    byId("trial-python").textContent = kind === "trial" ? "from engager.study import load_protocol, run_study\nrun_study(load_protocol(\"my-study.yaml\"), replicates=" + count + ", seed=" + seed + ")" : "from engager.study import design_study, load_protocol\ndesign_study(load_protocol(\"my-study.yaml\"), replicates=" + count + ", seed=" + seed + ")";
  }
  // what extrapolates, and what differs from the study that ships
  function showFlags(told) {
    if (!byId("flags")) return;
    byId("flags").hidden = !told.outside?.length;
    byId("outside").replaceChildren(...(told.outside || []).map((one) => { const item = document.createElement("li"); item.textContent = one; return item; }));
    const box = byId("differs"), rows = told.differences || [];
    box.hidden = !rows.length;
    box.querySelector("summary").textContent = rows.length + " keys differ from " + base();
    byId("base-name").textContent = base();
    box.querySelector("tbody").replaceChildren(...rows.map((one) => {
      const row = document.createElement("tr");
      for (const words of [one.key, one.base ?? "not there", one.own ?? "not there"]) { const cell = document.createElement("td"); cell.textContent = words; row.append(cell); }
      return row;
    }));
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
    const told = await ask("/api/check", { text: text.value, changes, replicates: Number(byId("replicates").value), base: base() });
    if (mine !== asked) return;
    show(told);
    if (told.problems) return;
    if (changes) text.value = told.text; else fill(told.fields);
  }
  async function load(path) {
    const told = await ask(path);
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
  byId("study")?.addEventListener("change", (event) => {
    if (!event.target.value) return;
    history.replaceState(null, "", "/trial?study=" + encodeURIComponent(event.target.value)); load(shipped(event.target.value)); });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    byId("run").disabled = true;
    const told = await ask("/api/jobs", { kind, text: text.value, replicates: byId("replicates").value, seed: byId("seed").value, patients: byId("patients")?.value || null });
    if (told.problems) { show(told); return; }
    location.href = "/jobs/" + told.id;
  });
  if (byId("study")) load(form.dataset.run ? "/api/runs/" + encodeURIComponent(form.dataset.run) + "/study" : shipped(form.dataset.study)); else check();
}

document.addEventListener("DOMContentLoaded", startEditor);
