"""What a call cost, by the price list that genai-prices brings: nothing is looked up on the network."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from consilience.models import Source

if TYPE_CHECKING:
    from consilience.experts.base import Expert
    from consilience.experts.llm.services import Service

_SAMPLE = 1_000


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Which price list costs were computed with.

    Parameters
    ----------
    package, version
        The distribution that holds the list, and its version: the list is part of it and does not change.
    updated
        Whether the user had a newer list loaded into this process (``genai_prices.UpdatePrices``).
    """

    package: str
    version: str
    updated: bool

    def __str__(self) -> str:
        return f"{self.package} {self.version}{', updated' if self.updated else ''}"


def snapshot() -> Snapshot | None:
    """Return the price list in use; ``None`` when genai-prices is not installed, and every cost is unknown."""
    try:
        import genai_prices
        from genai_prices.data_snapshot import get_snapshot
    except ImportError:
        return None
    return Snapshot("genai-prices", genai_prices.__version__, get_snapshot().from_auto_update)


@dataclass(frozen=True, slots=True)
class Listed:
    """US dollars a million tokens, as a price list has them now; ``None`` where it has none, or more than one by size.

    Parameters
    ----------
    input_usd, output_usd, cache_read_usd, cache_write_usd
        For tokens read, written, read from a cache and written to it.
    snapshot
        The price list.
    """

    input_usd: float | None
    output_usd: float | None
    cache_read_usd: float | None
    cache_write_usd: float | None
    snapshot: str


def listed(service: Service, model: str) -> Listed | None:
    """Return what a model costs by the list in use; ``None`` where it is not in it.

    Examples
    --------
    >>> from consilience.experts.llm.services import SERVICES
    >>> listed(SERVICES["ollama"], "llama3").input_usd
    0.0
    """
    if service.local:
        return Listed(0.0, 0.0, 0.0, 0.0, "local")
    source = snapshot()
    if service.listed is None or source is None:
        return None
    from genai_prices.data_snapshot import get_snapshot

    try:
        _, found = get_snapshot().find_provider_model(model, None, service.listed, None)
        price = found.get_prices(datetime.now(UTC))
    except (LookupError, ValueError):
        return None
    read, written, cache_read, cache_written = (
        _single(getattr(price, name, None))
        for name in ("input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok")
    )
    return Listed(read, written, cache_read, cache_written, str(source))


def _single(price: object) -> float | None:
    return float(price) if isinstance(price, (int, float, Decimal)) else None


def cost(usage: Any, service: Service, model: str) -> float | None:
    """Return what one call cost in US dollars; ``None`` when nobody can tell.

    Parameters
    ----------
    usage
        Tokens as genai-prices reads them: cached ones, which are cheaper to read and dearer to write, are counted
        inside ``input_tokens`` and named in ``cache_read_tokens`` and ``cache_write_tokens``.
    service
        A local one costs nothing by contract: 0. What a proxy or another address charges is unknown, even when the
        model's name is on the list.
    model
        The model that answered, as the service names it.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from consilience.experts.llm.services import SERVICES
    >>> cost(SimpleNamespace(input_tokens=9, output_tokens=1), SERVICES["ollama"], "llama3")
    0.0
    """
    if service.local:
        return 0.0
    if service.listed is None:
        return None
    try:
        from genai_prices import calc_price

        return float(calc_price(usage, model, provider_id=service.listed).total_price)
    except (ImportError, LookupError, ValueError):
        return None  # no list, no such provider or model, or counts that do not add up: unknown is unknown


@dataclass(frozen=True, slots=True)
class ListPrice:
    """What the price list says.

    Parameters
    ----------
    input_usd, output_usd
        US dollars for one million tokens read and written, at the lowest tier.

    Examples
    --------
    >>> str(ListPrice(0.15, 0.6))
    '$0.15 in, $0.60 out'
    """

    input_usd: float
    output_usd: float

    def __str__(self) -> str:
        return f"${self.input_usd:,.2f} in, ${self.output_usd:,.2f} out"


def list_price(expert: Expert) -> ListPrice | None:
    """Return what one million tokens of an expert cost; ``None`` where nobody can tell, or it has no tokens.

    Examples
    --------
    >>> from consilience.experts.registry import as_expert
    >>> list_price(as_expert("local:smollm2"))
    ListPrice(input_usd=0.0, output_usd=0.0)
    """
    service = getattr(expert, "service", None)
    if getattr(expert, "provider", None) == "local" or getattr(service, "local", False):
        return ListPrice(0.0, 0.0)
    model = getattr(expert, "model", None)
    if service is None or not isinstance(model, str):
        return None
    # a small call, since tiers go by its size
    read, written = (cost(_Tokens(*n), service, model) for n in ((_SAMPLE, 0), (0, _SAMPLE)))
    if read is None or written is None:
        return None
    return ListPrice(round(read * 1e6 / _SAMPLE, 6), round(written * 1e6 / _SAMPLE, 6))


def price_words(expert: Expert) -> str:
    """Return what an expert costs, for people: the list price of a million tokens, or why there is none."""
    if expert.source in _UNPRICED:
        return _UNPRICED[expert.source]
    price = list_price(expert)
    if price is None:
        return "price unknown"
    return "free, on this machine" if price == ListPrice(0.0, 0.0) else str(price)


_UNPRICED = {
    Source.PERSON: "takes their time",
    Source.RECORDED: "recorded, no call",
    Source.SCRIPTED: "scripted, no call",
}


@dataclass(frozen=True, slots=True)
class _Tokens:
    input_tokens: int
    output_tokens: int
