"""A report on paper: the HTML file printed to PDF by an installed Chromium.

A report does not depend on it: where there is no browser there is no PDF, and where printing fails
there is a note instead. The browser gets a profile of its own, and whatever it started is ended.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
import subprocess
import threading
from pathlib import Path

from cvm_analysis import atomic_folder
from cvm_analysis.minimum_data import Note
from cvm_analysis.run import children
from cvm_analysis.run.work_folders import VARIABLE, work_folder

BROWSERS = (  # those without windows start in half the time
    *("chromium-headless-shell", "chrome-headless-shell"),
    *("chromium", "chromium-browser", "google-chrome"),
)
LIMIT_SECONDS = 120.0
PART = "pdf"  # of a note
FLAGS = (
    *("--headless", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-extensions", "--disable-breakpad", "--no-pdf-header-footer"),
    "--generate-pdf-document-outline",
)
_DATE = re.compile(rb"/(CreationDate|ModDate) ?\(D:[^)]*\)")


def find_browser() -> str | None:
    """Find the browser: the one that CVM_CHROMIUM names, else an installed Chromium or Chrome."""
    named = os.environ.get("CVM_CHROMIUM")
    return named or next(filter(None, map(shutil.which, BROWSERS)), None)


def print_page(
    html: str,
    path: Path,
    as_of: str,
    stop: threading.Event,
    limit_seconds: float = LIMIT_SECONDS,
) -> Note | None:
    """Print a page to a PDF file; a Note says why there is none.

    html : text of the page, which loads nothing; as_of : ISO date that the file bears as its own

    Raises
    ------
    Stopped : `stop` was set meanwhile
    """
    browser = find_browser()
    if browser is None:
        return Note(PART, "no_browser")
    with work_folder("pdf") as work:
        source, made = work / "page.html", work / "page.pdf"
        source.write_text(html, "utf-8")
        note = _run(_command(browser, source, made), work, stop, limit_seconds)
        content = made.read_bytes() if made.is_file() else b""
    if note is None and not content.startswith(b"%PDF-"):
        note = Note(PART, "browser_wrote_no_pdf")
    if note is None:
        atomic_folder.write(path, _with_date(content, as_of))
    return note


def _command(browser: str, source: Path, made: Path) -> list[str]:
    own = [f"--user-data-dir={source.parent / 'profile'}", f"--print-to-pdf={made}"]
    as_root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return [browser, *FLAGS, *as_root, *own, source.as_uri()]


def _run(command: list[str], work: Path, stop: threading.Event, seconds: float) -> Note | None:
    """Run the browser to its end; a Note says why it failed."""
    with (work / "log").open("wb") as log:
        try:
            child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=work,
                start_new_session=True, env=_environment(work),
            )  # fmt: skip
        except OSError:
            return Note(PART, "browser_not_started")
        try:
            ended = children.wait(child, seconds, stop)
        finally:
            children.end(child)
    if not ended:
        return Note(PART, "browser_not_in_time", need=seconds)
    return Note(PART, "browser_failed", float(child.returncode)) if child.returncode else None


def _environment(work: Path) -> dict[str, str]:
    """Environment of the browser: no pseudonym key, a home of its own, the fonts of the user."""
    fonts = os.environ.get("XDG_DATA_HOME", str(Path.home() / ".local" / "share"))
    own = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"), str(work))
    return children.inherited() | own | {"XDG_DATA_HOME": fonts, VARIABLE: str(work)}


def _with_date(content: bytes, as_of: str) -> bytes:
    """Replace the time of printing by the report's day, in as many bytes: offsets stay right."""
    day = f"D:{dt.date.fromisoformat(as_of):%Y%m%d}000000".encode()

    def replace(found: re.Match[bytes]) -> bytes:
        whole, name = found[0], found[1]
        written = b"/" + name + b" (" + day + b"+00'00'"
        return written + b")" if len(written) + 1 == len(whole) else whole

    return _DATE.sub(replace, content)
