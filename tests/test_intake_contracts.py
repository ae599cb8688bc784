"""Contracts by tenure and status, through a config alone; and columns of any name."""

import datetime as dt

import pandas as pd
import pytest

from cvm_analysis import prepared, validate
from cvm_analysis.churn import contracts
from cvm_analysis.errors import ConfigError, InputError
from cvm_analysis.intake.prepare import prepare
from cvm_analysis.survival import cox, kaplan_meier

HEAD = """
business: Tiny
currency: EUR
pseudonyms: off
extracted_on: 2024-06-30
regions:
  main: {en: Main, zh: 主区域}
segments: {folder}/segments.yaml
scorecards: {folder}/scorecards.yaml
strategies: {folder}/strategies.yaml
"""
TENURE = """
sources:
  contracts:
    - files: contracts.csv
      region: main
      columns: {customer_id: id, tenure: months, status: left}
      time_in: months
      ended: ["Yes"]
      covers: all
"""
TELCO = """
sources:
  contracts:
    - files: FILE
      region: main
      columns:
        customer_id: customerID
        tenure: tenure
        status: Churn
        monthly_value: MonthlyCharges
        senior: SeniorCitizen
        one_year: Contract
        two_year: Contract
        partner: Partner
        paperless: PaperlessBilling
      time_in: months
      ended: ["Yes"]
      covers: all
      values:
        one_year: {Month-to-month: 0, One year: 1, Two year: 0}
        two_year: {Month-to-month: 0, One year: 0, Two year: 1}
        partner: {"Yes": 1, "No": 0}
        paperless: {"Yes": 1, "No": 0}
"""
ROWS = "id,months,left\na,0,No\nb,2,Yes\nc,12,No\nd,1,Yes\n"


@pytest.fixture
def load(request, tmp_path):
    """Write config and contracts, prepare them, and load the contracts."""
    folder = request.config.rootpath / "config"

    def made(sources, rows=ROWS, **files):
        for name, text in {"contracts": rows, **files}.items():
            (tmp_path / f"{name}.csv").write_text(text, "utf-8")
        config = HEAD.replace("{folder}", str(folder)) + sources
        (tmp_path / "tiny.yaml").write_text(config + "prepared: prepared\n", "utf-8")
        settings = validate.check(tmp_path / "tiny.yaml")
        prepare(settings)
        return prepared.open(settings, "all")

    return made


def days(table, column):
    return pd.to_datetime(table.set_index("customer_id")[column]).dt.strftime("%Y-%m-%d").to_dict()


def test_a_tenure_counts_back_from_the_day_of_the_files(load):
    """Two months are 60 of 60.875 days."""
    data = load(TENURE)
    table = data.to_pandas("contracts")
    assert (data.first_day, data.last_day) == (dt.date(2023, 7, 1), dt.date(2024, 6, 30))
    assert sorted(table["tenure"]) == [0, 30, 60, 365]
    assert days(table, "started_on")["b"] == "2024-05-01"
    assert days(table, "ended_on")["b"] == "2024-06-30"
    assert pd.isna(days(table, "ended_on")["c"])
    assert days(table, "observed_from") == days(table, "started_on")


def test_of_recent_leavers_each_is_observed_for_the_last_month_only(load):
    table = load(TENURE.replace("covers: all", "covers: recent\n      recent: 1")).to_pandas(
        "contracts"
    )
    spans, notes = contracts.durations(table, dt.date(2024, 6, 30))
    assert spans.set_index("customer_id")["entry"].to_dict() == {"a": 0, "b": 30, "c": 334, "d": 0}
    assert [(note.code, note.have) for note in notes] == [("zero_durations", 1), ("seen_late", 2)]


def test_a_table_with_dates_may_hold_recent_leavers_too(load):
    sources = """
sources:
  contracts:
    - files: contracts.csv
      region: main
      columns: {customer_id: id, started_on: start, ended_on: end}
      covers: recent
      recent: 30
"""
    rows = "id,start,end\na,2024-01-01,2024-06-20\nb,2024-06-10,\nc,2023-06-20,2023-12-31\n"
    data = load(sources, rows)
    assert data.last_day == dt.date(2024, 6, 20)
    table = data.to_pandas("contracts")
    spans, notes = contracts.durations(table, data.last_day, data.first_day)
    entry = spans.set_index("customer_id")["entry"].to_dict()
    assert entry == {"a": (dt.date(2024, 5, 21) - dt.date(2024, 1, 1)).days, "b": 0}
    assert {note.code: note.have for note in notes} == {"seen_late": 1, "ended_unobserved": 1}


def test_telco_comes_through_config_alone(load, data_set):
    """The curve as in lifelines, Cox's coefficients as computed independently."""
    data = load(TELCO.replace("FILE", str(data_set("telco"))))
    table = data.to_pandas("contracts")
    spans, notes = contracts.durations(table, data.last_day, data.first_day)
    assert [(note.code, note.have) for note in notes] == [("zero_durations", 11)]
    found = kaplan_meier.survival_at(
        kaplan_meier.product_limit(spans), [365, 730, 1095, 1461, 1826, 2191]
    )
    printed = [0.8432, 0.788736, 0.748545, 0.70884, 0.664404, 0.59279]
    assert found == pytest.approx(printed, abs=6e-5)
    names = ["monthly_value", "senior", "one_year", "two_year", "partner", "paperless"]
    model = cox.fit_plain(table[names], spans)
    printed = [1.3e-05, 0.028396, -2.10551, -4.064711, -0.625032, 0.237556]
    assert model.hazards.loc[names, "coef"].to_numpy() == pytest.approx(printed, abs=6e-7)
    assert model.log_likelihood == pytest.approx(-14251.617219, abs=6e-7)


def test_a_status_the_wrong_way_round_is_said(load, data_set):
    """Of the 362 with the longest tenure 356 stayed."""
    swapped = TELCO.replace('ended: ["Yes"]', 'ended: ["No"]')
    data = load(swapped.replace("FILE", str(data_set("telco"))))
    notes = contracts.study(data.to_pandas("contracts"), data.last_day, data.first_day).notes
    found = [note for note in notes if note.code == "longest_contracts_ended"]
    assert [(note.have, note.need) for note in found] == [(356, 362)]


def test_a_status_with_no_known_word_is_refused_with_the_words_found(load):
    with pytest.raises(InputError, match=r"all .* are running; the status is 'No' 2, 'Yes' 2"):
        load(TENURE.replace('"Yes"', "gone"))


def test_rows_without_tenure_or_status_are_set_aside(load):
    rows = ROWS + "e,,Yes\nf,x,Yes\ng,-1,No\nh,3,\n"
    sources = TENURE + "rules: {stop_above: {default: 1}}\n"
    data = load(sources, rows)
    found = data.quality[data.quality["n_rows"] > 0].set_index("check")["n_rows"].to_dict()
    assert found == {"no_date": 1, "unreadable_tenure": 2, "no_status": 1}
    assert len(data.to_pandas("contracts")) == 4


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("time_in: months", "delimiter: comma", "set time_in: days, weeks or months"),
        ("covers: all", "delimiter: comma", r"set covers: all \(everybody"),
        ("covers: all", "covers: recent", "set recent: within how many days"),
        ("covers: all", "covers: all\n      recent: 1", "only for `covers: recent`"),
        ('ended: ["Yes"]', "delimiter: comma", "set ended: the words"),
        ('"Yes"', "Yes", "write Yes, No, .* in quotes"),
        (", status: left", "", "a tenure needs a status"),
        ("tenure: months, ", "", "started_on is not mapped; map it, or tenure and status"),
        ("tenure: months", "tenure: months, started_on: months", "started_on and tenure say"),
        ("tenure: months", "started_on: months", "a status needs a tenure"),
        ("covers: all", "covers: all\n      values: {plan: {a: 1}}", "no column 'plan' is mapped"),
    ],
)
def test_what_a_table_of_tenures_must_say(load, old, new, message):
    with pytest.raises(ConfigError, match=message):
        load(TENURE.replace(old, new))


def test_tenures_alone_need_the_day_they_count_to(load, monkeypatch):
    monkeypatch.setattr(f"{__name__}.HEAD", HEAD.replace("extracted_on: 2024-06-30\n", ""))
    with pytest.raises(ConfigError, match="set extracted_on: the day up to which"):
        load(TENURE)


def test_neither_sales_nor_contracts_is_refused(load):
    with pytest.raises(ConfigError, match=r"'transactions' .or 'contracts'. is missing"):
        load("sources: {}\n")


ANY_NAME = ["region", "file", "line", "digest", "rule", "ragged", "n_fields", "plan", "plan_text"]


def test_a_number_column_may_have_any_name(load):
    """Also those that intake uses itself."""
    columns = ", ".join(f"{name}: c{i}" for i, name in enumerate(ANY_NAME))
    sources = f"""
sources:
  transactions:
    - files: sales.csv
      region: main
      columns: {{customer_id: id, ordered_at: day, amount: sum}}
  contracts:
    - files: contracts.csv
      columns: {{customer_id: id, started_on: start, {columns}}}
"""
    header = ",".join(f"c{i}" for i in range(len(ANY_NAME)))
    numbers = ",".join(str(i) for i in range(len(ANY_NAME)))
    rows = f"id,start,{header}\nK1,2024-05-01,{numbers}\n"
    data = load(sources, rows, sales="id,day,sum\nK1,2024-05-05,10\n")
    table = data.to_pandas("contracts")
    assert table.loc[0, ANY_NAME].tolist() == list(range(len(ANY_NAME)))
    assert set(contracts.features(table)) == set(ANY_NAME)


def test_numbers_that_cannot_be_read_are_counted(load):
    sources = TENURE.replace("status: left", "status: left, plan: plan")
    rows = "id,months,left,plan\na,1,No,3\nb,2,Yes,gold\n"
    quality = load(sources, rows).quality.set_index("check")
    assert quality.loc["unreadable_number", ["n_rows", "level"]].tolist() == [1, "warn"]


def test_contracts_alone_say_how_long_the_data_reach_and_where_customers_belong(load):
    sources = """
sources:
  contracts:
    - files: contracts.csv
      columns: {customer_id: id, started_on: start, ended_on: end, sold_in: area}
"""
    rows = "a,2024-01-01,2024-03-01,Main\nb,2024-02-01,,main\nc,2024-04-02,2026-01-01,Main\n"
    data = load(sources, "id,start,end,area\n" + rows)
    assert (data.first_day, data.last_day) == (dt.date(2024, 1, 1), dt.date(2024, 4, 2))
    assert data.transactions is None
    assert sorted(data.to_pandas("contracts")["customer_id"]) == ["a", "b", "c"]
    assert set(data.to_pandas("contracts")["region"]) == {"main"}
