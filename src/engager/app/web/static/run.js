"use strict";
// A run: survival by arm (all patients or some of them) with the numbers at risk, and one figure in every virtual trial.
function drawEndpoint(place, told, endpoint) {
  const arms = told.lines.filter((line) => line.endpoint === endpoint), traces = [];
  let isNamed = false;
  const marks = [];
  arms.forEach((line, k) => {
    const percent = (values) => values.map((value) => value === null ? null : 100 * value), color = COLORS[k % COLORS.length];
    const edge = { x: line.month, mode: "lines", line: { width: 0, shape: "hv" }, showlegend: false, hoverinfo: "skip" };
    traces.push({ ...edge, y: percent(line.high) }, { ...edge, y: percent(line.low), fill: "tonexty", fillcolor: color + "26" });
    traces.push({ x: line.month, y: percent(line.survival), customdata: line.at_risk, mode: "lines", name: plainText(line.arm), line: { color, shape: "hv" }, hovertemplate: "%{y:.1f} %, %{customdata:.0f} at risk" });
    const own = told.published.filter((one) => one.endpoint === endpoint && one.arm === line.arm);
    if (!own.length) return;
    const bar = (of, scale, middle) => ({ type: "data", symmetric: false, color: css("--ink"), thickness: 1, width: 3, array: own.map((one) => one.is_median === of && one.high !== null ? scale * (one.high - middle(one)) : 0), arrayminus: own.map((one) => one.is_median === of && one.low !== null ? scale * (middle(one) - one.low) : 0) });
    marks.push({
      x: own.map((one) => one.month), y: own.map((one) => 100 * one.value), mode: "markers", name: "published", showlegend: !isNamed, hovertemplate: "published, " + plainText(line.arm) + ": %{y:.0f} % at %{x:.1f} months<extra></extra>",
      error_x: bar(true, 1, (one) => one.month), error_y: bar(false, 100, (one) => one.value),
      marker: { symbol: "diamond", size: 10, color, line: { color: css("--ink"), width: 1.5 } },
    });
    isNamed = true;
  });
  traces.push(...marks);
  const look = layout(told.names[endpoint] || endpoint, "% of patients", false);
  look.title.text = plainText(told.names[endpoint] || endpoint);
  look.xaxis = { ...look.xaxis, title: { text: "months" }, rangemode: "tozero", dtick: 3 };
  look.yaxis.range = [0, 102];
  look.height = 360;
  look.margin.l = Math.min(150, 26 + 7 * Math.max(...arms.map((line) => line.arm.length))); // the names of those at risk stand there
  return Plotly.newPlot(place, traces, look, CONFIG);
}

// medians over the virtual trials, every few months
function riskTable(arms) {
  const last = Math.max(...arms.flatMap((line) => line.month)), step = [3, 6, 12, 24].find((one) => last / one <= 8) || 48;
  const months = []; for (let month = 0; month <= last; month += step) months.push(month);
  const make = (tag, role, words) => { const made = document.createElement(tag); made.setAttribute("role", role); if (words !== undefined) made.textContent = words; return made; };
  // laid out by hand, so what a table is has to be said
  const table = make("table", "table"), body = make("tbody", "rowgroup");
  const row = (name, role, cells) => {
    const line = make("tr", "row"), head = make("th", "rowheader", name);
    head.title = name;
    line.append(head, ...cells.map((words, k) => { const cell = make(role === "columnheader" ? "th" : "td", role, words); cell.dataset.month = months[k]; return cell; }));
    return line;
  };
  table.className = "risk";
  body.append(row("at risk", "columnheader", months), ...arms.map((line) => row(line.arm, "cell", months.map((month) => { const at = line.month.indexOf(month); return at < 0 ? "–" : String(Math.round(line.at_risk[at])); }))));
  table.append(body);
  return table;
}

// each number under its month, also when the plot is zoomed or the window changes
function alignRisk(plot, table) {
  const axis = plot._fullLayout.xaxis;
  for (const head of table.querySelectorAll("[role=rowheader]")) head.style.maxWidth = axis._offset - 16 + "px";
  for (const cell of table.querySelectorAll("[data-month]")) {
    const at = axis.l2p(Number(cell.dataset.month));
    cell.style.left = axis._offset + at + "px";
    cell.style.visibility = at < -1 || at > axis._length + 1 ? "hidden" : "visible";
  }
}

async function startCurves() {
  const place = byId("curves"), subgroup = byId("subgroup"), error = byId("subgroup-error");
  let latest = 0;
  async function draw() {
    const asked = ++latest, told = await ask("/api/runs/" + place.dataset.run + "/curves?subgroup=" + encodeURIComponent(subgroup.value));
    if (asked !== latest) return; // another question has been asked since
    error.textContent = told.problems ? told.problems.map((one) => one.text).join(" ") : "";
    if (told.problems) return;
    place.replaceChildren();
    for (const endpoint of [...new Set(told.lines.map((line) => line.endpoint))]) {
      const box = document.createElement("div"), plot = document.createElement("div");
      plot.className = "plot";
      const risk = riskTable(told.lines.filter((line) => line.endpoint === endpoint));
      box.append(plot, risk);
      place.append(box);
      drawEndpoint(plot, told, endpoint).then(() => { alignRisk(plot, risk); plot.on("plotly_afterplot", () => alignRisk(plot, risk)); });
    }
    if (!place.children.length) place.textContent = subgroup.value ? "No patient of the run is of this subgroup." : "This study has no survival endpoint.";
  }
  subgroup.addEventListener("change", draw);
  await draw();
}

// One figure in every virtual trial: a histogram, with what was published.
async function startHistogram() {
  const told = await ask("/api/runs/" + byId("curves").dataset.run + "/replicates"), choice = byId("figure");
  const figures = (told.figures || []).filter((one) => one.values.length);
  choice.replaceChildren(...figures.map((one, k) => new Option(one.name, k)));
  function draw() {
    const one = figures[choice.value];
    if (!one) return;
    const isShare = !["median", "hazard_ratio", "odds_ratio", "follow_up_median"].includes(one.statistic), scale = isShare ? 100 : 1;
    const values = one.values.map((value) => scale * value), low = Math.min(...values), high = Math.max(...values);
    const bins = Math.max(5, Math.min(30, Math.ceil(2 * Math.sqrt(values.length)))), size = (high - low) / bins || 1;
    const look = layout(one.name, "virtual trials", false);
    look.title.text = plainText(one.name);
    look.xaxis.title.text = isShare ? "% of patients" : one.statistic.includes("ratio") ? "ratio" : "months";
    look.yaxis.rangemode = "tozero";
    look.yaxis.dtick = Math.max(1, Math.ceil(values.length / bins / 2));
    look.showlegend = false;
    look.hovermode = "closest";
    look.bargap = 0.04;
    if (one.published !== null) {
      const at = scale * one.published;
      look.shapes = [{ type: "line", yref: "paper", x0: at, x1: at, y0: 0, y1: 1, line: { color: css("--ink"), width: 2, dash: "dash" } }];
      look.annotations = [{ x: at, yref: "paper", y: 1, text: "published", showarrow: false, yanchor: "bottom", font: { size: 11 } }];
      look.xaxis.range = [Math.min(low, at) - size, Math.max(high, at) + size];
    }
    delete look.yaxis.dtick;
    Plotly.react(byId("histogram"), [{ type: "histogram", x: values, autobinx: false, xbins: { start: low - size / 2, end: high + size, size }, marker: { color: COLORS[0] }, hovertemplate: "%{x}: %{y} trials<extra></extra>" }], look, CONFIG);
    byId("histogram-told").textContent = values.length + " virtual trials" + (one.published === null ? "" : "; " + values.filter((value) => value < scale * one.published).length + " of them below what was published") + "." + (one.n_beyond ? " In " + one.n_beyond + " more, which are not drawn, it was not reached." : "");
  }
  choice.addEventListener("change", draw);
  draw();
}

document.addEventListener("DOMContentLoaded", () => { startCurves(); startHistogram(); startSensitivity(); });

// What drives the outcomes of this study: a job.
function startSensitivity() {
  byId("sensitivity").addEventListener("click", async () => {
    byId("sensitivity").disabled = true;
    const told = await askWhatDrives("/api/runs/" + encodeURIComponent(byId("curves").dataset.run) + "/study", 1);
    if (told.problems) { byId("sensitivity").disabled = false; byId("subgroup-error").textContent = told.problems.map((one) => one.text).join(" "); }
  });
}
