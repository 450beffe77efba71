from __future__ import annotations

from decimal import Decimal
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.log.gin import FIELDS, duration, fields, local_time
from integration.times import parse_time

_NANOSECONDS = {"h": 3600 * 10**9, "m": 60 * 10**9, "s": 10**9, "ms": 10**6, "µs": 10**3, "ns": 1}
_MAYBE_ADDRESSES = (
    st.ip_addresses().map(str)
    | st.text("0123456789abcdefABCDEF:.", max_size=20)
    | st.lists(st.sampled_from(["", "0", "1", "ab", "FFFF", "12345", "1.2.3.4", "256.1.1.1"]), max_size=10).map(":".join)
)


def line(status: str = "200", taken: str = "1s", client: str = "1.2.3.4", request: str = 'GET      "/"') -> str:
    return f"[GIN] 2025/11/06 - 06:23:22 | {status} | {taken:>13} | {client:>15} | {request}"


def go_duration(nanoseconds: int) -> str:
    """As Go's time.Duration prints itself."""
    if nanoseconds == 0:
        return "0s"
    if nanoseconds < _NANOSECONDS["s"]:
        unit = "ns" if nanoseconds < 1000 else "µs" if nanoseconds < 10**6 else "ms"
        return f"{(Decimal(nanoseconds) / _NANOSECONDS[unit]).normalize():f}{unit}"
    hours, rest = divmod(nanoseconds, _NANOSECONDS["h"])
    minutes, rest = divmod(rest, _NANOSECONDS["m"])
    seconds = f"{(Decimal(rest) / _NANOSECONDS['s']).normalize():f}s"
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "") + seconds


@given(st.integers(0, 10**6) | st.integers(0, 10**12) | st.integers(0, 2**61))
def test_duration_is_exact(nanoseconds: int) -> None:
    assert duration(go_duration(nanoseconds)) == nanoseconds


@pytest.mark.parametrize(
    "text", ["", "s", "1", "1h", "1m", "1h2s", "-1s", "1.s", ".5s", "1.5h", "1d", "1 s", "1000ms", "100s", "\u0661s"]
)
def test_duration_of_no_duration(text: str) -> None:
    assert duration(text) is None


def test_fields() -> None:
    assert fields('[GIN] 2025/11/06 - 06:23:22 | 500 |  2.859719514s |      172.18.0.3 | POST     "/api/chat?x=1&y=?"') == {
        "http.request.method": "POST",
        "http.response.status_code": 500,
        "url.path": "/api/chat",
        "url.query": "x=1&y=?",
        "source.ip": "172.18.0.3",
        "event.duration": 2_859_719_514,
    }


def test_every_field_is_listed() -> None:
    assert set(fields(line(request='GET "/?q"'))) == FIELDS


def test_a_zone_is_cut() -> None:
    assert fields(line(client="fe80::1%eth0"))["source.ip"] == "fe80::1"


def test_the_path_is_unquoted() -> None:
    assert fields(line(request=r'GET      "/a\"b\\\u00e9"'))["url.path"] == '/a"b\\é'


def test_redaction_may_have_eaten_the_closing_quote() -> None:
    assert fields(line(request='GET "/?api_key=[REDACTED]'))["url.query"] == "api_key=[REDACTED]"


def test_colours_of_a_terminal_change_nothing() -> None:
    coloured = (
        '[GIN] 2024/03/01 - 01:34:07 |\x1b[97;42m 200 \x1b[0m|  7.5s |      192.0.2.3 |\x1b[97;46m POST    \x1b[0m "/api/chat"'
    )
    assert fields(coloured) == fields('[GIN] 2024/03/01 - 01:34:07 | 200 |  7.5s |      192.0.2.3 | POST     "/api/chat"')
    assert set(fields(coloured)) == FIELDS - {"url.query"}


def test_the_local_time() -> None:
    assert local_time(line()) == parse_time("2025-11-06T06:23:22Z")
    assert local_time(line().replace("/11/06", "/02/30")) is None
    assert local_time("x" + line()) is None


@pytest.mark.parametrize("client", ["", "example.org", "1.2.3", "01.2.3.4", "1::2::3"])
def test_a_client_that_is_no_address_costs_only_its_field(client: str) -> None:
    assert set(fields(line(client=client, request='GET "/?q"'))) == FIELDS - {"source.ip"}


@given(_MAYBE_ADDRESSES)
def test_addresses_are_pythons(client: str) -> None:
    try:
        ip_address(client)
    except ValueError:
        assert "source.ip" not in fields(line(client=client))
    else:
        assert fields(line(client=client))["source.ip"] == client


@pytest.mark.parametrize(
    "other",
    [
        "[GIN-debug] GET    /  --> github.com/x (5 handlers)",
        '[GIN] 2025-11-06 06:23:22 | 200 | 1s | 1.2.3.4 | GET "/"',
        ' [GIN] 2025/11/06 - 06:23:22 | 200 | 1s | 1.2.3.4 | GET "/"',
        line(status="20"),
        line(request="GET /"),
        line(request='GET "/\\'),
        line(request='GET "/"x'),
        "",
    ],
)
def test_other_lines_have_no_fields(other: str) -> None:
    assert fields(other) == {}
