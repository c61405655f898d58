"""Categories: a small tree of two levels, kept in the database and filled by migrations."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import or_, select

from .extensions import db
from .models import Category


@dataclass(frozen=True, slots=True)
class Branch:
    """A category of the top level, and those in it."""

    category: Category
    children: list[Category]


def tree() -> list[Branch]:
    """All categories, in the order in which people are shown them."""
    found = list(db.session.scalars(select(Category).order_by(Category.position, Category.slug)))
    return [
        Branch(top, [each for each in found if each.parent_slug == top.slug])
        for top in found
        if top.parent_slug is None
    ]


def exists(slug: str) -> bool:
    """Whether there is such a category."""
    return bool(within(slug))


def within(slug: str) -> list[str]:
    """A category and those in it; nothing if there is no such category."""
    query = select(Category.slug).where(or_(Category.slug == slug, Category.parent_slug == slug))
    return list(db.session.scalars(query))
