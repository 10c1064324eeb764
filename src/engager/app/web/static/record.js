"use strict";
// A record of one's own: the form writes the file's text, the text is checked, the file is downloaded.
function startRecord() {
  const form = byId("record-form"), text = byId("record-text");
  let asked = 0, timer = null;
  const value = (row, name) => row.querySelector("." + name).value;
  async function check(body) {
    const mine = ++asked, told = await ask("/api/evidence/check", body);
    if (mine !== asked) return;
    if (body.fields && told.text !== undefined) text.value = told.text;
    byId("record-problems").replaceChildren(...(told.problems || []).map((one) => { const item = document.createElement("li"); item.textContent = one.text; return item; }));
    markFields(told.problems || []);
    byId("record-told").textContent = told.problems ? counted(told.problems.length, "thing") + " to mend" : [told.told, ...told.remarks].join(". ");
    byId("record-save").disabled = Boolean(told.problems);
  }
  // each problem also stands below the field whose name its place ends with
  const places = { what: "source", n: "n" };
  function markFields(wrong) {
    for (const input of form.querySelectorAll("[name]")) {
      const mine = touched.has(input.name) ? wrong.filter((one) => { const last = one.where.split(/[.\s]/).filter((part) => /^\w+$/.test(part)).pop(); return (places[last] || last) === input.name && !/outcomes|figures/.test(one.where); }) : [];
      let error = byId("e-" + input.name);
      if (!error) {
        error = document.createElement("small");
        error.id = "e-" + input.name;
        error.className = "error";
        input.setAttribute("aria-describedby", error.id);
        input.after(error);
      }
      error.textContent = mine.map((one) => one.rule).join("; ");
      if (mine.length) input.setAttribute("aria-invalid", "true"); else input.removeAttribute("aria-invalid");
    }
  }
  const touched = new Set();
  form.addEventListener("change", (event) => {
    if (event.target === text) return;
    touched.add(event.target.name);
    const fields = Object.fromEntries([...form.elements].filter((one) => one.name).map((one) => [one.name, one.value]));
    const figures = [...byId("figures").children].map((row) => ({ endpoint: value(row, "endpoint"), events: value(row, "events"), n: value(row, "n"), months: value(row, "months") }));
    check({ fields, figures });
  });
  text.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(() => check({ text: text.value }), 500); });
  form.addEventListener("submit", (event) => event.preventDefault());
  byId("record-save").addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text.value], { type: "application/yaml" }));
    link.download = (/^id:\s*([\w.+-]+)/m.exec(text.value)?.[1] || "record") + ".yaml";
    link.click();
    URL.revokeObjectURL(link.href);
  });
}

document.addEventListener("DOMContentLoaded", startRecord);
