const ROUNDS = { once: "Once", debate: "Debate: answer again, knowing what others said",
  delphi: "Delphi: answer again, knowing the spread", review: "Peer review: choose among the answers" };
const KINDS = { text: "Text", label: "Label", score: "Score", ranking: "Ranking", items: "Recommendations" };

/** The form: its nodes, what it holds, and what it is told to hold. */
function askForm(model, changed, send) {
  const named = {};
  const input = (name, tag = "input", attributes = {}) => (named[name] = h(tag, { type: tag === "input" ? "text" : null, oninput: changed, ...attributes }));
  const number = (name, attributes = {}) => input(name, "input", { type: "number", min: "0", ...attributes });
  const kind = h("div", { class: "cs-segments", role: "radiogroup", "aria-label": "Kind of answer" });
  const group = `cs-${Math.random().toString(36).slice(2)}`;
  const kinds = model.get("kinds").map((name) => {
    const radio = h("input", { type: "radio", name: group, value: name, onchange: () => { fit(); changed(); } });
    kind.append(h("label", {}, radio, h("span", {}, KINDS[name] ?? name)));
    return radio;
  });
  const parameters = {
    text: [field("Longest answer", number("max_chars", { min: "1" }), "characters")],
    label: [field("Choices", input("choices", "textarea", { rows: "3" }), "one a line")],
    score: [field("Lowest", number("low", { min: null, step: "any" })), field("Highest", number("high", { min: null, step: "any" })),
      field("Tolerance", number("tolerance", { step: "any", placeholder: "a twentieth" }), "counts as the same")],
    ranking: [field("Items", input("items", "textarea", { rows: "4" }), "one a line"),
      field("Only the best", number("top", { min: "1", placeholder: "all" }))],
    items: [field("Longest list", number("max_items", { min: "1" }), "items of an expert")],
  };
  const called = field("Name", input("name", "input", { placeholder: "as the experts read it" }));
  const rest = h("div", { class: "cs-cols" });
  const chosen = () => kinds.find((radio) => radio.checked)?.value ?? "text";
  function fit() {
    const own = parameters[chosen()] ?? [];
    rest.replaceChildren(...own, ...(["label", "score", "ranking"].includes(chosen()) ? [called] : []));
    rest.hidden = !rest.childElementCount;
  }
  const question = input("question", "textarea", { rows: "2", placeholder: "What do you want to know?" });
  const context = input("context", "textarea", { rows: "4", placeholder: "What the experts should know: a text, a table, rules" });
  const quorum = h("input", { type: "checkbox", onchange: changed });
  const rounds = h("select", { onchange: changed }, model.get("rounds").map((name) =>
    h("option", { value: ROUNDS[name] ? name : "own" }, ROUNDS[name] ?? name)));
  const folded = fold("Context", field("Context", context));
  const people = h("div", { class: "cs-cols cs-choices" });
  const boxes = new Map();
  const musts = h("div", { class: "cs-cols cs-choices" });
  const required = new Map();
  function show(form, own) {
    for (const [name, node] of Object.entries(named)) {
      const text = form[name] ?? "";
      if (node.value !== text && !own) node.value = text;
    }
    if (own) return;
    kinds.forEach((radio) => { radio.checked = radio.value === form.kind; });
    quorum.checked = Boolean(form.quorum);
    rounds.value = form.rounds || "once";
    if (form.context) folded.open = true;
    for (const [name, box] of boxes) box.checked = (form.experts ?? []).includes(name);
    for (const [name, box] of required) box.checked = (form.required ?? []).includes(name);
    fit();
  }
  function circle(experts) {
    const before = model.get("form").experts ?? [];
    people.replaceChildren(...experts.map((expert) => {
      const box = boxes.get(expert.name) ?? h("input", { type: "checkbox", checked: before.includes(expert.name), onchange: changed });
      boxes.set(expert.name, box);
      return h("label", { class: "cs-choice" }, box, h("span", { class: "cs-grow" }, who(expert),
        h("span", { class: "cs-m cs-small cs-price" }, expert.price || "\u00a0")));
    }));
    const must = model.get("form").required ?? [];
    musts.replaceChildren(...experts.map((expert) => {
      const box = required.get(expert.name) ?? h("input", { type: "checkbox", checked: must.includes(expert.name), onchange: changed });
      required.set(expert.name, box);
      return h("label", { class: "cs-choice" }, box, h("span", { class: "cs-grow" }, who(expert)));
    }));
  }
  const held = () => ({
    ...Object.fromEntries(Object.entries(named).map(([name, node]) => [name, node.value])),
    kind: chosen(), quorum: quorum.checked, rounds: rounds.value,
    required: [...required].filter(([, box]) => box.checked).map(([name]) => name),
    experts: [...boxes].filter(([, box]) => box.checked).map(([name]) => name),
  });
  const options = fold("Rounds, deadline and quorum", field("Rounds", rounds), h("div", { class: "cs-cols" },
    field("Deadline", number("deadline", { min: "0", step: "any", placeholder: `${model.get("deadline")}` }), "seconds"),
    field("Enough answers", number("first", { min: "1", placeholder: "all" }), "then release the rest"),
    field("Needed answers", number("min_responses", { placeholder: "a majority" }), "else no verdict")),
  h("label", { class: "cs-check" }, quorum, "Release the others as soon as the vote cannot change"),
  h("fieldset", {}, h("legend", {}, "Must have answered ", h("span", { class: "cs-m cs-small" }, "\u00b7 else no verdict")), musts));
  const prices = h("span", { class: "cs-m cs-small" }, "\u00b7 price of a million tokens, where it is known");
  const node = h("div", { class: "cs-form" },
    field("Question", question), folded,
    h("fieldset", {}, h("legend", {}, "Experts ", prices), people),
    h("fieldset", {}, h("legend", {}, "Answer"), kind, rest), options);
  node.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    event.stopPropagation();
    send();
  });
  fit();
  return { node, show, circle, held };
}

function render({ model, el }) {
  const view = frame(model, el, "Ask");
  if (model.get("state") === "empty") {
    view.start(empty("There is no circle to ask yet. Make one, and give it to the widget:",
      'circle = cs.Circle(["local:smollm2", ...])\nAsk(circle)'));
    return view.done;
  }
  const mine = new Set();
  let timer = 0;
  const draft = () => {
    clearTimeout(timer);
    timer = setTimeout(() => { keep(form.held(), "draft"); }, 400);
  };
  const keep = (held, action) => {
    clearTimeout(timer);
    mine.add(JSON.stringify(held));
    if (mine.size > 20) mine.delete(mine.values().next().value);
    view.act(action, { form: held });
  };
  const send = () => { if (model.get("state") !== "asking") keep(form.held(), "ask"); };
  const form = askForm(model, draft, send);
  const ask = h("button", { class: "cs-main", onclick: send }, "Ask");
  const stop = h("button", { onclick: () => view.act("stop") }, "Stop");
  const keys = h("span", { class: "cs-m cs-small" }, h("kbd", {}, "Ctrl"), " ", h("kbd", {}, "Enter"));
  const status = h("span", { class: "cs-m cs-small" });
  const decide = h("button", { onclick: () => view.act("decide") });
  const live = speakers();
  const answer = h("div", {});
  const past = h("div", {});
  view.start(form.node, h("div", { class: "cs-line cs-go" }, ask, stop, keys, status), view.wrong,
    h("div", { class: "cs-line" }, decide), live.node, answer, past);

  // the form is told what others changed, and not what it said itself a moment ago
  view.on(["form"], (held) => form.show(held, mine.delete(JSON.stringify(held)) || false));
  view.on(["experts"], (experts) => { form.circle(experts); });

  let began = 0;
  let ticking = 0;
  let round = 1;
  const spoken = new Set();
  const gone = () => (performance.now() - began) / 1000;
  const tick = () => {
    const columns = model.get("columns");
    const ended = columns.filter((column) => column.outcome).length;
    live.show(columns, gone());
    const turn = model.get("round");
    if (turn !== round) { round = turn; spoken.clear(); }
    say(status, `${turn > 1 ? `Round ${turn} \u00b7 ` : ""}${ended} of ${columns.length} ended \u00b7 ${seconds(gone())}`);
  };
  view.on(["columns", "elapsed", "state"], (columns, elapsed, state) => {
    began = performance.now() - elapsed * 1000;
    const asking = state === "asking";
    ask.disabled = asking;
    stop.hidden = !asking;
    keys.hidden = asking;
    live.node.hidden = !columns.length;
    clearInterval(ticking);
    if (asking) {
      ticking = setInterval(tick, 200);
      tick();
      for (const column of columns) {
        if (column.outcome && !spoken.has(column.who.name)) {
          spoken.add(column.who.name);
          view.announce(`${column.who.name}: ${column.outcome.word}`);
        }
      }
    } else {
      spoken.clear();
      live.show(columns, elapsed);
    }
    const answered = columns.filter((column) => column.outcome?.word === "answered").length;
    decide.hidden = state !== "stopped" || !answered;
    say(decide, `Decide from ${count(answered, "answer")}`);
    if (state === "stopped") say(status, `Stopped after ${seconds(elapsed)}: ${answered} of ${columns.length} had answered, nothing was decided`);
    if (state === "ready" || state === "decided") say(status, "");
  });
  view.after(() => { clearInterval(ticking); clearTimeout(timer); });

  const late = (verdict) => (verdict.late?.length ? h("div", { class: "cs-line" },
    h("button", { onclick: () => view.act("collect") }, "Take late answers"),
    h("span", { class: "cs-m cs-small" }, `The question stays open for ${verdict.late.join(", ")}`)) : "");
  view.on(["shown"], (verdict) => {
    answer.replaceChildren(...(verdict.id ? [verdictCard(verdict, (how) => view.act("replay", how), late(verdict))] : []));
    if (verdict.id) view.announce(`Verdict: ${verdict.headline.slice(0, 200)}`);
  });
  view.on(["history", "shown"], (lines, shown) => {
    const others = lines.filter((each) => each.id !== shown.id);
    past.replaceChildren(...(lines.length > 1 ? [fold(`Earlier here (${others.length})`, h("ul", { class: "cs-past" },
      others.map((each) => h("li", {}, h("button", { class: "cs-quiet", onclick: () => view.act("look", { id: each.id }) }, each.question),
        h("span", { class: "cs-m" }, each.headline)))))] : []));
  });
  return view.done;
}
export default { render };
