"""The cache behaves as a dictionary from which entries may leave, whatever is done to it."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from consilience.policies import Cache, ManualClock, Removal

KEYS = st.integers(0, 12)
VALUES = st.one_of(st.none(), st.integers(-2, 2), st.text(max_size=3))
MAX_ENTRIES, MAX_BYTES, TTL = 6, 40, 100


def weigh(key, value):
    return 20 if value == 2 else 5


class CacheAgainstModel(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.clock = ManualClock()
        self.gone = []
        self.cache = Cache(
            max_entries=MAX_ENTRIES,
            max_bytes=MAX_BYTES,
            ttl=TTL,
            weigh=weigh,
            clock=self.clock,
            on_removal=lambda *what: self.gone.append(what),
        )
        self.model = {}
        self.put_at = {}

    def sync(self):
        """Take out of the model what the cache said has left."""
        for key, value, removal in self.gone:
            assert self.model.pop(key) == value
            age = self.clock.monotonic() - self.put_at[key]
            assert removal is Removal.EVICTED or age >= 0.9 * TTL
        self.gone.clear()

    @rule(key=KEYS, value=VALUES)
    def put(self, key, value):
        self.cache._expire()
        self.sync()
        self.model[key] = value
        self.put_at[key] = self.clock.monotonic()
        self.cache[key] = value
        assert self.cache.peek(key, "absent") == value
        self.sync()

    @rule(key=KEYS)
    def get(self, key):
        found = self.cache.get(key, "absent")
        self.sync()
        assert found == self.model.get(key, "absent")

    @rule(key=KEYS)
    def item(self, key):
        try:
            found = self.cache[key]
        except KeyError:
            found = "absent"
        self.sync()
        assert found == self.model.get(key, "absent")

    @rule(key=KEYS)
    def delete(self, key):
        self.cache._expire()
        self.sync()
        try:
            del self.cache[key]
        except KeyError:
            assert key not in self.model
        else:
            del self.model[key]

    @rule(key=KEYS)
    def pop(self, key):
        found = self.cache.pop(key, "absent")
        self.sync()
        assert found == self.model.pop(key, "absent")

    @rule(key=KEYS, value=VALUES)
    def setdefault(self, key, value):
        self.cache._expire()
        self.sync()
        expected = self.model.setdefault(key, value)
        if self.model[key] is value and key not in self.cache:
            self.put_at[key] = self.clock.monotonic()
        assert self.cache.setdefault(key, value) == expected
        self.sync()

    @rule()
    def popitem(self):
        self.cache._expire()
        self.sync()
        try:
            key, value = self.cache.popitem()
        except KeyError:
            assert not self.model
        else:
            assert self.model.pop(key) == value

    @rule(seconds=st.floats(0, 60))
    def wait(self, seconds):
        self.clock.advance(seconds)

    @rule(share=st.floats(0, 1))
    def shrink(self, share):
        before = len(self.cache)
        self.sync()
        left = self.cache.shrink(share)
        assert len(self.gone) == left
        self.sync()
        assert len(self.cache) == before - left <= share * before

    @rule()
    def clear(self):
        self.cache._expire()
        self.gone.clear()
        self.cache.clear()
        self.model.clear()

    @invariant()
    def it_equals_the_model_and_keeps_to_its_limits(self):
        assert len(self.cache) == len(list(self.cache))
        self.sync()
        assert dict(self.cache.items()) == self.model
        assert self.cache == self.model
        assert set(self.cache) == self.cache.keys() == set(self.model)
        stats = self.cache.stats()
        assert stats.entries == len(self.model) <= MAX_ENTRIES
        assert stats.bytes == sum(weigh(*item) for item in self.model.items()) <= MAX_BYTES

    @invariant()
    def its_queues_hold_each_entry_once(self):
        queues = self.cache._queues
        assert not queues._small.keys() & queues._main.keys()
        assert queues._small.keys() | queues._main.keys() == queues.entries.keys()
        assert queues._small_weight == sum(entry.weight for entry in queues._small.values())
        assert not any(entry.main for entry in queues._small.values())
        assert all(entry.main for entry in queues._main.values())
        assert len(queues._ghost) <= MAX_ENTRIES


TestCacheAgainstModel = CacheAgainstModel.TestCase
TestCacheAgainstModel.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
