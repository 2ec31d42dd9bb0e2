"""Policies for calls that can fail: time and events are dependencies, and every part is usable alone."""

from consilience.policies.clock import SYSTEM, Clock, ManualClock, SystemClock, Timer
from consilience.policies.events import EVENTS, Event, Events, subscribe

__all__ = ["EVENTS", "SYSTEM", "Clock", "Event", "Events", "ManualClock", "SystemClock", "Timer", "subscribe"]
