// The ranking: which points are shown in which order, twenty rows at a time.

const ROWS_PER_PAGE = 20;

const ORDERS = {
  valuable: (ranking) => [...ranking.order, ...ranking.unranked],
  harmful: (ranking) => [...ranking.order.slice().reverse(), ...ranking.unranked],
  sure: (ranking, laws) => rankBy(ranking, (i) => laws.low[i], (end) => end > 0),
  "sure-harmful": (ranking, laws) => rankBy(ranking, (i) => -laws.high[i], (end) => end > 0),
  climb: (ranking, laws, climbed) => rankBy(ranking, climbed, () => true),
  fall: (ranking, laws, climbed) => rankBy(ranking, (i) => -climbed(i), () => true),
};

function rankBy(ranking, key, isKept) {
  const keys = new Float64Array(ranking.rank.length);
  const kept = ranking.order.filter((i) => isKept((keys[i] = key(i))));
  return kept.sort((a, b) => keys[b] - keys[a] || a - b);
}

function makeCell(row, name) {
  const cell = document.createElement("td");
  cell.className = name;
  row.append(cell);
  return cell;
}

function makeRow(body, choose) {
  const row = document.createElement("tr"), parts = { row, point: -1 };
  parts.rank = makeCell(row, "num rank");
  parts.id = document.createElement("button");
  parts.id.type = "button";
  makeCell(row, "").append(parts.id);
  parts.label = makeCell(row, "label");
  const psi = document.createElement("div");
  psi.className = "psi";
  makeCell(row, "wide").append(psi);
  const bar = document.createElement("div");
  bar.className = "bar";
  bar.setAttribute("aria-hidden", "true");
  parts.bar = bar;
  for (const name of ["value", "zero", "whisker", "dot"]) {
    parts[name] = document.createElement("span");
    parts[name].className = name;
    (name === "value" ? psi : bar).append(parts[name]);
  }
  psi.append(bar);
  parts.interval = makeCell(row, "num");
  parts.climbed = makeCell(row, "num");
  row.addEventListener("click", () => choose(parts.point));
  body.append(row);
  return parts;
}

function makeTable(run, choose) {
  const body = document.getElementById("rows");
  const rows = Array.from({ length: ROWS_PER_PAGE }, () => makeRow(body, choose));
  const heads = { psi: document.getElementById("psi-head"), interval: document.getElementById("interval-head") };

  return function show(points, context) {
    const { laws, rankOf, climbed, chosen, k } = context;
    let low = 0, high = 0, largest = 0;
    for (const i of points) {
      largest = Math.max(largest, Math.abs(laws.psi[i]));
      low = Math.min(low, laws.low[i] || 0);
      high = Math.max(high, laws.high[i] || 0);
    }
    // One point that is hardly known must not press all others together.
    low = Math.max(low, -3 * largest);
    high = Math.min(high, 3 * largest);
    const place = (value) => 4 + (92 * (Math.min(Math.max(value, low), high) - low)) / (high - low || 1);
    const power = choosePower(largest);
    heads.psi.textContent = `ψ at k = ${formatCount(k)}, in ${formatUnit(power, run.unit)}`;
    rows.forEach((parts, j) => {
      parts.row.hidden = j >= points.length;
      if (!parts.row.hidden) fill(parts, points[j], { laws, rankOf, climbed, chosen, place, power });
    });
  };

  function fill(parts, i, { laws, rankOf, climbed, chosen, place, power }) {
    const psi = laws.psi[i], isNegative = psi < 0;
    parts.point = i;
    parts.row.classList.toggle("chosen", i === chosen);
    parts.row.classList.toggle("faded", !laws.isSure(i));
    parts.rank.textContent = rankOf(i);
    parts.id.textContent = run.rows[i];
    parts.id.title = run.rows[i];
    parts.label.textContent = labelOf(run, i);
    parts.label.title = parts.label.textContent;
    parts.value.textContent = formatScaled(psi, power);
    parts.interval.textContent = formatInterval(laws.low[i], laws.high[i], power);
    const move = climbed(i);
    parts.climbed.textContent = move > 0 ? `▲ ${formatCount(move)}` : move < 0 ? `▼ ${formatCount(-move)}` : "–";
    const low = place(laws.low[i]) || 0, high = place(laws.high[i]) || 0, color = `var(--${isNegative ? "negative" : "positive"})`;
    parts.bar.hidden = Number.isNaN(psi);
    parts.zero.style.left = `${place(0)}%`;
    Object.assign(parts.whisker.style, { left: `${low}%`, width: `${high - low}%`, background: color });
    Object.assign(parts.dot.style, { left: `${place(psi)}%`, background: color });
  }
}

function labelOf(run, i) {
  if (run.classes.length) return run.classes[run.arrays.target_code[i]];
  return formatNumber(run.arrays.target[i]);
}

// Points whose identifier or preview holds a text; whole identifiers come first.
function makeSearch(run) {
  const ids = run.rows.map((id) => id.toLowerCase());
  let texts = null;
  return (points, query) => {
    const sought = query.trim().toLowerCase();
    if (!sought) return points;
    texts ??= ids.map((_, i) => previewText(run, i).toLowerCase());
    const exact = [], others = [];
    for (const i of points) {
      if (ids[i] === sought) exact.push(i);
      else if (ids[i].includes(sought) || texts[i].includes(sought)) others.push(i);
    }
    return [...exact, ...others];
  };
}

function previewText(run, i) {
  const { texts, columns } = run.previews, at = run.previews.of[i];
  if (at < 0) return "";
  return [texts[at] || "", ...columns.map(([, values]) => values[at])].join(" ");
}

function quoteCell(text) {
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function exportRanking(run, points, context) {
  const { laws, rankOf, climbed, k } = context, write = (v) => (Number.isFinite(v) ? v.toPrecision(7) : "");
  const lines = [["rank", "point", "row", run.classes.length ? "class" : "target", "cardinality", "psi", "low", "high", "climbed"].join()];
  for (const i of points) {
    const isRanked = Number.isFinite(laws.psi[i]), rank = isRanked ? rankOf(i).replaceAll(",", "") : "";
    const numbers = [k, ...[laws.psi[i], laws.low[i], laws.high[i]].map(write), isRanked ? climbed(i) : ""];
    lines.push([rank, run.arrays.point[i], quoteCell(run.rows[i]), quoteCell(labelOf(run, i)), ...numbers].join());
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([`${lines.join("\n")}\n`], { type: "text/csv" }));
  link.download = `${run.title.replace(/[^\w.-]+/g, "_")}_ranking_k${k}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
