"""`cvm` as a user meets it: exit codes, one message that names the place, nothing half-done."""

import io
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from part_of_sample import keep_sources

from cvm_analysis import cli, results, sample
from cvm_analysis.cli import plans
from cvm_analysis.errors import ConfigError

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A part of the sample, 100 customers, prepared, with reports of an earlier run."""
    folder = tmp_path_factory.mktemp("made")
    sample.make(folder / "data" / "sample", 100)
    shutil.copytree(ROOT / "config", folder / "config")
    keep_sources(folder / "config" / "sample.yaml", "transactions", "customers", "indicators")
    shutil.copytree(ROOT / "notebooks", folder / "notebooks")
    (folder / "reports").mkdir()
    (folder / "reports" / "index.html").write_text("earlier")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["cvm", "prepare", "config/sample.yaml"])
        with pytest.raises(SystemExit) as left:
            cli.main()
        assert left.value.code == 0
    return folder


@pytest.fixture
def cvm(monkeypatch, capsys):
    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["cvm", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            cli.main()
        said = capsys.readouterr()
        assert "Traceback" not in said.err + said.out
        return left.value.code, said.out, said.err

    return call


def take_all_sources(folder):
    """Let no action rest, of which `cvm check` would speak."""
    shutil.copy(ROOT / "config" / "sample.yaml", folder / "config")


def run(*more):
    return ("run", "config/sample.yaml", *more)


def tree(folder):
    """Every file, link and folder, and what is in it."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b""
        for path in sorted(folder.rglob("*"))
    }


def change(folder, old, new, name="config/sample.yaml"):
    text = (folder / name).read_text("utf-8")
    assert text.count(old) == 1
    (folder / name).write_text(text.replace(old, new), "utf-8")
    return f"{name} line {text[: text.index(old)].count(chr(10)) + 1}: "


def raw(folder, name="sales_south.csv"):
    return folder / "data" / "sample" / "raw" / name


# Wrong use, config or input: 2, one message, nothing written


def unknown_key(folder):
    return change(folder, "horizon_weeks", "horizon_week") + "unknown setting 'horizon_week'"


def missing_file(folder):
    raw(folder).unlink()
    return "sales_south.csv; add it"


def missing_column(folder):
    return change(folder, "Net Amount", "Amount")[:-2]


def undecodable_header(folder):
    raw(folder).write_bytes("客户,金额\n".encode("utf-16-le"))
    return "sales_south.csv"


def undecodable_line(folder):
    content = raw(folder).read_bytes()
    raw(folder).write_bytes(content + b"\xff\xff\n")
    return f"sales_south.csv: cannot be decoded, as utf-8: bytes ff ff near line {lines(content):,}"


def lines(content):
    return content.count(b"\n") + 1


def empty_file(folder):
    raw(folder).write_bytes(b"")
    return "sales_south.csv: an empty file"


def header_only(folder):
    raw(folder).write_bytes(raw(folder).read_bytes().splitlines(keepends=True)[0])
    return "sales_south.csv: a header and no rows"


def open_quote(folder):
    content = raw(folder).read_bytes()
    raw(folder).write_bytes(content + b'"x,y\n')
    return "sales_south.csv line "


def hole_in_the_rules(folder):
    change(folder, "{r: 5, f: 1}", "{r: 4, f: 1}", "config/segments.yaml")
    return "config/segments.yaml line "


@pytest.mark.parametrize(
    "spoil",
    [
        unknown_key,
        missing_file,
        missing_column,
        undecodable_header,
        undecodable_line,
        empty_file,
        header_only,
        open_quote,
        hole_in_the_rules,
    ],
    ids=lambda spoil: spoil.__name__,
)
def test_what_cannot_be_used_is_named_and_nothing_is_written(folder, cvm, spoil):
    place = spoil(folder)
    before = tree(folder)
    code, out, err = cvm(*run())
    assert code == 2
    assert out == "" and err.startswith("cvm: ") and place in err
    assert tree(folder) == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--region", "weast"), "cvm: no region 'weast'; choose from all, east, south"),
        (("--as-of", "2031-01-01"), "cvm: as_of 2031-01-01 is outside the data ("),
        (("--as-of", "tomorrow"), "cvm: as_of 'tomorrow' is not a date; write it as 2025"),
        (("--language", "tlh"), "tlh"),
        (("--notebooks", "nowhere"), "nowhere"),
        (("--out", "config/sample.yaml"), "config/sample.yaml"),
        (("--jobs", "0"), "--jobs"),
        (("--colour", "red"), "--colour"),
    ],
)
def test_a_parameter_that_cannot_be_meant(folder, cvm, arguments, said):
    before = tree(folder)
    code, _, err = cvm(*run(*arguments))
    assert code == 2 and said in err
    assert tree(folder) == before


def test_a_config_that_is_not_there(folder, cvm):
    for command in ("check", "prepare", "run", "quarantine", "drafts"):
        code, _, err = cvm(command, "config/nowhere.yaml")
        assert code == 2 and err == "cvm: config/nowhere.yaml: no such file\n"


def test_messages_are_shown_as_they_are(folder, cvm):
    """What looks like markup, a style or an emoji is text of the user's own."""
    name = "[bold]:smile: [x](y).yaml"
    code, _, err = cvm("check", name)
    assert code == 2 and err == f"cvm: {name}: no such file\n"


def test_nothing_prepared_and_nothing_to_prepare(folder, cvm):
    shutil.rmtree(folder / "data" / "prepared")
    for command in (run("--prepared"), ("quarantine", "config/sample.yaml")):
        code, _, err = cvm(*command)
        assert code == 2 and "no prepared tables; run `cvm prepare config/sample.yaml`" in err


def test_a_first_run_that_fails_leaves_no_report_and_no_tables(folder, cvm):
    shutil.rmtree(folder / "data" / "prepared")
    shutil.rmtree(folder / "reports")
    undecodable_line(folder)
    assert cvm(*run())[0] == 2
    assert not (folder / "reports").exists()
    left = [path for path in (folder / "data").rglob("*") if "prepared" in path.parts]
    assert not [path for path in left if path.name != ".lock"]


# A gate: 3, nothing published


def test_a_gate_stops_everything_and_keeps_the_rejected_lines(folder, cvm):
    change(folder, "{default: 0.02}", "{default: 0.02, wrong_number_of_cells: 0.0001}")
    raw(folder).write_bytes(raw(folder).read_bytes() + b"too,few\n")
    before = tree(folder)
    code, out, err = cvm(*run())
    assert code == 3
    assert out == "" and err.startswith("cvm: config/sample.yaml: too many bad rows")
    assert "wrong_number_of_cells: 1 rows of" in err and "cvm quarantine config/sample.yaml" in err
    new = {name for name in tree(folder) if name not in before}
    assert new and all("sample.stopped" in name for name in new)
    assert {name: tree(folder)[name] for name in before} == before
    shown = pd.read_csv(io.StringIO(cvm("quarantine", "config/sample.yaml")[1]))
    assert (shown["rule"] == "wrong_number_of_cells").sum() == 1


# A bug or a curious user: the traceback


def test_debug_shows_where_it_happened(folder):
    unknown_key(folder)
    program = "from cvm_analysis.cli import main; main()"

    def called(*more):
        command = [sys.executable, "-c", program, "check", "config/sample.yaml", *more]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    plain, debug = called(), called("--debug")
    assert plain.returncode == 2 and "Traceback" not in plain.stderr
    assert plain.stderr.startswith("cvm: config/sample.yaml line ")
    assert debug.returncode != 0 and "Traceback" in debug.stderr and "horizon_week" in debug.stderr


def test_debug_raises_the_error_itself(folder, monkeypatch):
    unknown_key(folder)
    monkeypatch.setattr(sys, "argv", ["cvm", "check", "config/sample.yaml", "--debug"])
    with pytest.raises(ConfigError):
        cli.main()


# What the other commands say


def test_a_good_config_is_said_to_be_good(folder, cvm):
    (folder / "reports" / "index.html").unlink()
    before = tree(folder)
    code, out, err = cvm("check", "config/sample.yaml")
    assert (code, out) == (0, "config/sample.yaml: good\n")
    assert err.count("\n") == 1 and "actions rest; they wait for sources.feedback" in err
    assert tree(folder) == before


@pytest.mark.parametrize("spoil", [undecodable_line, open_quote], ids=lambda spoil: spoil.__name__)
def test_check_reads_the_files_to_their_end(folder, cvm, spoil):
    place = spoil(folder)
    before = tree(folder)
    code, out, err = cvm("check", "config/sample.yaml")
    assert (code, out) == (2, "") and place in err
    assert tree(folder) == before


def test_check_asks_for_the_key(folder, cvm, monkeypatch):
    take_all_sources(folder)
    change(folder, "pseudonyms: off", "pseudonyms: on")
    monkeypatch.delenv("CVM_KEY", raising=False)
    code, out, err = cvm("check", "config/sample.yaml")
    assert (code, out) == (2, "") and err.startswith("cvm: CVM_KEY holds no key")


def test_check_stops_at_a_gate_and_keeps_the_rejected_lines(folder, cvm):
    change(folder, "{default: 0.02}", "{default: 0.02, wrong_number_of_cells: 0.0001}")
    raw(folder).write_bytes(raw(folder).read_bytes() + b"too,few\n")
    code, _, err = cvm("check", "config/sample.yaml")
    assert code == 3 and "wrong_number_of_cells: 1 rows of" in err
    shown = pd.read_csv(io.StringIO(cvm("quarantine", "config/sample.yaml")[1]))
    assert (shown["rule"] == "wrong_number_of_cells").sum() == 1


def test_check_looks_at_notebooks_and_at_the_folder_of_reports(folder, cvm):
    code, _, err = cvm("check", "config/sample.yaml")
    assert code == 2 and "reports/index.html: not written by cvm" in err
    code, _, err = cvm("check", "config/sample.yaml", "--out", "mine", "--notebooks", "nowhere")
    assert code == 2 and "nowhere" in err
    assert cvm("check", "config/sample.yaml", "--out", "mine")[0] == 0
    assert not (folder / "mine").exists()


def test_check_finds_what_only_the_rows_can_show(folder, cvm):
    at = change(folder, "indicators.credit_score", "indicators.nobodys", "config/scorecards.yaml")
    code, _, err = cvm("check", "config/sample.yaml")
    assert code == 2 and f"{at}no imported indicator 'nobodys'" in err


def test_prepare_counts_rows_and_says_if_nothing_changed(folder, cvm):
    code, out, _ = cvm("prepare", "config/sample.yaml")
    made = json.loads((folder / "data" / "prepared" / "sample" / "prepared.json").read_text())
    counts = f"{made['rows_accepted']:,} of {made['rows_read']:,} order lines accepted"
    assert code == 0 and out == f"data/prepared/sample: {counts}, unchanged\n"
    code, out, _ = cvm("prepare", "config/sample.yaml", "--force")
    assert code == 0 and out == f"data/prepared/sample: {counts}\n"


def test_regions_are_listed_by_their_keys_one_on_each_line(folder, cvm):
    keys = ["east", "south", "north", "central", "southwest", "northeast"]
    assert cvm("regions", "config/sample.yaml") == (0, "\n".join(keys) + "\n", "")
    shutil.rmtree((folder / "data" / "prepared" / "sample").resolve())
    code, out, err = cvm("regions", "config/sample.yaml")
    assert (code, out) == (2, "") and "run `cvm prepare" in err


def test_the_quarantine_is_a_csv_of_rejected_lines(folder, cvm):
    code, out, err = cvm("quarantine", "config/sample.yaml")
    shown = pd.read_csv(io.StringIO(out))
    kept = pd.read_parquet(folder / "data" / "prepared" / "sample" / "quarantine.parquet")
    assert code == 0 and err == ""
    assert list(shown.columns) == ["file", "line", "rule", "column", "value"]
    assert shown["line"].tolist() == kept["line"].tolist()
    east = shown[shown["file"].str.endswith("sales_east.csv") & (shown["rule"] == "no_amount")]
    truth = json.loads((folder / "data" / "sample" / "truth.json").read_text("utf-8"))
    planted = truth["files"]["raw/sales_east.csv"]["dirt_lines"]["amount_is_text"]
    assert east["line"].tolist() == planted and east["value"].tolist() == ["见附件"]


def test_status_of_a_folder(folder, cvm):
    said = "reports: nothing is published; `cvm run` publishes reports\n"
    assert cvm("status", "reports") == (1, said, "")
    code, _, err = cvm("status", "nowhere")
    assert code == 2 and err == "cvm: nowhere: no such folder; `cvm run` makes it\n"


def test_drafts_need_a_report(folder, cvm):
    code, _, err = cvm("drafts", "config/sample.yaml", "--region", "east")
    assert code == 2 and "no such report; run `cvm run config/sample.yaml` first" in err
    code, _, err = cvm("drafts", "config/sample.yaml", "--region", "east", "--out", "mine")
    assert code == 2 and "mine/east/" in err


def test_drafts_are_filled_from_a_report_of_the_same_data_only(folder, cvm, monkeypatch):
    monkeypatch.setenv("CVM_DRAFTS", str(folder / "drafts"))
    run = results.open("config/sample.yaml", "east")
    desk = folder / "mine" / "east" / run.stamp["as_of"] / "desk"
    replace(run, folder=desk).sign_off("01_customers", "en")
    asked = ("drafts", "config/sample.yaml", "--region", "east", "--out", "mine")
    code, _, err = cvm(*asked)
    assert code == 2 and "have no stamp.json; run it again with `cvm run`" in err
    (desk / "stamp.json").write_text(json.dumps(run.stamp))
    code, out, _ = cvm(*asked)
    assert code == 0 and out.startswith(str(run.folder))
    assert (run.folder / "done" / "01_customers.json").is_file()


def test_a_sample_is_made_and_never_over_other_files(tmp_path, cvm, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = cvm("sample", "new", "--customers", "100")
    assert code == 0 and out.startswith("new: ") and (tmp_path / "new" / "truth.json").is_file()
    assert cvm("sample", "few", "--customers", "10")[0] == 2
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    code, _, err = cvm("sample", "mine", "--customers", "100")
    assert code == 2 and "notes.txt" in err and not (tmp_path / "few").exists()
    assert tree(tmp_path / "mine") == {"notes.txt": b"keep"}


def test_help_names_every_command(cvm):
    code, out, _ = cvm("--help")
    assert code == 0
    named = ("sample", "new", "init", "check", "prepare", "run", "status", "quarantine", "drafts")
    for command in (
        *named,
        "quality",
        "regions",
        "reidentify",
        "notify",
        "prune",
        "fetch",
        "publish",
    ):
        assert command in out
    assert cvm("nonsense")[0] == 2


def test_a_plan_knows_its_key_and_what_no_output_may_show(tmp_path, monkeypatch):
    from small_business import NAMED, small

    from cvm_analysis.intake.pseudonyms import check_value

    key = "a key for tests, no secret"
    monkeypatch.setenv("CVM_KEY", key)
    sales = "customer_id,ordered_at,amount,sold_in\n00000001,2025-01-01,1,Nord\n"
    for pseudonyms in ("on", "off"):
        settings = small(tmp_path, NAMED, {"sales.csv": sales}, pseudonyms=pseudonyms)
        plan = plans.make(settings, [], "", tmp_path / "out", ROOT / "notebooks", ("en",))
        if pseudonyms == "on":
            assert plan.key_check == check_value(key.encode())
            assert plan.personal.count({"00000001"}) == 1 and key not in repr(plan)
        else:
            assert plan.key_check == "" and plan.personal is None
        assert plan.merges == {}


LIMITED = """
import resource, sys
from cvm_analysis.cli import main
sys.argv = ["cvm", *sys.argv[1:]]
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
main()
"""


def test_tables_that_cannot_be_written_end_in_one_message_and_the_earlier_ones_stay(folder):
    before = tree(folder)
    command = [sys.executable, "-c", LIMITED, "prepare", "config/sample.yaml", "--force"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("cvm: ") and done.stderr.count("\n") == 1
    assert "then run again" in done.stderr
    assert tree(folder) == before


def test_a_fault_of_the_program_is_no_failed_region(monkeypatch, tmp_path, capsys):
    def broken(folder):
        raise KeyError("a fault")

    monkeypatch.setattr("cvm_analysis.project.start.start", broken)
    monkeypatch.setattr(sys, "argv", ["cvm", "new", str(tmp_path)])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 2 and "KeyError: 'a fault'" in capsys.readouterr().err


def test_limits_of_a_run_reach_the_plan(folder, cvm, monkeypatch):
    from cvm_analysis.run import fan_out

    seen = []

    def stub(plan, progress):
        seen.append(plan.limits())
        return fan_out.Outcome((), plan.out / "index.html", "no room")

    monkeypatch.setattr(fan_out, "run", stub)
    asked = ("--out", "mine", "--notebook-minutes", "2", "--memory-gb", "0.5", "--jobs", "3")
    code, _, err = cvm(*run(*asked))
    assert code == 1 and "mine/index.html: not written: no room" in err
    cvm(*run(*asked, "--run-minutes", "1"))
    assert seen[0] == (120, 500_000_000, 3) and 0 < seen[1].seconds < 60
