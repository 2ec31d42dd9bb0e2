"""Which keys are there, by the name of their variable; a key itself is never shown."""

from __future__ import annotations

from consilience.doctor.check import Check


def keys() -> list[Check]:
    """Look for the keys of all services, in the environment and in the secrets file."""
    from consilience.errors import KeyMissing, SecretsExposed
    from consilience.experts.llm.keys import find
    from consilience.experts.llm.services import SERVICES

    present, absent = [], []
    for service in SERVICES.values():
        if not service.key:
            continue
        try:
            present.append(f"{service.name} ({find(service.key, service.name).origin})")
        except KeyMissing:
            absent.append(service.key[0])
        except SecretsExposed as error:
            return [Check("keys", False, "the secrets file was not read", str(error))]
    found = ", ".join(present) or "none"
    mend = "" if present else f"not needed for local models and people; else set one of {', '.join(absent)}"
    return [Check("keys", None, found, mend)]
