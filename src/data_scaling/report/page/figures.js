// Figures of all laws: histograms, agreement with fresh draws, the learning curve.

const PLAIN = { staticPlot: true, responsive: true };

function addFigure(title, note, description) {
  const figure = document.createElement("figure"), head = document.createElement("h3");
  const plot = document.createElement("div"), caption = document.createElement("figcaption");
  figure.className = "card";
  plot.className = "plot";
  plot.setAttribute("role", "img");
  plot.setAttribute("aria-label", description);
  head.textContent = title;
  caption.append(...[note].flat());
  figure.append(head, plot, caption);
  document.getElementById("figures").append(figure);
  return plot;
}

const HISTOGRAM_TITLES = { alpha: "Exponents α", c: "Scales |c|", sigma: "Noise σ", beta: "Noise exponents β", quality: "Fit quality" };

function drawHistogram(h, plot) {
  const { positive, negative } = themeInks();
  const middle = h.edges.slice(1).map((edge, j) => (edge + h.edges[j]) / 2), width = h.edges[1] - h.edges[0];
  const bars = (counts, color) => ({ type: "bar", x: middle, y: counts, width: width * 0.92, marker: { color }, hoverinfo: "skip" });
  const layout = plainLayout({
    barmode: "stack", xaxis: { title: { text: h.is_log ? `log₁₀ ${h.label}` : h.label }, zeroline: false },
    yaxis: { title: { text: "points" }, rangemode: "tozero", nticks: 4 }, bargap: 0,
  });
  return Plotly.react(plot, [bars(h.positive, positive), bars(h.negative, negative)], layout, PLAIN);
}

function drawAgreement(agreement, plot) {
  const { positive, muted } = themeInks();
  const line = (y, color, extra) => ({ type: "scatter", x: agreement.sizes, y, line: { color, width: 2, ...extra }, hoverinfo: "skip" });
  // From 0 or below unless all are near 1, where 0 would hide what differs.
  const least = Math.min(1, ...[...agreement.r2, ...agreement.ceiling].filter((v) => v !== null));
  const from = least > 0.9 ? 0.9 : least > 0.5 ? 0.5 : Math.max(Math.min(0, least), -1);
  const layout = plainLayout({
    xaxis: sizeAxis(agreement.sizes),
    yaxis: { title: { text: "R² over points" }, range: [from - 0.04 * (1 - from), 1.04 - 0.04 * from], nticks: 5 },
  });
  return Plotly.react(plot, [
    { ...line(agreement.ceiling, muted, { dash: "dash" }), mode: "lines" },
    { ...line(agreement.r2, positive), mode: "lines+markers", marker: { size: 7 } },
  ], layout, PLAIN);
}

// The words of a title in lines of about so many characters.
function wrapWords(text, width) {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines[lines.length - 1];
    if (line && line.length + word.length >= width) lines.push(word);
    else lines[lines.length - 1] = line ? `${line} ${word}` : word;
  }
  return lines.join("<br>");
}

function drawCurve(curve, plot) {
  const { positive, negative } = themeInks();
  const data = [dots(curve.k, curve.error, positive, "circle")];
  data[0].marker.opacity = 0.35;
  if (curve.law) data.push({ type: "scatter", mode: "lines", x: curve.law.k, y: curve.law.error, line: { color: negative, width: 2.5 }, hoverinfo: "skip" });
  const layout = plainLayout({
    xaxis: sizeAxis(curve.k), yaxis: { title: { text: wrapWords(curve.unit, 22) }, nticks: 5 },
  });
  return Plotly.react(plot, data, layout, PLAIN);
}

// Returns a function that draws all figures in the colours of the theme.
function makeFigures(run) {
  const parts = [];
  for (const h of run.histograms) {
    const outside = h.n_outside ? `${formatCount(h.n_outside)}\u00a0points lie outside or have none` : "";
    const note = [h.note, outside].filter(Boolean).join("; ");
    const plot = addFigure(HISTOGRAM_TITLES[h.name], note, `Histogram of points over ${h.label}`);
    parts.push(() => drawHistogram(h, plot));
  }
  const { agreement, curve } = run;
  if (agreement) {
    const held = agreement.coverage.filter((v) => v !== null);
    const share = held.reduce((sum, v) => sum + v, 0) / held.length;
    const note = `R² ${agreement.pooled === null ? "–" : agreement.pooled.toFixed(3)} over all ${formatCount(agreement.n_points)} points and sizes; ` +
      `dashed: what true laws would reach against means of about ${formatCount(agreement.n_draws)} draws; ` +
      `95\u00a0% intervals hold ${(100 * share).toFixed(0)}\u00a0% of the means`;
    const plot = addFigure("Agreement with fresh draws", note, note);
    parts.push(() => drawAgreement(agreement, plot));
  }
  if (curve) {
    const law = curve.law;
    const power = document.createElement("sup"), of = `${formatCount(curve.n_draws)} random coalitions`;
    if (law) power.textContent = formatNumber(law.alpha);
    const note = law ? [`${of}; the line is ${formatNumber(law.eps)} + ${formatNumber(law.c)}\u00a0/\u00a0k`, power] : [of];
    const described = note.map((part) => (part === power ? `^${power.textContent}` : part)).join("");
    const plot = addFigure("Learning curve", note, `Error of models against dataset size: ${described}`);
    parts.push(() => drawCurve(curve, plot));
  }
  document.getElementById("figures-caption").textContent =
    `Of the power laws that touch the laws at k = ${formatCount(run.reference)}; blue: a positive expected contribution there, orange: a negative one.`;
  return async () => {
    for (const draw of parts) await draw();
  };
}
