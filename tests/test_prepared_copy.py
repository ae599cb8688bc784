"""Another machine gets the prepared tables from a URL: all of them, or the ones it had stay.

`make remote` adds a server of S3; without it that half is skipped.
"""

import importlib.util
import json
import shutil
import subprocess
import sys
import time

import fsspec
import pytest
import raw_business
from postgres_server import free_port
from typer.testing import CliRunner

from cvm_analysis import prepared, prepared_copy
from cvm_analysis.cli import app, runs
from cvm_analysis.errors import ConfigError, InputError
from cvm_analysis.intake.prepare import prepare
from cvm_analysis.settings import load
from cvm_analysis.validate import check, check_without_files

SOURCE = """
files: sales.csv
columns: {customer_id: who, ordered_at: day, amount: amount}
region: main
"""
SALES = "who,day,amount\nanna,2025-01-02,10\nbert,2025-03-04,20\n"
NEW = "cleo,2025-05-06,30\n"
LATER = SALES + NEW
no_server = pytest.mark.skipif(
    importlib.util.find_spec("moto") is None, reason="no server of S3: make remote"
)


@pytest.fixture(scope="module")
def s3():
    """A server of S3 on loopback, with an empty bucket; credentials are in the environment."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    told = {
        "AWS_ACCESS_KEY_ID": "only",
        "AWS_SECRET_ACCESS_KEY": "for-tests",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in told.items():
            patch.setenv(name, value)
        fs = fsspec.filesystem("s3")
        for _ in range(300):
            try:
                fs.mkdir("bucket")
                break
            except Exception:  # not up yet
                time.sleep(0.1)
        yield "s3://bucket"
    process.terminate()
    process.wait()


@pytest.fixture(params=["memory", pytest.param("s3", marks=no_server)])
def url(request, tmp_path):
    if request.param == "s3":
        yield f"{request.getfixturevalue('s3')}/{tmp_path.name}"
    else:
        yield f"memory://{tmp_path.name}"
        fsspec.filesystem("memory").store.clear()


@pytest.fixture
def home(tmp_path, url):
    """Settings of the machine with the raw files, which has prepared and put them."""
    return settle(tmp_path / "home", url)


def settle(folder, url, sales=SALES):
    folder.mkdir(exist_ok=True)
    files = {"sales.csv": sales}
    settings = load(raw_business.write(folder, SOURCE, files, f"prepared_url: {url}\n"))
    prepare(settings)
    prepared_copy.put(settings)
    return settings


@pytest.fixture
def worker(home, tmp_path):
    """Settings of a machine without raw files."""
    skip = shutil.ignore_patterns("sales.csv", "prepared", ".prepared*")
    shutil.copytree(home.path.parent, tmp_path / "worker", ignore=skip)
    return load(tmp_path / "worker" / home.path.name)


def content(settings):
    folder = settings.prepared
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def buyers(settings):
    return sorted(prepared.open(settings, "all").customers(prepared.resolve_day(settings)).index)


def store(url):
    """The file system of a URL, read anew, and the folder in it."""
    fs, root = fsspec.core.url_to_fs(url)
    fs.invalidate_cache()
    return fs, root


def copies(url):
    fs, root = store(url)
    names = [path.rstrip("/").rpartition("/")[2] for path in fs.ls(root, detail=False)]
    return sorted(name for name in names if len(name) == 64)


def key(settings):
    return prepared.stamp(settings)["fingerprint"]


def test_a_machine_without_raw_files_has_the_same_tables_byte_for_byte(home, worker):
    assert prepared_copy.fetch(worker) is True
    assert content(worker) == content(home)
    assert buyers(worker) == ["anna", "bert"]
    assert check_without_files(worker.path).business == worker.business
    with pytest.raises(ConfigError, match="no file"):
        check(worker.path)
    before = worker.prepared.resolve()
    assert prepared_copy.fetch(worker) is False and worker.prepared.resolve() == before
    assert prepared_copy.put(home) is False


def test_a_folder_of_a_mounted_disk_will_do(tmp_path):
    home = settle(tmp_path / "home", f"file://{tmp_path}/store")
    found = json.loads((tmp_path / "store" / "current.json").read_text("utf-8"))
    folder = tmp_path / "store" / found["fingerprint"]
    assert set(found["files"]) == {str(p.relative_to(folder)) for p in folder.rglob("*.*")}
    shutil.rmtree(home.prepared.resolve())
    home.prepared.unlink()
    assert prepared_copy.fetch(home) is True and buyers(home) == ["anna", "bert"]


def test_commands_put_fetch_and_say_so(home, worker):
    def call(*arguments):
        found = CliRunner().invoke(app, [*arguments])
        return found.exit_code, " ".join(found.output.split())

    url = home.business.prepared_url
    (home.path.parent / "sales.csv").write_text(LATER, "utf-8")
    code, said = call("prepare", str(home.path))
    assert code == 0 and f"{url}: has a copy of the prepared tables" in said
    code, said = call("fetch", str(worker.path))
    assert code == 0 and f"copied from {url}" in said
    assert call("fetch", str(worker.path)) == (0, f"{worker.prepared}: up to date")
    assert buyers(worker) == ["anna", "bert", "cleo"]
    text = worker.path.read_text("utf-8")
    worker.path.write_text(text.replace(f"prepared_url: {url}\n", ""), "utf-8")
    with pytest.raises(InputError, match="nothing to fetch from; set `prepared_url`"):
        runs.fetch(worker.path)


def test_new_tables_follow_and_the_copy_before_stays_for_its_readers(home, worker, url):
    prepared_copy.fetch(worker)
    keys = [key(home)]
    for n_rows in (1, 2, 3):
        settle(home.path.parent, url, SALES + NEW * n_rows)
        keys.append(key(home))
        assert copies(url) == sorted(keys[-2:])
    assert prepared_copy.fetch(worker) is True
    assert buyers(worker) == ["anna", "bert", "cleo"]


def test_an_upload_that_was_cut_short_is_completed(home, worker, url):
    fs, root = store(url)
    (name, *_) = fs.find(f"{root}/{key(home)}/transactions")
    fs.rm(f"{root}/current.json")
    fs.rm(name)
    with pytest.raises(InputError, match="no prepared tables; run `cvm prepare"):
        prepared_copy.fetch(worker)
    assert prepared_copy.put(home) is True
    prepared_copy.fetch(worker)
    assert content(worker) == content(home)


def lose(fs, name):
    fs.rm(name)


def change_a_byte(fs, name):
    data = bytearray(fs.cat_file(name))
    data[len(data) // 2] ^= 1
    fs.pipe_file(name, bytes(data))


@pytest.mark.parametrize("spoil", [lose, change_a_byte])
def test_a_copy_that_is_not_whole_is_refused_and_the_tables_here_stay(home, worker, url, spoil):
    prepared_copy.fetch(worker)
    before = content(worker)
    settle(home.path.parent, url, LATER)
    fs, root = store(url)
    (name,) = [each for each in fs.find(f"{root}/{key(home)}") if each.endswith("quality.parquet")]
    spoil(fs, name)
    with pytest.raises(InputError, match=r"1 of \d+ files are lost or changed"):
        prepared_copy.fetch(worker)
    assert content(worker) == before and not list(worker.path.parent.glob(".building*"))


def test_the_tables_of_another_config_are_neither_read_nor_replaced(home, worker, url, tmp_path):
    other = settings_of_another(tmp_path, url)
    with pytest.raises(InputError, match="belongs to Mine"):
        prepared_copy.put(other)
    fs, root = store(url)
    found = json.loads(fs.cat_file(f"{root}/current.json"))
    assert found["fingerprint"] == key(home)


def settings_of_another(tmp_path, url):
    folder = tmp_path / "other"
    folder.mkdir()
    path = raw_business.write(folder, SOURCE, {"sales.csv": LATER}, f"prepared_url: {url}\n")
    (folder / "config").mkdir()
    for each in folder.glob("*.yaml"):
        each.rename(folder / "config" / each.name)
    shutil.move(folder / "sales.csv", folder / "config")
    text = (folder / "config" / path.name).read_text("utf-8")
    moved = text.replace("prepared: prepared", "prepared: ../prepared")
    (folder / "config" / path.name).write_text(moved, "utf-8")
    settings = load(folder / "config" / path.name)
    prepare(settings)
    return settings


def test_a_damaged_list_of_what_counts_is_named(home, worker, url):
    fs, root = store(url)
    fs.pipe_file(f"{root}/current.json", b"{")
    with pytest.raises(InputError, match=r"current\.json: damaged; remove it"):
        prepared_copy.fetch(worker)


def test_a_disk_that_is_read_only_or_a_server_that_is_away_is_one_message(home, monkeypatch):
    def broken(*_, **__):
        raise PermissionError("no right to write")

    settle(home.path.parent, home.business.prepared_url, SALES)
    fs, _ = store(home.business.prepared_url)
    monkeypatch.setattr(type(fs), "find", broken)
    with pytest.raises(InputError, match="PermissionError: no right to write"):
        prepared_copy.put(home)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("data/store", "write a URL such as s3://bucket/folder"),
        ("nothing://bucket", "Protocol not known: nothing"),
        ("gs://bucket", r"[Ii]nstall gcsfs"),
        ("ftp://user:secret@host/mine", "a password is written out"),
    ],
)
def test_a_url_that_cannot_be_used_is_named_before_anything_runs(tmp_path, given, said):
    path = raw_business.write(tmp_path, SOURCE, {"sales.csv": SALES}, f"prepared_url: {given}\n")
    with pytest.raises(ConfigError, match=said) as refused:
        check(path)
    assert "mine.yaml line 7" in str(refused.value) and "secret" not in str(refused.value)


def test_without_a_url_nothing_is_copied(tmp_path):
    settings = load(raw_business.write(tmp_path, SOURCE, {"sales.csv": SALES}))
    prepare(settings)
    before = sorted(tmp_path.iterdir())
    assert not prepared_copy.put(settings) and not prepared_copy.fetch(settings)
    assert sorted(tmp_path.iterdir()) == before
