"""Words of a file that stand for codes."""

import pandas as pd
import pytest
from small_business import NAMED, write

from cvm_analysis import settings as settings_module
from cvm_analysis.errors import ConfigError
from cvm_analysis.intake.prepare import prepare

SALES = "customer_id,ordered_at,amount,sold_in\na,2025-01-01,1,Nord\n"
LEADS = (
    "lead_id,created_on,stage,stage_at,closed_on,customer_id\n"
    "1,2025-01-01,Closed Won,,2025-02-01,a\n2,2025-01-01,closed WON ,,2025-02-01,a\n"
    "3,2025-01-01,Talks,,2025-12-01,a\n4,2025-01-01,,,,a\n"
)


def read(folder, codes):
    path = write(folder, NAMED, {"sales.csv": SALES}, others={"leads": LEADS})
    text = path.read_text("utf-8").replace("lead_id: lead_id,", "lead_id: lead_id, outcome: stage,")
    path.write_text(
        text.replace("files: leads.csv,", f"files: leads.csv, codes: {codes},"), "utf-8"
    )
    return settings_module.load(path)


def outcomes(settings):
    prepare(settings)
    rows = pd.read_parquet(settings.prepared / "leads").sort_values("lead_id")
    return rows[["lead_id", "outcome", "stage"]].astype(object).fillna("").to_numpy().tolist()


def test_words_in_any_case_become_codes_and_others_the_code_of_all_others(tmp_path):
    settings = read(tmp_path, '{outcome: {Closed Won: won, "*": open}}')
    assert outcomes(settings) == [
        ["1", "won", "Closed Won"], ["2", "won", "closed WON"], ["3", "open", "Talks"],
        ["4", "", ""],
    ]  # fmt: skip


def test_a_word_that_is_not_listed_stays(tmp_path):
    """The rules judge it then: no such outcome."""
    assert [row[0] for row in outcomes(read(tmp_path, "{outcome: {Closed Won: won}}"))] == [
        "1", "2", "4",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        ("{outcom: {x: won}}", "no column 'outcom' is mapped; did you mean 'outcome'"),
        ("{closed_on: {x: won}}", "'closed_on' has no words; codes stand for words"),
    ],
)
def test_codes_of_what_has_no_words_are_an_error_with_their_line(tmp_path, codes, said):
    with pytest.raises(ConfigError, match=said) as error:
        read(tmp_path, codes)
    assert "small.yaml line " in str(error.value)
