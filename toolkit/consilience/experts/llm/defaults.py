"""The policy of each service, shared by all experts that ask it."""

from __future__ import annotations

from consilience.errors import InvalidInput
from consilience.experts.llm.services import Service
from consilience.policies import Policy, RetrySettings, registry

# An answer has no effect but its price, so it may be asked for again. Two retries bridge a lost connection and a
# provider that is overloaded for seconds; Retry-After is honoured within the question's deadline.
_RETRY = RetrySettings(retries=2, first=0.5, longest=8.0)
# A reasoning model may think for minutes. The question's own deadline ends it earlier, if it is shorter.
_TIMEOUT = 300.0


def shared_policy(service: Service) -> Policy:
    """Return the policy that stands for a service in this process.

    One that the user made under the service's name (``Policy("openai", rate="500/min")``) is left as it is.
    """
    try:
        return registry.get(service.name)
    except InvalidInput:
        return Policy(
            service.name, concurrency=service.concurrency, retry=_RETRY, timeout=_TIMEOUT, deadline=None
        )
