// What a link keeps: size, order, class, chosen point, selection and theme.

function readState() {
  const given = new URLSearchParams(location.hash.slice(1)), state = {};
  for (const name of ["k", "point", "class"]) {
    const value = Number(given.get(name));
    if (given.has(name) && Number.isFinite(value)) state[name] = value;
  }
  if (given.get("order") in ORDERS) state.order = given.get("order");
  if (["light", "dark"].includes(given.get("theme"))) state.theme = given.get("theme");
  if (given.get("search")) state.search = given.get("search");
  const corners = (given.get("lasso") || "").split(";").map((pair) => pair.split(",").map(Number));
  if (corners.length > 2 && corners.every((c) => c.length === 2 && c.every(Number.isFinite))) state.lasso = corners;
  return state;
}

// Whether the fragment is a state, and not the name of a part of the page.
const isState = () => location.hash.length < 2 || location.hash.includes("=");

function writeState(state) {
  const kept = [["k", state.k]];
  if (state.order !== "valuable") kept.push(["order", state.order]);
  if (state.class >= 0) kept.push(["class", state.class]);
  if (state.search) kept.push(["search", encodeURIComponent(state.search)]);
  if (state.point !== undefined) kept.push(["point", state.point]);
  if (state.lasso) kept.push(["lasso", state.lasso.map((corner) => corner.join()).join(";")]);
  if (state.theme) kept.push(["theme", state.theme]);
  const fragment = `#${kept.map((pair) => pair.join("=")).join("&")}`;
  document.getElementById("link").href = fragment;
  if (location.hash !== fragment) history.replaceState(null, "", fragment);
}
