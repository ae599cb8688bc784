"""Old, shortened, empty and doubled files are reported, or stop `prepare` with all as it was."""

import datetime as dt
import json
import re
from types import SimpleNamespace

import pytest
from small_business import NAMED, small

from cvm_analysis import validate
from cvm_analysis.errors import ConfigError, GateError
from cvm_analysis.intake.prepare import prepare
from cvm_analysis.settings import load
from cvm_analysis.settings.gates import AtMost

HEADER = "customer_id,ordered_at,amount,sold_in,cost\n"
LINES = [f"c{i},2025-12-{i + 1:02},1,Nord,{'' if i % 4 else 1}\n" for i in range(20)]
SALES = HEADER + "".join(LINES)  # 20 rows to 2025-12-20, 15 of them without a cost


@pytest.fixture
def business(tmp_path):
    return small(tmp_path, NAMED, {"sales.csv": SALES})


def gated(settings, gates):
    text = re.sub("gates: .*\n", "", settings.path.read_text("utf-8"))
    settings.path.write_text(text + f"gates: {gates}\n", "utf-8")
    return load(settings.path)


def warnings(settings):
    return json.loads((settings.prepared / "prepared.json").read_text("utf-8"))["warnings"]


def write(settings, text, name="sales.csv"):
    (settings.path.parent / name).write_text(text, "utf-8")


STALE = "transactions: the last day is 2025-12-20, 12 days before the files were taken"
EMPTY = "transactions.cost: 75.0% of the rows are empty"


@pytest.mark.parametrize(
    ("gate", "below", "above", "said"),
    [
        ("freshness_days: {WHAT: LIMIT}", 12, 11, STALE),
        ("nulls: {transactions: {cost: {WHAT: LIMIT}}}", 0.75, 0.74, EMPTY),
    ],
)
def test_a_limit_is_met_or_reported_or_stops(business, gate, below, above, said):
    def set_gate(what, limit):
        return gated(business, "{" + gate.replace("WHAT", what).replace("LIMIT", str(limit)) + "}")

    assert prepare(set_gate("warn", below)) and warnings(business) == []
    assert prepare(set_gate("warn", above)) and warnings(business) == [said]
    assert prepare(set_gate("stop", below)) and warnings(business) == []
    before = business.prepared.resolve()
    with pytest.raises(GateError) as error:
        prepare(set_gate("stop", above))
    assert f"\n  {said}\n" in str(error.value) and business.prepared.resolve() == before


def test_a_table_is_compared_with_the_median_of_earlier_prepares(business):
    gates = "{rows_change: {warn: 0.2, stop: 0.5}}"
    write(business, HEADER + "".join(LINES[:18]))
    assert prepare(gated(business, gates)) and warnings(business) == []  # 18 of 20
    write(business, HEADER + "".join(LINES[:15]))
    assert prepare(load(business.path))
    assert warnings(business) == ["transactions: 15 rows, usually 19"]
    write(business, HEADER + "".join(LINES[:5]))
    with pytest.raises(GateError, match="transactions: 5 rows, usually 18"):
        prepare(load(business.path))


def test_new_rows_without_a_new_day_are_reported(business):
    """Next week's rows are dated after `extracted_on`: the report would stand still in silence."""
    write(business, SALES + "c1,2026-01-05,1,Nord,1\nc2,2026-01-06,1,Nord,1\n")
    assert prepare(business)
    assert warnings(business) == [
        "transactions: 2 more rows than at the last prepare, and the last day is still 2025-12-20; "
        "rows after 2026-01-01 (extracted_on) are excluded"
    ]
    write(
        business, SALES + "c1,2025-12-31,1,Nord,1\nc2,2026-01-06,1,Nord,1\nc3,2025-12-30,1,Nord,1\n"
    )
    assert prepare(business) and warnings(business) == []


def test_rows_after_today_stop_a_clock_that_went_back_and_the_tables_stay(business, monkeypatch):
    """Without `extracted_on` today counts: nine of the 20 rows are dated after the 11th."""

    def set_clock(day):
        class Clock(dt.datetime):
            @classmethod
            def now(cls, tz=None):
                return dt.datetime.fromisoformat(day)

        clock = SimpleNamespace(**vars(dt) | {"datetime": Clock})
        monkeypatch.setattr("cvm_analysis.intake.prepare.dt", clock)

    text = business.path.read_text("utf-8").replace("extracted_on: 2026-01-01\n", "")
    business.path.write_text(text.replace("default: 1}", "default: 0.1}"), "utf-8")
    set_clock("2026-01-01")
    assert prepare(load(business.path), force=True)
    before = business.prepared.resolve()
    set_clock("2025-12-11")
    assert not prepare(load(business.path))  # the same files: nothing is read again
    write(business, SALES.replace(",1,Nord", ",2,Nord"))
    with pytest.raises(GateError, match=r"in_the_future.* 9 "):
        prepare(load(business.path))
    assert business.prepared.resolve() == before


def test_a_repeated_prepare_is_remembered_once(business):
    for _ in range(3):
        prepare(business, force=True)
    history = json.loads((business.prepared / "prepared.json").read_text("utf-8"))["history"]
    assert [each["rows"] for each in history] == [{"transactions": 20}]


def test_headers_that_came_and_went_are_named(business):
    write(
        business, SALES.replace(",cost\n", ",cost\n").replace("sold_in,cost", "sold_in,cost,note")
    )
    write(business, "\n".join(line + ",x" for line in SALES.split()).replace("cost,x", "cost,note"))
    assert prepare(business) and warnings(business) == ["sales.csv: has note, other than before"]
    write(business, SALES)
    stopping = gated(business, "{headers: stop}")
    with pytest.raises(GateError, match=r"sales\.csv: lacks note, other than before"):
        prepare(stopping)
    assert prepare(gated(business, "{headers: off}")) and warnings(business) == []


def test_the_same_file_twice_is_reported(tmp_path):
    settings = small(tmp_path, NAMED, {"a.csv": SALES})
    text = settings.path.read_text("utf-8")
    (line,) = (each for each in text.splitlines() if "files: a.csv" in each)
    kept = line.replace("{files", "{overlap: keep, files")
    both = f"{kept}\n{kept.replace('a.csv', 'b.csv')}"
    settings.path.write_text(text.replace(line, both), "utf-8")
    (tmp_path / "b.csv").write_text(SALES, "utf-8")
    settings = load(settings.path)
    prepare(settings)
    said, more = warnings(settings)
    assert "transactions: a.csv and b.csv have the same content" in (said, more)
    assert any("20 more rows than at the last prepare" in each for each in (said, more))
    with pytest.raises(GateError, match=r"a\.csv and b\.csv have the same content"):
        prepare(gated(settings, "{same_file: stop}"))


def test_a_limit_is_exceeded_above_it_only_and_warn_comes_first():
    limit = AtMost(warn=0.1, stop=0.5)
    found = [limit.judge(x) for x in (0.1, 0.11, 0.5, 0.51)]
    assert found == ["off", "warn", "warn", "stop"]
    assert AtMost().judge(1e9) == "off"
    with pytest.raises(ValueError, match="warn is above stop"):
        AtMost(warn=0.5, stop=0.1)


def test_a_column_that_no_file_has_is_named_with_its_line(business):
    gated(business, "{nulls: {transactions: {csot: {warn: 0.1}}}}")
    with pytest.raises(ConfigError, match=r"no file has transactions\.csot; did you mean"):
        validate.check(business.path)
