"""What categories are called in the reader's language."""

from __future__ import annotations

from flask_babel import gettext

from .locales import gettext_noop
from .pages import blueprint

#: The names that migrations have given. One that somebody else has given is shown as it is.
NAMES = frozenset(
    {
        gettext_noop("Art"),
        gettext_noop("Paintings and drawings"),
        gettext_noop("Prints and posters"),
        gettext_noop("Photographs"),
        gettext_noop("Sculpture"),
        gettext_noop("Antiques and furniture"),
        gettext_noop("Furniture"),
        gettext_noop("Rugs and textiles"),
        gettext_noop("Ceramics and glass"),
        gettext_noop("Silver and metalware"),
        gettext_noop("Scientific and nautical"),
        gettext_noop("Watches and jewellery"),
        gettext_noop("Watches"),
        gettext_noop("Clocks"),
        gettext_noop("Jewellery"),
        gettext_noop("Gemstones"),
        gettext_noop("Collectables"),
        gettext_noop("Coins and banknotes"),
        gettext_noop("Stamps"),
        gettext_noop("Toys and models"),
        gettext_noop("Memorabilia and signs"),
        gettext_noop("Pens and writing"),
        gettext_noop("Books and music"),
        gettext_noop("Books"),
        gettext_noop("Maps and manuscripts"),
        gettext_noop("Records"),
        gettext_noop("Musical instruments"),
        gettext_noop("Cameras and electronics"),
        gettext_noop("Cameras and lenses"),
        gettext_noop("Audio and radio"),
        gettext_noop("Computers and games"),
        gettext_noop("Home and garden"),
        gettext_noop("Kitchen and tableware"),
        gettext_noop("Lighting"),
        gettext_noop("Tools"),
        gettext_noop("Garden"),
        gettext_noop("Fashion"),
        gettext_noop("Clothing"),
        gettext_noop("Shoes"),
        gettext_noop("Bags and accessories"),
        gettext_noop("Vehicles"),
        gettext_noop("Cars"),
        gettext_noop("Motorcycles"),
        gettext_noop("Bicycles"),
        gettext_noop("Parts and accessories"),
        gettext_noop("Sport and leisure"),
        gettext_noop("Outdoor and camping"),
        gettext_noop("Fitness and games"),
        gettext_noop("Food and drink"),
        gettext_noop("Wine"),
        gettext_noop("Spirits"),
        gettext_noop("Flowers and produce"),
        gettext_noop("Everything else"),
    }
)


@blueprint.app_template_filter("category")
def category(name: str) -> str:
    """A category, in the reader's language."""
    return gettext(name) if name in NAMES else name
