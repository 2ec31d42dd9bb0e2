"""Ways of serving that would leave the door open are refused, with what to do."""

import pytest

from consilience.dashboards.people import People
from consilience.dashboards.roles import Role
from consilience.dashboards.serving import Serving, check, cookie_secret
from consilience.errors import ConsilienceError

ALL = "0.0.0.0"  # noqa: S104 - refused, not bound
LONG = "0123456789abcdef" * 2


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    for name in ("PANEL_COOKIE_SECRET", "CONSILIENCE_COOKIE_SECRET", "PANEL_OAUTH_KEY", "PANEL_OAUTH_SECRET"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def users(tmp_path):
    People(tmp_path / "users.json").put("ana", Role.READER, LONG)
    return tmp_path / "users.json"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"address": ALL}, "could read everything"),
        ({"address": "192.168.1.2"}, "could read everything"),
        ({"address": "::"}, "could read everything"),
        ({"address": "my-host"}, "could read everything"),
        ({"behind_proxy": True}, "Behind a proxy"),
        ({"origins": ("*",)}, "one by one"),
        ({"auth": "magic"}, "none, password or one of"),
        ({"auth": "github"}, "PANEL_OAUTH_KEY"),
    ],
)
def test_an_open_door_is_refused(settings, sentence, tmp_path):
    with pytest.raises(ConsilienceError, match=sentence):
        check(Serving(users=tmp_path / "users.json", **settings))


def test_signing_in_needs_somebody_who_can(tmp_path):
    with pytest.raises(ConsilienceError, match="serve-user add"):
        check(Serving(auth="password", users=tmp_path / "users.json"))


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "::1"])
def test_this_machine_alone_needs_no_sign_in(address, tmp_path):
    check(Serving(address=address, users=tmp_path / "users.json"))


def test_others_may_come_who_sign_in(users):
    check(Serving(address=ALL, auth="password", users=users))


def test_a_secret_is_made_for_this_machine_alone(users):
    made = {cookie_secret(Serving(auth="password", users=users)) for _ in range(2)}
    assert len(made) == 2
    assert all(len(each) == 64 for each in made)


@pytest.mark.parametrize("settings", [{"address": ALL}, {"behind_proxy": True}])
def test_others_need_a_secret_that_is_given(settings, users):
    with pytest.raises(ConsilienceError, match="openssl rand"):
        cookie_secret(Serving(auth="password", users=users, **settings))


def test_a_short_secret_is_refused(monkeypatch, users):
    monkeypatch.setenv("CONSILIENCE_COOKIE_SECRET", "short")
    with pytest.raises(ConsilienceError, match="32 characters"):
        cookie_secret(Serving(auth="password", users=users))


def test_a_secret_is_taken_from_the_environment(monkeypatch, users):
    monkeypatch.setenv("CONSILIENCE_COOKIE_SECRET", LONG)
    assert cookie_secret(Serving(address=ALL, auth="password", users=users)) == LONG
