"""What goes in and out of the API: the schemas that validate are the ones that document.

A file for each resource; everybody takes them from here.
"""

from .accounts import *  # noqa: F403
from .auctions import *  # noqa: F403
from .base import *  # noqa: F403
from .bids import *  # noqa: F403
from .events import *  # noqa: F403
from .orders import *  # noqa: F403
from .payments import *  # noqa: F403
from .pictures import *  # noqa: F403
from .realtime import *  # noqa: F403
from .sales import *  # noqa: F403
from .tenants import *  # noqa: F403
