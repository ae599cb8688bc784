"""The newest published report of each region, and why there may be none to export."""

import pytest
from crm_business import NORTH, business, publish_tables, tables
from published_reports import fail, publish

from cvm_analysis.crm import reports
from cvm_analysis.errors import InputError


@pytest.fixture
def settings(tmp_path):
    return business(tmp_path)


def test_the_newest_report_of_each_region_is_read(settings, tmp_path):
    publish_tables(tmp_path / "reports", "n", tables(NORTH[:3], "2026-01-31"), "2026-01-31")
    found = reports.find(settings, tmp_path / "reports")
    assert [(each.region, each.made["as_of"]) for each in found] == [
        ("n", "2026-01-31"), ("s", "2025-12-31"),
    ]  # fmt: skip
    rows = reports.read(settings, found[0], "zh")
    assert len(rows["customers"]) == 3 and set(rows["customers"]["region"]) == {"北"}
    assert rows["tasks"]["listed_on"].astype(str).unique().tolist() == ["2026-01-31"]


def test_a_region_that_the_company_no_longer_has_is_left_out(settings, tmp_path):
    publish(tmp_path / "reports", "all", "2026-01-31", regions={"n": "2025-12-31"},
            business="Small", timezone="UTC")  # fmt: skip
    assert [each.region for each in reports.find(settings, tmp_path / "reports")] == ["n"]


def test_a_stale_report_of_a_failed_run_is_good_enough(settings, tmp_path):
    fail(tmp_path / "reports", "s")
    assert len(reports.find(settings, tmp_path / "reports")) == 2


def test_a_region_without_a_report_or_with_a_damaged_one_stops_the_export(settings, tmp_path):
    out = tmp_path / "reports"
    next((out / "s" / "2025-12-31" / "share").iterdir()).write_text("cut")
    with pytest.raises(InputError, match=r"s: 2025-12-31/share/.* is damaged; run `cvm run"):
        reports.find(settings, out)
    (out / "s" / "2025-12-31").unlink()
    fail(out, "s")
    with pytest.raises(InputError, match=r"s: failed since .*; run `cvm run"):
        reports.find(settings, out)


def test_no_reports_and_those_of_others_are_refused(settings, tmp_path):
    with pytest.raises(InputError, match="no such folder; `cvm run` publishes reports"):
        reports.find(settings, tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no report of a region"):
        reports.find(settings, tmp_path / "empty")
    marker = '{"business": "Demo", "config": "demo.yaml", "place": "0"}'
    (tmp_path / "reports" / ".owner.json").write_text(marker)
    with pytest.raises(InputError, match=r"belongs to Demo \(demo.yaml\), not to Small"):
        reports.find(settings, tmp_path / "reports")


def test_a_report_of_contracts_alone_has_nothing_to_export(settings, tmp_path):
    (tmp_path / "reports/n/2025-12-31/desk/tables/churn.parquet").unlink()
    found = reports.find(settings, tmp_path / "reports")
    with pytest.raises(InputError, match="no table churn, which a CRM would get"):
        reports.read(settings, found[0], "en")
