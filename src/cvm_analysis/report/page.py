"""An executed notebook as one HTML file that opens anywhere and loads nothing.

From the notebook come its prose (markdown cells), our blocks, and pictures; code, warnings and
every other output stay behind. Raw HTML in prose is shown as text, and its links lead nowhere but
inside the page; those in the header lead to pages of the same output folder. The page forbids
scripts and any request (Content-Security-Policy).
"""

import base64
import binascii
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mistune
from markupsafe import Markup, escape

from cvm_analysis.errors import InputError
from cvm_analysis.report import head
from cvm_analysis.report.blocks import MIMETYPE, templates
from cvm_analysis.texts import Words, words

FOR_ANALYSTS = "analyst"  # a cell with this tag does not appear
_HEADING = re.compile(r'<h2 class="cvm-section (?P<width>\w+)">.*?</h2>')
_PICTURES = {"image/svg+xml": "svg+xml", "image/png": "png"}


def render(notebook: Path, title: str, language: str, links: Sequence[head.Link] = ()) -> str:
    """Return the notebook as the text of one HTML file; the same notebook gives the same text.

    Parameters
    ----------
    notebook : an executed .ipynb; its metadata may hold `cvm`: {"as_of": ISO date, "version": str},
        shown in the footer. Its first `#` heading becomes the line under the title.
    title : heading of the page; its name has the date, too
    language : of the words the page itself adds
    links : label and path, relative to the page, of other pages in the same output folder

    Raises
    ------
    InputError : the file is no notebook, or a link leaves the output folder
    """
    node, prose = _read(notebook), _Prose()
    pieces = [*_pieces(node, prose)]
    about = node.metadata.get("cvm", {})
    return lay_out(
        pieces,
        words(language),
        head.describe(title, words(language), about.get("as_of"), links, head.BELOW),
        about.get("as_of"),
        question=prose.question,
        version=about.get("version", ""),
    )


def lay_out(
    pieces: Iterable[str],
    say: Words,
    around: Mapping[str, Any],
    as_of: str | None = None,
    question: str = "",
    version: str = "",
) -> str:
    """Return the HTML of blocks and pictures as the text of one HTML file.

    Parts of half the width stand in pairs, folded ones in the appendix; a part without content is
    left out.

    around : as `head.describe`; as_of : ISO date; question : stands under the title
    """
    opening, parts = _arrange(iter(pieces))
    return (
        templates()
        .get_template("report.html")
        .render(
            say=say,
            **around,
            question=question,
            headline=next(filter(_is_headline, opening), None),
            opening=[html for html in opening if not _is_headline(html)],
            rows=_rows([part for part in parts if part.width != "folded"]),
            appendix=[part for part in parts if part.width == "folded"],
            as_of=say("report.as_of", date=say.date(as_of)) if as_of else "",
            version=say("report.version", version=version) if version else "",
        )
    )


def picture(svg: str, alt: str) -> str:
    """Return a figure as the HTML of a page."""
    return _picture("svg+xml", svg, alt)


def import_nbformat() -> Any:
    """Import nbformat without the grammar of internet addresses that jsonschema would build for it.

    The grammar takes a second, jsonschema does without it, and notebooks have nothing to check so.
    """
    grammar = "rfc3987_syntax"
    is_hidden = sys.modules.setdefault(grammar, None) is None  # type: ignore[arg-type]
    try:
        import nbformat
    finally:
        if is_hidden:
            sys.modules.pop(grammar, None)
    return nbformat


def _read(notebook: Path) -> Any:
    """Return the notebook in format 4; what nbformat cannot read is an InputError."""
    nbformat = import_nbformat()
    broken = (OSError, ValueError, TypeError, KeyError, AttributeError, nbformat.ValidationError)
    try:
        node = nbformat.read(notebook, as_version=4)
        nbformat.validate(node)
    except broken as error:
        why = str(error).partition("\n")[0]
        raise InputError(f"{notebook}: not a notebook that can be read ({why})") from error
    return node


@dataclass
class _Part:
    """A heading of the page and what follows it, up to the next one."""

    width: str
    heading: Markup
    shown: list[Markup] = field(default_factory=list)


class _Prose(mistune.HTMLRenderer):
    """Markdown as HTML: raw HTML is text, links stay inside the page, the question is kept."""

    def __init__(self) -> None:
        super().__init__(escape=True)
        self.question = ""
        self.to_html = mistune.create_markdown(renderer=self, plugins=["table"])

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        if level == 1 and not self.question:
            self.question = str(Markup(text).striptags())
            return ""
        name = f"h{min(max(level, 2), 4)}"
        opening = '<h2 class="cvm-section whole">' if name == "h2" else f"<{name}>"
        return f"{opening}{text}</{name}>\n"

    def write(self, markdown: str) -> str:
        """Return prose as HTML."""
        return str(self.to_html(markdown)).strip()

    def link(self, text: str, url: str, title: str | None = None) -> str:
        return f'<a href="{escape(url)}">{text}</a>' if url.startswith("#") else text

    def image(self, text: str, url: str, title: str | None = None) -> str:
        return text


def _pieces(node: Any, prose: _Prose) -> Iterator[str]:
    """Yield the HTML of everything the page takes over."""
    for cell in node.cells:
        if FOR_ANALYSTS in cell.metadata.get("tags", []):
            continue
        if cell.cell_type == "markdown":
            yield prose.write(cell.source)
        else:
            yield from map(_shown, cell.get("outputs", ()))


def _arrange(pieces: Iterator[str]) -> tuple[list[Markup], list[_Part]]:
    """Return what stands before the first part, and the parts; empty pieces are left out."""
    opening: list[Markup] = []
    parts: list[_Part] = []
    for html in pieces:
        for text in re.split(r'(?=<h2 class="cvm-section )', html):
            found = _HEADING.match(text)
            if found:
                parts.append(_Part(found["width"], Markup(found[0])))
                text = text[found.end() :]
            if text.strip():
                (parts[-1].shown if parts else opening).append(Markup(text.strip()))
    return opening, [part for part in parts if part.shown]


def _rows(parts: list[_Part]) -> list[list[_Part]]:
    """Put parts of half the width that follow each other together, and each other one by itself."""
    rows: list[list[_Part]] = []
    for part in parts:
        if rows and part.width == rows[-1][-1].width == "half":
            rows[-1].append(part)
        else:
            rows.append([part])
    return rows


def _is_headline(html: str) -> bool:
    return html.startswith("<h1")


def _shown(output: Any) -> str:
    """Return an output as HTML: a block as it is, a picture as <img>; anything else is empty."""
    data = output.get("data", {})
    if MIMETYPE in data:
        return _text(data[MIMETYPE])
    for mimetype, name in _PICTURES.items():
        if mimetype in data:
            alt = output.get("metadata", {}).get(mimetype, {}).get("alt", "")
            return _picture(name, _text(data[mimetype]), alt)
    return ""


def _picture(name: str, content: str, alt: str) -> str:
    if name == "svg+xml":
        data = base64.b64encode(content.encode()).decode()
        found = re.search(r'<svg[^>]*?\bwidth="([\d.]+)pt"', content)
        width = float(found.group(1)) * 4 / 3 if found else 520.0
    else:
        try:
            raw = base64.b64decode(content)
        except binascii.Error as error:
            raise InputError(f"a PNG output is not base64 ({error}); run the notebook") from error
        data = base64.b64encode(raw).decode()
        width = float(int.from_bytes(raw[16:20], "big"))
    return (
        f'<figure class="picture" style="--w:{width:.0f}px">'
        f'<img alt="{escape(alt)}" src="data:image/{name};base64,{data}"></figure>'
    )


def _text(value: Any) -> str:
    """Return a value of a notebook's JSON, where a long text may be a list of lines."""
    return "".join(value) if isinstance(value, list) else str(value)
