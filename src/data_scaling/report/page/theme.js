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
