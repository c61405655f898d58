"""What clients of Channels call: where to connect, and permission to subscribe."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_openapi import APIBlueprint, Tag

from marketplace import listings
from marketplace.accounts import Viewer
from marketplace.errors import Forbidden, Malformed, WebhookNotGenuine
from marketplace.extensions import db
from marketplace.realtime.channels import ChannelKind, GuardedChannel, parse_guarded, valid_socket_id
from marketplace.realtime.viewers import take_webhook
from marketplace.runtime import runtime
from marketplace.transactions import transaction

from . import schemas
from .security import require_viewer

blueprint = APIBlueprint("realtime", __name__, abp_tags=[Tag(name="Realtime")])


@blueprint.get("/api/realtime", responses={200: schemas.RealtimeSettings})
def settings() -> dict[str, Any]:
    """How to connect to Channels, for `new Pusher(key, {...})`."""
    config = runtime().config
    return schemas.RealtimeSettings(
        key=config.pusher_key,
        cluster=config.pusher_cluster,
        ws_host=config.pusher_ws_host,
        ws_port=config.pusher_port,
        force_tls=config.pusher_ssl,
        auth_endpoint="/pusher/auth",
        user_auth_endpoint="/pusher/user-auth",
    ).json_ready()


@blueprint.post("/pusher/auth", doc_ui=False)
def authorize() -> dict[str, str]:
    """Sign a subscription to a private or presence channel, if the user may have it."""
    user = require_viewer()
    # Both checked before anything is signed: the library would sign whatever it is given.
    socket_id = _socket_id()
    channel_name = request.form.get("channel_name", "")
    channel = parse_guarded(channel_name)
    if channel is None or not _may_subscribe(user, channel):
        raise Forbidden("You may not subscribe to this channel.")
    member = _member(user) if channel.kind is ChannelKind.PRESENCE_AUCTION else None
    return runtime().publisher.authorize(channel_name, socket_id, member)


@blueprint.post("/pusher/user-auth", doc_ui=False)
def sign_in() -> dict[str, str]:
    """Sign a connection in as the user."""
    user = require_viewer()
    return runtime().publisher.authenticate_user(
        _socket_id(), {"id": str(user.id), "user_info": {"name": user.display_name}}
    )


@blueprint.post("/pusher/webhooks", doc_ui=False)
def webhooks() -> tuple[dict[str, str], int]:
    """Take what Channels reports: who came, who went, how many watch."""
    signature = request.headers.get("X-Pusher-Signature", "")
    body = request.get_data(as_text=True)
    content = runtime().publisher.genuine_webhook(request.headers.get("X-Pusher-Key", ""), signature, body)
    if content is None:
        raise WebhookNotGenuine
    with transaction():
        new = take_webhook(db.session.connection(), signature, content)
    # A repetition is answered like the first, or Channels would go on repeating it.
    return {"status": "taken" if new else "taken before"}, 200


def _socket_id() -> str:
    socket_id = request.form.get("socket_id", "")
    if not valid_socket_id(socket_id):
        raise Malformed("socket_id must be two numbers with a dot, as Channels gave it.")
    return socket_id


def _may_subscribe(user: Viewer, channel: GuardedChannel) -> bool:
    match channel.kind:
        case ChannelKind.PRIVATE_USER:
            return channel.subject_id == user.id
        case ChannelKind.PRESENCE_AUCTION:
            return listings.may_see(channel.subject_id, user)
        case ChannelKind.PRIVATE_AUCTION:
            # Others have no such channel; of this one nobody who may not see the auction can tell.
            return listings.may_see(channel.subject_id, user, members_only=True)


def _member(user: Viewer) -> dict[str, object]:
    return {"user_id": str(user.id), "user_info": {"name": user.display_name}}
