// The map: Plotly's axes, zoom and lasso above the canvas of points.

const MARGIN = { l: 56, r: 14, t: 10, b: 46 };
const LEAST_COLOR = 0.3; // so that the sign of the smallest contribution shows
const REACH = 14; // pixels within which a point is pointed at

const hasTouch = () => window.matchMedia("(pointer: coarse)").matches;

function makeMap(run, laws, handlers) {
  const frame = document.getElementById("map-frame"), plot = document.getElementById("map");
  const tip = document.getElementById("tip"), canvas = document.getElementById("dots");
  const x = run.arrays.alpha, y = run.arrays.log_c, isBinned = Boolean(run.arrays.cell_x);
  const home = { x: run.map.x_range, y: run.map.y_range };
  let view = { x: home.x.slice(), y: home.y.slice() };
  let polygon = null;

  const scene = {
    n: laws.n, x, y, size: laws.n > 5000 ? 3 : laws.n > 800 ? 4 : 5,
    level: new Float32Array(laws.n), alpha: new Float32Array(laws.n),
    shape: Uint8Array.from(run.arrays.target_code || new Uint8Array(laws.n), (c) => c % SHAPES.length),
  };
  const cells = isBinned ? makeCells(run) : null;
  const draw = isBinned ? drawCells(canvas.getContext("2d"), cells) : makeDots(canvas, scene);

  function box() {
    const { width, height } = frame.getBoundingClientRect();
    return { left: MARGIN.l, top: MARGIN.t, width: width - MARGIN.l - MARGIN.r, height: height - MARGIN.t - MARGIN.b };
  }
  function redraw() {
    draw({ box: box(), x: view.x, y: view.y, colors: themeColors() });
  }
  function layout() {
    const { ink, line } = themeInks();
    const axis = (title, range) => ({
      title: { text: title, font: { size: 13 }, standoff: 8 }, range: range.slice(), zeroline: false, showgrid: false, showline: true,
      linecolor: line, ticks: "outside", tickcolor: line, automargin: false, fixedrange: false,
    });
    return {
      margin: MARGIN, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: "system-ui, sans-serif", size: 12, color: ink }, showlegend: false, hovermode: false,
      dragmode: dragging, xaxis: axis("exponent α: how fast the contribution falls", view.x),
      yaxis: axis("log₁₀ |c|: how large it is", view.y),
      selections: [], newselection: { line: { color: ink, width: 1.5, dash: "dot" } },
    };
  }
  // Dragging would keep a finger from scrolling the page.
  let dragging = hasTouch() ? false : "lasso";
  let chosen = -1;
  function mark() {
    const { chosen: color } = themeInks();
    const has = chosen >= 0 && Number.isFinite(x[chosen]);
    return [{
      type: "scatter", mode: "markers", x: [has ? x[chosen] : null], y: [has ? y[chosen] : null], hoverinfo: "skip",
      marker: { size: 17, symbol: "circle-open", color, line: { width: 2.5, color } },
      selected: { marker: { opacity: 1 } }, unselected: { marker: { opacity: 1 } },
    }];
  }
  async function show() {
    await Plotly.react(plot, mark(), layout(), { displayModeBar: false, responsive: true, scrollZoom: false, doubleClick: false });
    redraw();
  }

  function takeRanges(change) {
    for (const name of ["x", "y"]) {
      const [from, to] = [change[`${name}axis.range[0]`], change[`${name}axis.range[1]`]];
      if (from !== undefined) view[name] = [Number(from), Number(to)];
    }
    redraw();
  }
  function listen() {
    plot.on("plotly_relayouting", takeRanges);
    plot.on("plotly_relayout", takeRanges);
    plot.on("plotly_selected", (event) => {
      const outline = event && (event.lassoPoints || event.range);
      if (!outline) return;
      handlers.select(shortenPolygon(closePolygon(outline)));
      Plotly.relayout(plot, { selections: [] });
    });
    // Plotly covers the page while a pointer is down, so both ends are caught here.
    let pressed = null;
    frame.addEventListener("pointerdown", (event) => { pressed = [event.clientX, event.clientY]; }, true);
    window.addEventListener("pointerup", (event) => {
      if (!pressed) return;
      const moved = Math.hypot(event.clientX - pressed[0], event.clientY - pressed[1]);
      pressed = null;
      const near = moved < 4 ? find(event) : -1;
      if (near >= 0) handlers.choose(near);
    }, true);
    frame.addEventListener("pointermove", hover);
    frame.addEventListener("pointerleave", () => { tip.hidden = true; });
    // Also where the legend below takes a second line, which is no resize of the window.
    new ResizeObserver(() => { Plotly.Plots.resize(plot); redraw(); }).observe(frame);
  }

  // The point under the pointer, the one that is drawn on top of others first.
  function find(event) {
    const edge = frame.getBoundingClientRect(), b = box();
    const px = event.clientX - edge.left - b.left, py = event.clientY - edge.top - b.top;
    if (px < 0 || py < 0 || px > b.width || py > b.height) return -1;
    const ax = b.width / (view.x[1] - view.x[0]), ay = b.height / (view.y[1] - view.y[0]);
    let near = -1, least = REACH ** 2;
    for (let i = 0; i < laws.n; i++) {
      if (scene.alpha[i] === 0) continue;
      const dx = (x[i] - view.x[0]) * ax - px, dy = b.height - (y[i] - view.y[0]) * ay - py;
      const far = dx * dx + dy * dy;
      if (far < least) { least = far; near = i; }
    }
    return near;
  }
  function hover(event) {
    const near = event.pointerType === "touch" ? -1 : find(event);
    tip.hidden = near < 0;
    frame.style.cursor = near < 0 ? "" : "pointer";
    if (near < 0) return;
    tip.textContent = handlers.describe(near);
    const edge = frame.getBoundingClientRect(), left = event.clientX - edge.left;
    tip.style.left = `${Math.min(left + 14, edge.width - tip.offsetWidth - 4)}px`;
    tip.style.top = `${Math.max(event.clientY - edge.top - tip.offsetHeight - 10, 0)}px`;
  }

  const map = {
    scene, redraw, show,
    async start() { await show(); listen(); },
    choose(i) { chosen = i; return Plotly.react(plot, mark(), plot.layout); },
    dragging: () => dragging,
    drag(mode) { dragging = mode; return Plotly.relayout(plot, { dragmode: mode }); },
    reset() { view = { x: home.x.slice(), y: home.y.slice() }; return show(); },
    paint(k, top, isAside) {
      for (let i = 0; i < laws.n; i++) {
        const psi = laws.psi[i], ratio = Math.sqrt(Math.min(Math.abs(psi) / top, 1));
        scene.level[i] = (psi < 0 ? -1 : 1) * (LEAST_COLOR + (1 - LEAST_COLOR) * ratio);
        const hasPlace = Number.isFinite(psi) && Number.isFinite(x[i]);
        scene.alpha[i] = !hasPlace ? 0 : isAside(i) ? ASIDE : laws.isSure(i) ? SURE : FADED;
      }
      if (cells) cells.paint(k, top);
      redraw();
    },
    inside: (outline, i) => isInside(outline, x[i], y[i]),
  };
  return map;
}

function makeCells(run) {
  const a = run.arrays, n = a.cell_x.length, largest = Math.log1p(a.cell_count.reduce((m, v) => Math.max(m, v), 0));
  const cells = {
    x: a.cell_x, y: a.cell_y, width: a.cell_side[0], height: a.cell_side[1], positive: a.cell_positive,
    level: new Float32Array(n), alpha: new Float32Array(n),
    paint(k, top) {
      const grid = run.map.grid, last = grid.length - 1;
      const place = (last * Math.log(k / grid[0])) / Math.log(grid[last] / grid[0]);
      const low = Math.min(Math.max(Math.floor(place), 0), last - 1), t = Math.min(Math.max(place - low, 0), 1);
      for (let j = 0; j < n; j++) {
        const psi = a.cell_psi[low * n + j] * (1 - t) + a.cell_psi[(low + 1) * n + j] * t;
        const sure = (a.cell_sure[low * n + j] * (1 - t) + a.cell_sure[(low + 1) * n + j] * t) / 255;
        cells.level[j] = Math.sign(psi) * Math.sqrt(Math.min(Math.abs(psi) / top, 1));
        const crowd = 0.35 + (0.65 * Math.log1p(a.cell_count[j])) / largest;
        cells.alpha[j] = crowd * (0.3 + 0.7 * sure);
      }
    },
  };
  return cells;
}

function closePolygon(outline) {
  if (outline.x.length > 2) return outline.x.map((v, j) => [v, outline.y[j]]);
  const [x0, x1] = outline.x, [y0, y1] = outline.y;
  return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
}

// Few corners and digits, so that the outline fits into a link.
function shortenPolygon(polygon) {
  const step = Math.max(1, Math.ceil(polygon.length / 40));
  return polygon.filter((_, j) => j % step === 0).map((p) => p.map((v) => Number(v.toFixed(3))));
}

function isInside(polygon, x, y) {
  let inside = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const [xi, yi] = polygon[i], [xj, yj] = polygon[j];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}
