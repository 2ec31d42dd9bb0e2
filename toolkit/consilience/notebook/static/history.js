const HI_SINCE = [["", "any time"], ["hour", "last hour"], ["day", "last 24 hours"], ["week", "last 7 days"], ["month", "last 30 days"]];
const HI_POLL = 2000;

/** Two questions beside each other: [what, a, b, same]. */
function hiCompared(rows) {
  const value = (text) => h("td", {}, text === null ? h("span", { class: "cs-m" }, "\u2013") : text);
  return h("table", { class: "cs-hi-compared" },
    h("thead", {}, h("tr", {}, ["", "first", "second"].map((name) => h("th", { scope: "col" }, name || h("span", { class: "cs-hidden" }, "what"))))),
    h("tbody", {}, rows.map(([what, a, b, same]) => h("tr", { class: same ? "cs-hi-same" : "" },
      h("th", { scope: "row" }, what, same ? "" : h("span", { class: "cs-hi-differs" }, "differs")), value(a), value(b)))));
}

function render({ model, el }) {
  const view = frame(model, el, "History");
  const select = (name, first, label) => {
    const node = h("select", { "aria-label": label, onchange: () => send() });
    return { node, fill(options) {
      const chosen = model.get("filters")[name];
      node.replaceChildren(...[["", first], ...options].map(([value, text]) => h("option", { value, selected: value === chosen }, text)));
      node.value = chosen;
    } };
  };
  const search = h("input", { type: "search", "aria-label": "Search in questions and answers", placeholder: "Search in questions and answers",
    autocomplete: "off", value: model.get("filters").text });
  const expert = select("expert", "any expert", "Expert");
  const kind = select("kind", "any kind", "Kind of answer");
  const since = h("select", { "aria-label": "Asked", onchange: () => send() }, HI_SINCE.map(([value, text]) => h("option", { value }, text)));
  const refresh = h("button", { type: "button", onclick: () => view.act("refresh") }, "Refresh");
  const total = h("span", { class: "cs-m", role: "status" });
  const pane = h("div", { class: "cs-hi-pane", tabindex: "-1", role: "group", "aria-label": "Verdict" });
  const pin = h("button", { type: "button", class: "cs-quiet", "aria-pressed": "false", onclick: () => pinned(pin.getAttribute("aria-pressed") !== "true") }, "Compare");
  const hint = h("span", { class: "cs-m" });
  const tools = h("div", { class: "cs-line cs-hi-tools" }, pin, hint);
  let version = -1;
  let typing = null;
  let picking = null;

  const list = rows({
    label: "Questions", rowHeight: 56, height: 480,
    need: (start, end) => view.act("need", { start, end }),
    show: (row) => [
      h("div", { class: "cs-hi-top" }, h("span", { class: "cs-one cs-grow" }, row.question), h("span", { class: "cs-m cs-hi-when" }, moment(row.at))),
      h("div", { class: "cs-hi-top cs-m" },
        row.degraded ? h("span", { class: "cs-hi-degraded", title: "Not every expert answered" }, "\u25d0", h("span", { class: "cs-hidden" }, "degraded")) : "",
        h("span", { class: "cs-one cs-grow" }, row.headline || "no verdict"), h("span", { class: "cs-hi-when" }, row.support))],
    pick: (n) => {
      clearTimeout(picking);
      picking = setTimeout(() => view.act(pin.getAttribute("aria-pressed") === "true" ? "compare" : "look", { number: n }), 80);
    },
  });
  list.node.classList.add("cs-hi-list");

  function send() {
    clearTimeout(typing);
    view.act("search", { filters: { text: search.value, expert: expert.node.value, kind: kind.node.value, since: since.value } });
  }
  search.addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(send, 250); });
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") send();
    if (event.key === "ArrowDown") { event.preventDefault(); list.node.focus(); if (list.selected() < 0) list.select(0); }
  });

  function pinned(on) {
    pin.setAttribute("aria-pressed", String(on));
    say(hint, on ? "Choose a second question in the list." : "");
    if (on) list.node.focus();
    else if (model.get("looked_at").length === 2) view.act("single");
  }
  function detail() {
    const [ids, card, compared] = ["looked_at", "card", "compared"].map((name) => model.get(name));
    tools.hidden = !ids.length;
    if (ids.length < 2 && hint.textContent.startsWith("Two")) pinned(false);
    if (ids.length === 2) { pin.setAttribute("aria-pressed", "true"); say(hint, "Two questions side by side; Compare again ends it."); }
    if (!ids.length) pane.replaceChildren(empty(model.get("found").n ? "Choose a question to read its verdict." : "A question that is asked stands here."));
    else if (compared.length) pane.replaceChildren(h("div", { class: "cs-card" }, hiCompared(compared)));
    else if (card.id) pane.replaceChildren(verdictCard(card, (how) => view.act("replay", how)));
    else if (model.get("error")) pane.replaceChildren(empty("There is nothing to show of this question."));
    else pane.replaceChildren(h("div", { class: "cs-card" }, skeleton(6)));
  }
  view.root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input,select,textarea")) return;
    if (event.key === "/") search.focus();
    else if (event.key === "c" && model.get("looked_at").length) pinned(pin.getAttribute("aria-pressed") !== "true");
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  const none = empty("A store is required: History(cs.Store(\"history.duckdb\")), or History(circle.store).");
  const nothing = h("div", { class: "cs-hi-none" });
  const whole = h("div", {}, h("div", { class: "cs-hi-head" }, search, expert.node, kind.node, since, refresh),
    h("div", { class: "cs-hi-main" }, h("div", { class: "cs-hi-left" }, list.node, nothing), h("div", { class: "cs-hi-right" }, tools, pane)),
    h("div", { class: "cs-line cs-hi-status" }, total));
  view.start(none, whole);
  view.on(["experts"], (names) => expert.fill(names.map((name) => [name, name])));
  view.on(["kinds"], (names) => kind.fill(names.map((name) => [name, name])));
  view.on(["filters"], (filters) => {
    if (document.activeElement !== search && view.root.getRootNode().activeElement !== search) search.value = filters.text;
    expert.node.value = filters.expert;
    kind.node.value = filters.kind;
    since.value = filters.since;
  });
  view.on(["found", "state"], (found, state) => {
    none.hidden = state !== "empty";
    whole.hidden = state === "empty";
    list.node.setAttribute("aria-busy", String(state === "loading"));
    if (found.version !== version) {
      version = found.version;
      list.reset(found.n, { at: found.at ?? -1 });
    }
    const filtered = Object.values(model.get("filters")).some(Boolean);
    list.node.hidden = !found.n && state !== "loading";
    nothing.hidden = !list.node.hidden;
    nothing.replaceChildren(nothing.hidden ? "" : empty(filtered ? "Nothing fits. Take a filter away, or look for another word."
      : "Nothing was asked yet. What a circle with this store is asked stands here at once."));
    const which = found.more ? `The newest ${count(found.n, "question")}` : count(found.n, filtered ? "question fits" : "question", filtered ? "questions fit" : "questions");
    say(total, state === "loading" && !found.n ? "Reading" : `${which} in ${model.get("place")}`);
  });
  view.on(["looked_at", "card", "compared", "found", "error"], detail);
  view.listen("msg:custom", (message) => {
    if (message.kind === "rows" && message.version === version) list.put(message.start, message.rows);
  });
  let inSight = true;
  const sight = new IntersectionObserver((seen) => { inSight = seen.at(-1).isIntersecting; });
  sight.observe(view.root);
  const poll = setInterval(() => {
    if (inSight && document.visibilityState === "visible" && model.get("state") === "ready") view.act("refresh");
  }, HI_POLL);
  view.after(() => { clearInterval(poll); clearTimeout(typing); clearTimeout(picking); sight.disconnect(); });
  return view.done;
}
export default { render };
