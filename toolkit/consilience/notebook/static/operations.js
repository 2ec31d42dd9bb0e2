const CIRCUIT = { closed: ["\u25cf", "closed"], open: ["\u25a1", "open"], "half-open": ["\u25d0", "half-open"] };
const whole = (n) => (n === null || n === undefined ? null : Math.round(n).toLocaleString("en"));

function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let n = 0;
  while (bytes >= 999.5 && n < units.length - 1) { bytes /= 1024; n += 1; }
  return `${bytes < 9.95 && n ? bytes.toFixed(1) : Math.round(bytes)} ${units[n]}`;
}

/** A share as a small bar with its words: how much of it is used. */
function used(n, of) {
  if (of === null) return whole(n);
  const track = h("span", { class: "cs-used", "aria-hidden": "true" }, h("span", {}));
  track.firstChild.style.width = `${Math.min(n / Math.max(of, 1), 1) * 100}%`;
  return h("span", { class: "cs-usage" }, `${whole(n)} of ${whole(of)}`, track);
}

function circuit(state, reset) {
  if (state.circuit === null) return h("span", { class: "cs-m" }, "no breaker");
  const [glyph, word] = CIRCUIT[state.circuit];
  if (state.circuit === "closed") return outcome({ glyph, word });
  const again = state.retry_after === null ? "" : `, probe in ${seconds(state.retry_after)}`;
  return h("span", { class: "cs-conflict" }, outcome({ glyph, word }), h("div", { class: "cs-small" }, `${state.reason}${again}`),
    h("button", { class: "cs-quiet", "data-key": `reset ${state.name}`, "aria-label": `Close the circuit of ${state.name}`, onclick: () => reset(state.name) }, "Close it"));
}

function policies(list, reset) {
  const heads = [{ name: "policy" }, { name: "circuit" }, { name: "failed, of the last", numeric: true }, { name: "in flight", numeric: true }, { name: "waiting", numeric: true },
    { name: "requests left", numeric: true }, { name: "tokens left", numeric: true }, { name: "p95, s", numeric: true }];
  return table(heads, list.map((state) => [
    state.name, circuit(state, reset), state.calls ? `${whole(state.failed)} of ${whole(state.calls)}` : null,
    used(state.running, state.limit), whole(state.waiting),
    state.requests_left === null ? null : h("span", {}, whole(state.requests_left), state.slowed ? h("span", { class: "cs-conflict" }, " slowed") : ""),
    whole(state.tokens_left), state.p95 === null ? null : state.p95 < 0.005 ? "< 0.01" : state.p95.toFixed(2)]), "Policies");
}

function caches(list) {
  const heads = [{ name: "cache" }, ...["found", "lookups", "entries", "size", "left for room", "left by age"].map((name) => ({ name, numeric: true }))];
  return table(heads, list.map((cache) => [cache.name, cache.hit_rate === null ? null : `${Math.round(cache.hit_rate * 100)} %`,
    whole(cache.hits + cache.misses), whole(cache.entries), size(cache.bytes), whole(cache.evictions), whole(cache.expirations)]), "Caches");
}

function pools(list) {
  const heads = [{ name: "pool" }, { name: "kind" }, ...["in use", "idle", "waiting", "requests", "errors", "p95 of waits, ms"].map((name) => ({ name, numeric: true }))];
  return table(heads, list.map((pool) => [pool.name, pool.kind.replace("Pool", ""), whole(pool.in_use), whole(pool.idle), whole(pool.waiting),
    whole(pool.requests), whole(pool.errors), (pool.wait_p95 * 1000).toFixed(1)]), "Pools");
}

function render({ model, el }) {
  const view = frame(model, el, "Operations");
  const tiles = h("div", { class: "cs-tiles" });
  const parts = Object.fromEntries(["policies", "caches", "pools"].map((name) => [name, h("div", { class: "cs-wide", tabindex: "0", role: "group", "aria-label": name })]));
  const kept = h("div", { class: "cs-row cs-m" });
  const age = h("div", { class: "cs-m cs-small" });
  const title = (name) => h("h3", {}, name);
  parts.policies.append(skeleton(4));
  view.start(tiles, title("Policies"), parts.policies, title("Caches"), parts.caches, title("Pools"), parts.pools, kept, age);
  const reset = (name) => view.act("reset", { name });
  const none = { policies: "No policy yet: a circle makes one for each of its services.", caches: "No cache yet: @policies.cached makes one.",
    pools: "No pool yet: an HttpPool, a PostgresPool or a RedisPool would stand here." };
  const drawn = { policies: (list) => policies(list, reset), caches, pools };

  view.on(["now", "store"], (now, store) => {
    if (!now.policies) return;
    const focused = document.activeElement?.dataset?.key;
    for (const [name, node] of Object.entries(parts)) node.replaceChildren(now[name].length ? drawn[name](now[name]) : empty(none[name]));
    if (focused) [...view.root.querySelectorAll("[data-key]")].find((node) => node.dataset.key === focused)?.focus();
    const open = now.policies.filter((state) => state.circuit && state.circuit !== "closed").length;
    const running = now.policies.reduce((sum, state) => sum + state.running, 0);
    const waiting = now.policies.reduce((sum, state) => sum + state.waiting, 0);
    tiles.replaceChildren(...[
      tile(whole(open), open === 1 ? "circuit open" : "circuits open", open > 0), tile(whole(running), "calls in flight"), tile(whole(waiting), "calls waiting"),
      now.memory ? tile(`${Math.round(now.memory.share * 100)} %`, `of ${size(now.memory.limit)} memory`, now.memory.share > 0.8) : "",
      now.budget ? tile(now.budget.unpriced && !now.budget.usd ? "unknown" : money(now.budget.usd), now.budget.exhausted ? `spent: the budget of ${now.budget.of} is reached` : `spent of ${now.budget.of}`, now.budget.exhausted) : "",
      store.path && !store.error ? tile(store.usd === null ? (store.answers ? "unknown" : "$0") : money(store.usd), store.unpriced ? `in 24 h, ${count(store.unpriced, "answer")} of unknown price` : "in 24 h") : "",
    ].filter(Boolean));
    say(kept, !store.path ? "" : store.error ? `Store ${store.path}: ${store.error}`
      : `Store ${store.path}: ${count(store.rows, "row")}, ${size(store.size)}, ${count(store.waiting, "segment")} on the way, ${count(store.answers, "answer")} in 24 h`);
    kept.hidden = !store.path;
  });

  // who is not looked at asks for nothing: neither a hidden page nor a widget that was scrolled away
  let seen = false;
  let timer = 0;
  const live = () => {
    clearInterval(timer);
    timer = 0;
    const looked = seen && !document.hidden;
    say(age, looked ? "Live, once a second" : "Paused while out of sight");
    if (!looked) return;
    view.act("look");
    timer = setInterval(() => view.act("look"), 1000);
  };
  const watch = new IntersectionObserver((entries) => { seen = entries.at(-1).isIntersecting; live(); });
  watch.observe(view.root);
  document.addEventListener("visibilitychange", live);
  view.after(() => {
    clearInterval(timer);
    watch.disconnect();
    document.removeEventListener("visibilitychange", live);
  });
  return view.done;
}
export default { render };
