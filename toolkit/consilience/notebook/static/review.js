const RV_KEYS = [
  ["1 \u2013 9", "choose a label; put the item of a ranking in that place"],
  ["Enter", "confirm a number, a text, a ranking"],
  ["Ctrl Enter", "confirm from a text of several lines"],
  ["j  \u2193", "next question"],
  ["k  \u2191", "question before"],
  ["s", "skip, to come back at the end"],
  ["a", "abstain: I cannot or will not say"],
  ["n", "write a note"],
  ["u", "undo the last step, again and again"],
  ["p", "pause"],
  ["Esc", "leave a field, close this"],
  ["?", "show the keys"],
];
const RV_STATES = {
  open: ["\u25cb", "open"], skipped: ["\u21b7", "skipped"], saving: ["\u25cc", "saving"], saved: ["\u25cf", "saved"],
  kept: ["\u25cf", "answered"], failed: ["\u2715", "not saved"],
};

/** A control for each kind of answer: {node, focus(), value()}; `done` is called when the person confirms. */
function rvControl(kind, mine, done) {
  if (kind.kind === "label") return rvChoices(kind, mine, done);
  if (kind.kind === "score") return rvScore(kind, mine, done);
  if (kind.kind === "ranking") return rvRanking(kind, mine, done);
  return rvText(kind, mine, done);
}

function rvChoices(kind, mine, done) {
  const buttons = kind.choices.map((choice, n) =>
    h("button", { type: "button", class: "cs-rv-choice", "aria-pressed": String(mine === n), onclick: () => done(n) },
      n < 9 ? h("kbd", { "aria-hidden": "true" }, String(n + 1)) : "", h("span", {}, choice)));
  const node = h("div", { class: "cs-rv-choices", role: "group", "aria-label": "Answer" }, buttons);
  return { node, digit: (n) => n <= kind.choices.length && done(n - 1) };
}

function rvScore(kind, mine, done) {
  const input = h("input", { type: "text", inputmode: "decimal", autocomplete: "off", value: mine === null ? "" : String(mine) });
  const range = h("input", { type: "range", min: kind.low, max: kind.high, step: "any", tabindex: "-1", "aria-hidden": "true" });
  const digits = Math.max(0, 2 - Math.floor(Math.log10(kind.high - kind.low)));
  range.value = mine === null ? (kind.low + kind.high) / 2 : mine;
  range.oninput = () => { input.value = String(Number(Number(range.value).toFixed(digits))); input.focus(); };
  input.oninput = () => { if (Number.isFinite(Number(input.value))) range.value = input.value; };
  const confirm = () => done(input.value);
  const node = h("div", { class: "cs-rv-score" },
    field("Your number", input, `from ${kind.low} to ${kind.high}`), h("div", {}, range,
      h("div", { class: "cs-rv-ends", "aria-hidden": "true" }, h("span", {}, String(kind.low)), h("span", {}, String(kind.high)))),
    h("button", { type: "button", class: "cs-main", onclick: confirm }, "Confirm ", h("kbd", { "aria-hidden": "true" }, "Enter")));
  input.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); event.stopPropagation(); confirm(); } });
  return { node, focus: () => { input.focus(); input.select(); } };
}

function rvText(kind, mine, done) {
  const many = kind.kind === "items";
  const area = h("textarea", { rows: many ? 5 : 4, value: mine ?? "" });
  const confirm = () => done(area.value);
  const node = h("div", {}, field(many ? "Your recommendations" : "Your answer", area, many ? "one a line" : ""),
    h("div", { class: "cs-line cs-rv-below" }, h("button", { type: "button", class: "cs-main", onclick: confirm }, "Confirm ",
      h("kbd", { "aria-hidden": "true" }, many ? "Ctrl Enter" : "Enter")), many ? "" : h("span", { class: "cs-m" }, "Shift Enter begins a line")));
  area.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || (many ? !(event.ctrlKey || event.metaKey) : event.shiftKey)) return;
    event.preventDefault();
    event.stopPropagation();
    confirm();
  });
  return { node, focus: () => area.focus() };
}

function rvRanking(kind, mine, done) {
  let order = [...(mine ?? []), ...kind.items.keys()].filter((item, n, all) => all.indexOf(item) === n);
  let at = 0;
  let lifted = false;
  let dragged = null;
  const list = h("ol", { class: "cs-rv-ranking", role: "listbox", tabindex: "0", "aria-label": "Your order, the best first" });
  const id = `cs-rv-${Math.random().toString(36).slice(2)}`;
  const hint = h("span", { class: "cs-m" });
  const spoken = h("div", { class: "cs-hidden", role: "status", "aria-live": "polite" });
  const place = (from, to) => {
    order.splice(to, 0, order.splice(from, 1)[0]);
    at = to;
    say(spoken, `${kind.items[order[to]]}: place ${to + 1} of ${order.length}`);
  };
  const redraw = () => {
    list.replaceChildren(...order.map((item, n) => {
      const row = h("li", { role: "option", id: `${id}-${n}`, "aria-selected": String(n === at), draggable: "true",
        class: `${n === at && lifted ? "cs-rv-lifted" : ""} ${n >= kind.top ? "cs-rv-rest" : ""}`,
        onclick: () => { at = n; redraw(); },
        ondragstart: (event) => { dragged = n; event.dataTransfer.effectAllowed = "move"; event.dataTransfer.setData("text/plain", ""); },
        ondragover: (event) => { if (dragged !== null) event.preventDefault(); },
        ondrop: (event) => { event.preventDefault(); if (dragged !== null) place(dragged, n); dragged = null; redraw(); } },
        h("span", { class: "cs-rv-place", "aria-hidden": "true" }, n < kind.top ? `${n + 1}` : "\u2013"), h("span", { class: "cs-grow" }, kind.items[item]),
        draw({ width: 12, height: 16, class: "cs-mark" }, ["path", { d: "M2 5h8M2 8h8M2 11h8" }]));
      row.addEventListener("dragend", () => { dragged = null; });
      return row;
    }));
    list.setAttribute("aria-activedescendant", `${id}-${at}`);
    say(hint, lifted ? "Arrows move the item, Space puts it down" : "Space lifts an item, 1\u20139 put it in a place, or drag");
  };
  const confirm = () => done(order.slice(0, kind.top));
  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      const to = Math.min(Math.max(at + step, 0), order.length - 1);
      if (lifted || event.altKey) place(at, to); else at = to;
    } else if (event.key === " ") lifted = !lifted;
    else if (event.key === "Enter") confirm();
    else return;
    event.preventDefault();
    event.stopPropagation();
    redraw();
  });
  redraw();
  const node = h("div", {}, list, h("div", { class: "cs-line cs-rv-below" }, h("button", { type: "button", class: "cs-main", onclick: confirm }, "Confirm ",
    h("kbd", { "aria-hidden": "true" }, "Enter")), hint), spoken);
  return { node, focus: () => list.focus(), digit: (n) => { if (n <= order.length) { place(at, n - 1); redraw(); } } };
}

/** What the circle says, shown when the person has answered. */
function rvCircle(circle) {
  return h("div", { class: "cs-rv-circle" },
    h("div", { class: "cs-m" }, circle.counted ? "With your answer the circle says" : "The circle says"),
    h("div", { class: "cs-rv-headline cs-said" }, circle.headline),
    circle.support ? h("div", { class: "cs-m" }, circle.support) : "",
    circle.votes.map((vote) => h("div", { class: "cs-row" }, h("span", { class: "cs-said" }, vote.answer), " ", vote.experts.map(who))));
}

function render({ model, el }) {
  const view = frame(model, el, "Review");
  const done = h("progress", { "aria-label": "Answered", max: 1, value: 0 });
  const counted = h("strong", {});
  const aside = h("span", { class: "cs-m" });
  const button = (name, key, act) => h("button", { type: "button", class: "cs-quiet", onclick: act }, name, " ", h("kbd", { "aria-hidden": "true" }, key));
  const undo = button("Undo", "u", () => view.act("undo"));
  const pause = button("Pause", "p", () => view.act("pause", { paused: !model.get("paused") }));
  const help = button("Keys", "?", () => keys());
  help.setAttribute("aria-expanded", "false");
  const retry = h("button", { type: "button", onclick: () => view.act("retry") }, "Write again");
  const more = h("button", { type: "button", class: "cs-quiet", onclick: () => view.act("more") }, "Look for new questions");
  const card = h("div", { class: "cs-panel cs-rv-card", tabindex: "-1", role: "group", "aria-label": "Question" });
  const table_ = h("div", { class: "cs-panel cs-rv-keys", hidden: true }, h("dl", {}, RV_KEYS.map(([key, what]) =>
    h("div", {}, h("dt", {}, key.split("  ").map((each) => h("kbd", {}, each))), h("dd", {}, what)))));
  const list = rows({
    label: "Questions", rowHeight: 40, height: 360,
    need: (start, end) => view.act("need", { start, end }),
    show: ({ line, state, said }, n) => {
      const [glyph, word] = RV_STATES[state];
      return [h("span", { class: `cs-rv-glyph cs-rv-${state}`, role: "img", "aria-label": word, title: word }, glyph),
        h("span", { class: "cs-rv-line" }, h("span", { class: "cs-one" }, line), said ? h("span", { class: "cs-one cs-m" }, said) : "")];
    },
    pick: (n) => { if (model.get("current")?.number !== n) view.act("focus", { number: n }); },
  });
  list.node.classList.add("cs-rv-list");

  let control = null;
  let noted = null;
  let busy = false;
  let turn = 0;
  const mine = () => view.root.contains(document.activeElement) || view.root.contains(view.root.getRootNode().activeElement);

  function answer(value) {
    const current = model.get("current");
    if (busy || !current) return;
    busy = true;
    view.act("answer", { number: current.number, value, note: noted?.value ?? "" });
  }
  function keys(open = table_.hidden) {
    table_.hidden = !open;
    help.setAttribute("aria-expanded", String(open));
  }
  function note(current) {
    noted = h("textarea", { rows: 2, value: current.note, placeholder: "Why, in a sentence" });
    const fold = h("details", { class: "cs-rv-note", open: Boolean(current.note) }, h("summary", {}, "Note ", h("kbd", { "aria-hidden": "true" }, "n")),
      field("Note on this question", noted));
    return fold;
  }
  function question(current) {
    const n = model.get("progress").n;
    control = rvControl(current.kind, current.mine, answer);
    const refused = h("div", { class: "cs-error", role: "alert", hidden: true });
    card.replaceChildren(...[
      h("div", { class: "cs-rv-at cs-m" }, `Question ${(current.number + 1).toLocaleString("en")} of ${n.toLocaleString("en")}`,
        h("span", { class: "cs-rv-key" }, current.key)),
      current.context ? h("details", { open: true }, h("summary", {}, "Context"), h("div", { class: "cs-said cs-m" }, current.context)) : "",
      h("div", { class: "cs-rv-question cs-said" }, current.text),
      control.node, refused,
      current.given && current.mine === null ? h("div", { class: "cs-m" }, "You abstained.") : "",
      current.circle ? rvCircle(current.circle) : "",
      note(current),
      h("div", { class: "cs-line cs-rv-foot" },
        h("button", { type: "button", class: "cs-quiet", onclick: () => answer(null) }, "Abstain ", h("kbd", { "aria-hidden": "true" }, "a")),
        h("button", { type: "button", class: "cs-quiet", onclick: () => skip() }, "Skip ", h("kbd", { "aria-hidden": "true" }, "s"))),
    ].filter(Boolean));
    card.refused = refused;
  }
  function ended() {
    const { n, compared, agreed, failed } = model.get("progress");
    control = noted = null;
    const said = compared ? `You and the circle say the same on ${agreed.toLocaleString("en")} of ${count(compared, "question")}.` : "";
    card.replaceChildren(n
      ? h("div", { class: "cs-empty" }, draw({ width: 48, height: 24, class: "cs-mark" }, ["path", { d: "M14 12l7 7L36 4" }]),
        h("div", { class: "cs-rv-headline" }, `All ${count(n, "question")} answered`), said ? h("div", {}, said) : "",
        h("div", {}, failed ? "Some answers are not written yet." : "Choose one on the left to look at it again."))
      : empty("Nothing waits for you. Give Review a run, a store with open questions, or a frame with answer=."));
  }
  function stopped() {
    control = noted = null;
    card.replaceChildren(h("div", { class: "cs-empty" },
      draw({ width: 48, height: 24, class: "cs-mark" }, ["path", { d: "M20 4v16M28 4v16" }]), h("div", { class: "cs-rv-headline" }, "Paused"),
      h("div", {}, "The clock stands still."), h("button", { type: "button", class: "cs-main", onclick: () => view.act("pause", { paused: false }) }, "Go on ",
        h("kbd", { "aria-hidden": "true" }, "p"))));
  }
  function show(current, paused) {
    const hold = mine();
    const moved = (current?.turn ?? 0) !== turn;
    busy = false;
    turn = current?.turn ?? 0;
    pause.setAttribute("aria-pressed", String(paused));
    if (paused) stopped(); else if (current) question(current); else ended();
    if (current) list.select(current.number, { tell: false });
    if (!hold || document.activeElement === list.node) return;
    if (moved || paused) (!paused && control?.focus ? control.focus() : card.focus({ preventScroll: true }));
    if (moved && current) view.announce(`Question ${current.number + 1}: ${current.text.slice(0, 200)}`);
  }
  function skip() {
    const current = model.get("current");
    if (current && !busy) { busy = true; view.act("skip", { number: current.number }); }
  }
  function move(step) {
    const { n } = model.get("progress");
    const from = model.get("current")?.number ?? (step > 0 ? -1 : n);
    const to = from + step;
    if (to >= 0 && to < n) view.act("focus", { number: to });
  }
  const commands = {
    j: () => move(1), k: () => move(-1), ArrowDown: () => move(1), ArrowUp: () => move(-1), s: skip, u: () => view.act("undo"),
    a: () => answer(null), p: () => view.act("pause", { paused: !model.get("paused") }), "?": () => keys(),
    n: () => { const fold = card.querySelector(".cs-rv-note"); if (fold) { fold.open = true; noted.focus(); } },
  };
  view.root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const inText = event.target.tagName === "TEXTAREA";
    const inNumber = event.target.tagName === "INPUT" && event.target.type === "text";
    if (event.key === "Escape") { keys(false); if (inText || inNumber) card.focus(); }
    else if (inText || (inNumber && !/^[a-z?]$/.test(event.key))) return;
    else if (event.key.startsWith("Arrow") && (inNumber || event.target.closest(".cs-rows"))) return;
    else if (model.get("paused") && event.key !== "p" && event.key !== "?") return;
    else if (/^[1-9]$/.test(event.key) && control?.digit) control.digit(Number(event.key));
    else if (commands[event.key]) commands[event.key]();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  view.start(
    h("div", { class: "cs-line cs-rv-head" }, who(model.get("who")), counted, h("div", { class: "cs-grow" }, done), h("div", { class: "cs-rv-buttons" }, undo, pause, help)),
    table_, h("div", { class: "cs-rv-main" }, list.node, card), h("div", { class: "cs-line cs-rv-status" }, aside, retry, more));
  let known = -1;
  view.on(["progress"], ({ n, done: finished, skipped, saving, failed, place, steps, more: waits }) => {
    if (n !== known) { known = n; list.reset(n); }
    done.max = Math.max(n, 1);
    done.value = finished;
    say(counted, `${finished.toLocaleString("en")} of ${n.toLocaleString("en")}`);
    undo.disabled = !steps;
    retry.hidden = !failed;
    more.hidden = !waits;
    const written = failed ? `${count(failed, "answer")} not saved` : saving ? "Saving" : !finished ? "" : place ? `Saved in ${place}`
      : "Kept in this kernel only; give store= to save answers";
    say(aside, [written, skipped ? `${skipped} skipped` : ""].filter(Boolean).join(" \u00b7 "));
    if (!model.get("current")) ended();
  });
  view.on(["current", "paused"], show);
  view.listen("msg:custom", (message) => {
    if (message.kind === "rows") list.put(message.start, message.rows);
    if (message.kind === "refused") {
      busy = false;
      card.refused.hidden = false;
      say(card.refused, message.reason);
    }
  });
  return view.done;
}
export default { render };
