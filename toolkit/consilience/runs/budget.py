"""Budgets: checked before each call, retries, hedges and fallbacks included; reserved, then settled."""

from __future__ import annotations

import asyncio
import functools
import math
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from consilience.consult import Calls
from consilience.errors import InvalidInput, OverBudget
from consilience.markup.sentence import SentenceDisplayed
from consilience.models import Usage
from consilience.models.given import is_number
from consilience.policies.metering import METER

if TYPE_CHECKING:
    from consilience.policies import Breaker

Function = Callable[..., Any]

# Three calls of $0.1 are 0.30000000000000004 together, and within a budget of $0.3.
_ROUNDING = 1 + 1e-9


@dataclass(frozen=True, slots=True)
class Budget(SentenceDisplayed):
    """What may be spent.

    A call is made only if what was spent, what calls under way are expected to cost, and what this one is expected to
    cost stay within it. A call is expected to cost as much as the dearest of the same expert so far; while none is
    known, one call goes ahead and the others wait for it. So the budget is exceeded at most by what calls under way
    cost more than any before them. A call that failed counts with what it was expected to cost.

    An unknown price is not zero: an expert whose replies carry no cost is not covered by ``usd``. `Plan` names those
    experts, the report of the run says how many answers had no price, and ``calls`` and ``tokens`` hold for them too,
    as far as they say their tokens.

    Parameters
    ----------
    usd, tokens, calls
        US dollars, tokens read and written, and calls; no limit by default, but at least one is given.

    Raises
    ------
    InvalidInput
        No limit is given, or one is below 0.

    Examples
    --------
    >>> Budget(usd=5, calls=1000)
    Budget(usd=5, tokens=None, calls=1000)
    """

    usd: float | None = None
    tokens: int | None = None
    calls: int | None = None

    def __post_init__(self) -> None:
        given = [limit for limit in (self.usd, self.tokens, self.calls) if limit is not None]
        counts = (self.tokens, self.calls)
        if (
            not given
            or not all(is_number(limit) and limit >= 0 and math.isfinite(limit) for limit in given)
            or not all(each is None or each == int(each) for each in counts)
        ):
            raise InvalidInput(
                f"A budget has a limit of 0 or more in usd, or whole tokens or calls, {self!r} came."
            )

    def __str__(self) -> str:
        parts = [_dollars(self.usd)] if self.usd is not None else []
        parts += [f"{self.tokens:,.0f} tokens"] if self.tokens is not None else []
        parts += [f"{self.calls:,.0f} calls"] if self.calls is not None else []
        return " and ".join(parts)


def _dollars(usd: float) -> str:
    """Return dollars and cents, and smaller parts where there are some."""
    return f"${usd:,.2f}" if round(usd, 2) == usd else f"${usd:,.6g}"


@dataclass(slots=True)
class _Amount:
    usd: float = 0.0
    tokens: float = 0.0

    def add(self, other: _Amount, sign: int = 1) -> None:
        self.usd += sign * other.usd
        self.tokens += sign * other.tokens


def as_budget(given: object) -> Budget | None:
    """Return a budget that was given; raise `InvalidInput` when it is none."""
    if given is not None and not isinstance(given, Budget):
        raise InvalidInput(f"budget= takes cs.Budget(usd=...), tokens=... or calls=..., {given!r} came.")
    return given


class Purse:
    """What is left of a budget; used on one loop.

    Parameters
    ----------
    budget
        The limits.

    Attributes
    ----------
    spent, calls
        US dollars and tokens that are known, and calls.
    n_unpriced
        Calls that were answered without a price.
    exhausted
        Whether a call was refused.
    """

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.spent = _Amount()
        self.calls = 0
        self.n_unpriced = 0
        self.exhausted = False
        self._held = _Amount()
        self._expected: dict[str, _Amount] = {}
        self._first: dict[str, asyncio.Event] = {}

    def __repr__(self) -> str:
        said = f"${self.spent.usd:.4f}, {self.spent.tokens:,.0f} tokens, {self.calls:,} calls"
        return f"<Purse: {said} spent of {self.budget}>"

    async def reserve(self, expert: str) -> _Amount:
        """Hold what a call is expected to cost.

        Raises
        ------
        OverBudget
            The budget does not cover it.
        """
        counts_calls_only = self.budget.usd is None and self.budget.tokens is None
        while expert not in self._expected and not counts_calls_only:
            if expert not in self._first:
                self._first[expert] = asyncio.Event()
                break
            await self._first[expert].wait()
        expected = self._expected.get(expert, _Amount())
        try:
            self._require(expert, expected)
        except OverBudget:
            self._release(expert)
            raise
        self.calls += 1
        held = _Amount(expected.usd, expected.tokens)
        self._held.add(held)
        return held

    def settle(self, expert: str, held: _Amount, usage: Usage | None) -> None:
        """Let go of what was held, and count what the call cost; ``None`` where it failed."""
        self._held.add(held, -1)
        if usage is None:
            self.spent.add(held)
        else:
            tokens = (usage.input_tokens or 0) + (usage.output_tokens or 0)
            cost = _Amount(usage.cost_usd or 0.0, tokens)
            self.n_unpriced += usage.cost_usd is None
            self.spent.add(cost)
            known = self._expected.setdefault(expert, _Amount())
            known.usd, known.tokens = max(known.usd, cost.usd), max(known.tokens, cost.tokens)
        self._release(expert)

    def give_back(self, expert: str, held: _Amount) -> None:
        """Let go of what was held for a call that was not made."""
        self._held.add(held, -1)
        self.calls -= 1
        self._release(expert)

    def _release(self, expert: str) -> None:
        first = self._first.pop(expert, None)
        if first is not None:
            first.set()

    def _require(self, expert: str, expected: _Amount) -> None:
        usd = self.spent.usd + self._held.usd + expected.usd
        tokens = self.spent.tokens + self._held.tokens + expected.tokens
        limits = (
            ("usd", self.budget.usd, usd, "$"),
            ("tokens", self.budget.tokens, tokens, ""),
            ("calls", self.budget.calls, self.calls + 1, ""),
        )
        for name, limit, wanted, sign in limits:
            nothing_left = (
                name != "calls" and limit is not None and wanted >= limit and expert not in self._expected
            )
            if limit is not None and (wanted > limit * _ROUNDING or nothing_left):
                self.exhausted = True
                raise OverBudget(
                    f"The budget of {self.budget} does not cover another call to {expert}, which would bring {name} to "
                    f"{sign}{wanted:,.6g}: it was not made. Raise {name}, and run again for what is missing."
                )


class Spending:
    """A policy whose every attempt, hedge and fallback is paid from purses.

    Parameters
    ----------
    policy
        Under which the expert is asked.
    expert
        Its name.
    purses
        All of them have to cover a call.
    """

    def __init__(self, policy: Calls, expert: str, purses: Sequence[Purse]) -> None:
        self._policy = policy
        self._expert = expert
        self._purses = tuple(purses)

    @property
    def breaker(self) -> Breaker | None:
        """That of the policy."""
        return getattr(self._policy, "breaker", None)

    def call(self, function: Function, /, *args: Any) -> Coroutine[Any, Any, Any]:
        """Await a coroutine function under the policy, if the purses cover it."""
        METER.set(self._metered)
        return self._policy.call(self._metered(function), *args)

    async def stream(self, function: Function, /, *args: Any) -> AsyncGenerator[Any, None]:
        """Iterate over an asynchronous generator under the policy, if the purses cover it.

        What it used up is read from the last item that says so, which is the reply.
        """
        async with aclosing(self._policy.stream(self._metered_stream(function), *args)) as items:
            async for item in items:
                yield item

    def _metered_stream(self, function: Function) -> Function:
        @functools.wraps(function)
        async def paid(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, None]:
            held = await self._reserve()
            usage: Usage | None = None
            try:
                async with aclosing(function(*args, **kwargs)) as items:
                    async for item in items:
                        usage = getattr(item, "usage", None) or usage
                        yield item
                usage = usage or Usage()
            except BaseException as error:
                usage = usage or _used_by(error)
                raise
            finally:
                for purse, amount in held:
                    purse.settle(self._expert, amount, usage)

        return paid

    def _metered(self, function: Function) -> Function:
        @functools.wraps(function)
        async def paid(*args: Any, **kwargs: Any) -> Any:
            held = await self._reserve()
            usage: Usage | None = None
            try:
                reply = await function(*args, **kwargs)
                usage = getattr(reply, "usage", None) or Usage()
            except BaseException as error:
                usage = _used_by(error)
                raise
            else:
                return reply
            finally:
                for purse, amount in held:
                    purse.settle(self._expert, amount, usage)

        return paid

    async def _reserve(self) -> list[tuple[Purse, _Amount]]:
        held: list[tuple[Purse, _Amount]] = []
        for purse in self._purses:
            try:
                held.append((purse, await purse.reserve(self._expert)))
            except BaseException:  # a cancellation too gives back what was reserved
                for earlier, amount in held:
                    earlier.give_back(self._expert, amount)
                raise
        return held


def _used_by(error: BaseException) -> Usage | None:
    """Return what a failed call says that it used up; a refusal and an unreadable answer are paid for."""
    usage = getattr(error, "usage", None)
    return usage if isinstance(usage, Usage) and usage != Usage() else None


def spending(policies: Mapping[str, Calls], budget: Budget) -> tuple[Purse, Mapping[str, Calls]]:
    """Return a purse of a budget, and the policies under which every call is paid from it."""
    as_budget(budget)
    purse = Purse(budget)
    return purse, {name: Spending(policy, name, [purse]) for name, policy in policies.items()}
