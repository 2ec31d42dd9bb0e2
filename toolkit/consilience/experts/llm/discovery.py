"""Model servers on this machine: asked only when the user wants to know, at the ports where they usually are."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from consilience.experts.llm.services import SERVICES, Service

# A server on the same machine answers within milliseconds, or is not there.
_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Found:
    """One server that answered.

    Parameters
    ----------
    address
        Where it is, for ``base_url``.
    services
        Which servers usually listen there.
    models
        The names of its models; empty when it says none.
    locked
        Whether it wants a key before it says what it has.
    """

    address: str
    services: tuple[str, ...]
    models: tuple[str, ...] = ()
    locked: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """What to write into a circle, for each model."""
        return tuple(f"{self.services[0]}:{model}" for model in self.models)


def usual() -> dict[str, tuple[str, ...]]:
    """Return the addresses where model servers usually listen, each with the services that use it."""
    found: dict[str, tuple[str, ...]] = {}
    for service in SERVICES.values():
        if _on_this_machine(service):
            assert service.url is not None
            found[service.url] = (*found.get(service.url, ()), service.name)
    return found


async def discover(addresses: dict[str, tuple[str, ...]] | None = None) -> Sequence[Found]:
    """Ask every address for its models, at once and for a second at most.

    Parameters
    ----------
    addresses
        As `usual` returns, which is the default.
    """
    import httpx2

    asked = usual() if addresses is None else addresses
    # no proxy of the environment: the addresses are this machine's own
    async with httpx2.AsyncClient(timeout=_SECONDS, trust_env=False) as client:
        told = await asyncio.gather(*(_ask(client, url, names) for url, names in asked.items()))
    return [found for found in told if found is not None]


async def _ask(client: Any, url: str, services: tuple[str, ...]) -> Found | None:
    import httpx2

    try:
        response = await client.get(f"{url}/models")
        if response.status_code in (401, 403):
            return Found(url, services, locked=True)
        models = response.json()["data"] if response.status_code == httpx2.codes.OK else None
        return None if models is None else Found(url, services, tuple(str(model["id"]) for model in models))
    except (httpx2.HTTPError, ValueError, LookupError, TypeError):
        return None  # nobody there, or another program that says something else


def _on_this_machine(service: Service) -> bool:
    return service.url is not None and service.url.startswith("http://localhost:")
