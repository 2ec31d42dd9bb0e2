"""Addresses that users give lead only to where they may."""

import pytest

from consilience.errors import UnsafeUrl
from consilience.urls import checked_server, checked_url


def at(*addresses):
    return lambda host, port: list(addresses)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - refused, not bound
        "169.254.169.254",
        "224.0.0.1",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "fc00::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "240.0.0.1",
    ],
)
def test_addresses_inside_are_refused(address):
    with pytest.raises(UnsafeUrl, match="is at"):
        checked_url("https://example.org/x", resolve=at(address))


def test_one_bad_address_among_good_ones_is_enough():
    with pytest.raises(UnsafeUrl):
        checked_url("https://example.org/x", resolve=at("93.184.215.14", "127.0.0.1"))


def test_a_public_address_passes_with_what_to_connect_to():
    checked = checked_url("https://example.org/x", resolve=at("93.184.215.14"))
    assert (checked.host, checked.port, checked.addresses) == ("example.org", 443, ("93.184.215.14",))
    assert str(checked) == "https://example.org/x"


def test_private_addresses_pass_when_that_is_said_and_metadata_never():
    assert checked_url("http://127.0.0.1:8080/v1", allow_private=True).port == 8080
    for address in ("169.254.169.254", "fd00:ec2::254", "fe80::1", "::ffff:169.254.169.254"):
        with pytest.raises(UnsafeUrl, match="credentials"):
            checked_url("http://example.org", allow_private=True, resolve=at(address))


@pytest.mark.parametrize(
    "url",
    [
        "http://2130706433/",
        "http://0x7f.1/",
        "http://localhost/",
        "http://[::1]/",
        "http://127.1/",
        "http://[::ffff:7f00:1]/",
    ],
)
def test_other_spellings_of_this_machine_are_refused(url):
    with pytest.raises(UnsafeUrl):
        checked_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org",
        "file:///etc/passwd",
        "//example.org",
        "example.org",
        "http://",
        "http://[bad",
        "http://a:b:c/",
        "https://u:p@example.org/",
        "http://x:99999/",
    ],
)
def test_what_is_no_plain_address_is_refused_without_repeating_a_password(url):
    with pytest.raises(UnsafeUrl) as caught:
        checked_url(url, resolve=at("93.184.215.14"))
    assert "u:p" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://localhost:11434/v1", "http://127.0.0.1:8000", "http://127.8.9.1", "http://[::1]:8080/v1"]
)
def test_a_server_on_this_machine_is_named_outright(url):
    local = at("::1") if "[" in url or "localhost" in url else None
    assert checked_server(url, resolve=local).url == url


@pytest.mark.parametrize(
    "url",
    [
        "http://models.example.org/v1",
        "http://localhost.example.org",
        "http://2130706433/v1",
        "http://127.1/v1",
    ],
)
def test_a_name_that_only_leads_to_this_machine_is_refused(url):
    with pytest.raises(UnsafeUrl, match="allow_private"):
        checked_server(url, resolve=at("127.0.0.1"))


def test_a_server_in_the_network_is_allowed_on_request_and_one_that_gives_out_credentials_never():
    with pytest.raises(UnsafeUrl, match="allow_private"):
        checked_server("http://192.168.1.9:8000/v1")
    assert checked_server("http://192.168.1.9:8000/v1", allow_private=True).port == 8000
    with pytest.raises(UnsafeUrl, match="credentials"):
        checked_server("http://169.254.169.254/v1", allow_private=True)
