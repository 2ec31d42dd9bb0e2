// Agreement: a heat map of experts, and the answers behind a cell.

const MOST_NUMBERS = 12;

/** How a cell is filled: deeper where two agree more, hatched below chance, so that it reads in grey too. */
function tint(value) {
  if (value === null) return "none";
  if (value < -0.005) return "repeating-linear-gradient(45deg, var(--wb) 0 4px, color-mix(in srgb, var(--w) 32%, var(--wb)) 4px 6px)";
  const depth = `color-mix(in srgb, var(--a) ${Math.round(4 + 54 * Math.min(Math.max(value, 0), 1))}%, transparent)`;
  return `linear-gradient(${depth}, ${depth})`;
}

const hundredths = (value) => (Math.round(value * 100) / 100 + 0).toFixed(2);
const shown = (value) => (value === null ? "\u2013" : hundredths(value).replace(/^(-?)0\./, "$1."));

function reading(cell) {
  const [value, low, high, tasks, note] = cell;
  if (value === null) return `undefined: ${note || "not told"}`;
  const interval = low === null ? "" : ` [${hundredths(low)}, ${hundredths(high)}]`;
  return `${hundredths(value)}${interval} on ${count(tasks, "task")}`;
}

/** The heat map: heat({hint, open}) returns {node, draw(experts, cells, camps), mark(first, second)}. */
function heat({ hint, open }) {
  const node = h("div", { class: "cs-heat" });
  let grid = [];
  let at = [0, 1];
  let marked = null;

  function cellOf(cells, n, i, j) {
    const [a, b] = i < j ? [i, j] : [j, i];
    return cells[a * n - (a * (a + 1)) / 2 + (b - a - 1)];
  }
  function focus(i, j) {
    grid[at[0]][at[1]].tabIndex = -1;
    at = [i, j];
    grid[i][j].tabIndex = 0;
    grid[i][j].focus();
  }
  function move(event, i, j) {
    const n = grid.length;
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    if (event.key === "Enter" || event.key === " ") open(i, j);
    else if (event.key === "Home") focus(i, i === 0 ? 1 : 0);
    else if (event.key === "End") focus(i, i === n - 1 ? n - 2 : n - 1);
    else if (steps[event.key]) {
      const [down, right] = steps[event.key];
      let [x, y] = [i + down, j + right];
      if (x === y) [x, y] = [x + down, y + right];
      if (x >= 0 && y >= 0 && x < n && y < n) focus(x, y);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
  function cellNode(experts, cell, i, j, edges) {
    const label = `${experts[i].name} and ${experts[j].name}: ${reading(cell)}`;
    const box = h("td", { role: "gridcell", tabindex: "-1", class: edges, "aria-label": label, onclick: () => open(i, j),
      onkeydown: (event) => move(event, i, j), onfocus: () => hint(label), onmouseenter: () => hint(label),
      onmouseleave: () => hint("") }, experts.length <= MOST_NUMBERS ? shown(cell[0]) : "");
    box.style.backgroundImage = tint(cell[0]);
    return box;
  }
  function draw(experts, cells, camps) {
    const n = experts.length;
    const starts = new Set();
    camps.reduce((sum, size) => { starts.add(sum); return sum + size; }, 0);
    starts.delete(0);
    const edges = (i, j) => `${starts.has(i) ? "cs-down" : ""} ${starts.has(j) ? "cs-over" : ""}`.trim() || null;
    grid = experts.map(() => []);
    const line = (expert, i) => h("tr", {}, h("th", { scope: "row", class: edges(i, -1), title: expert.name }, who(expert)),
      experts.map((_, j) => {
        if (i === j) return h("td", { role: "gridcell", class: `cs-self ${edges(i, j) ?? ""}`, "aria-label": expert.name });
        grid[i][j] = cellNode(experts, cellOf(cells, n, i, j), i, j, edges(i, j));
        return grid[i][j];
      }));
    const heads = experts.map((expert, j) => h("th", { scope: "col", class: edges(-1, j), title: expert.name }, who(expert)));
    const size = n <= 5 ? "cs-wide" : n <= MOST_NUMBERS ? "cs-upright" : "cs-upright cs-small";
    node.replaceChildren(h("table", { role: "grid", class: size, "aria-label": "Agreement of each two experts" },
      h("thead", {}, h("tr", {}, h("td", {}), heads)), h("tbody", {}, experts.map(line))));
    at = [0, 1];
    grid[0][1].tabIndex = 0;
    marked = null;
  }
  function mark(first, second) {
    marked?.removeAttribute("aria-selected");
    marked = grid[first]?.[second] ?? null;
    marked?.setAttribute("aria-selected", "true");
  }
  return { node, draw, mark };
}

/** The key to the shades. */
function legend() {
  const swatch = (value, text) => {
    const box = h("span", { class: "cs-swatch" });
    box.style.backgroundImage = tint(value);
    return h("span", { class: "cs-key" }, box, text);
  };
  return h("div", { class: "cs-line cs-m cs-legend" }, swatch(-0.5, "below chance"), swatch(0, "chance"), swatch(0.5, "0.5"), swatch(1, "full"));
}

/** What two experts differ on: a list, and the chosen row in full. */
function differences(view, model) {
  const title = h("h3", { tabindex: "-1" });
  const heads = h("div", { class: "cs-trio cs-m", "aria-hidden": "true" });
  const full = h("div", { class: "cs-panel", hidden: true });
  const none = h("p", { class: "cs-m", hidden: true });
  const list = rows({
    label: "Tasks with different answers", rowHeight: 32, height: 224,
    need: (first, to) => view.act("rows", { first, to }),
    show: (row) => h("div", { class: "cs-trio" }, row.map((text) => h("span", { class: "cs-one", title: text }, text))),
    pick: (n) => view.act("show", { n }),
  });
  const node = h("div", { hidden: true }, title, none, heads, list.node, full);
  view.listen("msg:custom", (message) => { if (message.kind === "rows") list.put(message.first, message.rows); });
  view.on(["pair"], (pair) => {
    node.hidden = !pair.first;
    if (!pair.first) return;
    say(title, `${pair.first.name} and ${pair.second.name} differ on ${pair.differ.toLocaleString("en")} of ${count(pair.tasks, "task")}`);
    heads.replaceChildren(h("span", {}, "task"), who(pair.first), who(pair.second));
    for (const part of [heads, list.node]) part.hidden = !pair.differ;
    none.hidden = pair.differ > 0;
    say(none, pair.tasks ? "They gave the same answer to every task that both answered." : "No task was answered by both.");
    list.node.style.height = `${Math.min(224, pair.differ * 32 + 2)}px`;
    list.reset(pair.differ);
    view.announce(title.textContent);
  });
  view.on(["task"], (task) => {
    full.hidden = task.n === undefined;
    if (full.hidden) return;
    const answers = task.said.map(([expert, answer]) => h("div", { class: "cs-answer" }, who(expert),
      answer === null ? h("span", { class: "cs-m" }, "no answer") : h("span", { class: "cs-said" }, answer)));
    full.replaceChildren(h("div", { class: "cs-m" }, `task ${task.name}`), task.text ? h("div", { class: "cs-said" }, task.text) : "",
      h("div", { class: "cs-answers" }, answers));
  });
  return node;
}

function render({ model, el }) {
  const view = frame(model, el, "Agreement");
  const hint = h("div", { class: "cs-m cs-hint" });
  const rest = "Arrow keys move, Enter opens what two differ on.";
  const map = heat({ hint: (text) => say(hint, text || rest), open: (first, second) => view.act("pick", { first, second }) });
  const choice = h("select", { onchange: (event) => view.act("choose", { method: event.target.value }) });
  const overall = h("div", {});
  const findings = h("div", {});
  const votes = h("div", { class: "cs-m" });
  const body = h("div", { class: "cs-agreement" },
    h("div", {}, map.node, legend(), hint),
    h("div", {}, field("Coefficient", choice), h("h3", {}, "All experts"), overall, findings, votes));
  const waiting = h("div", {}, skeleton(6));
  const nothing = empty("No answers yet: Agreement(frame) takes task, expert and label, or the result of a run.");
  const differ = differences(view, model);
  const marked = () => {
    const pair = model.get("pair");
    const place = (expert) => model.get("experts").findIndex((each) => each.name === expert?.name);
    map.mark(place(pair.first), place(pair.second));
  };
  view.start(nothing, waiting, body, differ);
  view.on(["methods", "method"], (methods, method) => {
    choice.replaceChildren(...methods.map(({ name, label }) => h("option", { value: name }, label)));
    choice.value = method;
  });
  view.on(["experts", "cells", "camps"], (experts, cells, camps) => {
    if (experts.length > 1) map.draw(experts, cells, camps);
    marked();
  });
  view.on(["pair"], marked);
  view.on(["state", "experts"], (state, experts) => {
    nothing.hidden = state !== "empty";
    waiting.hidden = state !== "working" || experts.length > 0;
    body.hidden = !experts.length;
    body.classList.toggle("cs-stale", state === "working");
    body.setAttribute("aria-busy", String(state === "working"));
  });
  view.on(["all_experts", "findings", "votes"], (all, said, worth) => {
    if (all.said) overall.replaceChildren(bar(all.value, all.low, all.high, { width: 120 }), h("div", { class: "cs-m" }, all.said));
    findings.replaceChildren(...(said.length ? [h("h3", {}, "What stands out"), ...said.map((text) => h("p", {}, text))] : []));
    votes.replaceChildren(...(worth ? [h("h3", {}, "Independent votes"), h("p", {}, worth)] : []));
  });
  say(hint, rest);
  return view.done;
}

export default { render };
