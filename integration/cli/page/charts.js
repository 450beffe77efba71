"use strict";
// Draws the figures in the colours of the page, and again when these change from light to dark.
const figures = JSON.parse(document.getElementById("figures").textContent);

function themed(figure) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue("--" + name).trim();
  const data = figure.data.map((trace) =>
    trace.type === "heatmap"
      ? { ...trace, colorscale: [[0, colour("cool")], [1, colour("hot")]] }
      : { ...trace, marker: { color: colour(trace.meta) } }
  );
  const axis = (own) => ({ gridcolor: colour("line"), linecolor: colour("line"), automargin: true, ...own });
  const layout = {
    ...figure.layout,
    xaxis: axis(figure.layout.xaxis),
    yaxis: axis(figure.layout.yaxis),
    font: { family: style.fontFamily, size: 12, color: colour("text") },
    hoverlabel: { align: "left" },
    legend: { orientation: "h", traceorder: "normal", yref: "container", y: 0, yanchor: "bottom" },
    // A finger that moves over a chart scrolls the page.
    dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
    margin: { t: 8, r: 8, b: 48, l: 32 },
    paper_bgcolor: "transparent",
    plot_bgcolor: "transparent",
  };
  return { data, layout };
}

function draw() {
  for (const figure of figures) {
    const { data, layout } = themed(figure);
    Plotly.react(figure.id, data, layout, { responsive: true, displayModeBar: false });
  }
}

draw();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
