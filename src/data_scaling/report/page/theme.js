// Colours from the style sheet, for what is drawn by scripts.

function readColor(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function toRgb(hex) {
  return [1, 3, 5].map((from) => parseInt(hex.slice(from, from + 2), 16));
}

let inks = null, palette = null;

function themeInks() {
  inks ??= Object.fromEntries(
    ["ink", "muted", "line", "card", "positive", "negative", "middle", "chosen", "accent"].map((n) => [n, readColor(n)]),
  );
  return inks;
}

function themeColors() {
  const { positive, negative, middle } = themeInks();
  palette ??= { positive: toRgb(positive), negative: toRgb(negative), middle: toRgb(middle) };
  return palette;
}

function withAlpha(hex, alpha) {
  return `rgba(${toRgb(hex).join()},${alpha})`;
}

function setTheme(name) {
  document.documentElement.dataset.theme = name;
  inks = palette = null;
}

// A logarithmic axis of sizes that names a few of them: round ones if there are some.
function sizeAxis(sizes) {
  const from = Math.min(...sizes), to = Math.max(...sizes), decades = Math.log10(to / from);
  const leading = decades < 1.6 ? [1, 2, 5] : decades < 2.6 ? [1, 3] : [1];
  const powers = Array.from({ length: 12 }, (_, j) => 10 ** j);
  const round = powers.flatMap((p) => leading.map((d) => d * p)).filter((k) => k >= 0.99 * from && k <= 1.01 * to);
  const even = [0, 1, 2, 3].map((j) => Math.round(from * (to / from) ** (j / 3)));
  const shown = round.length > 2 ? round : even;
  return { type: "log", tickvals: shown, ticktext: shown.map(formatCount), title: { text: "dataset size k" } };
}

// What all small plots share.
function plainLayout(changes) {
  const { ink, line } = themeInks();
  const axis = { gridcolor: line, linecolor: line, zerolinecolor: line, automargin: true, tickcolor: line };
  const { xaxis, yaxis, ...rest } = changes;
  return {
    margin: { l: 12, r: 12, t: 10, b: 12 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: "system-ui, sans-serif", size: 11.5, color: ink }, showlegend: false, hovermode: false,
    ...rest, xaxis: { ...axis, ...xaxis }, yaxis: { ...axis, ...yaxis },
  };
}
