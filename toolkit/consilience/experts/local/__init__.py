"""The local model: fetched once, run in a child process, asked with solved examples and a grammar.

Parts: `artifact` (what the file must be), `resolve`, `download` and `fetch` (how it comes), `child`, `process` and
`server` (how it runs), `client` (how it is called), `prompts` and `tokens` (what it is asked, and what its token
probabilities say), `model` (the expert), `endpoint` (the server for other clients).
"""

from consilience.experts.local.artifact import LocalStatus, local_status
from consilience.experts.local.endpoint import Endpoint, serve_local
from consilience.experts.local.fetch import LocalSetup, setup_local
from consilience.experts.local.model import LocalModel

__all__ = [
    "Endpoint",
    "LocalModel",
    "LocalSetup",
    "LocalStatus",
    "local_status",
    "serve_local",
    "setup_local",
]
