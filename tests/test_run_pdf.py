"""A page on paper: printed by a browser that is ended whatever happens, or a note instead."""

import re
import threading
import time
from pathlib import Path

import browser
import pytest
from tiny_notebooks import is_gone

from cvm_analysis.run import pdf
from cvm_analysis.run.plan import Stopped

DAY = "2025-12-31"
HTML = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Demo – East</title>
<style>@page { size: A4; @bottom-right { content: counter(page) " / " counter(pages); } }
section { break-after: page; }</style></head>
<body><section><h1>One</h1><a href="../x.html">x</a></section><section><h1>Two</h1></section>
</body></html>"""


def fake(folder, monkeypatch, script):
    """A browser that is a shell script."""
    path = folder / "browser"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("CVM_CHROMIUM", str(path))


def go(folder, **more):
    return pdf.print_page(HTML, folder / "a.pdf", DAY, threading.Event(), **more)


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    browser.find()
    folder = tmp_path_factory.mktemp("printed")
    assert go(folder) is None
    return (folder / "a.pdf").read_bytes()


def test_a_page_is_printed_on_a4_under_its_name(printed):
    assert printed.startswith(b"%PDF-") and b"%%EOF" in printed[-8:]
    box = re.search(rb"/MediaBox ?\[0 0 (\S+) (\S+)\]", printed)
    assert [round(float(side)) for side in box.groups()] == [595, 842]
    assert printed.count(b"/Type /Page\n") == 2
    assert "Demo – East".encode("utf-16-be").hex().upper().encode() in printed


def test_the_file_bears_the_day_of_the_report_each_time(printed, tmp_path):
    dates = re.findall(rb"/(?:CreationDate|ModDate) ?\((.*?)\)", printed)
    assert set(dates) == {b"D:20251231000000+00'00'"}
    assert go(tmp_path) is None
    again = (tmp_path / "a.pdf").read_bytes()  # how Chromium packs it may differ
    assert re.findall(rb"/(?:CreationDate|ModDate) ?\((.*?)\)", again) == dates
    assert again.count(b"/Type /Page\n") == printed.count(b"/Type /Page\n")


def test_no_path_of_this_machine_is_in_the_file(printed, tmp_path):
    assert str(tmp_path.parent).encode() not in printed and b"cvm-pdf-" not in printed


def test_a_browser_that_hangs_is_ended_with_what_it_started(tmp_path, monkeypatch):
    fake(tmp_path, monkeypatch, f"sleep 300 & echo $! > {tmp_path}/child; sleep 300")
    began = time.monotonic()
    note = go(tmp_path, limit_seconds=0.5)
    assert time.monotonic() - began < 10
    assert (note.part, note.code, note.need) == ("pdf", "browser_not_in_time", 0.5)
    assert not (tmp_path / "a.pdf").exists()
    assert is_gone(int((tmp_path / "child").read_text()))


@pytest.mark.parametrize(
    ("script", "code", "have"),
    [
        ("exit 3", "browser_failed", 3),
        ("exit 0", "browser_wrote_no_pdf", None),
        ('for a; do case $a in --print-to-pdf=*) echo no > "${a#*=}";; esac; done',
         "browser_wrote_no_pdf", None),
    ],
)  # fmt: skip
def test_a_browser_that_fails_leaves_a_note_and_no_file(tmp_path, monkeypatch, script, code, have):
    fake(tmp_path, monkeypatch, script)
    note = go(tmp_path)
    assert (note.code, note.have) == (code, have)
    assert not (tmp_path / "a.pdf").exists()


def test_a_browser_that_is_not_there_is_a_note(tmp_path, monkeypatch):
    monkeypatch.setenv("CVM_CHROMIUM", str(tmp_path / "gone"))
    assert go(tmp_path).code == "browser_not_started"
    monkeypatch.delenv("CVM_CHROMIUM")
    monkeypatch.setattr(pdf.shutil, "which", lambda name: None)
    assert pdf.find_browser() is None and go(tmp_path).code == "no_browser"


def test_a_browser_without_windows_goes_first(monkeypatch):
    monkeypatch.delenv("CVM_CHROMIUM", raising=False)
    installed = {"chromium", "google-chrome"}
    monkeypatch.setattr(pdf.shutil, "which", lambda name: name if name in installed else None)
    assert pdf.find_browser() == "chromium"
    installed.add("chromium-headless-shell")
    assert pdf.find_browser() == "chromium-headless-shell"
    monkeypatch.setenv("CVM_CHROMIUM", "mine")
    assert pdf.find_browser() == "mine"


def test_a_stopped_run_ends_the_browser(tmp_path, monkeypatch):
    fake(tmp_path, monkeypatch, f"echo $$ > {tmp_path}/pid; sleep 300")
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    with pytest.raises(Stopped):
        pdf.print_page(HTML, tmp_path / "a.pdf", DAY, stop)
    assert is_gone(int((tmp_path / "pid").read_text()))


def test_the_browser_gets_its_own_home_the_users_fonts_and_no_key(tmp_path, monkeypatch):
    monkeypatch.setenv("CVM_KEY", "a secret of sixteen")
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    fake(tmp_path, monkeypatch, f'env > {tmp_path}/env; echo "$@" > {tmp_path}/said')
    go(tmp_path)
    env, said = (tmp_path / "env").read_text(), (tmp_path / "said").read_text()
    assert "a secret" not in env and "XDG_DATA_HOME=/home/me/.local/share\n" in env
    home = re.search("^HOME=(.*)$", env, re.MULTILINE)[1]
    assert f"--user-data-dir={home}/profile" in said and not Path(home).exists()
