/**
 * A list of any length of which only the rows in sight exist, and only those are asked for.
 *
 * rows({label, rowHeight, height, need(from, to), show(row, n) -> node | array, pick(n)}) returns
 * {node, reset(count, {keep}), put(from, rows), select(n), selected()}. Up, Down, Page Up, Page Down, Home and End move the
 * selection; what the selection means is `pick`'s matter. Rows come in blocks of 50. With `keep` the rows
 * from before are shown until the new ones are there.
 */
function rows({ label, rowHeight = 32, height = 320, need, show, pick }) {
  const block = 50;
  const held = new Map();
  const asked = new Set();
  const drawn = new Map();
  let length = 0;
  let chosen = -1;
  const inner = h("div", {});
  const node = h("div", { class: "cs-rows", role: "listbox", tabindex: "0", "aria-label": label }, inner);
  node.style.height = `${height}px`;
  const id = `cs-${Math.random().toString(36).slice(2)}`;

  function draw() {
    const from = Math.max(Math.floor(node.scrollTop / rowHeight) - 5, 0);
    const to = Math.min(Math.ceil((node.scrollTop + height) / rowHeight) + 5, length);
    for (const [n, row] of drawn) if (n < from || n >= to) { row.remove(); drawn.delete(n); }
    for (let n = from; n < to; n++) {
      const first = n - (n % block);
      if (!asked.has(first)) {
        asked.add(first);
        need(first, Math.min(first + block, length));
      }
      if (!drawn.has(n)) drawn.set(n, place(n));
    }
  }
  function place(n) {
    const row = h("div", { role: "option", id: `${id}-${n}`, "aria-selected": String(n === chosen), "aria-setsize": length, "aria-posinset": n + 1,
      onclick: () => select(n) }, held.has(n) ? show(held.get(n), n) : h("div", { class: "cs-skeleton" }));
    row.style.top = `${n * rowHeight}px`;
    row.style.height = `${rowHeight}px`;
    inner.append(row);
    return row;
  }
  function again() {
    for (const row of drawn.values()) row.remove();
    drawn.clear();
    draw();
  }
  function select(n, { tell = true } = {}) {
    if (!length) return;
    const before = drawn.get(chosen);
    chosen = Math.min(Math.max(n, 0), length - 1);
    if (before) before.setAttribute("aria-selected", "false");
    const top = chosen * rowHeight;
    if (top < node.scrollTop) node.scrollTop = top;
    if (top + rowHeight > node.scrollTop + node.clientHeight) node.scrollTop = top + rowHeight - node.clientHeight;
    draw();
    drawn.get(chosen)?.setAttribute("aria-selected", "true");
    node.setAttribute("aria-activedescendant", `${id}-${chosen}`);
    if (tell) pick?.(chosen);
  }
  const page = Math.max(Math.floor(height / rowHeight) - 1, 1);
  const moves = { ArrowDown: () => chosen + 1, ArrowUp: () => chosen - 1, PageDown: () => chosen + page, PageUp: () => chosen - page,
    Home: () => 0, End: () => length - 1 };
  node.addEventListener("keydown", (event) => {
    if (!moves[event.key] || event.target !== node) return;
    event.preventDefault();
    event.stopPropagation();
    select(moves[event.key]());
  });
  let waiting = false;
  node.addEventListener("scroll", () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; draw(); });
  });
  return {
    node,
    selected: () => chosen,
    select,
    /** Give the list another length, and its rows anew; `at` is where the selected row stands now, `keep` shows the old
     * rows until the new ones come. */
    reset(n, { at = chosen, keep = false } = {}) {
      const moved = chosen >= 0 && at >= 0 ? at - chosen : 0;
      chosen = Math.min(at, n - 1);
      length = n;
      if (!keep) held.clear();
      asked.clear();
      inner.style.height = `${n * rowHeight}px`;
      if (node.scrollTop) node.scrollTop += moved * rowHeight;
      again();
    },
    put(from, got) {
      got.forEach((row, n) => held.set(from + n, row));
      for (let n = from; n < from + got.length; n++) { drawn.get(n)?.remove(); drawn.delete(n); }
      draw();
    },
  };
}
