# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may see the page: addresses, names, origins and tokens."""

import pytest
from gnuradio.resivid.cli.web_options import DEFAULT_ADDRESS, live_page, with_address
from gnuradio.resivid.errors import SettingsError
from gnuradio.resivid.web import access
from gnuradio.resivid.web.monitor import Monitor


@pytest.mark.parametrize(
    "text, address",
    [
        ("8080", ("127.0.0.1", 8080)),
        (":9000", ("127.0.0.1", 9000)),
        ("0.0.0.0:80", ("0.0.0.0", 80)),
        ("[::1]:8080", ("::1", 8080)),
        ("radio.example:0", ("radio.example", 0)),
    ],
)
def test_addresses(text, address):
    assert access.parse_address(text) == address


@pytest.mark.parametrize(
    "text", ["", "localhost", "a:b", "1:2:3", "::1", "x:65536", "http://a:1", "-1", "a b:1"]
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(SettingsError, match="expected HOST:PORT"):
        access.parse_address(text)


@pytest.mark.parametrize(
    "given, expected",
    [
        (["in.mp4", "--web"], ["in.mp4", "--web", DEFAULT_ADDRESS]),
        (["--web", "in.mp4"], ["--web", DEFAULT_ADDRESS, "in.mp4"]),
        (["--web", "-q"], ["--web", DEFAULT_ADDRESS, "-q"]),
        (["--web", "0.0.0.0:80", "in.mp4"], ["--web", "0.0.0.0:80", "in.mp4"]),
        (["--web", "9000"], ["--web", "9000"]),
        (["--web=:1", "x"], ["--web=:1", "x"]),
    ],
)
def test_the_option_may_stand_alone(given, expected):
    assert with_address(given) == expected


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1", "127.3.2.1:1", "[::1]:8080"])
def test_a_local_server_answers_to_local_names(host):
    assert access.host_is_ours(host, "127.0.0.1", access.machine_names("127.0.0.1"))


@pytest.mark.parametrize(
    "host", ["", "evil.example", "evil.example:8080", "192.0.2.1", "localhost.evil.example", "[", "a@b"]
)
def test_a_local_server_answers_to_no_other_name(host):
    assert not access.host_is_ours(host, "localhost", access.machine_names("localhost"))


def test_a_public_server_answers_to_addresses_and_its_own_names():
    names = frozenset({"radio.example"})
    assert all(
        access.host_is_ours(host, "0.0.0.0", names)
        for host in ("192.0.2.1:1", "RADIO.example", "[2001:db8::1]")
    )
    assert not access.host_is_ours("evil.example", "0.0.0.0", names)


@pytest.mark.parametrize(
    "origin, good",
    [
        (None, True),
        ("http://localhost:8080", True),
        ("http://localhost:8081", False),
        ("http://localhost", False),
        ("https://evil.example", False),
        ("null", False),
        ("file://localhost:8080", False),
        ("http://[", False),
    ],
)
def test_only_our_own_page_is_an_origin(origin, good):
    assert access.origin_is_ours(origin, "localhost:8080") == good


@pytest.mark.parametrize(
    "token", ["short", "has space in it", "x" * 129, "semicolon;semicolon", "ümlaut-ümlaut"]
)
def test_weak_tokens_are_refused(token, monkeypatch):
    monkeypatch.setenv("RESIVID_WEB_TOKEN", token)
    with pytest.raises(SettingsError, match="12 to 128"):
        access.check_token(token)
    with (
        pytest.raises(SettingsError, match="^RESIVID_WEB_TOKEN must be 12 to 128"),
        live_page("", Monitor("x")),
    ):
        raise AssertionError("served")


@pytest.mark.parametrize(
    "given, good", [("right-right-1", True), ("right-right-", False), ("", False), ("\udcff", False)]
)
def test_tokens_are_compared_whole(given, good):
    assert access.is_token(given, "right-right-1") == good
