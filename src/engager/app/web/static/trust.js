"use strict";
// Trust: search in the tables.
function startTrust() {
  byId("find-parameter").addEventListener("input", (event) => {
    const words = event.target.value.toLowerCase();
    for (const row of byId("parameters").tBodies[0].rows) row.hidden = !row.textContent.toLowerCase().includes(words);
  });
}

document.addEventListener("DOMContentLoaded", startTrust);
