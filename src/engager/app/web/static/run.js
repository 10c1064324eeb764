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

// One figure in every virtual trial: a histogram, with what was published.
async function startHistogram() {
  const told = await ask("/api/runs/" + byId("curves").dataset.run + "/replicates"), choice = byId("figure");
  const figures = (told.figures || []).filter((one) => one.values.length);
  const name = (one) => [one.endpoint, one.definition, one.statistic.replaceAll("_", " ") + (one.time_months === null ? "" : " " + one.time_months + " months"), one.arm].filter(Boolean).join(", ");
  choice.replaceChildren(...figures.map((one, k) => new Option(name(one), k)));
  function draw() {
    const one = figures[choice.value];
    if (!one) return;
    const isShare = !["median", "hazard_ratio", "odds_ratio", "follow_up_median"].includes(one.statistic), scale = isShare ? 100 : 1;
    const look = layout(name(one), "virtual trials", false);
    look.xaxis.title.text = isShare ? "% of patients" : one.statistic.includes("ratio") ? "ratio" : "months";
    look.yaxis.rangemode = "tozero";
    look.showlegend = false;
    look.hovermode = "closest";
    if (one.published !== null) {
      const at = scale * one.published;
      look.shapes = [{ type: "line", yref: "paper", x0: at, x1: at, y0: 0, y1: 1, line: { color: css("--ink"), width: 2, dash: "dash" } }];
      look.annotations = [{ x: at, yref: "paper", y: 1, text: "published", showarrow: false, yanchor: "bottom", font: { size: 11 } }];
    }
    Plotly.react(byId("histogram"), [{ type: "histogram", x: one.values.map((value) => scale * value), marker: { color: COLORS[0] }, hovertemplate: "%{x}: %{y} trials<extra></extra>" }], look, CONFIG);
  }
  choice.addEventListener("change", draw);
  draw();
}

document.addEventListener("DOMContentLoaded", () => { startRun(); startHistogram(); });
