"""A reader finds the old folder or the new one, whenever the writer is killed."""

import os
import signal
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from cvm_analysis import atomic_folder
from cvm_analysis.errors import InputError

PUBLISHER = """
import os, signal, sys
from pathlib import Path
from cvm_analysis import atomic_folder

steps, kill_at = 0, int(sys.argv[2])

def watch(event, args):
    "Die just before the n-th change to the disk that is made while publishing."
    global steps
    if event in ("os.rename", "os.symlink", "os.remove", "os.rmdir", "shutil.rmtree"):
        steps += 1
        if steps == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

link = Path(sys.argv[1]) / "2026-01-01"
with atomic_folder.atomic_folder(link.parent, link.name) as folder:
    for name in "abc":
        (folder / name).write_text("new")
    sys.addaudithook(watch)
    atomic_folder.publish(folder, link)
"""


def fill(folder, text):
    for name in "abc":
        (folder / name).write_text(text)


def publish(link, text):
    with atomic_folder.atomic_folder(link.parent, link.name) as folder:
        fill(folder, text)
        atomic_folder.publish(folder, link)


def content(link):
    return {path.name: path.read_text() for path in link.iterdir()}


def hidden(parent):
    return sorted(p.name for p in parent.iterdir() if p.name[0] == "." and p.name != ".lock")


def test_what_is_built_is_private_and_goes_when_it_fails(tmp_path):
    with (
        pytest.raises(ZeroDivisionError),
        atomic_folder.atomic_folder(tmp_path / "out", "east") as folder,
    ):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert folder.parent == tmp_path / "out"
        fill(folder, "half")
        1 / 0
    assert hidden(tmp_path / "out") == []


def test_a_published_folder_is_a_relative_link_and_its_predecessor_goes(tmp_path):
    link = tmp_path / "2026-01-01"
    publish(link, "old")
    publish(link, "new")
    assert content(link) == dict.fromkeys("abc", "new")
    assert not link.readlink().is_absolute()
    assert hidden(tmp_path) == [link.readlink().name]


def test_a_published_folder_can_be_moved_with_its_link(tmp_path):
    publish(tmp_path / "here" / "2026-01-01", "new")
    (tmp_path / "here").rename(tmp_path / "there")
    assert content(tmp_path / "there" / "2026-01-01")["a"] == "new"


def test_other_links_beside_it_are_left_alone(tmp_path):
    publish(tmp_path / "2026", "short name")
    publish(tmp_path / "2026-01-01", "other date")
    publish(tmp_path / "2026", "again")
    assert content(tmp_path / "2026-01-01")["a"] == "other date"
    assert content(tmp_path / "2026")["a"] == "again"


def test_a_folder_of_the_user_is_not_replaced(tmp_path):
    link = tmp_path / "2026-01-01"
    link.mkdir()
    fill(link, "mine")
    with pytest.raises(InputError, match="move it away"):
        publish(link, "new")
    assert content(link)["a"] == "mine"


def run_publisher(parent, kill_at):
    command = [sys.executable, "-c", textwrap.dedent(PUBLISHER), str(parent), str(kill_at)]
    return subprocess.run(command, check=False).returncode


def test_kill_9_at_any_step_leaves_the_old_or_the_new_whole(tmp_path):
    seen = []
    for kill_at in range(1, 40):
        link = tmp_path / str(kill_at) / "2026-01-01"
        publish(link, "old")
        code = run_publisher(link.parent, kill_at)
        assert code in (0, -signal.SIGKILL)
        found = content(link)
        assert sorted(found) == ["a", "b", "c"]
        assert len(set(found.values())) == 1
        seen.append(found["a"])
        publish(link, "next")
        assert content(link)["a"] == "next"
        assert hidden(link.parent) == [link.readlink().name], "leftovers stayed"
        if code == 0:
            break
    assert code == 0
    assert seen == sorted(seen, reverse=True)
    assert seen.count("old") >= 2
    assert seen.count("new") >= 2


def test_kill_9_at_the_first_publication_leaves_nothing_or_the_whole(tmp_path):
    for kill_at in (1, 2, 3):
        link = tmp_path / str(kill_at) / "2026-01-01"
        link.parent.mkdir()
        assert run_publisher(link.parent, kill_at) == -signal.SIGKILL
        assert not os.path.lexists(link)


def test_what_a_living_process_builds_is_not_cleaned_away(tmp_path):
    with atomic_folder.atomic_folder(tmp_path, "slow") as slow:
        fill(slow, "half")
        publish(tmp_path / "2026-01-01", "new")
        assert content(slow)["a"] == "half"
        (tmp_path / ".building-notes").mkdir()
        (tmp_path / ".building-notes.lock").touch()
        atomic_folder.publish(slow, tmp_path / "slow")
    assert content(tmp_path / "slow")["a"] == "half"
    assert (tmp_path / ".building-notes").is_dir(), "not made here, so not ours to remove"


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    atomic_folder.write(tmp_path / "index.html", "old", 0o600)
    assert stat.S_IMODE((tmp_path / "index.html").stat().st_mode) == 0o600

    def full(_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="disk full"):
        atomic_folder.write(tmp_path / "index.html", "new")
    assert [p.name for p in tmp_path.iterdir()] == ["index.html"]
    assert (tmp_path / "index.html").read_text() == "old"


KEEPER = """
import sys
from pathlib import Path
from cvm_analysis import atomic_folder
with atomic_folder.kept(Path(sys.argv[1])) as folder:
    print(folder, flush=True)
    sys.stdin.readline()
"""


@pytest.mark.parametrize("given", ["absolute", "relative"])
def test_a_folder_that_is_kept_outlives_its_link_and_then_goes(tmp_path, monkeypatch, given):
    monkeypatch.chdir(tmp_path)
    link = tmp_path / "data" if given == "absolute" else Path("data")
    publish(link, "old")
    with atomic_folder.kept(link) as folder:
        publish(link, "new")
        assert content(folder)["a"] == "old" and content(link)["a"] == "new"
        with atomic_folder.kept(link) as present:
            assert present == link.resolve() and atomic_folder.versions(link) == [present, folder]
        assert content(folder)["a"] == "old"
    assert not folder.exists() and content(link)["a"] == "new"
    with atomic_folder.kept(link):
        pass
    assert content(link)["a"] == "new"
    assert hidden(tmp_path) == [link.readlink().name]


@pytest.mark.parametrize("ended", ["in order", "by kill -9"])
def test_another_process_keeps_a_folder_as_long_as_it_lives(tmp_path, ended):
    link = tmp_path / "data"
    publish(link, "old")
    command = [sys.executable, "-c", KEEPER, str(link)]
    keeper = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    folder = Path(keeper.stdout.readline().strip())
    publish(link, "new")
    assert content(folder)["a"] == "old"
    keeper.kill() if ended == "by kill -9" else None
    keeper.communicate("now")
    publish(link, "next")
    assert hidden(tmp_path) == [link.readlink().name]


def test_what_nobody_may_change_is_read_as_it_is(tmp_path, monkeypatch):
    publish(tmp_path / "data", "old")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    before = hidden(tmp_path)
    with atomic_folder.kept(tmp_path / "data") as folder:
        assert content(folder)["a"] == "old" and hidden(tmp_path) == before


def test_a_folder_has_the_name_of_its_link(tmp_path):
    publish(tmp_path / "2026-01-01", "new")
    assert atomic_folder.name((tmp_path / "2026-01-01").resolve()) == "2026-01-01"
    assert atomic_folder.name(tmp_path / "data") == "data"


def test_a_folder_that_is_withdrawn_goes_with_its_link_unless_it_is_kept(tmp_path):
    link = tmp_path / "2026-01-01"
    publish(link, "old")
    with atomic_folder.kept(link) as folder:
        atomic_folder.withdraw(link)
        assert not os.path.lexists(link) and content(folder)["a"] == "old"
    assert hidden(tmp_path) == []
    publish(link, "new")
    atomic_folder.withdraw(link)
    assert hidden(tmp_path) == [] and not os.path.lexists(link)


def test_only_folders_of_links_that_are_named_are_cleaned_away(tmp_path):
    for name in (".2026-01-01-0123456789ab", ".cache-0123456789ab", ".2026-01-02-notes"):
        (tmp_path / name).mkdir()
    publish(tmp_path / "2026-01-02", "new")
    atomic_folder.clean(tmp_path, r"\d{4}-\d\d-\d\d")
    kept = [(tmp_path / "2026-01-02").readlink().name, ".2026-01-02-notes", ".cache-0123456789ab"]
    assert hidden(tmp_path) == sorted(kept)


def test_a_complete_folder_takes_a_name_that_nobody_has(tmp_path):
    with atomic_folder.atomic_folder(tmp_path, "0001") as building:
        (building / "a").write_text("new")
        atomic_folder.place(building, tmp_path / "0001")
    assert content(tmp_path / "0001") == {"a": "new"} and hidden(tmp_path) == []
    (tmp_path / "0002").mkdir()
    with (
        pytest.raises(FileExistsError),
        atomic_folder.atomic_folder(tmp_path, "0002") as building,
    ):
        atomic_folder.place(building, tmp_path / "0002")
    assert hidden(tmp_path) == [] and not list((tmp_path / "0002").iterdir())
