"""Ports: free, taken, by whom."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from marketplace.dev import ports


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server((ports.HOST, 0)) as server:
        yield server.getsockname()[1]


def test_a_taken_port_is_not_free_and_has_an_owner(taken):
    assert not ports.is_free(taken)
    assert f"pid {os.getpid()}" in ports.owner(taken)


def test_a_preferred_port_is_given_if_it_can_be(taken):
    free = ports.free_port()
    assert ports.free_port(free) == free
    assert ports.free_port(taken) != taken


def test_ports_of_servers_are_out_of_the_way_of_outgoing_connections():
    assert all(20_000 <= ports.free_port() < 30_000 for _ in range(20))
