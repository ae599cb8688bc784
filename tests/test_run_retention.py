"""Old reports go, and what a reader may be led to stays; nothing is half removed."""

import datetime as dt
import os
import re
import signal
import threading

import pytest
from published_reports import out_folder, publish
from typer.testing import CliRunner

from cvm_analysis import atomic_folder
from cvm_analysis.cli import app
from cvm_analysis.errors import InputError
from cvm_analysis.run import portal, region_lock
from cvm_analysis.run.retention import Rule, list_removable, prune, rehearse

DAYS = [f"2026-{month:02}-01" for month in range(1, 10)]


@pytest.fixture
def out(tmp_path):
    """Nine monthly reports of two regions; each leads to the one before."""
    out = out_folder(tmp_path / "out")
    for key in ("all", "east"):
        for before, day in zip(["", *DAYS], DAYS, strict=False):
            publish(out, key, day, leads_to=before)
    portal.write(out, "Demo", ["en"])
    return out


def dates(out, key="east"):
    return sorted(path.name for path in (out / key).iterdir() if path.name[0] != ".")


def run(out, rule):
    return [(each.region, each.as_of) for each in prune(out, rule, lambda key: None)]


def removable(out, **rule):
    return [link.name for link in list_removable(out / "east", Rule(**rule))]


def test_the_newest_stay_and_what_they_lead_to(out):
    done = run(out, Rule(keep=5))
    assert done == [(key, day) for key in ("all", "east") for day in DAYS[2::-1]]
    assert dates(out) == DAYS[3:], "the fifth leads to the sixth"
    hidden = {path.name for path in (out / "east").glob(".2026*")}
    assert hidden == {(out / "east" / day).readlink().name for day in DAYS[3:]}


def test_every_link_of_the_portal_and_of_what_it_links_leads_somewhere(out):
    run(out, Rule())
    pages = set(re.findall(r'href="(east/[^"]+)"', (out / "index.html").read_text()))
    assert len(pages) == 4 and all((out / page).is_file() for page in pages)
    for page in pages:
        assert re.search(r"\.\./\.\./(2026-\d\d-01)/", (out / page).read_text())[1] in dates(out)


def test_fewer_than_the_portal_links_are_refused():
    with pytest.raises(InputError, match="keep 4 reports or more, not 3: the portal links them"):
        Rule(keep=3)


def test_by_age_those_go_that_are_older_than_the_newest_by_more(out):
    def days(day):
        return (dt.date.fromisoformat(DAYS[-1]) - dt.date.fromisoformat(day)).days

    assert removable(out, older_than_days=days(DAYS[2])) == [DAYS[0]], "the third stays"
    assert removable(out, older_than_days=days(DAYS[2]) - 1) == DAYS[1::-1]
    assert removable(out, older_than_days=0) == removable(out)
    assert removable(out, keep=8, older_than_days=0) == []
    assert removable(out, keep=7, older_than_days=0) == [DAYS[0]], "both must allow it"
    assert removable(out, keep=7, older_than_days=days(DAYS[0])) == []


def test_the_report_that_a_page_really_leads_to_stays(out):
    publish(out, "east", DAYS[5], leads_to=DAYS[0])  # made before those in between
    assert DAYS[0] not in removable(out) and DAYS[3] in removable(out)


def test_an_old_day_that_was_run_after_the_newest_stays(out):
    publish(out, "east", DAYS[1], started="2026-09-02T06:00:00+00:00")
    assert DAYS[1] not in removable(out) and DAYS[0] in removable(out)


def test_damaged_ones_do_not_count_and_go_with_their_age(out):
    for day in (DAYS[0], DAYS[-2]):
        (out / "east" / day / "run.json").write_text("{")
    assert removable(out) == [DAYS[2], DAYS[1], DAYS[0]], "four that can be read, and a fifth"


def test_few_reports_are_left_alone_and_so_is_what_is_not_ours(out):
    for name in ("notes", "latest"):
        (out / "east" / name).symlink_to(DAYS[0])
    (out / "mine").mkdir()
    (out / "mine" / "2020-01-01").mkdir()
    (out / "east" / "2019-01-01").mkdir()
    run(out, Rule())
    assert {"notes", "latest", "2019-01-01"} <= set(dates(out))
    assert [path.name for path in (out / "mine").iterdir()] == ["2020-01-01"]
    assert run(out, Rule()) == []


def test_what_would_go_is_said_and_nothing_is_written(out):
    before = {path: path.lstat().st_mtime_ns for path in out.rglob("*")}
    said = [(each.region, each.as_of, each.n_bytes) for each in rehearse(out, Rule(keep=5))]
    assert {path: path.lstat().st_mtime_ns for path in out.rglob("*")} == before
    files = [path for path in (out / "east" / DAYS[0]).rglob("*") if path.is_file()]
    assert said[-1] == ("east", DAYS[0], sum(len(path.read_bytes()) for path in files))
    assert [each[:2] for each in said] == run(out, Rule(keep=5))


def test_it_waits_for_a_run_of_the_region(out):
    waits = threading.Event()
    (out / region_lock.RUNNING).mkdir()
    lock = atomic_folder.file_lock(out / region_lock.RUNNING / "east.lock")
    lock.acquire()
    done = []
    go = lambda: done.extend(prune(out, Rule(), lambda key: waits.set()))  # noqa: E731
    thread = threading.Thread(target=go)
    thread.start()
    assert waits.wait(30) and dates(out) == DAYS and dates(out, "all") == DAYS[4:]
    lock.release()
    thread.join(30)
    assert dates(out) == DAYS[4:] and len(done) == 8


def test_the_portal_is_written_anew(out):
    publish(out, "east", DAYS[0], languages=["en", "zh"])
    portal.write(out, "Demo", ["zh"])
    run(out, Rule())
    assert not (out / "index.zh.html").exists(), "no report has that language any more"
    assert (out / "index.html").read_bytes() == (out / "index.en.html").read_bytes()


def test_without_an_owner_nothing_goes(tmp_path, out):
    (tmp_path / "other").mkdir()
    for folder in (tmp_path / "other", tmp_path / "nowhere"):
        with pytest.raises(InputError, match="no folder of reports"):
            run(folder, Rule())
    (out / ".owner.json").write_text("{")
    with pytest.raises(InputError, match="damaged"):
        run(out, Rule())
    assert dates(out) == DAYS


def killed_at(out, step):
    """Prune in a process of its own that dies just before its n-th change to the disk."""
    child = os.fork()
    if child == 0:
        done = iter(range(1, 1000))

        def watch(event, args):
            if event in ("os.rename", "os.remove", "os.rmdir") and next(done) == step:
                os.kill(os.getpid(), signal.SIGKILL)

        import sys

        sys.addaudithook(watch)
        run(out, Rule())
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("step", [1, 2, 3, 4, 5, 7, 11, 20])
def test_kill_9_leaves_whole_reports_and_the_next_one_finishes(out, step):
    assert killed_at(out, step) == -signal.SIGKILL
    for day in dates(out):
        files = [path.name for path in (out / "east" / day).rglob("*") if path.is_file()]
        assert sorted(files) == [f"east-{day}.en.html", "run.json"]
    assert set(dates(out)) >= set(DAYS[4:])
    run(out, Rule())
    for key in ("all", "east"):
        hidden = {path.name for path in (out / key).glob(".*") if path.name != ".lock"}
        assert hidden == {(out / key / day).readlink().name for day in DAYS[4:]}


def test_the_command_says_what_was_removed(out):
    asked = ["prune", str(out), "--keep", "6"]
    done = CliRunner().invoke(app, [*asked, "--dry-run"])
    assert done.exit_code == 0 and "4 reports would be removed, " in done.output.splitlines()[-1]
    assert dates(out) == DAYS
    done = CliRunner().invoke(app, asked)
    first, *_, last = done.output.splitlines()
    assert re.fullmatch(rf"all/{DAYS[1]}: removed, [\d,]+ bytes", first)
    assert last.startswith(f"{out}: 4 reports removed, ") and dates(out) == DAYS[2:]
    assert isinstance(CliRunner().invoke(app, ["prune", str(out)]).exception, InputError)
