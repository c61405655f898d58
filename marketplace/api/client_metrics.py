"""What browsers report about their connections."""

from __future__ import annotations

import logging

from flask_limiter.util import get_remote_address
from flask_openapi import APIBlueprint, Tag

from marketplace.extensions import limiter
from marketplace.runtime import runtime

from . import schemas

log = logging.getLogger(__name__)

blueprint = APIBlueprint("client_metrics", __name__, url_prefix="/api", abp_tags=[Tag(name="Operations")])

#: A page tells once a minute, and when it is left; many pages may share an address.
BEACONS_PER_ADDRESS = "120 per minute"


@blueprint.post("/client-metrics", responses={204: None})
@limiter.limit(BEACONS_PER_ADDRESS, key_func=get_remote_address)
def take_client_metrics(body: schemas.ClientMetricsIn) -> tuple[str, int]:
    """What a page's client has counted since it told last. Anybody may tell; unknown counters are ignored."""
    runtime().client_metrics.add(body.counters, body.latency.counts, body.latency.sum_ms)
    log.info("client metrics %s", body.model_dump_json(by_alias=True, exclude_defaults=True))
    return "", 204
