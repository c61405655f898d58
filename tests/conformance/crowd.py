"""Many subscribers in one process, which can be killed as one. They come back as pusher-js does: at once.

    python crowd.py PORT KEY SECRET COUNT USERS

Each subscribes to ``auction-1`` and, as one of USERS users, to ``presence-auction-1``. Prints the number of
those subscribed whenever it changes to all of them.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import resource
import sys

import aiohttp


class Crowd:
    def __init__(self, port: int, key: str, secret: str, count: int) -> None:
        self.url = f"ws://127.0.0.1:{port}/app/{key}?protocol=7&client=crowd&version=1.0"
        self.key = key
        self.secret = secret
        self.count = count
        self.subscribed = 0

    async def stay(self, session: aiohttp.ClientSession, user_id: str) -> None:
        while True:
            try:
                async with session.ws_connect(self.url) as socket:
                    await self.subscribe(socket, user_id)
                    self.change(1)
                    try:
                        async for _ in socket:
                            pass
                    finally:
                        self.change(-1)
            except (aiohttp.ClientError, OSError):
                await asyncio.sleep(0.05)

    async def subscribe(self, socket: aiohttp.ClientWebSocketResponse, user_id: str) -> None:
        established = json.loads((await socket.receive_json())["data"])
        channel_data = json.dumps({"user_id": user_id})
        text = f"{established['socket_id']}:presence-auction-1:{channel_data}"
        auth = f"{self.key}:{hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).hexdigest()}"
        presence = {"channel": "presence-auction-1", "auth": auth, "channel_data": channel_data}
        for data in ({"channel": "auction-1"}, presence):
            await socket.send_json({"event": "pusher:subscribe", "data": data})
        missing = 2
        while missing:
            message = await socket.receive()
            if message.type is not aiohttp.WSMsgType.TEXT:
                raise aiohttp.ClientError("closed before subscribed")
            missing -= json.loads(message.data)["event"] == "pusher_internal:subscription_succeeded"

    def change(self, by: int) -> None:
        self.subscribed += by
        if by > 0 and self.subscribed == self.count:
            print(self.subscribed, flush=True)


async def main(port: int, key: str, secret: str, count: int, users: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    crowd = Crowd(port, key, secret, count)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.gather(*(crowd.stay(session, f"u{number % users}") for number in range(count)))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])))
