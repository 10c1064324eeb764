"use strict";
// The table of parameters: search, fitted or assumed ones only; what drives a study's outcomes.
function startModel() {
  const rows = [...byId("parameters").tBodies[0].rows];
  function show() {
    const words = byId("find-parameter").value.toLowerCase();
    for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(words) || (byId("only-fitted").checked && row.dataset.fitted === "0") || (byId("only-assumed").checked && row.dataset.assumed === "0");
    const n = rows.filter((row) => !row.hidden).length;
    byId("parameter-count").textContent = n + (n === 1 ? " parameter" : " parameters");
  }
  for (const id of ["find-parameter", "only-fitted", "only-assumed"]) byId(id).addEventListener("input", show);
}

function startDrives() {
  byId("drives").addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = byId("drives").querySelector("button");
    button.disabled = true;
    const told = await askWhatDrives("/api/study/" + encodeURIComponent(byId("drives-study").value), 1);
    if (told.problems) { button.disabled = false; byId("drives-told").className = "error"; byId("drives-told").textContent = told.problems.map((one) => one.text).join(" "); }
  });
}

document.addEventListener("DOMContentLoaded", () => { startModel(); startDrives(); });
