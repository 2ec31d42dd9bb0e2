"""A breaker in any order of events does what a slow, obvious model of it does."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from consilience.errors import CircuitOpen
from consilience.policies import Breaker, BreakerSettings, Events, ManualClock
from consilience.policies.windows import FAILED, SLOW

ROW, MINIMUM, WINDOW, OPEN, LONGEST, SLOW_AFTER = 3, 4, 6, 10.0, 40.0, 2.0


class BreakerMachine(RuleBasedStateMachine):
    """The model keeps every result in a list, and an epoch that counts changes of state."""

    @initialize(probes=st.integers(1, 3))
    def start(self, probes):
        self.clock = ManualClock()
        self.probes = probes
        self.breaker = Breaker(
            "machine",
            BreakerSettings(
                consecutive=ROW,
                failure_rate=0.5,
                slow_rate=0.8,
                slow_after=SLOW_AFTER,
                minimum=MINIMUM,
                window=WINDOW,
                open_for=OPEN,
                open_at_most=LONGEST,
                probes=probes,
            ),
            clock=self.clock,
            events=Events(),
        )
        self.epoch = self.trips = 0
        self.forced = False
        self.out = []
        self.go("closed")

    def go(self, state):
        self.state, self.results, self.passed = state, [], 0
        self.epoch += 1

    def trip(self):
        self.trips += 1
        self.until = self.clock.monotonic() + min(LONGEST, OPEN * 2 ** (self.trips - 1))
        self.go("open")

    def n_probing(self):
        return sum(epoch == self.epoch for _, epoch in self.out)

    @rule()
    def call(self):
        if self.state == "open" and not self.forced and self.clock.monotonic() >= self.until:
            self.go("half-open")
        room = self.n_probing() + self.passed < self.probes
        passes = self.state == "closed" or (self.state == "half-open" and room)
        try:
            permit = self.breaker.acquire()
        except CircuitOpen:
            assert not passes
        else:
            assert passes
            self.out.append((permit, self.epoch))

    @precondition(lambda self: self.out)
    @rule(data=st.data(), kind=st.sampled_from(["success", "failure", "release"]), slow=st.booleans())
    def end(self, data, kind, slow):
        permit, epoch = self.out.pop(data.draw(st.integers(0, len(self.out) - 1)))
        seconds = SLOW_AFTER if slow else 0.0
        if kind == "release":
            self.breaker.release(permit)
            return
        getattr(self.breaker, kind)(permit, seconds)
        if epoch != self.epoch:
            return
        if self.state == "closed":
            self.results.append((FAILED if kind == "failure" else 0) | (SLOW if slow else 0))
            self.judge(kind == "failure", slow)
        elif self.state == "half-open":
            self.probe_ended(kind)

    def probe_ended(self, kind):
        if kind == "failure":
            self.trip()
            return
        self.passed += 1
        if self.passed == self.probes:
            self.trips = 0
            self.go("closed")

    def judge(self, failed, slow):
        window = self.results[-WINDOW:]
        row = self.results[-ROW:]
        in_a_row = len(row) == ROW and all(flags & FAILED for flags in row)
        enough = len(window) >= MINIMUM
        failing = sum(bool(flags & FAILED) for flags in window) >= 0.5 * len(window)
        slowing = sum(bool(flags & SLOW) for flags in window) >= 0.8 * len(window)
        if (failed or slow) and not self.forced and (in_a_row or (enough and (failing or slowing))):
            self.trip()

    @rule(seconds=st.sampled_from([0.0, 1.0, 9.0, 10.0, 25.0, 100.0]))
    def wait(self, seconds):
        self.clock.advance(seconds)

    @rule(kind=st.sampled_from(["reset", "force_open", "force_closed"]), rarely=st.integers(0, 9))
    def by_hand(self, kind, rarely):
        if rarely:
            return
        getattr(self.breaker, kind)()
        self.forced = kind != "reset"
        self.trips = 0 if kind == "reset" else self.trips
        self.go("open" if kind == "force_open" else "closed")

    @invariant()
    def agrees(self):
        if not hasattr(self, "out"):
            return
        assert self.breaker.state == self.state
        if self.state == "closed":
            window, last = self.breaker.window, self.results[-WINDOW:]
            assert (window.calls, window.failures) == (len(last), sum(bool(flags & FAILED) for flags in last))
        if self.state == "half-open":
            assert self.n_probing() <= self.probes


class TestBreaker(BreakerMachine.TestCase):
    settings = settings(max_examples=40, stateful_step_count=50, deadline=None)
