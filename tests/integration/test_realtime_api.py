"""What clients of Channels call."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest
from flask.testing import FlaskClient

from marketplace.config import Config
from tests.people import MakeAuction, MakePerson, Person


def auth(person: Person, channel: str, socket_id: str = "123.456") -> tuple[int, dict[str, str]]:
    answer = person.post("/pusher/auth", data={"socket_id": socket_id, "channel_name": channel})
    return answer.status_code, answer.json


def signature(config: Config, signed: str) -> str:
    digest = hmac.new(config.pusher_secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
    return f"{config.pusher_key}:{digest}"


def test_your_own_channel_is_signed(person: MakePerson, config: Config) -> None:
    ann = person()
    channel = f"private-user-{ann.id}"
    assert auth(ann, channel) == (200, {"auth": signature(config, f"123.456:{channel}")})


def test_a_presence_channel_is_signed_with_who_you_are(
    person: MakePerson, auction: MakeAuction, config: Config
) -> None:
    ann, lot = person("Ann"), auction()
    status, answer = auth(ann, f"presence-auction-{lot}")
    assert status == 200
    assert json.loads(answer["channel_data"]) == {"user_id": str(ann.id), "user_info": {"name": "Ann"}}
    signed = f"123.456:presence-auction-{lot}:{answer['channel_data']}"
    assert answer["auth"] == signature(config, signed)


def test_what_is_not_yours_is_not_signed(person: MakePerson, auction: MakeAuction) -> None:
    ann, bob = person(), person()
    draft, running = auction(publish=False), auction()
    for channel in (
        f"private-user-{bob.id}",
        f"presence-auction-{draft}",
        "presence-auction-999999",
        f"private-auction-{running}",
        f"auction-{running}",
        "announcements",
        "private-anything",
        f"private-encrypted-user-{ann.id}",
        f"private-user-{ann.id}\n",
        "",
    ):
        status, answer = auth(ann, channel)
        assert (status, answer["code"]) == (403, "forbidden"), channel
        assert "auth" not in answer


@pytest.mark.parametrize(
    "socket_id", ["", "1", "1.1\n", "١.١", "1.1:private-user-2", "1.1:presence-auction-1:{}"]
)
def test_a_wrong_socket_id_is_never_signed(person: MakePerson, socket_id: str) -> None:
    ann = person()
    status, answer = auth(ann, f"private-user-{ann.id}", socket_id)
    assert (status, answer["code"]) == (400, "malformed_request")


def test_strangers_get_nothing(client: FlaskClient) -> None:
    for path in ("/pusher/auth", "/pusher/user-auth"):
        answer = client.post(path, data={"socket_id": "1.1", "channel_name": "private-user-1"})
        assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated")


def test_a_connection_is_signed_in_as_its_user(person: MakePerson, config: Config) -> None:
    ann = person("Ann")
    answer = ann.post("/pusher/user-auth", data={"socket_id": "123.456"}).json
    assert json.loads(answer["user_data"]) == {"id": str(ann.id), "user_info": {"name": "Ann"}}
    assert answer["auth"] == signature(config, f"123.456::user::{answer['user_data']}")


def test_a_client_is_told_where_to_connect(client: FlaskClient, config: Config) -> None:
    assert client.get("/api/realtime").json == {
        "key": config.pusher_key,
        "cluster": config.pusher_cluster,
        "wsHost": config.pusher_host,
        "wsPort": config.pusher_port,
        "forceTLS": False,
        "authEndpoint": "/pusher/auth",
        "userAuthEndpoint": "/pusher/user-auth",
    }
