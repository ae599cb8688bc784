"""A report is made from what its manifest says, whatever happens while it is made."""

import json

import pytest
from small_business import NAMED, small
from tiny_notebooks import write_notebook

from cvm_analysis import notebooks, prepared, results
from cvm_analysis.cli import plans
from cvm_analysis.run import fan_out, region
from cvm_analysis.run.notebook import Finished

ONE = "customer_id,ordered_at,amount,sold_in\na,2025-01-01,1,Nord\na,2025-01-02,1,Nord\n"
MORE = f"{ONE}b,2025-01-01,1,Sud\nc,2025-01-02,1,Nord\n"


@pytest.fixture
def settings(tmp_path):
    for stem in ("01_customers", "09_strategy"):
        write_notebook(tmp_path / "notebooks", stem, "1 + 1")
    return small(tmp_path, NAMED, {"sales.csv": ONE})


@pytest.fixture
def read(monkeypatch):
    """Whom each notebook read, and what happens before it: `read.before[region, stem]`."""
    from cvm_analysis.report import page

    class Reader(dict):
        def __init__(self):
            self.before = {}

        def __call__(self, source, asked, output, limit, stop, tables):
            place = asked["region"], source.stem
            self.before.get(place, lambda: None)()
            run = results.open(*(asked[name] for name in ("config", "region", "as_of", "run_dir")))
            self[place] = prepared.open(run.settings, place[0]).customers(run.date)
            run.company_or_own("limit", 1)
            run.sign_off(source.stem, asked["language"])
            output.write_bytes(source.read_bytes())
            return Finished(source.stem, 0.1, 1)

    reader = Reader()
    monkeypatch.setattr(region, "execute", reader)
    monkeypatch.setattr(page, "render", lambda path, title, language, links=(): title)
    return reader


def go(settings, folder):
    """Run as `cvm run` does; return the state or the failure of each region."""
    with prepared.kept(settings) as kept:
        plan = plans.make(kept, [], "", folder / "out", folder / "notebooks", ("en",))
        outcome = fan_out.run(plan, lambda event: None)
    return {each.region: str(each.failure or each.state) for each in outcome.results}


@pytest.fixture(autouse=True)
def two_notebooks(monkeypatch):
    described = notebooks.describe()
    some = {stem: described[stem] for stem in ("01_customers", "09_strategy")}
    monkeypatch.setattr(notebooks, "describe", lambda: some)


def test_a_run_reads_one_data_set_though_another_is_prepared_meanwhile(settings, read, tmp_path):
    old = prepared.stamp(settings)["fingerprint"]
    read.before["all", "09_strategy"] = lambda: small(tmp_path, NAMED, {"sales.csv": MORE})
    assert go(settings, tmp_path) == {"all": "published", "n": "published"}
    assert prepared.stamp(settings)["fingerprint"] != old
    assert {place: found.index.tolist() for place, found in read.items()} == {
        (key, stem): ["a"] for key in ("all", "n") for stem in ("01_customers", "09_strategy")
    }
    for key in ("all", "n"):
        (made,) = (tmp_path / "out" / key).glob("2025-*/run.json")
        assert json.loads(made.read_text())["prepared"] == old
    again = go(settings, tmp_path)
    assert again == {"all": "published", "n": "published", "s": "published"}
    assert read["all", "09_strategy"].index.tolist() == ["a", "b", "c"]


def test_what_read_other_data_is_not_published(settings, read, tmp_path, monkeypatch):
    """Even if the tables of the run were taken away, against the lock."""
    monkeypatch.setattr(prepared, "pin", lambda settings, fingerprint="": settings)
    read.before["n", "01_customers"] = lambda: small(tmp_path, NAMED, {"sales.csv": MORE})
    states = go(settings, tmp_path)
    assert all("prepared again" in states[key] for key in ("all", "n"))
    assert not list((tmp_path / "out").glob("*/2025-*"))


def test_a_config_that_changes_meanwhile_is_said_and_nothing_published(settings, read, tmp_path):
    def change():
        settings.path.write_text(settings.path.read_text() + "value: {margin: 0.4}\n")

    read.before["n", "09_strategy"] = change
    states = go(settings, tmp_path)
    said = "config, notebooks, program or ledger changed during the run; run it again"
    assert states == {"all": said, "n": said}
    assert not list((tmp_path / "out").glob("*/2025-*"))


def test_another_engine_makes_no_report_stale(settings, read, tmp_path):
    go(settings, tmp_path)
    text = settings.path.read_text()
    for engine in ("engine: duckdb\n", "engine:\n  spark: local[2]  # two processors\n\n"):
        settings.path.write_text(engine + text)
        assert set(go(settings, tmp_path).values()) == {"unchanged"}
    settings.path.write_text(f"engine: duckdb\ncompare_days: 30\n{text}")
    assert set(go(settings, tmp_path).values()) == {"published"}
