// What is said of a run once: facts, notes, and what can be chosen.

const byId = (id) => document.getElementById(id);
const MOST_NAMED = 24; // classes that a legend can name

function describeRun(run) {
  byId("title").textContent = run.title;
  byId("unit").textContent = run.unit;
  byId("reference").textContent = formatCount(run.reference);
  byId("map-caption").textContent = run.map.caption;
  byId("map").setAttribute("aria-label", `Map of points by exponent and scale. ${run.map.caption} The ranking lists the same points.`);
  byId("label-head").textContent = run.classes.length ? "Class" : "Target";
  byId("climb-head").title = `Places climbed since k = ${formatCount(run.sizes.smallest)}`;
  byId("facts").style.setProperty("--columns", run.facts.length);
  byId("facts").replaceChildren(...run.facts.map(([label, value, remark]) => {
    const block = document.createElement("div");
    for (const [tag, name, text] of [["dt", "", label], ["dd", "value", value], ["dd", "remark", remark]]) {
      const part = document.createElement(tag);
      part.className = name;
      part.textContent = text;
      block.append(part);
    }
    return block;
  }));
  byId("notes").replaceChildren(...run.notes.map((note) => {
    const item = document.createElement("li");
    item.textContent = note;
    return item;
  }));
}

// The sizes that can be jumped to, the classes to filter by, and their shapes.
function fillChoices(run, smallest, largest, end, setSize) {
  const span = Math.log(end / smallest), place = (k) => (100 * Math.log(k / smallest)) / span;
  Object.assign(byId("fitted").style, { left: "0%", width: `${place(largest)}%` });
  // By importance: a name that would run into one before it is left out.
  const marks = [[smallest, "smallest drawn"], [end, "ten times the pool"], [run.n_pool, "this pool"], [largest, "largest drawn"]];
  const taken = [];
  const near = (at) => taken.some((other) => Math.abs(other - at) < 16);
  const kept = marks.filter(([k]) => k >= smallest && k <= end && !near(place(k)) && taken.push(place(k)));
  const buttons = kept.sort((a, b) => a[0] - b[0]).map(([k, name], j, all) => {
    const button = document.createElement("button"), at = place(k);
    button.type = "button";
    button.textContent = `${formatCount(k)} ${name}`;
    button.style.left = `${at}%`;
    button.classList.toggle("minor", j > 0 && j < all.length - 1);
    button.addEventListener("click", () => setSize(k));
    return button;
  });
  byId("marks").replaceChildren(...buttons);
  byId("class-field").hidden = !run.classes.length;
  byId("class").replaceChildren(...["all", ...run.classes].map((name, j) => {
    const option = document.createElement("option");
    option.value = String(j - 1);
    option.textContent = name;
    return option;
  }));
  if (run.classes.length < 2 || run.classes.length > MOST_NAMED || run.arrays.cell_x) return;
  // Of many classes, one shape stands for several.
  const shared = SHAPES.map((_, j) => run.classes.filter((_, code) => code % SHAPES.length === j).join(", "));
  byId("shapes").replaceChildren(...shared.filter(Boolean).map((name, j) => {
    const label = document.createElement("span"), canvas = document.createElement("canvas");
    canvas.width = canvas.height = 24;
    canvas.style.width = canvas.style.height = "12px";
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#7d8794";
    tracePath(pen, j, 12, 12, 9);
    pen.fill();
    label.append(canvas, name);
    return label;
  }));
}
