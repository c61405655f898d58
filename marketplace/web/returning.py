"""Going back: after logging in, or after a form that stands on many pages, to where somebody was."""

from __future__ import annotations

import re

from flask import request, url_for

#: A path of ours and nothing that a browser could take for another site.
_OWN_PATH = re.compile(r"/(?![/\\])[\x21-\x7e]*")


def back(*, otherwise: str | None = None) -> str:
    """Where a form says that it was (``next``); unless that is a page of ours, the list or what is given."""
    wanted = request.values.get("next", "")
    return wanted if _OWN_PATH.fullmatch(wanted) else otherwise or url_for("web.home")
