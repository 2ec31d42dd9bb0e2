"""Policies for calls that can fail: one `Policy` around all of them, and every part of it usable alone."""

from consilience.policies import registry
from consilience.policies.adaptive import Adaptive, Gradient
from consilience.policies.batch_events import BatchFailed, BatchFlushed
from consilience.policies.batcher import Batcher
from consilience.policies.breaker import Breaker
from consilience.policies.breaker_settings import BreakerSettings, BreakerState, Transition
from consilience.policies.cache import Cache
from consilience.policies.cache_stats import CacheStats, Removal
from consilience.policies.cached import CachedFunction, cached
from consilience.policies.clock import SYSTEM, Clock, ManualClock, SystemClock, Timer
from consilience.policies.codec import Codec, Json
from consilience.policies.concurrency import Bulkhead, Permit, Priority
from consilience.policies.deadline import deadline, remaining
from consilience.policies.entry import priority
from consilience.policies.events import EVENTS, Event, Events, subscribe
from consilience.policies.flight import SingleFlight
from consilience.policies.hedge import Hedge
from consilience.policies.judgement import Judgement, judge
from consilience.policies.limits import RateLimiter, SharedQuota
from consilience.policies.measures import Measure, measured
from consilience.policies.memory import MEMORY, MemoryGuard, MemoryPressure
from consilience.policies.memory_use import MemoryUse, read_memory
from consilience.policies.policy import Policy
from consilience.policies.rates import Gcra, Rate
from consilience.policies.redis_quota import RedisQuota
from consilience.policies.redis_tier import RedisTier
from consilience.policies.retry import Retry, RetryBudget, RetrySettings
from consilience.policies.sizes import deep_size
from consilience.policies.streams import read_events, whole
from consilience.policies.tiers import Kept, Tier, TierChanged, TierFailed
from consilience.policies.tokens import TokenQuota
from consilience.policies.usage import used_tokens
from consilience.policies.windows import CountWindow, TimeWindow, Window

__all__ = [
    "EVENTS",
    "MEMORY",
    "SYSTEM",
    "Adaptive",
    "BatchFailed",
    "BatchFlushed",
    "Batcher",
    "Breaker",
    "BreakerSettings",
    "BreakerState",
    "Bulkhead",
    "Cache",
    "CacheStats",
    "CachedFunction",
    "Clock",
    "Codec",
    "CountWindow",
    "Event",
    "Events",
    "Gcra",
    "Gradient",
    "Hedge",
    "Json",
    "Judgement",
    "Kept",
    "ManualClock",
    "Measure",
    "MemoryGuard",
    "MemoryPressure",
    "MemoryUse",
    "Permit",
    "Policy",
    "Priority",
    "Rate",
    "RateLimiter",
    "RedisQuota",
    "RedisTier",
    "Removal",
    "Retry",
    "RetryBudget",
    "RetrySettings",
    "SharedQuota",
    "SingleFlight",
    "SystemClock",
    "Tier",
    "TierChanged",
    "TierFailed",
    "TimeWindow",
    "Timer",
    "TokenQuota",
    "Transition",
    "Window",
    "cached",
    "deadline",
    "deep_size",
    "judge",
    "measured",
    "priority",
    "read_events",
    "read_memory",
    "registry",
    "remaining",
    "subscribe",
    "used_tokens",
    "whole",
]
