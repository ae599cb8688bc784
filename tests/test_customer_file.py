"""A customer's page is found by an id, read from the newest report, and shows no raw id unasked."""

import datetime as dt
import json
import re
import stat

import pytest
from invented_customer import words_of
from published_reports import out_folder, publish
from small_business import NAMED, small
from typer.testing import CliRunner

from cvm_analysis import cli, customer_file, prepared
from cvm_analysis.errors import InputError
from cvm_analysis.intake.pseudonyms import pseudonym

KEY = "a key for tests, no secret"
SALES = (
    "customer_id,ordered_at,amount,order_id,category,land\n"
    "raw-77,2025-01-01,100,1,care,Nord\nraw-77,2025-03-01,60,2,care,Nord\n"
    "raw-77,2025-03-05,-10,2,care,Nord\nraw-88,2025-03-09,5,3,tools,Sud\n"
)
PEOPLE = (
    "customer_id,region,joined_on,city\nraw-77,Nord,2024-12-01,Kiel\nraw-99,Nord,2025-02-01,Ulm\n"
)
OTHERS = {
    "feedback": "customer_id,at,kind,dimension,text\nraw-77,2025-02-01,complaint,price,dear\n",
    "consents": "customer_id,channel,given,at\nraw-77,phone,true,2025-01-01\n",
}
C77, C88, C99 = (pseudonym(each, KEY.encode()) for each in ("raw-77", "raw-88", "raw-99"))


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """The settings of a small business, prepared once."""
    sales = {"sales.csv": SALES.replace("land", "sold_in")}
    folder = tmp_path_factory.mktemp("business")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CVM_KEY", KEY)
        return small(folder, NAMED, sales, PEOPLE, pseudonyms="on", others=OTHERS)


@pytest.fixture(scope="module")
def customers(settings):
    """Table `customers` of north."""
    return prepared.open(settings, "n").customers(prepared.resolve_day(settings))


@pytest.fixture
def business(settings, customers, tmp_path, monkeypatch):
    """The settings, and a folder in which north is published."""
    monkeypatch.setenv("CVM_KEY", KEY)
    out = out_folder(tmp_path / "out")
    report(settings, out, customers)
    return settings, out


def report(settings, out, customers, **other):
    """Publish the customers of north, as a run leaves them; other : parts of the stamp."""
    day = prepared.resolve_day(settings).isoformat()
    desk = publish(out, "n", day, business="Small") / "desk"
    (desk / "tables").mkdir(parents=True)
    customers.reset_index().to_parquet(desk / "tables" / "customers.parquet", index=False)
    stamp = {"config": settings.path.stem, "region": "n", "as_of": day}
    stamp["prepared"] = prepared.stamp(settings)["fingerprint"]
    (desk / "stamp.json").write_text(json.dumps(stamp | other))


def write(business, asked, *languages, **more):
    settings, out = business
    return customer_file.write(settings.path, asked, out, languages or ("en",), **more)


def test_the_page_has_what_is_on_record_and_no_raw_id(business):
    (path,) = write(business, C77)
    html = path.read_text("utf-8")
    said = words_of(html[html.index("<body") :])
    assert path.name == f"Small-{C77}-2025-03-09.en.html" and path.parent.name == "customers"
    assert path.parent.parent.name == "desk"
    for known in ("Kiel", "Net sales €150 last 365 days", "Price", "open for 36 days", "dear"):
        assert known.lower() in said.lower(), known
    assert "Has agreed to offers by: Phone." in said and "Buys mostly care: 100% of sales" in said
    assert "raw-77" not in html and C88 not in html


def test_only_its_owner_may_read_it(business):
    (path,) = write(business, C77)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_with_the_key_a_raw_id_finds_the_same_page(business):
    (by_pseudonym,) = write(business, C77)
    before = by_pseudonym.read_bytes()
    (by_raw_id,) = write(business, "raw-77")
    assert by_raw_id == by_pseudonym and by_raw_id.read_bytes() == before


def test_the_raw_id_is_shown_only_if_asked(business):
    (path,) = write(business, C77, with_raw_id=True)
    html = path.read_text("utf-8")
    assert '<h1 class="cvm-headline">raw-77: nothing is planned</h1>' in html
    assert "raw-77" not in path.name


def test_what_is_on_record_ends_on_the_day(settings):
    data = prepared.open(settings, "n")
    early = data.of_customer(C77, dt.date(2025, 1, 31))
    assert early["transactions"]["amount"].tolist() == [100.0] and early["feedback"].empty
    assert len(early["consents"]) == 1 and early["contact_log"].empty
    assert len(data.of_customer(C77, dt.date(2025, 2, 1))["feedback"]) == 1


def test_an_id_that_was_merged_finds_the_person(settings, monkeypatch):
    monkeypatch.setenv("CVM_KEY", KEY)
    monkeypatch.setattr(prepared, "merges", lambda _: {pseudonym("old", KEY.encode()): C77})
    assert customer_file.find(settings, "old") == C77
    assert prepared.find_region(settings, C77) == "n"
    assert prepared.find_region(settings, C88) == "s"
    assert prepared.find_values(settings, "category") == {"care", "tools"}
    assert prepared.find_values(settings, "product") == set()


def test_languages_lead_to_each_other(business):
    english, chinese = write(business, C77, "en", "zh")
    assert f'href="{chinese.name}"' in english.read_text("utf-8")
    assert f'href="{english.name}"' in chinese.read_text("utf-8")


def test_somebody_who_never_bought_has_a_page(business, tmp_path):
    (path,) = write(business, C99, to=tmp_path / "mine")
    assert path.parent == tmp_path / "mine"
    assert "Retail customer · Ulm · known since Feb 2025, no order yet" in path.read_text("utf-8")


@pytest.mark.parametrize("asked", ["CAAAAAAAAAAAA", "stranger"])
def test_an_unknown_id_is_one_message(business, asked):
    with pytest.raises(InputError, match=rf"no customer '{asked}'; give an id of a list in desk"):
        write(business, asked)


def test_a_raw_id_needs_the_key(business, monkeypatch):
    monkeypatch.delenv("CVM_KEY")
    assert write(business, C77)
    for asked, more in (("raw-77", {}), (C77, {"with_raw_id": True})):
        with pytest.raises(InputError, match="CVM_KEY holds no key"):
            write(business, asked, **more)


def test_a_region_without_a_report_says_what_to_run(business):
    with pytest.raises(InputError, match=r"no report of region s yet; run `cvm run .* --region s`"):
        write(business, C88)


def test_data_prepared_again_are_not_mixed_with_older_tables(business, customers):
    report(*business, customers, prepared="older")
    with pytest.raises(InputError, match="the data have been prepared again since; run `cvm run"):
        write(business, C77)


def test_a_customer_whom_the_report_does_not_have(business, customers):
    report(*business, customers.drop(C99))
    with pytest.raises(InputError, match="does not have the customer yet"):
        write(business, C99)


def test_the_command_says_where_the_pages_are(business):
    settings, out = business
    asked = ["customer", str(settings.path), C77, "--out", str(out)]
    found = CliRunner().invoke(cli.app, asked)
    assert found.exit_code == 0
    assert re.findall(r"2025-03-09\.(\w\w)\.html", found.stdout) == ["en", "zh"]
