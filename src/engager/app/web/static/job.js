"use strict";
// A job: how far it is.
function startJob() {
  const box = byId("job"), id = box.dataset.job;
  async function look() {
    const told = await ask("/api/jobs/" + id);
    if (told.isUnreached) { byId("job-state").textContent = told.problems[0].text; setTimeout(look, 1500); return; }
    if (told.problems) { byId("job-state").textContent = told.problems[0].text; return; }
    if (told.state === "failed" && box.dataset.state !== "failed") { location.reload(); return; } // with what the command said
    byId("job-state").textContent = told.state + (told.before ? ": " + told.before + (told.before === 1 ? " job" : " jobs") + " before this one" : "");
    byId("job-share").value = told.share;
    byId("job-line").textContent = told.state === "failed" ? "" : told.line;
    byId("job-note").textContent = told.note;
    byId("cancel").hidden = !["waiting", "running"].includes(told.state);
    byId("again").hidden = byId("change").hidden = !["canceled", "failed"].includes(told.state);
    if (told.state === "done" && told.result) { location.replace(told.result); return; }
    if (["waiting", "running"].includes(told.state)) setTimeout(look, 700);
  }
  byId("cancel").addEventListener("click", async () => { await ask("/api/jobs/" + id + "/cancel", {}); look(); });
  byId("again").addEventListener("click", async () => { box.dataset.state = "waiting"; await ask("/api/jobs/" + id + "/again", {}); look(); });
  look();
}

document.addEventListener("DOMContentLoaded", startJob);
