// The law of one point: its draws, mean and bands, its parameters, and what it is.

const N_CURVE = 90;
const COMPANDING = 255, STEPS = 127, MISSING = -128;

function readDraws(run, i) {
  const codes = run.arrays.draw_delta, m = codes.width, [least, most] = run.draws.sizes;
  const draws = { k: [], delta: [] };
  for (let j = i * m; j < (i + 1) * m; j++) {
    if (codes[j] === MISSING) continue;
    const k = least * (most / least) ** (run.arrays.draw_size[j] / 255);
    const level = Math.abs(codes[j]) / STEPS;
    const share = (Math.sign(codes[j]) * Math.expm1(level * Math.log1p(COMPANDING))) / COMPANDING;
    draws.k.push(k);
    draws.delta.push((share * run.arrays.draw_scale[i]) / k);
  }
  return draws;
}

function sampleLaw(laws, i, from, to) {
  const curve = { k: [], psi: [], low: [], high: [], lowest: [], highest: [] };
  for (let j = 0; j < N_CURVE; j++) {
    const k = from * (to / from) ** (j / (N_CURVE - 1)), { psi, low, high, noise } = laws.of(i, k);
    const spread = 1.96 * (Number.isFinite(noise) ? noise : 0);
    curve.k.push(k);
    curve.psi.push(psi);
    curve.low.push(low);
    curve.high.push(high);
    curve.lowest.push(psi - spread);
    curve.highest.push(psi + spread);
  }
  return curve;
}

function band(k, low, high, color) {
  return {
    type: "scatter", mode: "lines", x: [...k, ...k.slice().reverse()], y: [...high, ...low.slice().reverse()],
    fill: "toself", fillcolor: color, line: { width: 0 }, hoverinfo: "skip",
  };
}

function dots(k, y, color, symbol) {
  return { type: "scatter", mode: "markers", x: k, y, marker: { size: 4.5, color, opacity: 0.55, symbol }, hoverinfo: "skip" };
}

function sizeLine(k) {
  return { type: "line", xref: "x", yref: "paper", x0: k, x1: k, y0: 0, y1: 1, line: { color: themeInks().muted, width: 1.2, dash: "dot" } };
}

function drawLinear(run, laws, i, draws, k) {
  const { positive, negative, muted } = themeInks(), { smallest, largest } = run.sizes;
  const curve = sampleLaw(laws, i, smallest, largest);
  const color = laws.of(i, Math.sqrt(smallest * largest)).psi < 0 ? negative : positive;
  // The span of nearly all draws: a few far ones would hide the law.
  const sizes = draws.delta.map(Math.abs).sort((a, b) => a - b);
  const far = Math.max(sizes[Math.floor(0.97 * sizes.length)] || 0, ...curve.psi.filter(Number.isFinite).map(Math.abs)) * 1.15 || 1;
  const shown = (values) => values.map((v) => Math.max(-far, Math.min(far, v)));
  const data = [
    band(curve.k, shown(curve.lowest), shown(curve.highest), withAlpha(color, 0.1)),
    dots(draws.k, draws.delta, muted, "circle"),
    band(curve.k, shown(curve.low), shown(curve.high), withAlpha(color, 0.32)),
    { type: "scatter", mode: "lines", x: curve.k, y: curve.psi, line: { color, width: 2.5 }, hoverinfo: "skip" },
  ];
  const margin = 0.03 * (largest - smallest);
  const layout = plainLayout({
    xaxis: { range: [smallest - margin, largest + margin], title: { text: "dataset size k" } },
    yaxis: { range: [-far, far], zeroline: true, exponentformat: "power", title: { text: `contribution (${run.unit})` } },
    shapes: [sizeLine(k)],
  });
  return Plotly.react("law-linear", data, layout, { staticPlot: true, responsive: true });
}

function drawLog(run, laws, i, draws, k) {
  const { positive, negative, accent } = themeInks(), { smallest, largest, end } = run.sizes;
  const curve = sampleLaw(laws, i, smallest, end);
  const sizes = [...draws.delta, ...curve.psi].map(Math.abs).filter((v) => v > 0).sort((a, b) => a - b);
  const top = (sizes[sizes.length - 1] || 1) * 1.4;
  const middle = sizes[Math.floor(sizes.length / 2)] || 1;
  const floor = Math.max(sizes[Math.floor(0.02 * sizes.length)] || 1e-12, middle / 1e3) / 1.6;
  const clip = (values) => values.map((v) => Math.max(v, floor));
  const sign = (values, wanted) => values.map((v) => (Math.sign(v) === wanted ? Math.abs(v) : null));
  const data = [];
  for (const [wanted, color, symbol, dash] of [[1, positive, "circle", "solid"], [-1, negative, "triangle-down", "dash"]]) {
    data.push(dots(draws.k, sign(draws.delta, wanted), color, symbol));
    // The part of the interval on this side of 0.
    const upper = (wanted > 0 ? curve.high : curve.low).map((v) => v * wanted);
    const lower = (wanted > 0 ? curve.low : curve.high).map((v) => v * wanted);
    if (upper.some((v) => v > floor)) data.push(band(curve.k, clip(lower), clip(upper), withAlpha(color, 0.22)));
    data.push({
      type: "scatter", mode: "lines", x: curve.k, y: sign(curve.psi, wanted), line: { color, width: 2.5, dash }, connectgaps: false, hoverinfo: "skip",
    });
  }
  const layout = plainLayout({
    xaxis: { ...sizeAxis([smallest, end]), range: [smallest, end].map((v, j) => Math.log10(v) + (j ? 0.02 : -0.02)) },
    yaxis: { type: "log", range: [floor, top].map(Math.log10), dtick: 1, exponentformat: "power", title: { text: `|contribution| (${run.unit})` } },
    shapes: [
      { type: "rect", xref: "x", yref: "paper", x0: smallest, x1: largest, y0: 0, y1: 1, fillcolor: withAlpha(accent, 0.07), line: { width: 0 }, layer: "below" },
      sizeLine(k),
    ],
  });
  return Plotly.react("law-log", data, layout, { staticPlot: true, responsive: true });
}

function fillParameters(run, laws, i, k) {
  const body = document.querySelector("#parameters tbody"), { psi, low: lowest, high: highest, noise } = laws.of(i, k);
  const exponent = laws.exponent(i, k);
  const rows = [
    { name: `ψ at k = ${formatCount(k)}`, value: psi, low: lowest, high: highest, isSigned: true },
    { name: "noise of one draw", value: noise },
    ...(run.law.kind === "expansion" ? [{ name: "exponent there", value: exponent }] : []),
    ...laws.parameters(i),
  ];
  body.replaceChildren(...rows.map(({ name, value, low, high, isSigned }) => {
    const row = document.createElement("tr"), head = document.createElement("th");
    head.scope = "row";
    // One power of ten for the estimate and both ends.
    const largest = Math.max(...[value, low, high].filter(Number.isFinite).map(Math.abs), 0);
    const power = largest < 0.1 || largest >= 1e4 ? choosePower(largest) : 0;
    head.textContent = power ? `${name}, in\u00a010${superscript(power)}` : name;
    row.append(head);
    const show = (text) => (isSigned ? text : text.replaceAll("+", ""));
    makeCell(row, "num").textContent = show(formatScaled(value, power));
    makeCell(row, "num").textContent = low === undefined ? "" : show(formatInterval(low, high, power));
    return row;
  }));
}

let thumbnailUrl = null;

function makeImage(run, at) {
  const ends = run.arrays.thumbnail_ends, bytes = run.arrays.thumbnails;
  if (!ends || at >= ends.length) return null;
  const picture = bytes.subarray(at ? ends[at - 1] : 0, ends[at]);
  if (!picture.length) return null;
  const type = picture[0] === 0xff ? "image/jpeg" : "image/png";
  if (thumbnailUrl) URL.revokeObjectURL(thumbnailUrl);
  thumbnailUrl = URL.createObjectURL(new Blob([picture], { type }));
  const image = document.createElement("img");
  image.src = thumbnailUrl;
  image.alt = "Thumbnail of the row";
  return image;
}

function fillPreview(run, i) {
  const frame = document.getElementById("preview"), { texts, columns, are_features: areFeatures } = run.previews;
  const at = run.previews.of[i], parts = [];
  const source = document.createElement("p");
  source.className = "source";
  source.textContent = at < 0
    ? "No preview of this row is kept in this page."
    : areFeatures ? "Its features, as the learner sees them" : "The row";
  parts.push(source);
  if (at >= 0) {
    const image = makeImage(run, at);
    if (image) parts.push(image);
    if (texts.length && texts[at]) {
      const text = document.createElement("p");
      text.textContent = texts[at];
      parts.push(text);
    }
    const list = document.createElement("dl");
    for (const [name, values] of columns) {
      if (!values[at]) continue;
      const term = document.createElement("dt"), value = document.createElement("dd");
      term.textContent = name;
      value.textContent = values[at];
      list.append(term, value);
    }
    if (list.children.length) parts.push(list);
  }
  frame.replaceChildren(...parts);
}

async function showLaw(run, laws, i, k) {
  document.getElementById("law-empty").hidden = i >= 0;
  document.getElementById("law-body").hidden = i < 0;
  document.getElementById("law-title").textContent = i < 0 ? "Law of a point" : `Law of row ${run.rows[i]}`;
  document.getElementById("law-caption").textContent = "";
  if (i < 0) return;
  const draws = readDraws(run, i), name = run.rows[i], kind = run.classes.length ? "class" : "target";
  const [status, sentence] = run.statuses[run.arrays.status[i]];
  document.getElementById("law-caption").textContent =
    `${kind} ${labelOf(run, i)} · ${formatCount(draws.k.length)} of ${formatCount(run.arrays.n_draws[i])} draws shown\u00a0· ` +
    `fit:\u00a0${status}${status === "converged" ? "" : `. ${sentence}`}`;
  fillPreview(run, i);
  fillParameters(run, laws, i, k);
  const described = `Draws and law of row ${name}: expected contribution ${formatNumber(laws.of(i, k).psi)} at k = ${formatCount(k)}`;
  for (const id of ["law-linear", "law-log"]) document.getElementById(id).setAttribute("aria-label", described);
  await drawLinear(run, laws, i, draws, k);
  await drawLog(run, laws, i, draws, k);
}

function moveSizeLine(k) {
  for (const [id, place] of [["law-linear", 0], ["law-log", 1]]) {
    Plotly.relayout(id, { [`shapes[${place}].x0`]: k, [`shapes[${place}].x1`]: k });
  }
}
