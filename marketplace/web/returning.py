"""Going back: after logging in, or after a form that stands on many pages, to where somebody was."""

from __future__ import annotations

import re

from flask import request, url_for

from .pages import blueprint

#: A path of ours and nothing that a browser could take for another site.
_OWN_PATH = re.compile(r"/(?![/\\])[\x21-\x7e]*")


@blueprint.app_template_global()
def here() -> str:
    """The page that is shown, to come back to; after a form was sent, the page it was on."""
    if request.method == "GET":
        return request.full_path.rstrip("?")
    return request.path.rpartition("/")[0] or url_for("web.home")


def back(*, otherwise: str | None = None) -> str:
    """Where a form says that it was (``next``); unless that is a page of ours, the list or what is given."""
    wanted = request.values.get("next", "")
    return wanted if _OWN_PATH.fullmatch(wanted) else otherwise or url_for("web.home")
