const WORDS = { planning: "Planning", ready: "Not started", running: "Running", paused: "Paused", done: "Done", failed: "Stopped by an error" };

function planned(plan) {
  const heads = ["expert", "calls", "settled", "US dollars", "tokens", "s a call"].map((name, n) => ({ name, numeric: n > 0 }));
  return [
    h("div", { class: "cs-tiles" }, tile(plan.calls.toLocaleString("en"), "calls to make"), tile(plan.settled.toLocaleString("en"), "cells settled"),
      tile(...priced(plan.usd, plan.unpriced, "call", "expected cost")), tile(plan.seconds === "time unknown" ? "unknown" : plan.seconds, plan.budget ? `within ${plan.budget}` : "expected time")),
    fold("By expert", h("div", { class: "cs-wide", tabindex: "0", role: "group", "aria-label": "Plan by expert" }, table(heads, plan.experts.map(([expert, ...cells]) => [who(expert), ...cells]), "Calls, settled cells and cost by expert"))),
    plan.notes.map((note) => h("div", { class: "cs-row cs-m" }, note)),
  ];
}

function moving(progress) {
  const share = Math.min(progress.done / progress.rows, 1);
  const track = h("div", { class: "cs-track", role: "progressbar", "aria-label": "Rows done", "aria-valuemin": "0",
    "aria-valuemax": progress.rows, "aria-valuenow": progress.done }, h("div", {}));
  track.firstChild.style.width = `${share * 100}%`;
  const rate = progress.rate === null ? "\u2013" : progress.rate < 10 ? progress.rate.toFixed(1) : Math.round(progress.rate).toLocaleString("en");
  return [
    h("div", { class: "cs-line cs-apart" }, h("strong", {}, `${progress.done.toLocaleString("en")} of ${count(progress.rows, "row")}`),
      h("span", { class: "cs-m" }, progress.left)), track,
    h("div", { class: "cs-tiles" }, tile(progress.asked.toLocaleString("en"), "cells asked"), tile(progress.reused.toLocaleString("en"), "reused"),
      tile(progress.failed.toLocaleString("en"), "failed", progress.failed > 0), tile(rate, "rows a second"),
      tile(seconds(progress.seconds), "so far"), tile(...priced(progress.usd, progress.unpriced, "answer", "spent"))),
  ];
}

/** A sum and what is unknown of it: nothing known is no zero. */
function priced(usd, unpriced, noun, label) {
  if (!unpriced) return [money(usd), label];
  return usd ? [money(usd), `and ${count(unpriced, noun)} of unknown price`] : ["unknown", `price of ${count(unpriced, noun)}`];
}

function render({ model, el }) {
  const view = frame(model, el, "Run");
  if (model.get("state") === "empty") {
    view.start(empty("There is no run yet. Prepare one, and give it to the widget:",
      'run = circle.run(frame, "Classify: {text}", answer=..., key="id")\nRun(run)'));
    return view.done;
  }
  const head = h("div", { class: "cs-q" });
  const state = h("span", { class: "cs-m", role: "status" });
  const start = h("button", { class: "cs-main", onclick: () => view.act("start") });
  const pause = h("button", { onclick: () => view.act("pause") }, "Pause");
  const plan = h("div", {}, skeleton(3));
  const progress = h("div", {});
  const failures = h("div", {});
  const result = h("div", {});
  const list = h("div", { class: "cs-wide", tabindex: "0", role: "group", "aria-label": "Least certain rows" });
  view.start(head, plan, h("div", { class: "cs-line cs-go" }, start, pause, state), view.wrong, progress, failures, result);

  view.on(["plan", "state"], (found, now) => {
    if (!found.heading) return;
    say(head, found.heading);
    plan.hidden = now === "running" || now === "done";
    plan.replaceChildren(...planned(found).flat());
    say(pause, found.kept ? "Pause" : "Stop");
    pause.title = found.kept ? "What was settled stays in the store" : "Nothing is kept: starting again asks everything again";
  });
  view.on(["state", "progress", "plan"], (now, moved, found) => {
    start.hidden = now === "running" || (now === "done" && !moved.failed && found.calls === 0);
    start.disabled = now === "planning";
    pause.hidden = now !== "running";
    const failed = now === "done" && moved.failed;
    say(start, failed ? `Ask ${count(moved.failed, "failed cell")} again` : now === "done" ? "Run again"
      : now === "paused" || now === "failed" ? (found.kept ? "Go on" : "Start again") : "Start");
    say(state, WORDS[now] ?? now);
  });
  view.on(["progress"], (moved) => {
    progress.replaceChildren(...(moved.rows === undefined ? [] : moving(moved)));
    const rows = moved.failures ?? [];
    const heads = [{ name: "expert" }, { name: "outcome" }, { name: "reason" }, { name: "cells", numeric: true }];
    const open = failures.querySelector("details")?.open ?? true;
    failures.replaceChildren(...(rows.length ? [fold(`Failed: ${count(moved.failed, "cell")}`, h("div", { class: "cs-wide", tabindex: "0", role: "group", "aria-label": "Failed cells" },
      table(heads, rows.map(([expert, ended, reason, n]) => [who(expert), outcome(ended), reason, n.toLocaleString("en")]), "Why cells failed")),
    moved.reasons > rows.length ? h("div", { class: "cs-m" }, `and ${count(moved.reasons - rows.length, "more reason")}`) : "")] : []));
    if (rows.length) failures.querySelector("details").open = open;
  });
  view.on(["summary"], (found) => {
    list.replaceChildren();
    if (!found.decisions) { result.replaceChildren(); return; }
    const queue = fold("Least certain first", list, h("div", { class: "cs-m" }, "Answer them yourself: ", h("code", {}, "Review(run)")));
    queue.addEventListener("toggle", () => { if (queue.open && !list.childElementCount) { list.append(skeleton(4)); view.act("queue"); } });
    const moved = model.get("progress");
    const [sum, of] = priced(moved.usd, moved.unpriced, "answer", "");
    const paid = moved.unpriced && moved.usd ? `${sum} ${of}` : sum;
    const most = Math.max(...found.decisions.map(([, n]) => n), 1);
    result.replaceChildren(h("div", { class: "cs-card cs-result", role: "group", "aria-label": "Result" },
      found.banner ? h("div", { class: "cs-banner", role: "note" }, found.banner) : "",
      h("div", { class: "cs-a" }, `${found.rows.toLocaleString("en")} of ${count(found.of, "row")}`),
      found.decisions.map(([name, n]) => h("div", { class: "cs-fell" }, h("span", {}, name), h("meter", { min: "0", max: most, value: String(n), "aria-label": `${name}: ${n} rows` }),
        h("span", { class: "cs-num" }, n.toLocaleString("en")))),
      queue, h("div", { class: "cs-foot" }, `Cost ${paid} \u00b7 ${seconds(found.seconds)} \u00b7 in Python: `, h("code", {}, ".result"))));
    view.announce(`The run has ended: ${found.rows} of ${found.of} rows`);
  });
  view.listen("msg:custom", (message) => {
    if (message.kind !== "queue") return;
    list.replaceChildren(message.rows.length ? table(message.columns.map((name) => ({ name, numeric: name === "support" })), message.rows, "Least certain rows")
      : empty("No row was decided, so there is nothing to look at."));
  });
  return view.done;
}
export default { render };
