"""Which errors may be kept for a while, and how one is raised again."""

from __future__ import annotations

from typing import Any

from consilience.errors import CallError
from consilience.policies.judgement import Judgement, judge, status

__all__ = ["is_absent", "may_be_kept", "twin"]

_ABSENT = (404, 410)


def is_absent(error: BaseException) -> bool:
    """Whether an error says that the thing is not there: HTTP 404 and 410 (RFC 9110, 15.5.5 and 15.5.11).

    Examples
    --------
    >>> gone = Exception("no such model")
    >>> gone.status_code = 404
    >>> is_absent(gone), is_absent(TimeoutError())
    (True, False)
    """
    return status(error) in _ABSENT


def may_be_kept(error: BaseException) -> bool:
    """Whether an error can be kept at all, whatever a caller's classifier says.

    Never kept: what the other side may answer differently in a moment (429, 5xx, timeouts, lost connections), what a
    policy refused, and what ended the call from outside (cancellation, Ctrl-C).
    """
    passing = isinstance(error, (CallError, TimeoutError)) or not isinstance(error, Exception)
    return not passing and judge(error) is Judgement.OURS


def twin(error: Exception) -> Exception | None:
    """Return an equal error without its traceback, whose frames would keep everything alive; ``None`` if impossible.

    An error that is raised again and again would also grow its traceback, and be shared by threads.
    """
    kind = type(error)
    try:
        copy: Exception = kind.__new__(kind, *error.args)
    except TypeError:  # its __new__ wants more than it keeps
        return None
    copy.args = error.args
    held: dict[str, Any] = dict(vars(error))
    held.pop("__notes__", None)
    copy.__dict__.update(held)
    for note in getattr(error, "__notes__", ()):
        copy.add_note(note)
    return copy
