"""What errors mean: whose fault, and how long to wait."""

import asyncio
import json
from datetime import UTC, datetime
from email.utils import format_datetime
from types import SimpleNamespace

import httpx2
import pytest

from consilience.errors import (
    AttemptTimedOut,
    CircuitOpen,
    InvalidInput,
    LocalModelCrashed,
    MalformedEvent,
    Refused,
    StreamCutOff,
)
from consilience.policies import judge, used_tokens
from consilience.policies.judgement import retry_after


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (ConnectionRefusedError(), "failure"),
        (TimeoutError(), "failure"),
        (AttemptTimedOut("late"), "failure"),
        (LocalModelCrashed("ended"), "failure"),
        (OSError("network unreachable"), "failure"),
        (asyncio.CancelledError(), "ours"),
        (CircuitOpen("open"), "ours"),
        (Refused("no"), "ours"),
        (InvalidInput("wrong"), "ours"),
        (KeyError("x"), "ours"),
        (json.JSONDecodeError("x", "y", 0), "ours"),
        (StreamCutOff("half"), "failure"),
        (MalformedEvent("{"), "failure"),
        (httpx2.ConnectError("refused"), "failure"),
        (httpx2.ReadTimeout("late"), "failure"),
        (httpx2.RemoteProtocolError("cut"), "failure"),
        (httpx2.DecodingError("no gzip"), "failure"),
        (httpx2.PoolTimeout("all taken"), "ours"),
        (httpx2.InvalidURL("no host"), "ours"),
        (httpx2.UnsupportedProtocol("ftp"), "ours"),
        (httpx2.LocalProtocolError("header"), "ours"),
        (httpx2.StreamConsumed(), "ours"),
    ],
)
def test_an_error_is_judged_by_its_class(error, meaning):
    assert judge(error) == meaning


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (400, "ours"),
        (401, "ours"),
        (404, "ours"),
        (408, "failure"),
        (429, "throttled"),
        (500, "failure"),
        (529, "failure"),
    ],
)
def test_an_error_with_a_status_is_judged_by_it(status, meaning, answered):
    assert judge(answered(status)) == meaning
    behind = ValueError("a client's own class")
    behind.response = SimpleNamespace(status_code=status)
    assert judge(behind) == meaning


NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", 7),
        ("0.5", 0.5),
        ("-3", 0),
        ("99999999", 99999999),
        (format_datetime(NOW.replace(minute=1), usegmt=True), 60),
        (format_datetime(NOW.replace(hour=11), usegmt=True), 0),
        ("soon", None),
        ("nan", None),
        ("", None),
    ],
)
def test_retry_after_is_read_in_seconds_and_as_a_date(said, seconds, answered):
    assert retry_after(answered(429, Retry_After=said), wall=NOW.timestamp) == seconds


def test_retry_after_is_found_at_the_response_and_in_milliseconds(answered):
    error = RuntimeError()
    error.response = SimpleNamespace(headers={"retry-after-ms": "1500", "retry-after": "9"})
    assert retry_after(error) == 1.5
    assert retry_after(RuntimeError()) is None


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        (SimpleNamespace(total_tokens=7), 7),
        (SimpleNamespace(input_tokens=3, output_tokens=4), 7),
        (SimpleNamespace(prompt_tokens=3, completion_tokens=1), 4),
        ({"total_tokens": 9}, 9),
        (lambda: SimpleNamespace(total_tokens=5), 5),
        (SimpleNamespace(input_tokens=None, output_tokens=None), None),
        (None, None),
    ],
)
def test_tokens_are_read_under_the_names_of_the_providers(usage, tokens):
    assert used_tokens(SimpleNamespace(usage=usage)) == tokens


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("Thu, 01 Jan 2026 00:00:00 +9999999999999999", None),
        ("Thu, 01 Jan 99999 00:00:00 GMT", None),
        ("9" * 5000, float("inf")),
        ("\x00", None),
    ],
    ids=["zone", "year", "digits", "zero byte"],
)
def test_a_hostile_retry_after_raises_nothing(answered, said, seconds):
    assert retry_after(answered(429, retry_after=said)) == seconds


@pytest.mark.parametrize(
    ("own", "seconds"), [(10**400, float("inf")), (-(10**400), 0.0), (float("nan"), None)]
)
def test_a_hostile_number_of_seconds_raises_nothing(own, seconds):
    error = RuntimeError()
    error.retry_after = own
    assert retry_after(error) == seconds


@pytest.mark.parametrize("total", [float("nan"), float("inf"), -5, 10**400, True, "7"])
def test_a_usage_that_is_no_number_of_tokens_says_nothing(total):
    assert used_tokens(SimpleNamespace(usage={"total_tokens": total})) is None
