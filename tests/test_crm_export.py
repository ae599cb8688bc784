"""`cvm export` as a whole: all files and then the state, ids, consent, and one message if not."""

import json
import stat
import subprocess
import sys

import pandas as pd
import pytest
from crm_business import DAY, IDS, KEY, NORTH, RAW, business, publish_tables, tables

from cvm_analysis import cli
from cvm_analysis.crm import export as exports
from cvm_analysis.crm import state, systems
from cvm_analysis.crm.export import Options
from cvm_analysis.errors import InputError
from cvm_analysis.settings import load

LAYOUTS = ["zoho", "fxiaoke", "csv"]


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("CVM_KEY", KEY)
    monkeypatch.chdir(tmp_path)
    return business(tmp_path)


def export(settings, to="zoho", **options):
    return exports.export(settings, systems.load(to), settings.path.parent / "reports",
                          Options(**options))  # fmt: skip


def read(path):
    read_file = pd.read_csv if path.suffix == ".csv" else pd.read_excel
    more = {} if path.suffix == ".csv" else {"engine": "calamine"}
    return read_file(path, dtype=str, keep_default_na=False, **more)


def every_file(folder):
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


@pytest.mark.parametrize("to", LAYOUTS)
def test_a_second_export_of_the_same_reports_writes_nothing(settings, to):
    first = export(settings, to)
    assert first.folder.name == "0001" and [n for _, n in first.files] == [16, 13, 2, 10]
    second = export(settings, to)
    assert not second.files and second.n_conflicts == 0
    assert [path.name for path in first.folder.parent.glob("0*")] == ["0001"]
    full = export(settings, to, full=True)
    assert full.folder.name == "0002" and [n for _, n in full.files] == [16, 13, 2, 10]


@pytest.mark.parametrize("to", LAYOUTS)
def test_a_later_report_exports_what_changed_and_what_is_gone(settings, to):
    export(settings, to)
    later = tables(NORTH[1:], "2026-01-31")
    later["segments"].loc[later["segments"]["customer_id"] == IDS[3], "grade"] = "B"
    publish_tables(settings.path.parent / "reports", "n", later, "2026-01-31")
    made = export(settings, to)
    module = systems.load(to).modules
    changed = {name.split(".")[0]: n for name, n in made.files if ".removed" not in name}
    gone = {name.split(".")[0]: n for name, n in made.files if ".removed" in name}
    # customers: one grade, and the due dates of all seven who are still called, and of 10
    assert changed == {module["customers"].file: 8, module["tasks"].file: 8,
                       module["lists"].file: 1}  # fmt: skip
    assert gone == {module["customers"].file: 1, module["tasks"].file: 10,
                    module["members"].file: 1}  # fmt: skip


def test_raw_ids_are_in_no_file_unless_asked_for(settings):
    for to in LAYOUTS:
        made = export(settings, to)
        for path in every_file(made.folder):
            text = read(path).to_csv() if path.suffix == ".xlsx" else path.read_text("utf-8-sig")
            assert not [raw for raw in RAW if raw in text], path
            assert IDS[0] in text or "list" in path.name.lower() or not_of_people(path)


def not_of_people(path):
    return path.stem in ("Campaigns", "市场活动")


@pytest.mark.parametrize("to", LAYOUTS)
def test_the_key_holder_gets_raw_ids_and_no_state_has_them(settings, to):
    made = export(settings, to, reidentify=True)
    modules = systems.load(to).modules
    path = next(path for path in made.folder.iterdir() if path.stem == modules["customers"].file)
    assert sorted(read(path)[modules["customers"].fields["customer_id"]]) == sorted(RAW)
    tasks = next(path for path in made.folder.iterdir() if path.stem == modules["tasks"].file)
    rows = read(tasks)
    assert f"{RAW[0]}-close_complaint-20251231" in set(rows[modules["tasks"].fields["task_id"]])
    assert not rows.map(lambda cell: cell.startswith("C") and cell[:13] in IDS).any().any()
    kept = state.read(made.folder.parent)
    assert set(kept.cells["customers"]["customer_id"]) == set(IDS)
    for path in every_file(made.folder.parent / "state"):
        assert not [raw for raw in RAW if raw.encode() in path.read_bytes()]
    assert not export(settings, to, reidentify=True).files


def test_without_the_key_nothing_is_written(settings, monkeypatch):
    monkeypatch.delenv("CVM_KEY")
    with pytest.raises(InputError, match="CVM_KEY holds no key"):
        export(settings, reidentify=True)
    monkeypatch.setenv("CVM_KEY", "another key for tests")
    with pytest.raises(InputError, match="16 of 16 customers of the reports are not in the raw"):
        export(settings, reidentify=True)
    assert not list((settings.exports / "zoho").glob("0*"))
    assert not (settings.exports / "zoho" / "state").exists()


def test_ids_are_shown_in_all_exports_or_in_none(settings):
    export(settings)
    with pytest.raises(InputError, match="last export was with pseudonyms, so the CRM would get"):
        export(settings, reidentify=True)
    assert export(settings, reidentify=True, full=True).files


def test_only_the_owner_may_read_exports(settings):
    made = export(settings)
    for path in every_file(made.folder):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(settings.exports.stat().st_mode) == 0o700


@pytest.mark.parametrize("cut", ["atomic_folder.place", "state.publish"])
def test_a_killed_export_is_repeated_and_loses_nothing(settings, cut):
    """Killed (-9) before its files appear, or between them and the state."""
    code = (
        "import os, signal, sys; from cvm_analysis import cli; "
        "from cvm_analysis.crm import export; "
        f"export.{cut} = lambda *_: os.kill(os.getpid(), signal.SIGKILL); "
        "sys.argv = ['cvm', 'export', 'small.yaml', '--to', 'zoho']; cli.main()"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    folder = settings.exports / "zoho"
    assert len(list(folder.glob("0*"))) == (cut == "state.publish")
    made = export(settings)
    assert [n for _, n in made.files] == [16, 13, 2, 10]
    assert not export(settings).files
    assert not list(folder.glob(".building-*")), "what was left is gone"


def test_files_may_be_moved_away_between_exports(settings):
    made = export(settings)
    made.folder.rename(settings.path.parent / "sent")
    assert not export(settings).files
    assert export(settings, full=True).folder.name == "0002"


def test_exports_of_another_business_key_or_region_are_refused(settings, monkeypatch):
    export(settings)
    marker = settings.exports / ".owner.json"
    own = json.loads(marker.read_text())
    marker.write_text(json.dumps({**own, "business": "Demo", "place": "0"}))
    with pytest.raises(
        InputError, match=r"belongs to Demo .*; name another folder under `exports`"
    ):
        export(settings)
    marker.write_text(json.dumps(own))
    monkeypatch.setattr(exports.owner, "read_key_check", lambda folder: "another")
    with pytest.raises(InputError, match=r"CVM_KEY is not the key of .*state"):
        export(settings)
    monkeypatch.undo()
    (settings.path.parent / "reports/s" / DAY).unlink()
    monkeypatch.setattr(exports.prepared, "stamp", lambda settings: {"regions": {}})
    monkeypatch.setattr(exports.prepared, "region_keys", lambda settings: ["n", "s"])
    with pytest.raises(InputError, match="s: no report, so all customers there would seem"):
        export(settings)


def test_own_folder_words_and_language(settings):
    settings.path.write_text(settings.path.read_text().replace("exports: exports", "exports: crm"))
    made = export(load(settings.path), "csv", language="zh")
    assert made.folder == settings.path.parent / "crm" / "csv" / "0001"
    rows = read(made.folder / "customers.csv")
    assert set(rows["region"]) == {"北", "南"} and set(rows["customer_type"]) == {"零售客户"}
    assert "处理未结投诉" in set(read(made.folder / "tasks.csv")["action"])


def test_the_command_says_files_rows_and_conflicts(settings, monkeypatch, capsys, tmp_path):
    def cvm(*more):
        monkeypatch.setattr(sys, "argv", ["cvm", "export", "small.yaml", *more])
        with pytest.raises(SystemExit) as left:
            cli.main()
        said = capsys.readouterr()
        return left.value.code, said.out, said.err

    code, out, err = cvm("--to", "zoho")
    assert code == 0 and not err
    assert "n: report of 2025-12-31" in out and "0001/Accounts.csv: 16 rows" in out
    accounts = read(tmp_path / "exports/zoho/0001/Accounts.csv")
    accounts.loc[0, "CVM Grade"] = "=A"
    accounts[:-1].to_csv("edited.csv", index=False)
    code, out, err = cvm("--to", "zoho", "--accounts", "edited.csv")
    assert code == 0 and "no row has changed" in out
    assert "deleted or merged there: 1" in err and "conflicts.csv: rows: 2; what the desk" in err
    rows = read(tmp_path / "exports/zoho/0002/conflicts.csv")
    assert rows.iloc[0].tolist() == [accounts.iloc[0, 0], "CVM Grade", "A", "'=A"]
    code, out, err = cvm("--to", "zoho", "--overwrite")
    assert code == 0 and "Accounts.csv: 1 rows" in out and "overwritten" in err
    for wrong, said in (
        (("--to", "zohoo"), "did you mean 'zoho'"),
        (("--to", "zoho", "--language", "xx"), "no texts in language 'xx'"),
        (("--to", "zoho", "--out", "none"), "no such folder"),
    ):
        code, _, err = cvm(*wrong)
        assert code == 2 and said in err and "Traceback" not in err
