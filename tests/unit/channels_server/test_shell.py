"""The shell goes on, whatever goes wrong in it, and waits for nobody for ever."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web

from marketplace.channels_server import server as shell
from marketplace.channels_server.protocol import Noted
from marketplace.channels_server.server import Server

from .conftest import SETTINGS


@pytest.mark.parametrize("part", ["tick", "take_effects", "webhooks"])
def test_one_mishap_does_not_stop_the_clock(monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    server, calls = Server(SETTINGS), []

    def fail(*_: Any) -> Any:
        calls.append(part)
        if len(calls) == 1:
            raise RuntimeError("nobody thought of this")
        return []

    if part == "take_effects":
        monkeypatch.setattr(server.app, "take_effects", lambda: [Noted("connected", "", "")][len(calls) :])
        monkeypatch.setattr(server, "_carry_out", fail)
    elif part == "tick":
        monkeypatch.setattr(server.app, "tick", fail)
    else:
        monkeypatch.setattr(server.app.webhooks, "take", fail)

    async def play() -> None:
        clock = asyncio.create_task(server._tick())
        await asyncio.sleep(0.05)
        assert not clock.done(), clock.exception()
        clock.cancel()

    monkeypatch.setattr(shell, "TICK", 0.001)
    asyncio.run(play())
    assert calls
    assert part == "take_effects" or len(calls) > 1


def test_an_effect_that_fails_takes_no_other_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(SETTINGS)
    effects = [[Noted("connected", "", "first"), Noted("connected", "", "second")], []]
    done: list[str] = []

    def carry_out(effect: Noted) -> None:
        if effect.detail == "first":
            raise RuntimeError("nobody thought of this")
        done.append(effect.detail)

    monkeypatch.setattr(server.app, "take_effects", lambda: effects.pop(0))
    monkeypatch.setattr(server, "_carry_out", carry_out)
    server._perform()
    assert done == ["second"]


@pytest.mark.parametrize("said", [b"", b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: "])
def test_who_does_not_finish_the_headers_is_closed(monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    monkeypatch.setattr(shell, "FIRST_REQUEST_TIMEOUT", 0.2)
    server = Server(SETTINGS)

    async def play() -> None:
        runner = web.AppRunner(server.application())
        await runner.setup()
        accept = runner.server
        assert accept
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(lambda: server.watched(accept()), "127.0.0.1", 0)
        address = listener.sockets[0].getsockname()
        reader, writer = await asyncio.open_connection(*address)
        prompt_reader, prompt_writer = await asyncio.open_connection(*address)
        writer.write(said)
        request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
        prompt_writer.write(request)
        assert await prompt_reader.readuntil(b"ok")
        assert await asyncio.wait_for(reader.read(), 5) == b""
        prompt_writer.write(request)
        assert await prompt_reader.readuntil(b"ok"), "who has asked before may pause"
        assert server._silent == {}
        for each in (writer, prompt_writer):
            each.close()
        listener.close()
        await runner.cleanup()

    asyncio.run(play())
