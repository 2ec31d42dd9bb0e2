"""The file of users, and how often a sign-in may fail."""

import json
import os

import pytest

from consilience.dashboards.attempts import Attempts
from consilience.dashboards.people import People
from consilience.dashboards.roles import Role, Viewer
from consilience.errors import DashboardError, InvalidInput, NotAllowed

SECRET = "a password of some length"  # noqa: S105 - of nobody


@pytest.fixture
def people(tmp_path):
    people = People(tmp_path / "users.json")
    people.put("ana", Role.REVIEWER, SECRET)
    return people


def test_the_file_is_its_owners_alone_and_holds_no_password(people):
    assert people.path.stat().st_mode & 0o777 == 0o600
    assert SECRET not in people.path.read_text()
    assert SECRET not in repr(people.all())
    assert people.all()[0].hashed not in repr(people.all())


def test_equal_passwords_are_kept_differently(people):
    people.put("ben", Role.READER, SECRET)
    one, two = people.all()
    assert one.hashed != two.hashed


def test_a_file_that_others_can_read_is_not_read(people):
    people.path.chmod(0o640)
    with pytest.raises(DashboardError, match="chmod 600"):
        People(people.path).all()


def test_only_the_right_name_with_the_right_password_is_somebody(people):
    assert people.check("ana", SECRET).role is Role.REVIEWER
    assert people.check("ana", SECRET + "x") is None
    assert people.check("ANA", SECRET) is None
    assert people.check("nobody", SECRET) is None
    assert people.check("ana", "") is None


def test_who_signs_in_elsewhere_has_a_role_and_no_password(people):
    people.put("eva@example.org", Role.READER, None)
    assert people.role("eva@example.org") is Role.READER
    assert people.check("eva@example.org", "") is None


def test_another_process_s_changes_are_seen(people):
    other = People(people.path)
    assert other.role("ana") is Role.REVIEWER
    people.remove("ana")
    assert other.role("ana") is None
    assert other.check("ana", SECRET) is None


@pytest.mark.parametrize("name", ["", "guest", "a b", "../x", "<b>", "a" * 101, "-x"])
def test_a_name_that_could_mislead_is_refused(people, name):
    with pytest.raises(InvalidInput, match="A name"):
        people.put(name, Role.READER, SECRET)


def test_a_short_password_is_refused(people):
    with pytest.raises(InvalidInput, match="10 to"):
        people.put("ben", Role.READER, "short")


@pytest.mark.parametrize("text", ["", "[]", '{"ana": {"role": "king", "password": ""}}', '{"ana": 1}'])
def test_a_file_of_another_kind_is_told_of(tmp_path, text):
    path = tmp_path / "users.json"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(DashboardError, match="serve-user"):
        People(path).all()


def test_a_hash_that_is_damaged_lets_nobody_in(people):
    told = json.loads(people.path.read_text())
    told["ana"]["password"] = "scrypt$1$2"  # noqa: S105 - of nobody
    people.path.write_text(json.dumps(told))
    os.utime(people.path, ns=(1, 1))
    assert people.check("ana", SECRET) is None


def test_failures_are_forgiven_one_after_the_other():
    now = [0.0]
    attempts = Attempts(by_name=3, pause=60.0, clock=lambda: now[0])
    for _ in range(3):
        assert attempts.wait("ana", "10.0.0.1") == 0
        attempts.failed("ana", "10.0.0.1")
    assert attempts.wait("ana", "10.0.0.1") == 60
    assert attempts.wait("ana", "10.0.0.2") == 0, "nobody is locked out from elsewhere"
    now[0] = 60.0
    assert attempts.wait("ana", "10.0.0.1") == 0


def test_one_address_cannot_try_many_names():
    attempts = Attempts(by_address=10, clock=lambda: 0.0)
    for n in range(10):
        attempts.failed(f"name {n}", "10.0.0.1")
    assert attempts.wait("another", "10.0.0.1") > 0


def test_a_success_costs_nothing():
    attempts = Attempts(by_name=1, clock=lambda: 0.0)
    attempts.failed("ana", "10.0.0.1")
    attempts.passed("ana", "10.0.0.1")
    assert attempts.wait("ana", "10.0.0.1") == 0


def test_what_is_remembered_stays_small():
    attempts = Attempts(clock=lambda: 0.0)
    for n in range(11_000):
        attempts.failed(f"name {n}", f"10.0.{n // 256}.{n % 256}")
    assert len(attempts._held) <= 10_000


@pytest.mark.parametrize("role", [None, *Role])
def test_a_role_may_do_what_those_before_it_may(role):
    viewer = Viewer("ana", role)
    for wanted in Role:
        if role is not None and role >= wanted:
            viewer.require(wanted, "This")
        else:
            with pytest.raises(NotAllowed, match=wanted.word):
                viewer.require(wanted, "This")
