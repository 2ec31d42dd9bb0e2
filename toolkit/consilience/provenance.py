"""Who was asked, how, and by which price list: what a store keeps of a circle, once for each process that asks."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from consilience.disclosure import provider
from consilience.experts.base import Expert
from consilience.models.identifiers import new_id
from consilience.store.rows import Bundle, Row, storable

if TYPE_CHECKING:
    from consilience.experts.llm.services import Service
    from consilience.redaction import Redactor
    from consilience.store import Store

_SETTINGS = ("persona", "temperature", "seed", "max_tokens", "typed")


def circle_id(experts: Sequence[Expert]) -> str:
    """Return what names a circle by its experts and their settings, the same in every process.

    Examples
    --------
    >>> from consilience.experts.scripted import Scripted
    >>> ana, ben = Scripted("ana", ["yes"]), Scripted("ben", ["no"])
    >>> circle_id([ana, ben]) == circle_id([ben, ana]) != circle_id([ana])
    True
    """
    described = sorted(json.dumps(_described(expert, str), ensure_ascii=False) for expert in experts)
    return hashlib.sha256("\n".join(described).encode(errors="surrogatepass")).hexdigest()[:16]


class Introduction:
    """Tells a store who sits in a circle, before the first question of this process.

    Parameters
    ----------
    experts
        Of the circle.
    redactor
        Hides in a persona what may not be kept; ``None`` hides nothing.

    Attributes
    ----------
    circle
        What the store calls this circle, once it was told.
    """

    def __init__(self, experts: Sequence[Expert], redactor: Redactor | None) -> None:
        self._experts = experts
        self._redactor = redactor
        self.circle: str | None = None

    async def to(self, store: Store) -> None:
        """Write it, once.

        Raises
        ------
        StoreError
            It could not be written.
        """
        if self.circle is None:
            hide = str if self._redactor is None else self._redactor.start().hide
            await asyncio.to_thread(store.write, provenance(self._experts, hide=hide))
            self.circle = circle_id(self._experts)


def provenance(experts: Sequence[Expert], *, hide: Callable[[str], str] = str) -> Bundle:
    """Return the rows of the tables ``experts`` and ``prices`` for a circle.

    Parameters
    ----------
    experts
        Of the circle.
    hide
        Replaces in a persona what may not be kept.
    """
    now, circle = datetime.now(UTC), circle_id(experts)
    people: list[Row] = [(new_id(), now, *map(_text, _described(expert, hide)), circle) for expert in experts]
    rows = {"experts": people}
    if prices := list(_prices(experts, now)):
        rows["prices"] = prices
    return Bundle(rows)


def _described(expert: Expert, hide: Callable[[str], str]) -> tuple[str, str, str, str | None, str]:
    model = _setting(expert, "model")
    found = {name: _setting(expert, name) for name in _SETTINGS}
    settings = {name: value for name, value in found.items() if isinstance(value, (str, int, float))}
    if isinstance(settings.get("persona"), str):
        settings["persona"] = hide(str(settings["persona"]))
    if url := getattr(getattr(expert, "service", None), "url", None):
        settings["url"] = str(url)  # an address with a password is refused where it is given
    text = json.dumps(settings, ensure_ascii=False, sort_keys=True)
    return expert.name, str(expert.source), provider(expert), model if isinstance(model, str) else None, text


def _setting(expert: Expert, name: str) -> Any:
    return getattr(expert, name, getattr(expert, f"_{name}", None))


def _text(value: str | None) -> str | None:
    return None if value is None else storable(value)


def _prices(experts: Sequence[Expert], now: datetime) -> Iterator[Row]:
    from consilience.experts.prices import listed

    services: dict[tuple[str, str], Service] = {}
    for expert in experts:
        service, model = getattr(expert, "service", None), getattr(expert, "model", None)
        if service is not None and isinstance(model, str):
            services[service.name, model] = service
    for (name, model), service in services.items():
        if (price := listed(service, model)) is not None:
            yield (
                new_id(),
                now,
                storable(name),
                storable(model),
                price.input_usd,
                price.output_usd,
                price.cache_read_usd,
                price.cache_write_usd,
                price.snapshot,
            )
