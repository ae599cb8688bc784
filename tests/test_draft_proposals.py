"""What only the owner can decide is asked, in lines that can be taken over as they are."""

import shutil
from pathlib import Path

import pytest
import yaml

from cvm_analysis import prepared
from cvm_analysis.draft.draft import draft
from cvm_analysis.intake.prepare import prepare
from cvm_analysis.settings import load

CONFIG = Path(__file__).parent.parent / "config"


def merged(config):
    """How many ids are another person's, by a config."""
    settings = load(config)
    prepare(settings)
    return len(prepared.merges(settings))


def put(folder, content, name="sales.csv"):
    (folder / name).write_text(content, "utf-8")
    return folder / name


def lines(header, make, n=40):
    return header + "\n" + "".join(make(i) + "\n" for i in range(n))


def proposed(text, name):
    """A setting that stands in a comment, as YAML reads it without the sign."""
    (row,) = (row for row in text.splitlines() if row.strip().startswith(f"# {name}: "))
    return yaml.safe_load(row.strip().removeprefix("# ").split("  # ")[0])[name]


def test_one_currency_is_taken_and_several_are_asked(tmp_path):
    def made(currencies):
        content = lines(
            "customer_id,date,amount,Currency",
            lambda i: f"c{i % 9},2024-01-{1 + i % 28:02},{i}.50,{currencies[i % len(currencies)]}",
        )
        return draft([put(tmp_path, content)])

    assert "currency: CHF               # guessed: the only one in the files" in made(["CHF"])
    several = made(["USD", "EUR"])
    assert (
        "currency: XXX               # please check: which one? the files have EUR, USD" in several
    )
    assert proposed(several, "currency") == "Currency"


def test_lines_and_orders_in_two_files_are_joined_by_their_key(tmp_path):
    items = put(
        tmp_path,
        lines("order_id,sku,price,quantity", lambda i: f"A{i // 2},S{i % 7},{i}.50,{1 + i % 3}"),
        "items.csv",
    )
    orders = put(
        tmp_path,
        lines("order_id,shopper,bought", lambda i: f"A{i},p{i % 5},2024-01-{1 + i % 28:02}", 25),
        "orders.csv",
    )
    text = draft([items, orders], tmp_path / "config" / "mine.yaml")
    assert proposed(text, "join") == [{"files": "../orders.csv", "on": "order_id"}]
    assert "        customer_id:        # please check: write the header" in text
    assert "orders.csv has the same order_id, and" in text
    unrelated = put(tmp_path, orders.read_text().replace("A", "B"), "orders.csv")
    assert "join:" not in draft([items, unrelated])


def test_several_columns_that_may_be_the_buyer_are_asked(tmp_path):
    content = lines(
        "User ID,Member No,date,amount",
        lambda i: f"u{i % 9},m{i % 7},2024-01-{1 + i % 28:02},{i}.50",
    )
    text = draft([put(tmp_path, content)])
    assert "customer_id: Member No  # please check: the buyer? or User ID" in text
    alone = draft([put(tmp_path, content.replace("Member No", "Shelf"))])
    assert "the buyer?" not in alone


def test_a_header_that_stands_twice_is_asked(tmp_path):
    content = lines(
        "客户,日期,金额,单号,金额", lambda i: f"C{i % 9},2024-01-{1 + i % 28:02},1,{i},{i}.5"
    )
    text = draft([put(tmp_path, content)])
    assert (
        "amount: 金额          # please check: which one? columns 3 and 5 have this header" in text
    )


def test_an_amount_that_its_separator_leaves_open_is_asked(tmp_path):
    rows = lines(
        "customer_id;date;amount", lambda i: f"c{i % 9};2024-01-{1 + i % 28:02};9,{450 + i}"
    )
    text = draft([put(tmp_path, rows)])
    assert proposed(text, "decimal") == "comma"
    assert "please check: is 9,450 a thousand or has it decimals?" in text
    assert "decimal" not in draft([put(tmp_path, rows.replace("9,4", "9,4.4"))])


def test_the_total_of_an_order_is_no_amount_of_its_lines(tmp_path):
    def made(price, name="sales.csv"):
        header = "order_id,customer_id,date,total,quantity" + (",unit_price" if price else "")
        content = lines(
            header,
            lambda i: (
                f"{i // 2},c{i // 2 % 9},2024-01-{1 + i // 2:02},{100 + i // 2}.00,{1 + i % 2}"
                + (f",{i}.25" if price else "")
            ),
        )
        return draft([put(tmp_path, content, name)])

    text = made(price=True)
    assert "amount: total" not in text
    assert "total is the order's total, so the amount is quantity x unit_price" in text
    assert "amount: total       # please check: the same on all lines of an order" in made(
        price=False
    )


@pytest.mark.parametrize(
    ("weeks", "horizon", "holdout", "churn"),
    [(30, 15, 7, 70), (60, 30, 15, 140), (104, 52, 26, None), (300, 52, 26, None)],
)
def test_horizons_are_no_longer_than_the_files_can_test(tmp_path, weeks, horizon, holdout, churn):
    import datetime as dt

    days = [dt.date(2020, 1, 1) + dt.timedelta(weeks=w) for w in range(weeks + 1)]
    rows = "".join(f"c{i % 9},{day},{i}.50\n" for i, day in enumerate(days))
    text = draft([put(tmp_path, "customer_id,date,amount\n" + rows)], Path("config/mine.yaml"))
    drafted = yaml.safe_load(text)
    assert drafted["value"] == {
        "horizon_weeks": horizon, "holdout_weeks": holdout, "margin": 1.0
    }  # fmt: skip
    assert drafted.get("churn") == (churn and {"horizon_days": churn})
    assert (f"guessed: the files span {weeks * 7} days" in text) == (horizon < 52)


def test_records_of_one_person_are_asked_about_and_nobody_is_merged_unasked(tmp_path, monkeypatch):
    """What is proposed can be taken over: then two records of one phone are one customer."""
    sales = lines("customer_id,order_date,amount", lambda i: f"c{i % 9},2024-01-{1 + i % 28:02},5")
    people = "customer_id,gender,birth_date,Mobile No.,E-Mail,Member Card\n"
    people += "c1,female,1990-01-01,13900139000,e@f.org,K1\nc2,female,,139 0013 9000,,K9\n"
    files = [put(tmp_path, sales), put(tmp_path, people, "customers.csv")]
    text = draft(files, tmp_path / "mine.yaml")
    assert "identity" not in yaml.safe_load(text) and "identifiers: {" in text
    assert proposed(text, "identity") == [["phone"], ["email"], ["membership"]]
    headers = {"phone": "Mobile No.", "email": "E-Mail", "membership": "Member Card"}
    assert proposed(text, "identifiers") == headers
    for rules in ("segments.yaml", "scorecards.yaml", "strategies.yaml"):
        shutil.copy(CONFIG / rules, tmp_path)
    monkeypatch.setenv("CVM_KEY", "a key for tests, no secret")
    config = tmp_path / "mine.yaml"
    config.write_text(text, "utf-8")
    assert merged(config) == 0
    taken = text.replace("# identity:", "identity:").replace("# identifiers:", "identifiers:")
    config.write_text(taken, "utf-8")
    assert merged(config) == 1


def test_without_phone_or_email_nothing_is_asked(tmp_path):
    sales = put(
        tmp_path, lines("customer_id,date,amount", lambda i: f"c{i},2024-01-0{1 + i % 9},5")
    )
    people = "customer_id,gender,birth_date,name\nc1,female,1990-01-01,Eve\nc2,female,,Eve\n"
    people = put(tmp_path, people, "customers.csv")
    assert "identi" not in draft([sales, people])
