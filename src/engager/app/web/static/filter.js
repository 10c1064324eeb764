"use strict";
// A table whose rows are narrowed by words.
document.addEventListener("DOMContentLoaded", () => {
  const words = byId("filter"), table = byId("filtered");
  if (!words || !table) return;
  const rows = [...table.tBodies[0].rows], what = byId("filter-count").textContent.replace(/^\d+ /, "").replace(/s$/, "");
  words.addEventListener("input", () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) row.hidden = !wanted.every((one) => row.textContent.toLowerCase().includes(one));
    const n = rows.filter((row) => !row.hidden).length;
    byId("filter-count").textContent = n + " " + what + (n === 1 ? "" : "s");
  });
});
