"""Language models of any provider, through pydantic-ai and the providers' own clients.

Parts: `services` (who can be asked, where, with which key), `keys` (where keys come from, and how they stay out of
sight), `prompts` and `schemas` (what is asked), `connection` and `dialects` (how), `failures` (what the clients' errors
mean), `reading` and `chances` (what came back), `model` (the expert), `discovery` (servers on this machine).
"""

from consilience.experts.llm.model import LanguageModel
from consilience.experts.llm.services import SERVICES, Service

__all__ = ["SERVICES", "LanguageModel", "Service"]
