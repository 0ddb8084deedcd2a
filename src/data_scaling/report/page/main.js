// The page: what happens when a person moves the size, chooses, filters or selects.

const SLIDER_STEPS = 1000;
const REST = 120; // milliseconds without a move after which the law follows the size

async function start() {
  const run = await unpack(byId("payload").textContent.trim());
  const laws = makeLaws(run), ranking = makeRanking(laws), search = makeSearch(run);
  const rowOf = new Map(Array.from(run.arrays.point, (point, i) => [point, i]));
  const given = readState();
  const state = {
    k: run.sizes.start, order: "valuable", class: -1, search: "", lasso: null, page: 0, chosen: -1,
    theme: null, points: [], asked: null,
  };
  byId("explorer").hidden = false;
  describeRun(run);

  // Ranks at the smallest size, which climbing is counted from.
  laws.evaluate(run.sizes.smallest);
  ranking.update();
  const firstRank = ranking.rank.slice();
  const climbed = (i) => firstRank[i] - ranking.rank[i];
  const last = ranking.order.length, ends = run.n_ends;
  function rankOf(i) {
    const rank = ranking.rank[i];
    if (rank === 0) return "–";
    if (!ends || rank <= ends) return formatCount(rank);
    return rank > last - ends ? formatCount(run.n_ranked - (last - rank)) : "…";
  }
  const context = () => ({ laws, rankOf, climbed, chosen: state.chosen, k: state.k });

  const table = makeTable(run, choose);
  const map = makeMap(run, laws, {
    choose, describe,
    select(polygon) { state.lasso = polygon; state.page = 0; update(); },
  });
  const drawFigures = makeFigures(run);
  const slider = byId("size"), exact = byId("exact");
  const { smallest, largest, end } = run.sizes, span = Math.log(end / smallest);

  const sizeAt = (step) => Math.round(smallest * Math.exp((span * step) / SLIDER_STEPS));

  function describe(i) {
    const power = choosePower(Math.abs(laws.psi[i]));
    const label = `${run.classes.length ? "class" : "target"} ${labelOf(run, i)}`;
    return `row ${run.rows[i]} · ${label}\nrank ${rankOf(i)} at k = ${formatCount(state.k)}\nψ ${formatScaled(laws.psi[i], power)} (${formatUnit(power, run.unit)})\n95 %: ${formatInterval(laws.low[i], laws.high[i], power)}`;
  }

  function isAside(i) {
    if (state.class >= 0 && run.arrays.target_code[i] !== state.class) return true;
    return Boolean(state.lasso) && !map.inside(state.lasso, i);
  }

  // What a size changes: laws, ranks and table at once, the map after them.
  function update() {
    laws.evaluate(state.k);
    ranking.update();
    let points = Array.from(ORDERS[state.order](ranking, laws, climbed));
    if (state.class >= 0 || state.lasso) points = points.filter((i) => !isAside(i));
    state.points = search(points, state.search);
    const pages = Math.max(1, Math.ceil(state.points.length / ROWS_PER_PAGE));
    state.page = Math.min(state.page, pages - 1);
    const from = state.page * ROWS_PER_PAGE, shown = state.points.slice(from, from + ROWS_PER_PAGE);
    table(shown, context());
    byId("table-caption").textContent = captionTable();
    byId("page").textContent = shown.length ? `${formatCount(from + 1)}–${formatCount(from + shown.length)} of ${formatCount(state.points.length)}` : "no points";
    byId("previous").disabled = state.page === 0;
    byId("next").disabled = state.page === pages - 1;
    byId("clear").hidden = !state.lasso;
    showSize();
    planPaint();
    rest();
  }

  // The map follows when the table has been shown, which never waits for it.
  let isPaintPlanned = false;
  function planPaint() {
    if (isPaintPlanned) return;
    isPaintPlanned = true;
    setTimeout(() => {
      isPaintPlanned = false;
      const top = findTop();
      map.paint(state.k, top, isAside);
      showScale(top);
    }, 0);
  }

  function captionTable() {
    const n = state.points.length, sure = state.points.reduce((sum, i) => sum + laws.isSure(i), 0);
    const what = [
      `${formatCount(n)} ${n === 1 ? "point" : "points"}`,
      state.class >= 0 && `of class ${run.classes[state.class]}`,
      state.lasso && "selected on the map",
      state.search.trim() && `matching “${state.search.trim()}”`,
      `at k = ${formatCount(state.k)}; of ${formatCount(sure)} it is sure whether they help or harm.`,
    ];
    return what.filter(Boolean).join(" ");
  }

  // The size of contribution with the fullest colour: few points lie beyond it.
  function findTop() {
    const { order } = ranking, cut = Math.floor(0.02 * order.length);
    if (!order.length) return 1;
    return Math.max(Math.abs(laws.psi[order[cut]]), Math.abs(laws.psi[order[order.length - 1 - cut]])) || 1;
  }
  function showScale(top) {
    const power = choosePower(top), high = formatScaled(top, power);
    byId("scale-low").textContent = high.replace("+", MINUS);
    byId("scale-high").textContent = `${high} ${formatUnit(power, run.unit)}`;
  }
  function showSize() {
    const shown = formatCount(state.k);
    // Whole sizes lie between the steps of the slider, which must not be moved back.
    if (sizeAt(slider.value) !== state.k) slider.value = (SLIDER_STEPS * Math.log(state.k / smallest)) / span;
    slider.setAttribute("aria-valuetext", `${shown} points`);
    if (document.activeElement !== exact) exact.value = state.k;
    const beyond = state.k / largest;
    byId("reach").classList.toggle("beyond", beyond > 1);
    byId("reach").textContent = state.asked !== null ? `${formatCount(state.asked)} is not among the sizes shown, ${formatCount(smallest)} to ${formatCount(end)}` : beyond > 1 ? `extrapolated: ${beyond < 10 ? beyond.toFixed(1) : formatCount(beyond)} times the largest size drawn` : "within the sizes that were drawn";
  }

  let resting = 0;
  function rest() {
    clearTimeout(resting);
    resting = setTimeout(() => {
      writeState({ ...state, point: state.chosen >= 0 ? run.arrays.point[state.chosen] : undefined });
      if (state.chosen < 0) return;
      fillParameters(run, laws, state.chosen, state.k);
      moveSizeLine(state.k);
    }, REST);
  }

  // The nearest size that can be shown; another that was asked for is named.
  function takeSize(k) {
    state.k = Math.round(Math.min(Math.max(k, smallest), end));
    state.asked = k < smallest || k > end ? k : null;
  }
  function setSize(k) {
    takeSize(k);
    plan();
  }
  let planned = false;
  function plan() {
    if (planned) return;
    planned = true;
    requestAnimationFrame(() => { planned = false; update(); });
  }
  // The way to the law where it lies outside of the screen.
  let isLawSeen = false;
  function offerLaw() {
    byId("to-law").hidden = state.chosen < 0 || isLawSeen;
    if (state.chosen >= 0) byId("to-law").textContent = `See the law of row ${run.rows[state.chosen]}`;
  }
  async function choose(i) {
    if (i < 0) return;
    state.chosen = i;
    update();
    offerLaw();
    map.choose(i);
    await showLaw(run, laws, i, state.k);
  }

  function takeState(found) {
    takeSize(found.k ?? run.sizes.start);
    state.order = found.order ?? "valuable";
    state.class = found.class >= 0 && found.class < run.classes.length ? found.class : -1;
    state.search = found.search ?? "";
    state.lasso = found.lasso ?? null;
    state.chosen = rowOf.get(found.point) ?? -1;
    byId("order").value = state.order;
    byId("class").value = String(state.class);
    byId("search").value = state.search;
    if (found.theme) state.theme = found.theme;
  }

  function listen() {
    slider.addEventListener("input", () => setSize(sizeAt(slider.value)));
    exact.addEventListener("change", () => { setSize(exact.value === "" ? state.k : Number(exact.value)); exact.value = state.k; });
    byId("order").addEventListener("change", (event) => { state.order = event.target.value; state.page = 0; plan(); });
    byId("class").addEventListener("change", (event) => { state.class = Number(event.target.value); state.page = 0; plan(); });
    byId("search").addEventListener("input", (event) => { state.search = event.target.value; state.page = 0; plan(); });
    byId("search").addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      update();
      if (state.points.length) choose(state.points[0]);
    });
    byId("previous").addEventListener("click", () => { state.page -= 1; update(); });
    byId("next").addEventListener("click", () => { state.page += 1; update(); });
    byId("clear").addEventListener("click", () => { state.lasso = null; update(); });
    byId("export").addEventListener("click", () => exportRanking(run, state.points, context()));
    byId("link").addEventListener("click", copyLink);
    byId("to-law").addEventListener("click", () => byId("law-card").focus());
    const watcher = new IntersectionObserver((seen) => {
      isLawSeen = seen[seen.length - 1].isIntersecting;
      offerLaw();
    }, { rootMargin: "-120px 0px" });
    watcher.observe(byId("law-card"));
    byId("reset").addEventListener("click", () => { state.lasso = null; map.reset(); update(); });
    const drags = [...document.querySelectorAll("[data-drag]")];
    showDrag(drags, map.dragging());
    for (const button of drags) {
      button.addEventListener("click", () => {
        // Pressed once more, a finger scrolls the page again.
        const mode = button.getAttribute("aria-pressed") === "true" && hasTouch() ? false : button.dataset.drag;
        showDrag(drags, mode);
        map.drag(mode);
      });
    }
    byId("theme").addEventListener("click", () => { state.theme = isDark() ? "light" : "dark"; applyTheme(); rest(); });
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (!state.theme) applyTheme(); });
    window.addEventListener("hashchange", () => {
      if (!isState()) { rest(); return; } // the link that skips to the ranking
      takeState(readState());
      update();
      offerLaw();
      map.choose(state.chosen);
      showLaw(run, laws, state.chosen, state.k);
    });
  }
  const isDark = () => document.documentElement.dataset.theme === "dark";
  async function applyTheme() {
    setTheme(state.theme ?? preferredTheme());
    byId("theme").textContent = isDark() ? "Light" : "Dark";
    byId("theme").setAttribute("aria-label", isDark() ? "Use light colours" : "Use dark colours");
    await map.show();
    await map.choose(state.chosen);
    if (state.chosen >= 0) await showLaw(run, laws, state.chosen, state.k);
    await drawFigures();
  }

  fillChoices(run, smallest, largest, end, setSize);
  takeState(given);
  setTheme(state.theme ?? preferredTheme());
  update();
  await map.start();
  listen();
  await applyTheme();
  document.documentElement.dataset.ready = "yes";
}

const showDrag = (buttons, mode) => {
  for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.drag === mode));
};

// The address is the link: it is written before it is copied.
async function copyLink(event) {
  event.preventDefault();
  const link = byId("link"), words = "Link to this view";
  try {
    await navigator.clipboard.writeText(link.href);
    link.textContent = "Link copied";
  } catch {
    link.textContent = "Link is in the address bar";
  }
  setTimeout(() => { link.textContent = words; }, 2000);
}

const preferredTheme = () => (window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");

start().catch((error) => {
  byId("failure").hidden = false;
  byId("failure").textContent = `This page cannot be shown here: ${error.message}. It needs a browser of 2023 or later.`;
  console.error(error);
});
