"""A circle as text and as a card: who is in it, how it decides, what it has spent, where it keeps what it heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consilience.markup import Displayed, Html, escape, expert_mark, facts, page, plain, share_bar, table

if TYPE_CHECKING:
    from consilience.experts.base import Expert
    from consilience.runs.budget import Purse
    from consilience.store import Store
    from consilience.verdict.methods import Voting


class CircleDisplayed(Displayed):
    """What a circle looks like."""

    experts: tuple[Expert, ...]
    deadline: float
    method: Voting
    store: Store | None
    _purse: Purse | None

    def __repr__(self) -> str:
        kept = f", store={self.store.address!r}" if self.store else ""
        names = ", ".join(plain(expert.name, 80) for expert in self.experts)
        return f"<Circle of {len(self.experts)}: {names}{kept}>"

    def _repr_html_(self) -> str:
        rows = [(expert_mark(expert.name, expert.source), str(expert.source)) for expert in self.experts]
        kept = self.store.address if self.store else "nowhere; store='history.duckdb' keeps what is asked"
        about = facts(
            [
                ("decides by", f"strict {self.method}" if self.method == "majority" else self.method),
                ("a question may take", f"{self.deadline:g} s"),
                ("spent", spent(self._purse)),
                ("kept in", kept),
            ]
        )
        foot = escape("await circle.ask(\u2026), circle.stream(\u2026), circle.run(frame, \u2026)")
        return page(
            Html(
                f"<div class=cs-card><div class=cs-q>A circle of {len(self.experts)}</div>"
                f"{table(('expert', 'is'), rows)}{about}<div class=cs-foot><code>{foot}</code></div></div>"
            )
        )


def spent(purse: Purse | None) -> Html | str:
    """Return what was spent of a budget; without one nothing is counted, and that is said."""
    if purse is None:
        return "not counted: the circle has no budget"
    budget = purse.budget
    unpriced = f", {purse.n_unpriced:,} answers without a price" if purse.n_unpriced else ""
    shares = (
        (budget.usd, purse.spent.usd, f"${purse.spent.usd:,.4f} of ${budget.usd or 0:,.2f}"),
        (budget.tokens, purse.spent.tokens, f"{purse.spent.tokens:,.0f} of {budget.tokens or 0:,} tokens"),
        (budget.calls, purse.calls, f"{purse.calls:,} of {budget.calls or 0:,} calls"),
    )
    limits = [share_bar(used, of, said) for of, used, said in shares if of is not None]
    return Html("".join(f"<div>{limit}</div>" for limit in limits) + escape(unpriced.lstrip(", ")))
