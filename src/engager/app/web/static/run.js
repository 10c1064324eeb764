"use strict";
// A run: interactive curves.
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

document.addEventListener("DOMContentLoaded", startRun);
