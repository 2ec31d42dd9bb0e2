"""The local model's server for other clients: an OpenAI-compatible and an Anthropic-compatible address."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from consilience.experts.local.artifact import model_path
from consilience.loop import background

if TYPE_CHECKING:
    from consilience.experts.local.client import Client


class Endpoint:
    """Where the local model answers over HTTP, on this machine only.

    Parameters
    ----------
    key
        Name of the environment variable of this process that holds the key which the server wants.

    Attributes
    ----------
    url
        ``http://127.0.0.1:port``; OpenAI's protocol is under ``/v1``, Anthropic's at the address itself.
    """

    def __init__(self, key: str) -> None:
        self.key = key
        self.url = ""

    def __repr__(self) -> str:
        return f"<Endpoint {self.url}, key in {self.key}>"

    async def aclose(self) -> None:
        """End the server, unless a `LocalModel` uses it too, and take the key out of the environment."""
        os.environ.pop(self.key, None)
        await background.wait(self._release())

    async def open(self) -> None:
        """Start the server, or join the one that runs."""
        client = await background.wait(self._join())
        self.url = client.address
        os.environ[self.key] = client.token

    async def _join(self) -> Client:
        from consilience.experts.local.server import shared_server

        return await shared_server(model_path(), 0).call(self, _itself)

    async def _release(self) -> None:
        from consilience.experts.local.server import shared_server

        await shared_server(model_path(), 0).release(self)


async def serve_local(key: str = "CONSILIENCE_LOCAL_KEY") -> Endpoint:
    """Start the local model's llama.cpp server, or join the one that runs, and say where it is.

    With it, `cs.Model` with ``base_url`` can be tried without an account anywhere.

    Parameters
    ----------
    key
        Environment variable into which the server's key is put: a new random one each time the server starts.

    Raises
    ------
    LocalModelError
        The model cannot run.
    """
    endpoint = Endpoint(key)
    await endpoint.open()
    return endpoint


async def _itself(client: Client) -> Client:
    return client
