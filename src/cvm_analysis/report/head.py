"""What stands around the content of every page: its names, its icon and its links."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from cvm_analysis.errors import InputError
from cvm_analysis.report.blocks import templates
from cvm_analysis.texts import Words

Link = tuple[str, str]  # label, path relative to the page
BELOW = 3  # a report lies in <region>/<date>/share/ of the output folder


def describe(
    title: str, say: Words, as_of: str | None = None, links: Sequence[Link] = (), below: int = 0
) -> dict[str, Any]:
    """Return what `page.html` needs for the head, the links and the margins on paper.

    as_of : ISO date, a part of the page's name; below : how deep in the output folder the page lies
    """
    name = say("report.page_title", title=title, date=say.date(as_of)) if as_of else title
    icon = templates().get_template("icon.svg").render().encode()
    return {
        "title": title,
        "page_title": name,
        "icon": f"data:image/svg+xml;base64,{base64.b64encode(icon).decode()}",
        "on_paper": _css_string(name),
        "links": [{"label": label, "href": address(path, below)} for label, path in links],
    }


def address(path: str, below: int = 0) -> str:
    """Return a path as an address in a page; InputError if it leaves the output folder.

    path : relative to the page, not encoded; below : how many folders it may go up at its start
    """
    parts = PurePosixPath(path).parts
    down = parts[next((i for i, part in enumerate(parts) if part != ".."), len(parts)) :]
    is_outside = path.startswith(("/", "\\")) or ".." in down or len(parts) - len(down) > below
    if not down or is_outside:
        raise InputError(f"'{path}' is no path inside the output folder")
    return quote(path, safe="/")


def _css_string(text: str) -> Markup:
    """Write a text as a CSS string: every sign that is no letter or digit is escaped."""
    signs = (c if c.isalnum() else f"\\{ord(c):x} " for c in text)
    return Markup('"{}"').format(Markup("").join(map(Markup, signs)))
