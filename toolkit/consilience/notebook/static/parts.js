// The pieces that every widget is made of. Text is always set as text: what a model wrote never becomes markup.

/** Make an element: h("button", {class: "cs-main", onclick: f}, "Ask"); children are nodes, texts, or nothing. */
function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "disabled") node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== ""));
  return node;
}

/** Make a drawing: draw({width: 16, height: 10, label: "a person"}, ["circle", {cx: 8, cy: 3, r: 2}], ...). */
function draw({ width, height, label, class: kind = "" }, ...shapes) {
  const make = (tag, attributes) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    return node;
  };
  const named = label ? { role: "img", "aria-label": label } : { "aria-hidden": "true" };
  const svg = make("svg", { width, height, viewBox: `0 0 ${width} ${height}`, class: kind, ...named });
  for (const [tag, attributes, text] of shapes) {
    const node = make(tag, attributes);
    if (text !== undefined) node.textContent = text;
    svg.append(node);
  }
  return svg;
}

const MARKS = {
  person: ["a person", ["circle", { cx: 8, cy: 3, r: 2 }], ["path", { d: "M4 9a4 4 0 0 1 8 0" }]],
  recorded: ["recorded", ["circle", { cx: 4, cy: 5, r: 3 }], ["circle", { cx: 12, cy: 5, r: 3 }], ["path", { d: "M4 8h8" }]],
  scripted: ["scripted", ["path", { d: "M3 2h10M3 5h10M3 8h6" }]],
  function: ["a function", ["path", { d: "M10 1c-3-1-2 3-3 5s-1 4-3 3M5 4h5" }]],
};

/** An expert: {name, colour, source}, as `wire.expert` gives it. Dot and name always stand together. */
function who(expert) {
  const [label, ...shapes] = MARKS[expert.source] ?? [];
  const dot = h("span", { class: "cs-dot" });
  dot.style.background = expert.colour;
  return h("span", { class: "cs-who" }, dot, expert.name, label ? " " : "",
    label ? draw({ width: 16, height: 10, label, class: "cs-mark" }, ...shapes) : "");
}

/** An outcome: {glyph, word}. */
function outcome(ended) {
  return h("span", { class: "cs-who" }, h("span", { "aria-hidden": "true" }, ended.glyph), " ", ended.word);
}

/** A share or a coefficient as one bar with its interval; below chance it grows to the left. */
function bar(value, low, high, { width = 160 } = {}) {
  if (value === null || value === undefined) return h("span", { class: "cs-m" }, "undefined");
  const known = low !== null && low !== undefined;
  const label = value.toFixed(2) + (known ? ` [${low.toFixed(2)}, ${high.toFixed(2)}]` : "");
  const floor = Math.min(value, known ? low : value) < 0 ? -1 : 0;
  const x = (point) => ((Math.min(Math.max(point, floor), 1) - floor) / (1 - floor)) * width;
  const shapes = [
    ["rect", { x: 0, y: 7, width, height: 6, fill: "var(--l)" }],
    ["rect", { x: Math.min(x(0), x(value)), y: 7, width: Math.max(Math.abs(x(value) - x(0)), 1), height: 6, fill: "var(--a)" }],
  ];
  if (known) shapes.push(["rect", { x: x(low), y: 2, width: Math.max(x(high) - x(low), 2), height: 16, fill: "var(--a)", opacity: 0.25 }]);
  if (floor < 0) shapes.push(["line", { x1: x(0), x2: x(0), y1: 0, y2: 20, stroke: "var(--t)" }]);
  shapes.push(["text", { x: width + 8, y: 14 }, label]);
  return draw({ width: width + 128, height: 20, label }, ...shapes);
}

/** A part that opens and closes. */
function fold(summary, ...children) {
  return h("details", {}, h("summary", {}, summary), ...children);
}

/** A labelled control: field("Question", h("textarea")). */
function field(label, control, hint = "") {
  return h("label", { class: "cs-field" }, label, hint ? h("span", {}, ` \u00b7 ${hint}`) : "", control);
}

/** What is shown while nothing is there: a picture, one sentence with what to do, and the code that does it. */
function empty(sentence, code = "") {
  return h("div", { class: "cs-empty" },
    draw({ width: 48, height: 24, class: "cs-mark" }, ["rect", { x: 1, y: 1, width: 46, height: 22, rx: 4 }],
      ["path", { d: "M8 9h20M8 15h12" }]), sentence, code ? h("pre", { class: "cs-code" }, code) : "");
}

/** Lines that stand for what is on its way. */
function skeleton(lines = 3) {
  return h("div", { "aria-hidden": "true" }, Array.from({ length: lines }, (_, n) => {
    const line = h("div", { class: "cs-skeleton" });
    line.style.width = `${90 - ((n * 17) % 40)}%`;
    return line;
  }));
}

/** Set the text of a node only when it is another one, so that a selection in it survives. */
function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const money = (usd) => (usd === null || usd === undefined ? "unknown" : usd === 0 ? "$0" : `$${usd.toFixed(4)}`);
const count = (n, noun, plural = `${noun}s`) => `${n.toLocaleString("en")} ${n === 1 ? noun : plural}`;
const seconds = (s) => (s === null || s === undefined ? "" : s < 9.95 ? `${s.toFixed(1)} s` : `${Math.round(s)} s`);

/** A figure with what it counts under it. */
function tile(value, label, warns = false) {
  return h("div", { class: `cs-tile${warns ? " cs-conflict" : ""}` }, h("strong", {}, value), h("span", { class: "cs-m cs-small" }, label));
}

/** A moment as people say it, the exact one on hover: moment("2026-05-01T12:00:00+00:00"). */
function moment(iso, now = Date.now()) {
  const when = new Date(iso);
  const passed = Math.max((now - when.getTime()) / 1000, 0);
  const steps = [[60, 1, "s"], [3600, 60, "min"], [86400, 3600, "h"], [2592000, 86400, "d"], [31536000, 2592000, "month"], [Infinity, 31536000, "year"]];
  const [, unit, name] = steps.find(([limit]) => passed < limit);
  const n = Math.floor(passed / unit);
  const said = passed < 1 ? "now" : `${n} ${name}${n > 1 && name.length > 3 ? "s" : ""} ago`;
  return h("time", { datetime: iso, title: `${when.toISOString().slice(0, 19).replace("T", " ")} UTC` }, said);
}

/** A table: heads are {name, numeric}, rows are arrays of nodes or texts. */
function table(heads, rows, caption) {
  const cell = (tag, value, head) => h(tag, { class: head.numeric ? "cs-n" : null, scope: tag === "th" ? "col" : null }, value ?? "\u2013");
  return h("table", {}, caption ? h("caption", { class: "cs-hidden" }, caption) : "",
    h("thead", {}, h("tr", {}, heads.map((head) => cell("th", head.name, head)))),
    h("tbody", {}, rows.map((row) => h("tr", {}, row.map((value, n) => cell("td", value, heads[n]))))));
}

/**
 * The frame around a widget: its element, the line for errors, and a region that a screen reader speaks.
 * Returns {root, announce, on, act, done}: `on(names, draw)` draws now and whenever one of the states changes; `act` asks
 * Python to do something; `done` is what render() returns, so that a view that goes away leaves nothing behind.
 */
function frame(model, el, label) {
  const spoken = h("div", { class: "cs-hidden", role: "status", "aria-live": "polite" });
  const wrong = h("div", { class: "cs-error", role: "alert", hidden: true });
  const root = h("div", { class: "cs cs-widget", role: "group", "aria-label": label });
  el.append(root);
  const ends = [];
  // Lab takes single letters and digits for its own shortcuts wherever the focus is; those with Ctrl stay Lab's
  const own = (event) => {
    if (root.contains(event.target)) root.toggleAttribute("data-lm-suppress-shortcuts", !(event.ctrlKey || event.metaKey));
  };
  window.addEventListener("keydown", own, true);
  ends.push(() => window.removeEventListener("keydown", own, true));
  const listen = (event, heard) => {
    model.on(event, heard);
    ends.push(() => model.off(event, heard));
  };
  const on = (names, drawn) => {
    const heard = () => drawn(...names.map((name) => model.get(name)));
    for (const name of names) listen(`change:${name}`, heard);
    heard();
  };
  on(["error"], (error) => {
    wrong.hidden = !error;
    say(wrong, error);
  });
  return {
    root, wrong, spoken, on, listen,
    /** Put the widget together; the line for errors stands at the end unless it was placed before. */
    start: (...children) => {
      root.append(...children);
      root.append(...(root.contains(wrong) ? [] : [wrong]), spoken);
    },
    announce: (text) => say(spoken, text),
    act: (action, sent = {}) => model.send({ action, ...sent }),
    after: (end) => ends.push(end),
    done: () => ends.forEach((end) => end()),
  };
}
