"""What a run will ask and cost, before anything is spent."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from consilience.markup.displayed import Displayed
from consilience.markup.plain import plain
from consilience.models.response import FREE

if TYPE_CHECKING:
    from consilience.runs.budget import Budget
    from consilience.runs.ledger import Ledger
    from consilience.runs.work import Job

_KNOWN = """
SELECT expert, avg(cost_usd) FILTER (WHERE cost_usd IS NOT NULL) AS usd,
    avg(input_tokens + output_tokens) AS tokens, percentile_cont(0.5) WITHIN GROUP (ORDER BY latency_s) AS seconds
FROM responses WHERE outcome = 'answered' AND expert = ANY(?::TEXT[]) GROUP BY expert
"""
_BATCH = 4096


@dataclass(frozen=True, slots=True)
class ExpertPlan:
    """What one expert will be asked, and what that will cost by what its earlier answers cost.

    Parameters
    ----------
    name
        The expert.
    calls
        Cells that are not settled; equal prompts are asked once. Retries come on top.
    settled
        Cells whose answer is in the ledger.
    usd, tokens, seconds
        Of a call: mean price, mean tokens and median latency of its answers in the store; ``None`` is unknown.
    """

    name: str
    calls: int
    settled: int
    usd: float | None
    tokens: float | None
    seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Displayed):
    """What a run will ask and cost.

    Parameters
    ----------
    experts
        One part each, by name.
    rows, prompts, replicates
        Rows of the frame, different prompts among them, and how often each is asked.
    concurrency
        Rows in flight at once.
    budget
        Of the run, ``None`` without one.
    kept
        Whether a store keeps what is settled.
    """

    experts: tuple[ExpertPlan, ...]
    rows: int
    prompts: int
    replicates: int
    concurrency: int
    budget: Budget | None
    kept: bool

    @property
    def calls(self) -> int:
        """Calls to be made, without retries."""
        return sum(expert.calls for expert in self.experts)

    @property
    def settled(self) -> int:
        """Cells that are not asked again."""
        return sum(expert.settled for expert in self.experts)

    @property
    def usd(self) -> float:
        """Price of the calls whose price is known."""
        return sum(expert.calls * expert.usd for expert in self.experts if expert.usd is not None)

    @property
    def unpriced(self) -> tuple[str, ...]:
        """Experts who will be asked and of whom no price is known."""
        return tuple(expert.name for expert in self.experts if expert.usd is None and expert.calls)

    @property
    def tokens(self) -> float | None:
        """Tokens; ``None`` where they are unknown for anybody who will be asked."""
        parts = [expert.calls * (expert.tokens or 0) for expert in self.experts]
        unknown = any(expert.tokens is None and expert.calls for expert in self.experts)
        return None if unknown else sum(parts)

    @property
    def seconds(self) -> float | None:
        """Estimate: rows wait for their slowest expert, so many at once; ``None`` where a latency is unknown."""
        asked = [expert for expert in self.experts if expert.calls]
        if any(expert.seconds is None for expert in asked):
            return None
        at_once = max(1, min(self.concurrency, self.prompts)) * self.replicates
        return max((expert.calls * (expert.seconds or 0.0) / at_once for expert in asked), default=0.0)

    @property
    def notes(self) -> tuple[str, ...]:
        """What limits the figures, and what the budget does not cover."""
        notes = []
        if self.unpriced:
            names = ", ".join(plain(name, 80) for name in self.unpriced)
            n = sum(expert.calls for expert in self.experts if expert.name in self.unpriced)
            notes.append(
                f"The price of {n:,} calls is unknown ({names}): no earlier answer of theirs carries one."
            )
        if self.budget is not None and self.budget.usd is not None:
            if self.unpriced:
                notes.append(
                    "A budget in US dollars cannot cover calls of unknown price: limit calls= or tokens= too."
                )
            if self.usd > self.budget.usd:
                notes.append(
                    f"The known part exceeds the budget of {self.budget}: the run will stop before its end."
                )
        if self.budget is not None and self.budget.calls is not None and self.calls > self.budget.calls:
            notes.append(
                f"The budget of {self.budget} does not cover all calls: the run will stop before its end."
            )
        if not self.kept:
            notes.append(
                "The circle has no store: nothing is kept, and running it again asks everything again."
            )
        return tuple(notes)

    @property
    def summary(self) -> str:
        """The sums in one line."""
        unknown = " and an unknown part" if self.unpriced else ""
        tokens = "unknown tokens" if self.tokens is None else f"{self.tokens:,.0f} tokens"
        return (
            f"{self.calls:,} calls to make, {self.settled:,} cells settled; ${self.usd:,.4f}{unknown}; {tokens}; "
            f"{duration(self.seconds)}"
        )

    @property
    def heading(self) -> str:
        """What is asked of how many."""
        times = f", {self.replicates} times each" if self.replicates > 1 else ""
        same = "" if self.prompts == self.rows else f" with {self.prompts:,} different prompts"
        return (
            f"{self.rows:,} rows{same} to {len(self.experts)} experts{times}, {self.concurrency} rows at once"
        )

    def explain(self) -> str:
        """Say in plain text what will be asked and cost."""
        width = max(6, *(len(plain(expert.name, 40)) for expert in self.experts))
        rows = [("expert", "calls", "settled", "US dollars", "tokens", "s a call")]
        rows += [(plain(e.name, 40), f"{e.calls:,}", f"{e.settled:,}", *cells_of(e)) for e in self.experts]
        lines = [f"  {row[0]:<{width}}" + "".join(f"  {cell:>10}" for cell in row[1:]) for row in rows]
        return "\n".join([self.heading, *lines, self.summary, *self.notes])

    def __str__(self) -> str:
        return self.explain()

    def __repr__(self) -> str:
        return f"<Plan {self.summary}>"

    def _repr_html_(self) -> str:
        from consilience.runs.cards import plan_card

        return plan_card(self)


def cells_of(expert: ExpertPlan) -> tuple[str, str, str]:
    """Return dollars, tokens and seconds of an expert as texts, unknown ones as such."""
    return (
        "unknown" if expert.usd is None else f"{expert.usd * expert.calls:,.4f}",
        "unknown" if expert.tokens is None else f"{expert.tokens * expert.calls:,.0f}",
        "unknown" if expert.seconds is None else f"{expert.seconds:.2f}",
    )


def duration(seconds: float | None) -> str:
    """Return seconds for people.

    Examples
    --------
    >>> duration(7.2), duration(150), duration(9000), duration(None)
    ('about 7 s', 'about 2.5 min', 'about 2.5 h', 'time unknown')
    """
    if seconds is None:
        return "time unknown"
    if seconds < 100:
        return f"about {seconds:.0f} s"
    return f"about {seconds / 60:.1f} min" if seconds < 6000 else f"about {seconds / 3600:.1f} h"


def planned(job: Job, ledger: Ledger | None, budget: Budget | None) -> Plan:
    """Return the plan of a job, from what the store knows."""
    settled = {} if ledger is None else _settled(job, ledger)
    known = {} if ledger is None else _known(job, ledger)
    barred = _barred(job)
    parts = []
    for expert in job.experts:
        usd, tokens, seconds = known.get(expert.name, (None, None, None))
        if usd is None and expert.source in FREE:
            usd = 0.0
        total = (job.rows.n_distinct - barred.get(expert.name, 0)) * job.replicates
        done = min(settled.get(expert.name, 0), total)
        parts.append(ExpertPlan(expert.name, total - done, done, usd, tokens, seconds))
    return Plan(
        experts=tuple(parts),
        rows=job.rows.n,
        prompts=job.rows.n_distinct,
        replicates=job.replicates,
        concurrency=job.concurrency,
        budget=budget,
        kept=ledger is not None,
    )


def _settled(job: Job, ledger: Ledger) -> dict[str, int]:
    counts: dict[str, int] = {}
    if not ledger.holds_any():
        return counts
    seen: set[bytes] = set()
    for rows in job.rows.batches(_BATCH):
        digests = [job.shown(row).question.digest for row in rows]
        fresh = [digest for digest in dict.fromkeys(digests) if bytes.fromhex(digest) not in seen]
        if job.rows.n_distinct < job.rows.n:
            seen.update(map(bytes.fromhex, fresh))
        for name, n in ledger.count_settled(fresh, job.replicates).items():
            counts[name] = counts.get(name, 0) + n
    return counts


def _barred(job: Job) -> dict[str, int]:
    """Return how many different prompts each expert may not see on any row."""
    if not (job.disclosure.allow and job.tags.words):
        return {}
    seen: dict[str, set[bytes]] = {expert.name: set() for expert in job.experts}
    for rows in job.rows.batches(_BATCH):
        for row in rows:
            shown = job.shown(row)
            prompt = hashlib.blake2b(
                job.template.fill(row).encode(errors="surrogatepass"), digest_size=16
            ).digest()
            for expert in shown.experts:
                seen[expert.name].add(prompt)
    return {name: job.rows.n_distinct - len(may) for name, may in seen.items()}


def _known(job: Job, ledger: Ledger) -> Mapping[str, tuple[float | None, float | None, float | None]]:
    names = [expert.name for expert in job.experts]
    rows = ledger.store.read(_KNOWN, names).iter_rows(named=True)
    return {row["expert"]: (row["usd"], row["tokens"], row["seconds"]) for row in rows}
