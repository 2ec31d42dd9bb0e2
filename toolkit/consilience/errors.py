"""Every error that Consilience raises on purpose.

The tree::

    ConsilienceError
    ├── InvalidInput (ValueError)       what the caller gave cannot be used
    │   ├── EmptyCircle
    │   ├── DuplicateExpert
    │   ├── UnknownExpert
    │   ├── EmptyQuestion
    │   ├── InvalidChoices
    │   ├── InvalidFrame
    │   └── UnsafeUrl
    ├── ExpertError                     one expert could not answer; it becomes that expert's outcome
    │   ├── Abstained
    │   ├── Refused
    │   ├── Unparseable
    │   │   └── Truncated
    │   ├── ContextExceeded
    │   ├── RecordingMiss
    │   ├── NotConfigured
    │   │   ├── ProviderExtraMissing
    │   │   ├── KeyMissing
    │   │   └── SecretsExposed
    │   ├── ProviderError               a provider did not answer; `status_code` and `retry_after` say how
    │   │   └── KeyRejected
    │   ├── InboxError
    │   └── LocalModelError
    │       ├── LocalExtraMissing
    │       ├── LocalModelMissing
    │       ├── LocalPortTaken
    │       └── LocalModelCrashed
    ├── CallError                       a policy refused a call or ended it; `retry_after` says when to come again
    │   ├── CircuitOpen
    │   ├── RateLimited
    │   ├── QueueFull
    │   ├── NestedAcquire
    │   ├── PoolClosed
    │   ├── PoolTimedOut (TimeoutError)
    │   ├── StreamCutOff                a stream ended without its end
    │   ├── MalformedEvent              an event of a stream cannot be read
    │   ├── OverBudget
    │   ├── AttemptTimedOut (TimeoutError)
    │   └── DeadlineExceeded (TimeoutError)
    ├── SourceError                     a source gave no data that can be used
    ├── SetupError                      the local model could not be fetched or is damaged
    ├── StoreError
    │   ├── StoreFull                   no space left; what was to be written is kept in memory
    │   ├── StoreAway                   a server keeps the rows and does not answer
    │   ├── StoreBusy
    │   ├── StoreTooNew
    │   ├── StoreReadOnly
    │   ├── StatementTimedOut (TimeoutError)
    │   └── NetworkFileSystem
    ├── DashboardError                  the dashboard cannot be served as it was asked to
    │   └── NotAllowed                  a person's role does not reach that far
    ├── KernelUnavailable (ImportError) a kernel was forced that is not built
    └── LoopError (RuntimeError)        a blocking call was made where it would wait for itself

A message says what is required, what came, and what to do about it.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "Abstained",
    "AttemptTimedOut",
    "CallError",
    "CircuitOpen",
    "ConsilienceError",
    "ContextExceeded",
    "DashboardError",
    "DeadlineExceeded",
    "DuplicateExpert",
    "EmptyCircle",
    "EmptyQuestion",
    "ExpertError",
    "InboxError",
    "InvalidChoices",
    "InvalidFrame",
    "InvalidInput",
    "KernelUnavailable",
    "KeyMissing",
    "KeyRejected",
    "LocalExtraMissing",
    "LocalModelCrashed",
    "LocalModelError",
    "LocalModelMissing",
    "LocalPortTaken",
    "LoopError",
    "MalformedEvent",
    "NestedAcquire",
    "NetworkFileSystem",
    "NotAllowed",
    "NotConfigured",
    "OverBudget",
    "PoolClosed",
    "PoolTimedOut",
    "ProviderError",
    "ProviderExtraMissing",
    "QueueFull",
    "RateLimited",
    "RecordingMiss",
    "Refused",
    "SecretsExposed",
    "SetupError",
    "SourceError",
    "StatementTimedOut",
    "StoreAway",
    "StoreBusy",
    "StoreError",
    "StoreFull",
    "StoreReadOnly",
    "StoreTooNew",
    "StreamCutOff",
    "Truncated",
    "UnknownExpert",
    "Unparseable",
    "UnsafeUrl",
]


class ConsilienceError(Exception):
    """Root of the tree: ``except ConsilienceError`` catches all of it and nothing else."""


class InvalidInput(ConsilienceError, ValueError):
    """What the caller gave cannot be used."""


class EmptyCircle(InvalidInput):
    """A circle needs at least one expert."""


class DuplicateExpert(InvalidInput):
    """Two experts of one circle share a name."""


class UnknownExpert(InvalidInput):
    """An expert was named that no provider knows."""


class EmptyQuestion(InvalidInput):
    """The question has no text."""


class InvalidChoices(InvalidInput):
    """The choices of a label are empty, repeated or not text."""


class InvalidFrame(InvalidInput):
    """A frame lacks a column, or a column holds values that cannot be used."""


class UnsafeUrl(InvalidInput):
    """A URL leads to where nothing may be fetched from."""


class ExpertError(ConsilienceError):
    """One expert could not answer. Inside a circle it becomes that expert's typed outcome.

    Attributes
    ----------
    usage
        What was used up all the same, a `Usage`; ``None`` when unknown.
    calls
        Calls that it took.
    """

    usage: Any = None
    calls: int = 1


class Abstained(ExpertError):
    """The expert declined to commit to an answer."""


class Refused(ExpertError):
    """The expert refused the question, by its policy or its provider's."""


class Unparseable(ExpertError):
    """The expert said something that is not an answer of the kind that was asked for."""


class Truncated(Unparseable):
    """The answer was cut off by a limit of tokens, and half an answer is none."""


class ContextExceeded(ExpertError):
    """The question is longer than the model's context."""


class RecordingMiss(ExpertError):
    """A recording holds no answer to this question."""


class NotConfigured(ExpertError):
    """A provider cannot be asked from this machine as it is set up."""


class ProviderExtraMissing(NotConfigured):
    """The extra of a provider is not installed."""


class KeyMissing(NotConfigured):
    """A provider's key is neither in the environment nor in the secrets file."""


class SecretsExposed(NotConfigured):
    """The secrets file can be read by other users, or cannot be read at all."""


class ProviderError(ExpertError):
    """A provider did not answer, or not to the end.

    Attributes
    ----------
    status_code
        The HTTP status; ``None`` when there was none.
    retry_after
        Seconds after which the provider wants to be asked again; ``None`` when it said nothing.
    """

    status_code: int | None = None
    retry_after: float | None = None


class KeyRejected(ProviderError):
    """A provider does not accept the key, or the key may not use the model."""


class InboxError(ExpertError):
    """A person's inbox cannot be used."""


class LocalModelError(ExpertError):
    """The local model cannot run."""


class LocalExtraMissing(LocalModelError):
    """The extra ``local`` is not installed."""


class LocalModelMissing(LocalModelError):
    """The model file is not on this machine yet."""


class LocalPortTaken(LocalModelError):
    """The port that was asked for belongs to another program."""


class LocalModelCrashed(LocalModelError):
    """The child process of the local model ended."""


class CallError(ConsilienceError):
    """A policy refused a call or ended it.

    Attributes
    ----------
    retry_after
        Seconds after which the same call may pass; ``None`` when nobody can tell.
    """

    retry_after: float | None = None


class CircuitOpen(CallError):
    """The breaker is open: the other side failed too often, and is not asked for a while."""


class RateLimited(CallError):
    """The quota would let this call pass only after its deadline, or later than it may wait."""


class QueueFull(CallError):
    """As many calls as are allowed to wait already do."""


class NestedAcquire(CallError):
    """A call that holds a permit asked for another one of the same policy, and would have waited for itself."""


class PoolClosed(CallError):
    """The pool of connections was closed before this call."""


class PoolTimedOut(CallError, TimeoutError):
    """No connection of the pool became free in time."""


class StreamCutOff(CallError):
    """A stream ended before its answer was whole: what came is a part, and is not to be taken for all of it."""


class MalformedEvent(CallError):
    """An event of a stream cannot be read."""


class OverBudget(CallError):
    """The budget does not cover this call, which was not made."""


class AttemptTimedOut(CallError, TimeoutError):
    """One attempt took longer than its timeout."""


class DeadlineExceeded(CallError, TimeoutError):
    """The time for the whole call, retries and waiting included, is over."""


class SourceError(ConsilienceError):
    """A source of data refused, or gave what cannot be used."""


class SetupError(ConsilienceError):
    """The local model could not be fetched, or what arrived is damaged."""


class StoreError(ConsilienceError):
    """The store cannot read or write.

    Attributes
    ----------
    verdict
        The verdict that could not be written, when a circle raised this: nothing that was paid for is lost.
    """

    verdict: Any = None


class StoreFull(StoreError):
    """No space is left on the store's disk. The rows stay in memory and are written as soon as there is space."""


class StoreBusy(StoreError):
    """Another process held the store for longer than the time that was allowed."""


class StoreAway(StoreError):
    """The server that keeps the store's rows does not answer. What was written waits in the spool and is not lost."""


class StoreTooNew(StoreError):
    """The store was written by a newer version of Consilience."""


class StoreReadOnly(StoreError):
    """A statement tried to change the store through a reading call."""


class StatementTimedOut(StoreError, TimeoutError):
    """A statement on the store ran longer than it may, and was stopped."""


class NetworkFileSystem(StoreError):
    """The store lies on a network file system, where its locks do not hold."""


class DashboardError(ConsilienceError):
    """The dashboard cannot be served as it was asked to."""


class NotAllowed(DashboardError):
    """A person's role does not reach as far as what they tried."""


class KernelUnavailable(ConsilienceError, ImportError):
    """A kernel was forced with ``CONSILIENCE_KERNELS`` and is not installed."""


class LoopError(ConsilienceError, RuntimeError):
    """A blocking call was made from the background loop, where it would wait for itself."""
