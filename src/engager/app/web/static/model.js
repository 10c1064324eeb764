"use strict";
// The table of parameters: search, fitted or assumed ones only.
function startModel() {
  const rows = [...byId("parameters").tBodies[0].rows];
  function show() {
    const words = byId("find-parameter").value.toLowerCase();
    for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(words) || (byId("only-fitted").checked && row.dataset.fitted === "0") || (byId("only-assumed").checked && row.dataset.assumed === "0");
    byId("parameter-count").textContent = rows.filter((row) => !row.hidden).length + " parameters";
  }
  for (const id of ["find-parameter", "only-fitted", "only-assumed"]) byId(id).addEventListener("input", show);
}

document.addEventListener("DOMContentLoaded", startModel);
