"use strict";
// Scripts of the dashboard. Data becomes text by textContent alone; nothing here builds markup from data.
// Okabe and Ito's colors, lighter ones of the same hues on a dark page.
const IS_DARK = matchMedia("(prefers-color-scheme: dark)").matches;
const COLORS = IS_DARK ? ["#56B4E9", "#F08A4B", "#2FC296", "#E39AC4", "#D9B84A", "#9AA7FF"] : ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#7A5C00", "#56B4E9"];
const byId = (id) => document.getElementById(id);
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const UNREACHED = "The server does not answer. What is done lies on disk; this page asks again.";

async function ask(path, body) {
  const options = body === undefined ? {} : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const unreached = { isUnreached: true, problems: [{ text: UNREACHED }] };
  let answer;
  try { answer = await fetch(path, options); } catch { return unreached; }
  // a good answer that cannot be read was cut off: the server ended in the middle of it
  const told = await answer.json().catch(() => answer.ok ? unreached : { problems: [{ text: "The server gave no answer that can be read." }] });
  if (!answer.ok && !told.problems) told.problems = [{ text: "The server refused: " + answer.status }];
  return told;
}

// A sensitivity analysis of a study, which is asked for at its address: goes to the job's page, or tells what is wrong.
async function askWhatDrives(path, seed) {
  const study = await ask(path);
  const told = study.problems ? study : await ask("/api/jobs", { kind: "sensitivity", text: study.text, seed });
  if (!told.problems) location.href = "/jobs/" + told.id;
  return told;
}

const counted = (n, what) => n + " " + what + (n === 1 ? "" : "s");
const plainText = (text) => text.replace(/[<>&]/g, "");
// how many powers of ten the values of some lines span
function decades(lines) {
  let low = Infinity, high = 0;
  for (const line of lines) for (const value of line.y) if (value > 0) { low = Math.min(low, value); high = Math.max(high, value); }
  return high > low ? Math.log10(high / low) : 1;
}

// 1, 2 and 5 in each power of ten, in words, for an axis that spans little
function fewTicks(lines) {
  let low = Infinity, high = 0;
  for (const line of lines) for (const value of line.y) if (value > 0) { low = Math.min(low, value); high = Math.max(high, value); }
  if (!(high > low)) return {};
  const values = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) for (const one of [1, 2, 5]) values.push(one * 10 ** power);
  return { tickmode: "array", tickvals: values, ticktext: values.map((one) => one.toLocaleString("en", { maximumSignificantDigits: 3 }).replaceAll(",", "\u2009")) };
}

// decades: how many powers of ten a logarithmic axis spans; about five of them are labeled
function layout(title, unit, isLog, decades) {
  const axis = { color: css("--muted"), gridcolor: css("--line"), zeroline: false };
  return {
    title: { text: plainText(title).split(" (")[0], font: { size: 13 }, y: 0.98, yanchor: "top" }, height: 265, margin: { l: 62, r: 12, t: 56, b: 38 },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: css("--ink"), size: 12 },
    xaxis: { ...axis, title: { text: "day" } }, yaxis: { ...axis, title: { text: unit.replace("uL", "µL") }, type: isLog ? "log" : "linear", exponentformat: "power", ...(isLog ? { dtick: Math.max(1, Math.ceil((decades || 5) / 5)) } : { nticks: 6 }) },
    separators: ".\u2009", legend: { orientation: "h", y: 1, yanchor: "bottom", x: 0, traceorder: "normal", font: { size: 11 } }, showlegend: true, hovermode: "x unified", modebar: { bgcolor: "rgba(0,0,0,0)", color: css("--muted"), activecolor: css("--ink") },
  };
}
const CONFIG = { displaylogo: false, responsive: true, modeBarButtonsToRemove: ["lasso2d", "select2d"] };

// A button that copies beside each block that is meant to be copied.
document.addEventListener("DOMContentLoaded", () => {
  for (const block of document.querySelectorAll("pre.copy")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet copier";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      try { await navigator.clipboard.writeText(block.textContent); button.textContent = "Copied"; } catch { getSelection().selectAllChildren(block); button.textContent = "Selected: press Ctrl-C"; }
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    block.before(button);
  }
});
