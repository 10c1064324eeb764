"use strict";
// The study editor: form and text, each changing the other; what is wrong stands at its field and above.
function element(name, attributes, ...inside) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== null && value !== undefined) made[key] = value;
  made.append(...inside);
  return made;
}

function startEditor() {
  const form = byId("trial-form"), text = byId("text"), kind = form.dataset.kind, isAddition = Boolean(form.dataset.adds);
  const shipped = (study) => "/api/study/" + encodeURIComponent(study);
  const base = () => byId("study")?.value || form.dataset.base || "";
  const opened = new Map();
  // Paper cuts a text field nowhere, so a long study would begin on a page of its own and lose what is below.
  const printed = byId("printed-text");
  if (printed) {
    // what is printed is the text as it stands; browsers tell of printing in one of two ways, some only too late
    const follow = () => { printed.textContent = text.value; };
    follow();
    text.addEventListener("input", follow);
    addEventListener("beforeprint", follow);
    matchMedia("print").addEventListener("change", follow);
  }
  // Edits of the form wait until the text holds them: an answer may be late, or a later question overtake it.
  let timer = null, asked = 0, edits = {}, isRefused = false, answered = Promise.resolve();
  // the form is not that of the text: not drawn yet, or typed in since; fields that wait until nobody types in the form
  let isStale = true, waiting = null;

  // ---- what is told
  function show(told) {
    const wrong = told.problems || [];
    byId("problems").replaceChildren(...wrong.map((one) => element("li", {}, one.text, ...toText(one.text))));
    markFields(wrong);
    byId("run").disabled = wrong.length > 0;
    if (wrong.length) { byId("told").textContent = ""; return; }
    const seconds = Math.round(told.estimate_s || 0);
    byId("told").textContent = (told.title || told.study) + ". " + told.patients + " patients a trial" + (seconds ? "; about " + lasts(seconds) + "." : ".");
    showFlags(told);
    const count = byId("replicates").value, seed = byId("seed").value, patients = byId("patients")?.value;
    const folder = "runs/" + form.dataset.adds, file = isAddition ? folder + "/study.yaml" : "my-study.yaml";
    const more = isAddition ? " --out " + folder + " --resume" : patients ? " --patients " + patients : "";
    byId("trial-command").textContent = (kind === "trial" ? "engager trial run" : "engager design") + " " + file + " --replicates " + count + " --seed " + seed + more;
    const call = "load_protocol(\"" + file + "\"), replicates=" + count + ", seed=" + seed + (patients ? ", patients=" + patients : "");
    byId("trial-python").textContent = kind === "trial" ? "from engager.study import load_protocol, run_study\nrun_study(" + call + ")" : "from engager.study import design_study, load_protocol\ndesign_study(" + call + ")";
  }
  const lasts = (seconds) => seconds < 90 ? seconds + " s" : Math.round(seconds / 60) + " min";
  // a button that shows the line a message names
  function toText(words) {
    const line = /\(line (\d+)/.exec(words);
    if (!line || isAddition) return [];
    const button = element("button", { type: "button", className: "quiet small-button" }, "Show line " + line[1]);
    button.addEventListener("click", () => {
      const lines = text.value.split("\n"), at = Number(line[1]) - 1, start = lines.slice(0, at).join("\n").length + (at ? 1 : 0);
      text.focus();
      text.setSelectionRange(start, start + (lines[at] || "").length);
      text.scrollTop = Math.max(0, (at - 4) * text.scrollHeight / lines.length);
    });
    return [" ", button];
  }
  function markFields(wrong) {
    for (const input of byId("fields")?.querySelectorAll("[data-key]") || []) {
      const mine = wrong.filter((one) => one.field && (input.dataset.key === one.field || (input.dataset.key.startsWith(one.field + "/") && firstBelow(one.field) === input)));
      const place = byId("e-" + input.dataset.key);
      place.textContent = mine.map((one) => one.rule + (one.next_step ? ". " + one.next_step : "")).join("; ");
      if (mine.length) { input.setAttribute("aria-invalid", "true"); input.closest("details").open = true; } else input.removeAttribute("aria-invalid");
    }
  }
  const firstBelow = (key) => [...byId("fields").querySelectorAll("[data-key]")].find((one) => one.dataset.key.startsWith(key + "/"));
  // what extrapolates, and what differs from the study that ships
  function showFlags(told) {
    if (!byId("flags")) return;
    byId("flags").hidden = !told.outside?.length;
    byId("outside").replaceChildren(...(told.outside || []).map((one) => element("li", {}, one)));
    byId("assumes").hidden = !told.notes?.length;
    byId("assumes").querySelector("summary").textContent = "What this study assumes (" + (told.notes || []).length + ")";
    byId("assumed").replaceChildren(...(told.notes || []).map((one) => element("li", {}, one)));
    const box = byId("differs"), rows = told.differences || [];
    box.hidden = !rows.length;
    box.querySelector("summary").textContent = rows.length + (rows.length === 1 ? " key differs from " : " keys differ from ") + base();
    byId("base-name").textContent = base();
    box.querySelector("tbody").replaceChildren(...rows.map((one) => element("tr", {}, ...[one.key, one.base ?? "not there", one.own ?? "not there"].map((words) => element("td", {}, words)))));
  }

  // ---- the form
  function inputOf(field) {
    const known = { id: "f-" + field.key };
    if (field.kind === "yes_no") return element("input", { ...known, type: "checkbox", checked: field.value });
    if (field.kind === "choice") return element("select", known, ...field.options.map((one) => new Option(one.replaceAll("_", " "), one, false, one === field.value)));
    return element("input", { ...known, type: field.kind === "number" ? "number" : "text", step: field.kind === "number" ? "any" : null, value: field.value, placeholder: field.kind === "list" ? "a, b, ..." : "" });
  }
  function rowOf(field) {
    const input = inputOf(field), hint = element("small", { className: "hint muted", id: "h-" + field.key }, field.hint), error = element("small", { className: "error", id: "e-" + field.key });
    input.dataset.key = field.key;
    input.dataset.kind = field.kind;
    input.setAttribute("aria-describedby", hint.id + " " + error.id);
    const words = element("label", { htmlFor: input.id }, field.label, ...(field.unit ? [element("span", { className: "muted" }, " [" + field.unit + "]")] : []));
    const row = element("div", { className: "field" }, words, input, hint, error);
    row.dataset.words = (field.group + " " + field.label + " " + field.key).toLowerCase().replaceAll("_", " ");
    return row;
  }
  function fill(fields) {
    const place = byId("fields");
    if (!place) return;
    const groups = Map.groupBy ? Map.groupBy(fields, (one) => one.group) : fields.reduce((all, one) => all.set(one.group, [...(all.get(one.group) || []), one]), new Map());
    const closed = kind === "design" ? /regimen|Visits|Later|Allocation|Patients|Transplant/ : /regimen|Visits|Later|Allocation/;
    const ordered = [...groups].sort(([one], [other]) => kind === "design" ? rank(one) - rank(other) : 0);
    place.replaceChildren(...ordered.map(([name, rows]) => {
      const box = element("details", { open: opened.get(name) ?? !closed.test(name) }, element("summary", {}, name), ...rows.map(rowOf));
      box.addEventListener("toggle", () => { if (!byId("find").value) opened.set(name, box.open); });
      return box;
    }));
    isStale = false;
    waiting = null;
    find();
  }
  function draw(fields) {
    if (byId("fields")?.contains(document.activeElement)) waiting = fields; else fill(fields);
  }
  // a design is about how trials are judged, how long and with whom, in this order
  const rank = (name) => name.startsWith("How") ? 0 : name === "Follow-up" ? 1 : 2;
  function find() {
    const words = (byId("find")?.value || "").toLowerCase().split(/\s+/).filter(Boolean);
    for (const box of byId("fields")?.children || []) {
      const rows = [...box.querySelectorAll(".field")];
      for (const row of rows) row.hidden = !words.every((one) => row.dataset.words.includes(one));
      box.hidden = rows.every((row) => row.hidden);
      if (words.length && !box.hidden) box.open = true;
    }
  }
  function valueOf(input) {
    const { kind: of } = input.dataset;
    if (of === "yes_no") return input.checked;
    if (of === "number") return input.value === "" ? "" : Number(input.value);
    if (of === "list") return input.value.split(",").map((one) => one.trim()).filter(Boolean).map((one) => Number.isNaN(Number(one)) ? one : Number(one));
    return input.value;
  }

  // ---- asking
  const check = (changes) => (answered = askAbout(changes));
  async function askAbout(changes = {}) {
    Object.assign(edits, changes);
    const mine = ++asked, from = text.value, sent = Object.keys(edits).length ? { ...edits } : null;
    const told = await ask("/api/check", { text: from, changes: sent, kind, replicates: byId("replicates").value, patients: byId("patients")?.value || null, base: base() });
    if (mine !== asked || text.value !== from) return; // the next question carries the edits too
    show(told);
    isRefused = Boolean(told.problems);
    if (isRefused) return;
    edits = {};
    if (sent) text.value = told.text;
    if (isStale) draw(told.fields);
  }
  // waits for the answer to the last question, whichever that is by then
  async function settled() {
    for (let last = null; last !== answered;) { last = answered; await last; }
  }
  async function load(path) {
    const told = await ask(path);
    if (told.problems) { show(told); return; }
    text.value = told.text;
    edits = {};
    fill(told.fields);
    check();
  }
  text.addEventListener("input", () => {
    if (isRefused) edits = {}; // the text wins over what was refused; the form is drawn anew from it
    isStale = true;
    clearTimeout(timer);
    timer = setTimeout(() => check(), 500);
  });
  for (const id of ["replicates", "seed", "patients"]) byId(id)?.addEventListener("change", () => check());
  byId("find")?.addEventListener("input", find);
  byId("fields")?.addEventListener("change", (event) => { if (event.target.dataset.key) check({ [event.target.dataset.key]: valueOf(event.target) }); });
  byId("fields")?.addEventListener("focusout", (event) => {
    const isLeft = document.hasFocus() && !byId("fields").contains(event.relatedTarget); // not only the window
    if (waiting && isLeft && !Object.keys(edits).length) fill(waiting);
  });
  byId("study")?.addEventListener("change", (event) => {
    if (!event.target.value) return;
    history.replaceState(null, "", "/trial?study=" + encodeURIComponent(event.target.value));
    load(shipped(event.target.value));
  });
  async function submit(asked_kind) {
    byId("run").disabled = true;
    clearTimeout(timer);
    check(); // what was typed last is in the text before the text is sent
    await settled();
    if (isRefused || Object.keys(edits).length) { byId("run").disabled = isRefused; return; }
    byId("run").disabled = true;
    const told = await ask("/api/jobs", { kind: asked_kind, text: text.value, replicates: byId("replicates").value, seed: byId("seed").value, patients: byId("patients")?.value || null, run: form.dataset.adds || null });
    if (told.problems) { show(told); byId("run").disabled = false; return; }
    location.href = "/jobs/" + told.id;
  }
  form.addEventListener("submit", (event) => { event.preventDefault(); submit(kind); });
  byId("sensitivity")?.addEventListener("click", () => submit("sensitivity"));
  if (byId("study")) load(form.dataset.from || shipped(form.dataset.study)); else check();
}

document.addEventListener("DOMContentLoaded", startEditor);
