"""Sales with several lots."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask_openapi import APIBlueprint, Tag

from marketplace import browsing, listings, sales
from marketplace.bidding import service
from marketplace.models import Closing, Sale

from . import schemas
from .auctions import current, shown
from .security import limit_creations, require_viewer, viewer

blueprint = APIBlueprint("sales", __name__, url_prefix="/api", abp_tags=[Tag(name="Sales")])


@blueprint.post("/sales", responses={201: schemas.SaleView})
@limit_creations
def create_sale(body: schemas.SaleTerms) -> tuple[dict[str, Any], int]:
    """A new sale, whose lots will close by one plan."""
    sale = sales.create(
        require_viewer().id,
        tenant_id=body.tenant_id,
        title=body.title,
        closing=body.closing,
        interval=timedelta(seconds=body.interval),
        starts_at=body.starts_at,
        ends_at=body.ends_at,
        premium_rate=body.premium_rate,
        tax_rate=body.tax_rate,
        payment_days=body.payment_days,
    )
    return _shown(sale), 201


@blueprint.get("/sales/<id:sale_id>", responses={200: schemas.SaleView})
def get_sale(path: schemas.SalePath) -> dict[str, Any]:
    """A sale with the lots that you may see."""
    return _shown(sales.get(path.sale_id, viewer()))


@blueprint.post("/sales/<id:sale_id>/lots", responses={201: schemas.AuctionView})
def add_lot(path: schemas.SalePath, body: schemas.LotTerms) -> tuple[dict[str, Any], int]:
    """A further lot, as a draft; its times and fees follow from the sale."""
    seller = require_viewer()
    lot = sales.add_lot(path.sale_id, by=seller.id, **body.model_dump(exclude_unset=True))
    return shown(listings.get(lot.id, seller)).json_ready(), 201


@blueprint.put("/sales/<id:sale_id>/lots", responses={200: schemas.SaleView})
def set_lots(path: schemas.SalePath, body: schemas.LotOrder) -> dict[str, Any]:
    """Say which of your drafts are the lots, in which order, before the sale is published."""
    seller = require_viewer()
    sales.set_lots(path.sale_id, body.auction_ids, by=seller.id)
    return _shown(sales.get(path.sale_id, seller))


@blueprint.post("/sales/<id:sale_id>/publish", responses={200: schemas.SaleView})
def publish_sale(path: schemas.SalePath) -> dict[str, Any]:
    """Put all lots up for sale at once."""
    seller = require_viewer()
    service.publish_sale(path.sale_id, by=seller.id)
    return _shown(sales.get(path.sale_id, seller))


def _shown(sale: Sale) -> dict[str, Any]:
    lots = browsing.find(viewer(), browsing.Filters(sale_id=sale.id), limit=sales.MAX_LOTS).views
    return schemas.SaleView(
        id=sale.id,
        tenant_id=sale.tenant_id,
        title=sale.title,
        closing=Closing(sale.closing),
        interval=sale.interval,
        starts_at=sale.starts_at,
        ends_at=sale.ends_at,
        premium_rate=sale.premium_rate,
        tax_rate=sale.tax_rate,
        payment_days=sale.payment_days,
        lots=[shown(current(lot)) for lot in sorted(lots, key=lambda lot: lot.auction.lot_number or 0)],
    ).json_ready()
