"""A raw file that has not changed is not read again, where its ids are no personal data."""

import os
import shutil
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from small_business import write

from cvm_analysis import prepared
from cvm_analysis import settings as settings_module
from cvm_analysis.intake import raw_files, staged_files
from cvm_analysis.intake.prepare import prepare
from cvm_analysis.sources import read

OLD = (
    "customer_id,ordered_at,amount,land\na1,2025-03-01,10.5,Nord\n"
    "b1,2025-03-02,20.5,Sud\na1,2025-04-01,5.5,Nord\n"
)
NEW = OLD.replace("2025", "2024")
SALES = {"old.csv": OLD, "new.csv": NEW}
REGIONS = "{from: land, pool_below: 1}"


@pytest.fixture
def config(tmp_path):
    """A prepared business with two files of sales."""
    path = write(tmp_path, REGIONS, SALES)
    prepare(settings_module.load(path))
    return path


@pytest.fixture
def was_read(monkeypatch):
    """Names of the files that were read, in their order."""
    names = []
    monkeypatch.setattr(
        read,
        "open_tables",
        lambda path, *how, do=read.open_tables: names.append(path.name) or do(path, *how),
    )
    return names


def kept(config):
    folder = staged_files.folder_of(settings_module.load(config))
    return sorted(folder.iterdir()) if folder.is_dir() else []


def amounts(config):
    rows = prepared.open(settings_module.load(config), "all").transactions.to_pandas()
    return sorted(rows["amount"].astype(float))


def change(config, old, new):
    text = config.read_text("utf-8")
    assert old in text
    config.write_text(text.replace(old, new), "utf-8")


def test_only_a_new_file_is_read_and_the_tables_are_those_of_reading_all(config, was_read):
    (config.parent / "third.csv").write_text(OLD.replace("2025", "2023"))
    change(config, "files: new.csv", "files: third.csv")
    prepare(settings_module.load(config))
    assert was_read == ["third.csv"]
    found = {p.name: p.read_bytes() for p in (config.parent / "prepared").rglob("*.parquet")}
    prepare(settings_module.load(config), force=True)
    assert was_read == ["third.csv", "old.csv", "third.csv"]
    assert found == {
        p.name: p.read_bytes() for p in (config.parent / "prepared").rglob("*.parquet")
    }
    assert len(kept(config)) == 2  # not that of new.csv, which is no source any more


def test_no_copy_stays_once_ids_are_personal(config, was_read, monkeypatch):
    monkeypatch.setenv("CVM_KEY", "a key for tests, no secret")
    change(config, "pseudonyms: off", "pseudonyms: on")
    prepare(settings_module.load(config))
    assert was_read == ["old.csv", "new.csv"]
    assert not staged_files.folder_of(settings_module.load(config)).exists()


def test_two_at_once(config):
    def work():
        prepare(settings_module.load(config))

    change(config, "default: 1", "default: 0.9")
    both = [threading.Thread(target=work) for _ in "12"]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert amounts(config) == [5.5, 5.5, 10.5, 10.5, 20.5, 20.5]
    assert len(kept(config)) == 2


@pytest.fixture
def staged(tmp_path):
    """The business with its files read and kept, and no more."""
    path = write(tmp_path, REGIONS, SALES)
    stage(path)
    return path


def stage(config):
    """Read the files as `prepare` does, and keep them."""
    settings = settings_module.load(config)
    folder, to_keep = config.parent / "building", staged_files.folder_of(settings)
    folder.mkdir()
    with raw_files.open_inputs(settings) as inputs:
        for i, each in enumerate(inputs):
            to = staged_files.place(each, i, folder, to_keep)
            columns, how = {"customer_id": "customer_id"}, raw_files.options(each.source)
            read.write(each.path, each.name, columns, to=to, **how)
    staged_files.keep(folder, to_keep)
    shutil.rmtree(folder)


def test_a_byte_of_a_file_that_keeps_its_size_and_time(staged, was_read):
    path = staged.parent / "old.csv"
    before = path.stat()
    path.write_text(OLD.replace("20.5", "99.5"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    stage(staged)
    assert was_read == ["old.csv"]
    assert sum(b"99.5" in file.read_bytes() for file in kept(staged)) == 1
    assert len(kept(staged)) == 2


@pytest.mark.parametrize("setting", ["encoding: gb18030", "delimiter: comma", "decimal: point"])
def test_another_way_of_reading_a_file(staged, was_read, setting):
    change(staged, "files: old.csv", f"{setting}, files: old.csv")
    stage(staged)
    assert was_read == ["old.csv"]


def test_other_columns_of_a_file_are_in_what_is_kept(staged, was_read):
    change(staged, "amount: amount", "amount: amount, channel: land")
    stage(staged)
    assert was_read == []


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b[:40] + b"x" + b[41:]])
def test_a_damaged_file_is_made_anew(staged, was_read, damage):
    whole = {path.name: path.read_bytes() for path in kept(staged)}
    path = kept(staged)[0]
    path.write_bytes(damage(path.read_bytes()))
    stage(staged)
    assert len(was_read) == 1
    assert {path.name: path.read_bytes() for path in kept(staged)} == whole


@pytest.mark.parametrize("n_moved", [0, 1, 2])
def test_killed_while_files_are_kept_the_next_goes_on(tmp_path, monkeypatch, was_read, n_moved):
    config, move = write(tmp_path, REGIONS, SALES), Path.replace
    moved = []

    def die(self, to):
        if len(moved) == n_moved:
            raise KeyboardInterrupt
        moved.append(move(self, to))

    with monkeypatch.context() as patched, suppress(KeyboardInterrupt):
        patched.setattr(Path, "replace", die)
        stage(config)
    assert len(kept(config)) == n_moved
    shutil.rmtree(config.parent / "building", ignore_errors=True)  # as `prepare` does
    was_read.clear()
    stage(config)
    assert len(was_read) == 2 - n_moved
    assert len(kept(config)) == 2


def test_a_file_system_without_links(staged, was_read, monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(os, "link", refuse)
    stage(staged)
    assert was_read == []
    assert len(kept(staged)) == 2


def test_no_copy_stays_of_a_file_with_personal_columns(tmp_path):
    people = "customer_id,name\na1,Anna Muster\nb1,Bert Beispiel\n"
    path = write(tmp_path, REGIONS, SALES, people, mask=["name"])
    stage(path)
    assert len(kept(path)) == 2
    assert not any(b"Muster" in file.read_bytes() for file in kept(path))


def test_copies_are_for_their_owner_alone(staged):
    folder = staged_files.folder_of(settings_module.load(staged))
    assert folder.stat().st_mode & 0o777 == 0o700
