"""Write the API reference from the docstrings: `make docs`; one page for each public module."""

import inspect
import re
import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from pkgutil import walk_packages

import pdoc
from pdoc import doc, docstrings, extract, render

import cvm_analysis

FOLDER = Path(__file__).parent
TO = FOLDER.parent / "api"  # not in git
TERM = re.compile(r"(\s*)([\w.*<>]+(?:, [\w.*<>]+)*) : ")  # `low, high : text`
LONG = re.compile(r"\b(?:pandas\.core|ibis\.expr|numpy|collections)(?:\.\w+)*\.(?=[A-Z])")
write_annotation = inspect.formatannotation


def modules() -> list[str]:
    """Name the package, and the public modules that packages with `__all__` do not list."""
    listed = {*extract.walk_specs(["cvm_analysis"])}
    found = (each.name for each in walk_packages(cvm_analysis.__path__, "cvm_analysis."))
    return ["cvm_analysis", *sorted(name for name in found if name not in listed)]


def plain(annotation: typing.Any, base_module: str | None = None) -> str:
    """Write a type without the checks of its values, and without where a library keeps it."""
    strip = typing._strip_annotations  # type: ignore[attr-defined]
    return LONG.sub("", str(write_annotation(strip(annotation), base_module)))


def to_markdown(docstring: str) -> str:
    """Write our docstrings as Markdown: underlined headings, and terms as a list."""
    if docstring.startswith("Alias for field number"):  # Python's own words on a named tuple
        return ""
    return "\n".join(_lines(docstring.splitlines()))


def _lines(lines: list[str]) -> Iterator[str]:
    inside = ""  # the indentation of a term, while its text goes on
    for i, line in enumerate(lines):
        below = lines[i + 1].strip() if i + 1 < len(lines) else ""
        term = TERM.match(line)
        if line.strip() and below and not below.strip("-"):
            yield from ("", f"**{line.strip()}**", "")
        elif line.strip() and not line.strip("- "):
            continue
        elif term:
            text = TERM.sub("", line, count=1)
            yield from ("", f"- **{term[2].replace('*', '')}**: {text}")
            inside = term[1] + " "
        elif inside and line.startswith(inside):
            yield f"  {line.strip()}"
        else:
            yield from ("", line) if inside and line.strip() else (line,)
            inside = ""


if __name__ == "__main__":
    inspect.formatannotation = doc.formatannotation = plain  # type: ignore[attr-defined]
    docstrings.numpy = to_markdown
    render.configure(docformat="numpy", show_source=False, template_directory=FOLDER)
    pdoc.pdoc(*modules(), output_directory=TO)
    sys.stdout.write(f"{TO / 'index.html'}: one page for each module\n")
