"""What happened with one customer: events, purchases, orders, complaints, contacts, contracts."""

import pandas as pd
from invented_customer import EN, customer, prospect, text

from cvm_analysis.report import customer_history


def test_events_are_those_on_record():
    found = customer_history.events(customer())
    known = {
        (row.kind, str(row.start)[:10], str(row.end)[:10], row.amount) for row in found.itertuples()
    }
    assert known == {
        ("order", "2023-02-01", "NaT", 100.0),
        ("order", "2025-10-02", "NaT", 300.0),
        ("return", "2023-02-01", "NaT", -10.0),
        ("complaint", "2024-03-01", "2024-03-13", 0.0),
        ("complaint", "2025-10-30", "NaT", 0.0),
        ("contact", "2025-06-01", "2025-06-01", 0.0),
        ("contract", "2024-05-01", "NaT", 0.0),
    }


def test_a_contract_without_a_column_of_ends_runs_on():
    rows = pd.DataFrame({"started_on": [pd.Timestamp(2024, 5, 1)]})
    found = customer_history.events(customer(contracts=rows))
    assert found.loc[found["kind"] == "contract", "end"].isna().all()


def test_the_timeline_counts_in_its_heading_and_is_a_picture():
    block = customer_history.timeline(EN, customer())
    assert text(block) == "So far: 4 orders, 2 complaints (1 open)"
    assert 'src="data:image/svg+xml;base64,' in block.html and "<img alt=" in block.html
    closed = customer().complaints.assign(event=1)
    assert text(customer_history.timeline(EN, customer(complaints=closed))).endswith("2 complaints")
    assert not customer_history.timeline(EN, prospect()).html


def test_purchases_name_category_channel_and_the_weekday_that_stands_out():
    said = text(customer_history.purchases(EN, customer()))
    assert said.startswith("Buys mostly Flooring: 75% of sales Share of sales Last bought")
    assert "Flooring 75% Oct 2, 2025 tools 25% Feb 1, 2023" in said
    assert "Last order Oct 2, 2025: oak, glue, €300." in said
    assert "Mostly through: web (100% of sales)." in said
    assert "Most often on Saturday: 3 of 4 days with an order." in said
    assert "stands out" not in said
    plain = text(customer_history.purchases(EN, customer(weekday=None)))
    assert "No weekday or month stands out." in plain
    june = text(customer_history.purchases(EN, customer(weekday=None, month=(6, 3, 4))))
    assert "Most often in June: 3 of 4 days with an order." in june


def test_without_categories_the_habits_remain():
    bare = customer(categories=customer().categories.iloc[:0])
    said = text(customer_history.purchases(EN, bare))
    assert said.startswith("What and when they buy Last order Oct 2, 2025")
    assert not customer_history.purchases(EN, prospect()).html


def test_orders_say_what_and_how_late():
    said = text(customer_history.orders(EN, customer()))
    assert said == (
        "The last 2 orders Day Bought Net sales Delivery Oct 2, 2025 oak, glue €300 4 days late "
        "Feb 1, 2023 – €90 in time"
    )
    undated = customer().orders.assign(days_late=None, bought=[(), ()])
    assert "Delivery" not in text(customer_history.orders(EN, customer(orders=undated)))
    assert not customer_history.orders(EN, prospect()).html


def test_complaints_stand_with_the_newest_first():
    said = text(customer_history.complaints(EN, customer()))
    assert said == (
        "2 complaints Day What about State Oct 30, 2025 product scratched open for 62 days Mar 1, "
        "2024 price closed after 12 days"
    )
    assert not customer_history.complaints(EN, prospect()).html


def test_a_contact_says_how_by_whom_and_what_came_of_it():
    said = text(customer_history.contacts(EN, customer()))
    assert said == (
        "Last contact on Jun 1, 2025 Day Action How and by whom Result Jun 1, 2025 Make an offer "
        "Phone · Mia Reached"
    )
    bare = customer().contacts.drop(columns=["channel", "owner", "result"])
    assert text(customer_history.contacts(EN, customer(contacts=bare))).endswith("an offer – –")
    assert not customer_history.contacts(EN, prospect()).html


def test_a_contract_runs_ends_or_has_ended():
    def said(end, **facts):
        rows = pd.DataFrame({"started_on": [pd.Timestamp(2024, 5, 1)], "ended_on": [end]})
        return text(customer_history.contracts(EN, customer(facts, contracts=rows)))

    assert said(pd.NaT).endswith("May 1, 2024 running")
    assert said(pd.Timestamp(2026, 5, 1)).endswith("ends May 1, 2026")
    assert said(pd.Timestamp(2025, 12, 31)).endswith("ended Dec 31, 2025")
    assert "Risk that the running contract ends within 12 months: 65%." in said(pd.NaT)
    due = {"due_on": pd.Timestamp(2026, 2, 1), "p_renewal": 0.8, "renewal_value": 1200.0}
    assert (
        "Up for renewal on Feb 1, 2026: renews with a probability of 80%; the next term is worth "
        "€1,200." in said(pd.NaT, **due)
    )
    assert not customer_history.contracts(EN, prospect()).html
