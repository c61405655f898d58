"""Categories."""

from __future__ import annotations

from typing import Any

from flask_openapi import APIBlueprint, Tag

from marketplace import categories

from . import schemas

blueprint = APIBlueprint("categories", __name__, url_prefix="/api", abp_tags=[Tag(name="Browsing")])


@blueprint.get("/categories", responses={200: schemas.CategoryTree})
def list_categories() -> dict[str, Any]:
    """All categories, in the order in which to show them."""
    return schemas.CategoryTree(
        items=[
            schemas.CategoryBranch(
                slug=branch.category.slug,
                name=branch.category.name,
                children=[schemas.CategoryView(slug=each.slug, name=each.name) for each in branch.children],
            )
            for branch in categories.tree()
        ]
    ).json_ready()
