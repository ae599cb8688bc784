"""An executed notebook as one HTML file that opens anywhere and loads nothing.

From the notebook come its prose (markdown cells), our blocks, and pictures; code, warnings and
every other output stay behind. Raw HTML in prose is shown as text, and its links lead nowhere but
inside the page; those in the header lead to pages of the same output folder. The page forbids
scripts and any request (Content-Security-Policy).
"""

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import mistune
from markupsafe import Markup, escape

from cvm_analysis.errors import InputError
from cvm_analysis.report import head
from cvm_analysis.report.blocks import MIMETYPE, templates
from cvm_analysis.texts import words

FOR_ANALYSTS = "analyst"  # a cell with this tag does not appear
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
    from nbconvert import TemplateExporter

    node = _read(notebook)
    say = words(language)
    prose = _Prose()
    parts = list(_parts(node, prose))
    first = next((i for i, (_, heading) in enumerate(parts) if heading), len(parts))
    shown = [Markup(html) for html, _ in parts]
    facts = node.metadata.get("cvm", {})
    exporter = TemplateExporter(extra_loaders=[templates().loader], template_file="page.html")
    exporter.environment.autoescape = True
    exporter.environment.globals.update(
        say=say,
        **head.describe(title, say, facts.get("as_of"), links, head.BELOW),
        question=prose.question,
        headings=prose.headings,
        opening=shown[:first],
        rest=shown[first:],
        as_of=say("report.as_of", date=say.date(facts["as_of"])) if facts.get("as_of") else "",
        version=say("report.version", version=facts["version"]) if facts.get("version") else "",
    )
    html, _ = exporter.from_notebook_node(node)
    return html


def _read(notebook: Path) -> Any:
    """Return the notebook in format 4; what nbformat cannot read is an InputError."""
    import nbformat

    broken = (OSError, ValueError, TypeError, KeyError, AttributeError, nbformat.ValidationError)
    try:
        node = nbformat.read(notebook, as_version=4)
        nbformat.validate(node)
    except broken as error:
        why = str(error).partition("\n")[0]
        raise InputError(f"{notebook}: not a notebook that can be read ({why})") from error
    return node


class _Prose(mistune.HTMLRenderer):
    """Markdown as HTML: raw HTML is text, links stay inside the page, headings are collected."""

    def __init__(self) -> None:
        super().__init__(escape=True)
        self.question = ""
        self.headings: list[tuple[str, str]] = []
        self.to_html = mistune.create_markdown(renderer=self, plugins=["table"])

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        plain = str(Markup(text).striptags())
        if level == 1 and not self.question:
            self.question = plain
            return ""
        if level > 2:
            return f"<h{min(level, 4)}>{text}</h{min(level, 4)}>\n"
        return f"{self.open_part(plain)}{text}</h2>\n"

    def open_part(self, plain: str) -> str:
        """Note a heading for the list of contents; return its opening tag."""
        anchor = f"part-{len(self.headings) + 1}"
        self.headings.append((anchor, plain))
        return f'<h2 id="{anchor}">'

    def write(self, markdown: str) -> str:
        """Return prose as HTML."""
        return str(self.to_html(markdown)).strip()

    def show(self, output: Any) -> str:
        """Return an output as HTML; a block that opens a part gets its anchor."""
        html = _shown(output)
        found = re.match(r'<h2 class="cvm-section">(.*?)</h2>', html)
        if not found:
            return html
        return self.open_part(str(Markup(found[1]).unescape())) + html[found.start(1) :]

    def link(self, text: str, url: str, title: str | None = None) -> str:
        return f'<a href="{escape(url)}">{text}</a>' if url.startswith("#") else text

    def image(self, text: str, url: str, title: str | None = None) -> str:
        return text


def _parts(node: Any, prose: _Prose) -> Iterator[tuple[str, bool]]:
    """Yield (HTML, whether a part starts in it) for everything the page takes over."""
    for cell in node.cells:
        if FOR_ANALYSTS in cell.metadata.get("tags", []):
            continue
        outputs = cell.get("outputs", ())
        pieces = [cell.source] if cell.cell_type == "markdown" else outputs
        write = prose.write if cell.cell_type == "markdown" else prose.show
        for piece in pieces:
            before = len(prose.headings)
            html = write(piece)
            if html:
                yield html, len(prose.headings) > before


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
