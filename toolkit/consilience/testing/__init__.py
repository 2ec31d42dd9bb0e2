"""Doubles of what fails, for tests of calls that must survive: a faulty HTTP server, and a proxy with a bad line.

Both are real: sockets on 127.0.0.1, on a thread of their own.
"""

from consilience.testing.faults import (
    Cut,
    Drip,
    Fault,
    HalfAnswer,
    Latency,
    Malformed,
    Reset,
    Stall,
    Status,
    Throttle,
)
from consilience.testing.listener import ConnectionCounts
from consilience.testing.plans import ByPath, InOrder, Plan, Sometimes
from consilience.testing.proxy import Line, TcpProxy
from consilience.testing.requests import Request
from consilience.testing.server import FaultServer

__all__ = [
    "ByPath",
    "ConnectionCounts",
    "Cut",
    "Drip",
    "Fault",
    "FaultServer",
    "HalfAnswer",
    "InOrder",
    "Latency",
    "Line",
    "Malformed",
    "Plan",
    "Request",
    "Reset",
    "Sometimes",
    "Stall",
    "Status",
    "TcpProxy",
    "Throttle",
]
