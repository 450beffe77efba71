from __future__ import annotations

import socket

import pytest

from integration.errors import InputError, NodeError
from integration.sandbox.local import ports


def test_a_free_port_can_be_had_and_a_taken_one_not() -> None:
    port = ports.free_port()
    ports.require_free(port)
    with socket.create_server((ports.LOOPBACK, port)):
        assert not ports.is_free(port)
        with pytest.raises(InputError, match=f"Port {port} on 127.0.0.1 is taken"):
            ports.require_free(port)


def test_a_port_lies_below_those_of_outgoing_connections() -> None:
    assert all(20_000 <= ports.free_port() < 32_000 for _ in range(20))


def test_a_crowded_machine_is_given_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda _: False)
    with pytest.raises(NodeError, match="None of 100 ports"):
        ports.free_port()
