// A verdict, in the order in which every face of the package shows it; and what one expert says, as a column.

/** The experts' dots and names. */
const whose = (experts) => h("span", { class: "cs-whose" }, experts.map(who));

/** Two arrows that meet, and what stands against it. */
function conflict(text) {
  return h("div", { class: "cs-conflict" },
    draw({ width: 16, height: 10, label: "conflict", class: "cs-mark" }, ["path", { d: "M1 5h5M4 3l2 2-2 2M15 5h-5M12 3l-2 2 2 2" }]), " ", text);
}

/**
 * One expert's part: {who, outcome, text, reason, confidence, seconds, tokens, cost}, outcome null while it writes.
 * Returns {node, show(column, seconds)}; a text that grows keeps its end in sight unless the reader scrolled up.
 */
function speaker(first) {
  const ended = h("span", { class: "cs-ended" });
  const text = h("div", { class: "cs-said cs-speech", tabindex: "0", role: "group", "aria-label": `What ${first.who.name} says` });
  const wait = skeleton(3);
  const foot = h("div", { class: "cs-m cs-small cs-tail" });
  const node = h("article", { class: "cs-panel cs-speaker", "aria-label": first.who.name },
    h("header", { class: "cs-line" }, who(first.who), ended), wait, text, foot);
  function show(column, elapsed) {
    const live = !column.outcome;
    ended.replaceChildren(...(live ? [] : [outcome(column.outcome)]));
    const said = column.text || column.reason || "";
    const at_end = text.scrollHeight - text.scrollTop - text.clientHeight < 24;
    say(text, said);
    if (live && at_end) text.scrollTop = text.scrollHeight;
    text.hidden = !said;
    text.classList.toggle("cs-m", !column.text);
    wait.hidden = !live || Boolean(said);
    node.classList.toggle("cs-live", live);
    say(foot, live ? waiting(column, elapsed) : [
      seconds(column.seconds), column.tokens === null ? "" : count(column.tokens, "token"), column.cost,
      column.confidence === null ? "" : `confidence ${column.confidence.toFixed(2)}`].filter(Boolean).join(" \u00b7 "));
  }
  return { node, show };
}

function waiting(column, elapsed) {
  const doing = column.text ? "writing" : column.who.source === "person" ? `waiting for ${column.who.name} to answer` : "asked";
  return `${doing} \u00b7 ${seconds(elapsed)}`;
}

/** Columns of experts side by side: {node, show(columns, seconds)}. */
function speakers() {
  const node = h("div", { class: "cs-cols cs-speakers" });
  let parts = new Map();
  return {
    node,
    show(columns, elapsed) {
      const names = columns.map((column) => column.who.name);
      if (names.join("\n") !== [...parts.keys()].join("\n")) {
        parts = new Map(columns.map((column) => [column.who.name, speaker(column)]));
        node.replaceChildren(...[...parts.values()].map((part) => part.node));
      }
      columns.forEach((column) => parts.get(column.who.name).show(column, elapsed));
    },
  };
}

function recommended(verdict) {
  const asked = verdict.answers.length;
  return h("ol", { class: "cs-recommended" }, verdict.recommendations.map((row, n) => h("li", {},
    h("div", { class: "cs-line cs-apart" },
      h("span", { class: "cs-said cs-grow" }, h("span", { class: "cs-m" }, `${n + 1}. `), row.text),
      h("span", { class: "cs-m cs-small", title: `${row.support} of the ${asked} who were asked` }, `${row.support} of ${asked}`)),
    h("div", {}, whose(row.who)),
    row.conflicts.map((other) => conflict(`contradicts ${other.n}: ${other.text}`)),
    row.wordings.length ? fold(count(row.wordings.length, "wording"),
      row.wordings.map((each) => h("div", { class: "cs-row" }, who(each.who), each.text))) : "")));
}

/**
 * The card of a verdict as `verdicts.verdict_card` gives it. `again({method, without, weights})` is called for another
 * decision from the same answers; without it there is no such part. `more` stands under the banner.
 */
function verdictCard(verdict, again, more = "") {
  const every = speakers();
  every.show(verdict.answers, 0);
  const dissent = verdict.dissent.map((vote) => h("div", { class: "cs-row" },
    h("span", { class: "cs-m" }, verdict.decided ? "Dissent: " : "Said: "), h("span", { class: "cs-said" }, vote.said), " ", whose(vote.who)));
  const facts = [verdict.cost[0].toUpperCase() + verdict.cost.slice(1), seconds(verdict.seconds),
    `${verdict.kind === "items" ? "merged" : verdict.method} of ${verdict.answers.length} asked`];
  return h("article", { class: "cs-card", "aria-label": "Verdict" },
    h("div", { class: "cs-q" }, verdict.question),
    verdict.replayed ? h("div", { class: "cs-row cs-m" }, verdict.replayed) : "",
    verdict.banner ? h("div", { class: verdict.degraded ? "cs-banner" : "cs-row cs-m", role: "note" }, verdict.banner) : "",
    more,
    verdict.course ? h("div", { class: "cs-row cs-m" }, verdict.course) : "",
    h("div", { class: `cs-a${verdict.headline.length > 160 ? " cs-long" : ""}` }, verdict.headline),
    h("div", { class: "cs-row cs-m" }, verdict.support),
    dissent,
    verdict.moreDissent ? h("div", { class: "cs-row cs-m" }, `and ${count(verdict.moreDissent, "other answer")}`) : "",
    verdict.recommendations.length ? recommended(verdict) : "",
    verdict.moreRecommendations ? h("div", { class: "cs-row cs-m" }, `and ${count(verdict.moreRecommendations, "more recommendation")}`) : "",
    verdict.agreement ? h("div", { class: "cs-agreed" }, h("span", { class: "cs-m" }, "Agreement"),
      bar(verdict.agreement.value, verdict.agreement.low, verdict.agreement.high),
      h("div", { class: "cs-m cs-small" }, verdict.agreement.said)) : "",
    fold("Every answer, side by side", every.node),
    h("div", { class: "cs-foot" }, facts.filter(Boolean).join(" \u00b7 "), again ? replay(verdict, again) : ""));
}

function replay(verdict, again) {
  const method = h("select", {}, verdict.methods.map((name) => h("option", { selected: name === verdict.method }, name)));
  const parts = verdict.counted.map((each) => ({
    name: each.who.name,
    kept: h("input", { type: "checkbox", checked: each.kept }),
    weight: h("input", { type: "number", min: "0", step: "0.1", value: String(each.weight), "aria-label": `Weight of ${each.who.name}` }),
    who: each.who,
  }));
  const weighing = () => verdict.weighted.includes(method.value);
  const table = h("div", { class: "cs-cols" }, parts.map((part) => h("div", { class: "cs-line" },
    h("label", { class: "cs-check" }, part.kept, who(part.who)), part.weight)));
  const marked = () => parts.forEach((part) => { part.weight.hidden = !weighing(); });
  const send = () => {
    const kept = parts.filter((part) => part.kept.checked);
    again({
      method: method.value,
      without: parts.filter((part) => !part.kept.checked).map((part) => part.name),
      weights: weighing() ? Object.fromEntries(kept.map((part) => [part.name, Number(part.weight.value)])) : null,
    });
  };
  method.addEventListener("change", marked);
  marked();
  const several = verdict.methods.length > 1 && verdict.kind !== "items";
  const body = fold("Decide again from these answers, at no cost",
    h("div", { class: "cs-replay" },
      several ? field("Method", method) : "",
      h("fieldset", {}, h("legend", {}, "Who counts"), table),
      h("div", { class: "cs-line" }, h("button", { onclick: send }, "Decide again"),
        verdict.replayed ? h("button", { class: "cs-quiet", onclick: () => again({}) }, "Back to the circle's verdict") : "")));
  body.open = Boolean(verdict.replayed);
  return body;
}
