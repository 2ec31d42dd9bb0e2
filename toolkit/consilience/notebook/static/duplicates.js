// Duplicates: clusters of texts at a threshold that slides, corrected by hand.

const percent = (share) => `${(100 * share).toFixed(1)} %`;

/** A text in parts, those with words of their own marked. */
function differing(parts) {
  return parts.map(([text, own]) => (own ? h("mark", { class: "cs-own" }, text) : text));
}

/** The slider: its value is shown at once, Python is asked as soon as it has answered the last time. */
function thresholdSlider(view, model) {
  const value = h("output", { class: "cs-num" });
  const slider = h("input", { type: "range", step: "0.01", max: "1", "aria-label": "Similarity from which two texts are alike" });
  let wanted = null;
  let busy = false;
  const ask = () => {
    if (busy || wanted === null) return;
    busy = true;
    view.act("slide", { threshold: wanted });
    wanted = null;
  };
  const shown = (at) => { say(value, at.toFixed(2)); slider.setAttribute("aria-valuetext", at.toFixed(2)); };
  slider.addEventListener("input", () => { wanted = Number(slider.value); shown(wanted); ask(); });
  view.on(["version", "error"], () => {
    busy = false;
    if (wanted === null) {
      slider.min = String(model.get("lowest"));
      slider.value = String(model.get("threshold"));
      shown(model.get("threshold"));
    }
    ask();
  });
  return h("div", { class: "cs-slider" }, h("span", {}, "Alike from"), slider, value);
}

/** Put the pieces of a file together as they come, and save it from the page. */
function download(view, name) {
  let pieces = [];
  const button = h("button", { onclick: () => { pieces = []; button.disabled = true; view.act("export", { begin: true }); } }, "Download CSV");
  view.listen("msg:custom", (message) => {
    if (message.kind !== "csv") return;
    if (message.piece !== null) {
      pieces.push(message.piece);
      view.act("export", { begin: false });
      return;
    }
    const url = URL.createObjectURL(new Blob(pieces, { type: "text/csv" }));
    h("a", { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
    button.disabled = false;
    view.announce("The clusters were saved as a file.");
  });
  return button;
}

/** The list of clusters, largest first. */
function clusterList(view, model, enter) {
  const list = rows({
    label: "Clusters, largest first", rowHeight: 32, height: 416,
    need: (first, to) => view.act("rows", { first, to }),
    show: ([size, text, marked]) => h("div", { class: "cs-cluster" }, h("span", { class: "cs-num" }, size.toLocaleString("en")),
      h("span", { class: "cs-one" }, text || "(no text)"), h("span", { class: "cs-tick" }, marked ? "marked" : "")),
    pick: (n) => view.act("choose", { n }),
  });
  list.node.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "m" && list.selected() >= 0) view.act("mark", { n: list.selected() });
    else if (event.key === "Enter") enter();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  view.listen("msg:custom", (message) => { if (message.kind === "clusters") list.put(message.first, message.rows); });
  view.on(["version"], () => list.reset(model.get("length"), { keep: true }));
  return list;
}

/** The texts of the open cluster. */
function memberList(view, model) {
  const list = rows({
    label: "Texts of the cluster", rowHeight: 72, height: 360,
    need: (first, to) => view.act("members", { first, to }),
    show: ([row, alike, parts, missing], n) => h("div", {},
      h("div", { class: "cs-line cs-m cs-head" }, h("span", {}, `row ${row.toLocaleString("en")}`),
        n === 0 ? h("span", { class: "cs-badge" }, "representative") : h("span", {}, `${alike.toFixed(2)} alike`),
        missing ? h("span", { class: "cs-one cs-grow" }, "without ", h("del", {}, missing)) : ""),
      h("div", { class: "cs-two" }, parts.length ? differing(parts) : "(no text)")),
    pick: (n) => view.act("text", { n }),
  });
  const out = () => { if (list.selected() >= 0) view.act("take_out", { n: list.selected() }); };
  list.node.addEventListener("keydown", (event) => {
    if (!["s", "Delete"].includes(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    out();
  });
  return { list, out };
}

/** The open cluster: its texts, what can be done with them, and the chosen one in full. */
function clusterPanel(view, model) {
  const { list, out } = memberList(view, model);
  const title = h("h3", {});
  const full = h("div", { class: "cs-panel cs-said cs-full", hidden: true, tabindex: "0", role: "region", "aria-label": "The text in full" });
  const some = h("div", { hidden: true }, h("div", { class: "cs-line cs-bar" }, title, h("span", { class: "cs-grow" }),
    h("button", { onclick: out, title: "S" }, "Take out"), h("button", { onclick: () => view.act("take_apart") }, "Take apart")), list.node, full);
  const none = empty("Choose a cluster to see its texts beside each other.");
  view.listen("msg:custom", (message) => {
    if (message.kind === "members") list.put(message.first, message.rows);
    if (message.kind !== "text") return;
    full.hidden = false;
    say(full, message.text || "(no text)");
  });
  let open = null;
  let awaited = false;
  const focus = () => {
    awaited = some.hidden;
    if (awaited) return;
    list.node.focus();
    if (list.selected() < 0) list.select(0);
  };
  view.on(["chosen", "version"], (chosen) => {
    some.hidden = chosen.row === undefined;
    none.hidden = !some.hidden;
    if (some.hidden) { open = null; return; }
    say(title, count(chosen.size, "text"));
    if (open !== chosen.row) { list.node.scrollTop = 0; full.hidden = true; }
    list.node.style.height = `${Math.min(362, chosen.size * 72 + 2)}px`;
    list.reset(chosen.size, { keep: open === chosen.row });
    open = chosen.row;
    if (awaited) focus();
  });
  return { node: h("div", { class: "cs-side" }, none, some), focus };
}

function render({ model, el }) {
  const view = frame(model, el, "Duplicates");
  const panel = clusterPanel(view, model);
  const list = clusterList(view, model, panel.focus);
  const counts = h("div", { class: "cs-counts" });
  const note = h("span", { class: "cs-m" });
  const onlySome = h("input", { type: "checkbox", onchange: (event) => view.act("show_singles", { on: event.target.checked }) });
  const mark = h("button", { title: "M", onclick: () => { if (list.selected() >= 0) view.act("mark", { n: list.selected() }); } }, "Mark");
  const merge = h("button", { onclick: () => view.act("merge") }, "Merge marked");
  const undo = h("button", { title: "U", onclick: () => view.act("undo") }, "Undo");
  const body = h("div", {},
    h("div", { class: "cs-top" }, counts, download(view, "clusters.csv")),
    h("div", { class: "cs-line cs-bar" }, thresholdSlider(view, model), h("label", {}, onlySome, "single texts too"), note),
    h("div", { class: "cs-pair" },
      h("div", {}, h("div", { class: "cs-line cs-bar" }, mark, merge, undo), list.node,
        h("div", { class: "cs-m cs-keys" }, h("kbd", {}, "M"), " mark  ", h("kbd", {}, "Enter"), " its texts  ", h("kbd", {}, "S"), " take a text out  ", h("kbd", {}, "U"), " undo")),
      panel.node));
  const waiting = h("div", {}, skeleton(6));
  const nothing = empty("No texts yet: Duplicates(frame['text']) takes a column or a list of strings.");
  const nobody = h("p", { class: "cs-m" }, "No two texts are alike at this threshold: slide it to the left.");
  list.node.before(nobody);
  view.start(nothing, waiting, body);
  view.root.addEventListener("keydown", (event) => {
    if (event.key !== "u" || event.ctrlKey || event.metaKey || event.altKey || undo.disabled) return;
    event.preventDefault();
    event.stopPropagation();
    view.act("undo");
  });
  view.on(["state"], (state) => {
    nothing.hidden = state !== "empty";
    waiting.hidden = state !== "working";
    body.hidden = state !== "ready";
  });
  view.on(["counts"], (found) => {
    if (found.texts === undefined) return;
    const big = (figure, word) => h("span", {}, h("b", {}, figure), ` ${word}`);
    counts.replaceChildren(big(found.texts.toLocaleString("en"), "texts"), big(found.clusters.toLocaleString("en"), "clusters of several"),
      big(found.duplicates.toLocaleString("en"), "duplicates"), big(percent(found.duplicates / found.texts), "of all texts"));
    say(note, found.note);
  });
  view.on(["marked", "undoable", "length"], (marked, undoable, length) => {
    say(merge, marked ? `Merge ${marked} marked` : "Merge marked");
    merge.disabled = marked < 2;
    undo.disabled = !undoable;
    undo.setAttribute("aria-label", undoable || "Undo");
    mark.disabled = !length;
    nobody.hidden = length > 0;
    list.node.hidden = !length;
  });
  view.on(["singles"], (on) => { onlySome.checked = on; });
  return view.done;
}

export default { render };
