"""What a circle keeps beside its verdicts: recordings of what was answered, and answers that come late."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from consilience.disclosure import provider
from consilience.errors import InvalidInput, StoreError
from consilience.loop import background

if TYPE_CHECKING:
    from consilience.disclosure import Disclosure
    from consilience.experts.base import Expert
    from consilience.experts.recorder import Recorder
    from consilience.store import Store
    from consilience.verdict import Verdict


class Keeping:
    """The part of `Circle` that keeps what was answered."""

    experts: tuple[Expert, ...]
    store: Store | None
    _disclosure: Disclosure
    _recorder: Recorder | None = None

    if TYPE_CHECKING:

        def __init__(self, experts: Sequence[Any], **settings: Any) -> None: ...

    def record(self, path: str | os.PathLike[str]) -> Recorder:
        """Write what is answered from now on to a file, which `Circle.from_recording` and `Recorded` replay.

        Parameters
        ----------
        path
            A file of JSON lines; what it holds is kept. An earlier recording of this circle ends.

        Returns
        -------
        Recorder
            Close it, or leave its ``with`` block, to record no more.

        Raises
        ------
        InvalidInput
            The file cannot be written.

        Notes
        -----
        ``ask`` and runs return when their answers are on the disk. A line holds the question with all that was shown,
        the answer, confidence and its source, tokens, cost, calls and seconds, and who answered: provider, model, hash
        of the settings, price list, time.

        Examples
        --------
        >>> import tempfile
        >>> import consilience as cs
        >>> circle = cs.Circle([cs.Scripted("ana", ["yes"]), cs.Scripted("ben", ["no"])])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with circle.record(f"{folder}/answers.jsonl"):
        ...         _ = circle.ask_sync("Is water wet?")
        ...     again = cs.Circle.from_recording(f"{folder}/answers.jsonl").ask_sync("Is water wet?")
        >>> {response.expert: response.answer for response in again.responses}
        {'ana': 'yes', 'ben': 'no'}
        """
        from consilience.experts.recorder import Facts, Recorder

        if self._recorder is not None:
            self._recorder.close()
        self._recorder = Recorder(
            path,
            {e.name: Facts(provider(e), _text(e, "model"), _text(e, "prompt_hash")) for e in self.experts},
        )
        return self._recorder

    @classmethod
    def from_recording(cls, path: str | os.PathLike[str], **settings: Any) -> Self:
        """Return a circle of everyone who stands in a recording; nobody is asked anything again.

        Parameters
        ----------
        path
            A file that `record` wrote, or any that `Recorded` reads.
        **settings
            As in `Circle`.

        Raises
        ------
        InvalidInput
            The file is no recording.
        """
        from consilience.experts.recorded import Recorded

        return cls(Recorded.everyone(Path(path)), **settings)

    async def _recorded(self, kept: Verdict, verdict: Verdict) -> None:
        """Record what a question brought; what stands against it carries the verdict of the caller."""
        if self._recorder is None:
            return
        if kept.rounds:
            for one in kept.rounds:
                questions = dict(one.questions)
                for response in one.responses:
                    self._recorder.put(questions[response.expert], response)
        else:
            for response in kept.responses:
                self._recorder.put(kept.question, response)
        try:
            await self._recorder.written()
        except StoreError as error:
            error.verdict = verdict
            raise

    async def collect(self) -> tuple[Verdict, ...]:
        """Take late answers of the circle's people, record them and decide again; see `experts.human.collect`.

        Raises
        ------
        InvalidInput
            The circle has no store, which holds the questions that wait for answers.
        """
        from consilience.experts.human import Human, collect

        if self.store is None:
            raise InvalidInput(
                "Late answers join what is stored, this circle has no store: Circle(..., store=...)."
            )
        humans = [expert for expert in self.experts if isinstance(expert, Human)]
        redactor = self._disclosure.redactor
        return await background.wait(asyncio.to_thread(collect, self.store, humans, redact=redactor))


def _text(expert: Expert, name: str) -> str | None:
    found = getattr(expert, name, None)
    return found if isinstance(found, str) else None
