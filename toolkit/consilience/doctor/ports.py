"""Ports of this machine: whether the dashboard's is free, and which model servers answer."""

from __future__ import annotations

import socket

from consilience.doctor.check import Check

#: Where ``consilience serve`` listens by default.
DASHBOARD = 5006


def dashboard_port(port: int = DASHBOARD) -> Check:
    """Look whether the dashboard's port is free, by binding it for a moment; nothing is connected to."""
    with socket.socket() as probe:
        # as servers do: a port that was closed a moment ago is free
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return Check(
                f"port {port}",
                None,
                "taken, perhaps by a dashboard",
                "consilience serve --port with another one",
            )
    return Check(f"port {port}", None, "free for the dashboard")


def servers() -> list[Check]:
    """Look for model servers at the usual ports of this machine; connects to nothing else."""
    from consilience.experts.llm.discovery import discover, usual
    from consilience.loop import background

    found = background.wait_sync(discover())
    if not found:
        ports = ", ".join(sorted({url.split(":")[2].partition("/")[0] for url in usual()}, key=int))
        return [
            Check("model servers", None, f"none at the ports {ports}", "start one, then name it in a circle")
        ]
    return [
        Check(
            f"server at {server.address}",
            None,
            "wants a key" if server.locked else ", ".join(server.models) or "has no model loaded",
            f"cs.Model('{server.services[0]}:...', key='...')" if server.locked else ", ".join(server.names),
        )
        for server in found
    ]
