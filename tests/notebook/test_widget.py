"""What every widget does, beside a comm that only remembers what was sent."""

import threading

import comm
import pytest
import traitlets

from consilience.errors import InvalidInput
from consilience.loop import background
from consilience.notebook import Widget
from consilience.notebook.widget import action


class Comm:
    """A comm that remembers what was sent."""

    def __init__(self, **opened):
        self.comm_id = "spec"
        self.opened = opened
        self.sent = []
        self.closed = False

    def send(self, data=None, metadata=None, buffers=None):
        self.sent.append(data)

    def close(self, *_, **__):
        self.closed = True

    def on_msg(self, heard):
        self.heard = heard

    def on_close(self, heard):
        pass

    def updates(self):
        return [data["state"] for data in self.sent if data.get("method") == "update"]

    def said(self):
        return [data["content"] for data in self.sent if data.get("method") == "custom"]


class Clock:
    """Time that stands still until it is moved; what was to be called later is called then."""

    def __init__(self):
        self.now = 100.0
        self.waiting = []

    def later(self, seconds, function):
        self.waiting.append((self.now + seconds, function))

    def advance(self, seconds):
        self.now += seconds
        due = [function for at, function in self.waiting if at <= self.now]
        self.waiting = [(at, function) for at, function in self.waiting if at > self.now]
        for function in due:
            function()


@pytest.fixture(autouse=True)
def comms(monkeypatch):
    made = []

    def create(**opened):
        made.append(Comm(**opened))
        return made[-1]

    monkeypatch.setattr(comm, "create_comm", create)
    return made


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def counter(clock):
    class Counter(Widget):
        _esm = traitlets.Unicode("export default {}").tag(sync=True)
        _monotonic = staticmethod(lambda: clock.now)
        _later = staticmethod(clock.later)
        n = traitlets.Int(0).tag(sync=True)
        text = traitlets.Unicode("").tag(sync=True)

        @action
        def add(self, by):
            self.publish(n=self.n + by)

        @action
        def refuse(self):
            raise InvalidInput("A number is required, none came.")

        @action
        def fault(self):
            raise ZeroDivisionError("by zero")

        def hidden(self):
            raise AssertionError("the page may not call this")

    made = Counter()
    yield made
    made.close()


def sent(widget, **content):
    widget.comm.heard({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})


def test_the_first_state_is_shown_at_once_and_what_follows_within_a_tenth_of_a_second_together(
    counter, clock
):
    for n in range(1, 50):
        counter.publish(n=n, text=f"{n}")
    assert counter.comm.updates() == [{"n": 1, "text": "1"}]
    clock.advance(0.1)
    assert counter.comm.updates()[1:] == [{"n": 49, "text": "49"}]
    clock.advance(10)
    assert len(counter.comm.updates()) == 2


def test_a_second_of_changes_is_ten_messages(counter, clock):
    for n in range(1, 1001):
        counter.publish(n=n)
        clock.advance(0.001)
    clock.advance(0.1)
    assert counter.n == 1000
    assert 10 <= len(counter.comm.updates()) <= 12


def test_a_value_that_is_a_function_is_called_only_when_it_is_shown(counter, clock):
    calls = []
    counter.publish(n=1)
    for n in range(100):
        counter.publish(n=lambda n=n: calls.append(n) or n)
    clock.advance(0.1)
    assert (calls, counter.n) == ([99], 99)


def test_the_page_calls_actions_and_nothing_else(counter):
    sent(counter, action="add", by=2)
    assert counter.n == 2
    for name in ("hidden", "close", "publish", "__init__", None, 3):
        sent(counter, action=name)
        assert "which this widget does not do" in counter.error
    assert not counter._closed


def test_the_page_cannot_set_what_belongs_to_python_through_an_action(counter):
    sent(counter, action="add", by=2, n=7)
    assert counter.n == 0
    assert "fault in the widget" in counter.error


def test_what_an_action_raises_is_said_and_gone_with_the_next_one(counter, clock):
    sent(counter, action="refuse")
    assert counter.error == "A number is required, none came."
    sent(counter, action="fault")
    assert counter.error == "This is a fault in the widget: ZeroDivisionError: by zero"
    sent(counter, action="add", by=1)
    clock.advance(0.1)
    assert (counter.error, counter.n) == ("", 1)


def test_threads_publish_side_by_side_and_the_last_word_of_each_is_shown(counter, clock):
    def write(name):
        for n in range(500):
            counter.publish(**{name: n if name == "n" else f"{n}"})

    threads = [threading.Thread(target=write, args=(name,)) for name in ("n", "text")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    clock.advance(0.1)
    assert (counter.n, counter.text) == (499, "499")


def test_an_action_that_comes_in_another_thread_shows_its_state(counter, clock):
    thread = threading.Thread(target=sent, args=(counter,), kwargs={"action": "add", "by": 5})
    thread.start()
    thread.join()
    clock.advance(0.1)
    assert counter.comm.updates()[-1] == {"n": 5}


def test_the_loop_publishes_while_an_action_holds_its_own_changes(counter, clock):
    async def publish():
        counter.publish(text="from the loop")

    background.wait_sync(publish())
    sent(counter, action="add", by=1)
    clock.advance(0.1)
    assert (counter.n, counter.text) == (1, "from the loop")


def test_a_closed_widget_sends_no_more_and_takes_its_layout_along(counter, clock, comms):
    counter.publish(n=1)
    counter.publish(n=2)
    before = [len(each.sent) for each in comms]
    counter.close()
    counter.close()
    clock.advance(1)
    counter.publish(n=3)
    counter.reply("rows", rows=[])
    assert [len(each.sent) for each in comms] == before
    assert all(each.closed for each in comms)


def test_a_reply_is_a_message_and_no_state(counter):
    counter.reply("rows", rows=[1, 2])
    assert counter.comm.said() == [{"kind": "rows", "rows": [1, 2]}]
    assert counter.comm.updates() == []
