"""Policies for calls that can fail: one `Policy` around all of them, and every part of it usable alone."""

from consilience.policies import registry
from consilience.policies.adaptive import Adaptive, Gradient
from consilience.policies.breaker import Breaker
from consilience.policies.breaker_settings import BreakerSettings, BreakerState, Transition
from consilience.policies.clock import SYSTEM, Clock, ManualClock, SystemClock, Timer
from consilience.policies.concurrency import Bulkhead, Permit, Priority
from consilience.policies.deadline import deadline, remaining
from consilience.policies.entry import priority
from consilience.policies.events import EVENTS, Event, Events, subscribe
from consilience.policies.flight import SingleFlight
from consilience.policies.hedge import Hedge
from consilience.policies.judgement import Judgement, judge
from consilience.policies.limits import RateLimiter, SharedQuota
from consilience.policies.measures import Measure, measured
from consilience.policies.policy import Policy
from consilience.policies.rates import Gcra, Rate
from consilience.policies.retry import Retry, RetryBudget, RetrySettings
from consilience.policies.tokens import TokenQuota
from consilience.policies.usage import used_tokens
from consilience.policies.windows import CountWindow, TimeWindow, Window

__all__ = [
    "EVENTS",
    "SYSTEM",
    "Adaptive",
    "Breaker",
    "BreakerSettings",
    "BreakerState",
    "Bulkhead",
    "Clock",
    "CountWindow",
    "Event",
    "Events",
    "Gcra",
    "Gradient",
    "Hedge",
    "Judgement",
    "ManualClock",
    "Measure",
    "Permit",
    "Policy",
    "Priority",
    "Rate",
    "RateLimiter",
    "Retry",
    "RetryBudget",
    "RetrySettings",
    "SharedQuota",
    "SingleFlight",
    "SystemClock",
    "TimeWindow",
    "Timer",
    "TokenQuota",
    "Transition",
    "Window",
    "deadline",
    "judge",
    "measured",
    "priority",
    "registry",
    "remaining",
    "subscribe",
    "used_tokens",
]
