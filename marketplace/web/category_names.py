"""What categories are called, in the reader's language; the database has their English names."""

from __future__ import annotations

from flask_babel import lazy_gettext

from .pages import blueprint

#: By slug, as in the tree of categories.
NAMES = {
    "art": lazy_gettext("Art"),
    "paintings": lazy_gettext("Paintings and drawings"),
    "prints": lazy_gettext("Prints and posters"),
    "photographs": lazy_gettext("Photographs"),
    "sculpture": lazy_gettext("Sculpture"),
    "antiques": lazy_gettext("Antiques and furniture"),
    "furniture": lazy_gettext("Furniture"),
    "rugs": lazy_gettext("Rugs and textiles"),
    "ceramics": lazy_gettext("Ceramics and glass"),
    "silver": lazy_gettext("Silver and metalware"),
    "scientific": lazy_gettext("Scientific and nautical"),
    "watches-jewellery": lazy_gettext("Watches and jewellery"),
    "watches": lazy_gettext("Watches"),
    "clocks": lazy_gettext("Clocks"),
    "jewellery": lazy_gettext("Jewellery"),
    "gemstones": lazy_gettext("Gemstones"),
    "collectables": lazy_gettext("Collectables"),
    "coins": lazy_gettext("Coins and banknotes"),
    "stamps": lazy_gettext("Stamps"),
    "toys": lazy_gettext("Toys and models"),
    "memorabilia": lazy_gettext("Memorabilia and signs"),
    "pens": lazy_gettext("Pens and writing"),
    "books-music": lazy_gettext("Books and music"),
    "books": lazy_gettext("Books"),
    "maps": lazy_gettext("Maps and manuscripts"),
    "records": lazy_gettext("Records"),
    "instruments": lazy_gettext("Musical instruments"),
    "electronics": lazy_gettext("Cameras and electronics"),
    "cameras": lazy_gettext("Cameras and lenses"),
    "audio": lazy_gettext("Audio and radio"),
    "computers": lazy_gettext("Computers and games"),
    "home-garden": lazy_gettext("Home and garden"),
    "kitchen": lazy_gettext("Kitchen and tableware"),
    "lighting": lazy_gettext("Lighting"),
    "tools": lazy_gettext("Tools"),
    "garden": lazy_gettext("Garden"),
    "fashion": lazy_gettext("Fashion"),
    "clothing": lazy_gettext("Clothing"),
    "shoes": lazy_gettext("Shoes"),
    "bags": lazy_gettext("Bags and accessories"),
    "vehicles": lazy_gettext("Vehicles"),
    "cars": lazy_gettext("Cars"),
    "motorcycles": lazy_gettext("Motorcycles"),
    "bicycles": lazy_gettext("Bicycles"),
    "parts": lazy_gettext("Parts and accessories"),
    "sport": lazy_gettext("Sport and leisure"),
    "outdoor": lazy_gettext("Outdoor and camping"),
    "fitness": lazy_gettext("Fitness and games"),
    "food-drink": lazy_gettext("Food and drink"),
    "wine": lazy_gettext("Wine"),
    "spirits": lazy_gettext("Spirits"),
    "flowers": lazy_gettext("Flowers and produce"),
    "other": lazy_gettext("Everything else"),
}


def of(slug: str) -> str:
    """The name of a category; of one that is not known, its slug."""
    return str(NAMES.get(slug, slug))


@blueprint.app_template_filter("category_name")
def _category_name(slug: str) -> str:
    return of(slug)
