"""The whole company: draw every part, write every raw file, return the truth about them."""

import hashlib
from pathlib import Path

import pandas as pd

from cvm_analysis.sample import (
    baskets,
    campaigns,
    churn,
    consents,
    contacts,
    contracts,
    deliveries,
    details,
    feedback,
    files,
    indicators,
    leads,
    mentions,
    points,
    referrals,
    retail,
    second_ids,
    trade,
    truth,
)
from cvm_analysis.sample.business import GROUPS, REGIONS, Region
from cvm_analysis.sample.draws import stream

Truth = dict[str, object]


def write(folder: Path, n_customers: int, seed: int) -> Truth:
    """Write folder/raw/ and return the content of truth.json, but for `made_by`."""
    (folder / "raw").mkdir()
    customers = retail.customers(n_customers, seed)
    firms = trade.customers(n_customers, seed)
    regions, sales, bought = {}, {}, []
    lives = [churn.live(customers, region, seed) for region in REGIONS]
    customers, orders, complaints = (pd.concat(part) for part in zip(*lives, strict=True))
    drawn = campaigns.draw(customers, orders, seed)
    customers = customers.assign(preferred_channel=contacts.prefer(customers, seed).to_numpy())
    people = pd.concat([customers.assign(customer_type="retail"), firms], ignore_index=True)
    people = details.details(people, seed)
    every_order = pd.concat([orders, drawn.orders]).sort_values("ordered_at", kind="stable")
    seconds = second_ids.draw(people, every_order, seed)
    for region, life in zip(REGIONS, lives, strict=True):
        path = f"raw/sales_{region.key}.csv"
        sold, purchases, returns = _sold(life.orders, firms, region, seed)
        bought.append(purchases[["order_id", "product", "category"]])
        responses, lines = _responses(drawn.orders, region, seed)
        regions[region.key] = truth.region(region, pd.concat([sold, responses]), returns)
        a, b, c = (second_ids.rename(each, seconds) for each in (purchases, returns, lines))
        sales[path] = files.write_sales(folder / path, a, b, c, region, seed)
    answers = feedback.surveys(orders, customers, stream(seed, "surveys"))
    subjects = pd.concat(bought), stream(seed, "subjects")
    complaints = feedback.add_subjects(complaints.reset_index(drop=True), *subjects)
    given = mentions.add_texts(feedback.combine(complaints, answers), people, seed)
    mentioned = mentions.mentions(people[people["customer_type"] == "retail"], seed)
    others = _write_others(folder / "raw", people, seconds, orders, firms, seed)
    others |= _write_texts(folder / "raw", given, mentioned, seed)
    others |= _write_campaigns(folder / "raw", customers, firms, drawn, seed)
    brought, cycles = referrals.referrals(customers, seed)
    own = second_ids.self_referrals(seconds)
    others |= _write_programme(
        folder / "raw", customers, orders, firms, drawn, (brought, own), seed
    )
    written = (sales | others).items()
    return {
        **truth.company_parameters(),
        "regions": regions,
        "files": {path: {**each, "sha256": _sha256(folder / path)} for path, each in written},
        "campaigns": campaigns.truth(drawn),
        "contacts": contacts.truth(),
        "indicators": indicators.truth(),
        "points": points.truth(),
        "referrals": referrals.truth(brought, cycles),
        "second_ids": second_ids.truth(seconds),
        "leads": leads.truth(),
        "texts": mentions.truth(given, mentioned),
        "customers": truth.customers(customers, every_order),
        "trade": truth.trade(firms),
    }


def _sold(
    retail_orders: pd.DataFrame, firms: pd.DataFrame, region: Region, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """All orders of a region with customer_type, their lines, and the returned lines."""
    firm_orders = deliveries.add_deliveries(
        trade.orders(firms, region, seed), region.late, stream(seed, "trade deliveries", region.key)
    )
    retail_orders = retail_orders.assign(customer_type="retail")
    lines = baskets.lines(retail_orders, GROUPS, stream(seed, "lines", region.key))
    firm_lines = baskets.lines(firm_orders, trade.TRADES, stream(seed, "trade lines", region.key))
    back = baskets.returns(lines, stream(seed, "returns", region.key))
    firm_back = baskets.returns(firm_lines, stream(seed, "trade returns", region.key))
    return (
        pd.concat([retail_orders, firm_orders], ignore_index=True),
        pd.concat([lines, firm_lines], ignore_index=True),
        pd.concat([back, firm_back], ignore_index=True),
    )


def _responses(
    orders: pd.DataFrame, region: Region, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The orders of a region because of campaigns, and their lines."""
    orders = orders[orders["region"] == region.key].drop(columns=["region", "campaign_id"])
    orders = orders.assign(customer_type="retail").reset_index(drop=True)
    return orders, baskets.lines(orders, GROUPS, stream(seed, "campaign lines", region.key))


def _write_others(
    raw: Path,
    people: pd.DataFrame,
    seconds: pd.DataFrame,
    orders: pd.DataFrame,
    firms: pd.DataFrame,
    seed: int,
) -> dict[str, Truth]:
    """Write the files of the whole company."""
    again = second_ids.records(people, seconds)
    signed = contracts.contracts(orders, seed)
    counted = indicators.indicators(firms, seed)
    return {
        "raw/customers.csv": files.write_customers(raw / "customers.csv", people, again),
        "raw/contracts.csv": files.write_contracts(raw / "contracts.csv", signed),
        "raw/indicators.csv": files.write_indicators(raw / "indicators.csv", counted, seed),
    }


def _write_texts(
    raw: Path, given: pd.DataFrame, mentioned: pd.DataFrame, seed: int
) -> dict[str, Truth]:
    """Write the files of answers, complaints and mentions."""
    return {
        "raw/feedback.csv": files.write_feedback(raw / "feedback.csv", given, seed),
        "raw/mentions.csv": files.write_mentions(raw / "mentions.csv", mentioned, seed),
    }


def _write_campaigns(
    raw: Path, customers: pd.DataFrame, firms: pd.DataFrame, drawn: campaigns.Drawn, seed: int
) -> dict[str, Truth]:
    """Write the files of campaigns, contacts and consents."""
    done = pd.concat([contacts.regular(customers, seed), drawn.contacts], ignore_index=True)
    preferred = customers.set_index("customer_id")["preferred_channel"]
    done = contacts.add_results(done, preferred, seed)
    agreed = consents.consents(pd.concat([customers, firms], ignore_index=True), seed)
    members, log, consented = (
        raw / f"{name}.csv" for name in ("campaign_members", "contact_log", "consents")
    )
    return {
        f"raw/{members.name}": files.write_members(members, drawn.members),
        f"raw/{log.name}": files.write_contacts(log, done, seed),
        f"raw/{consented.name}": files.write_consents(consented, agreed, seed),
    }


def _write_programme(
    raw: Path,
    customers: pd.DataFrame,
    orders: pd.DataFrame,
    firms: pd.DataFrame,
    drawn: campaigns.Drawn,
    brought: tuple[pd.DataFrame, pd.DataFrame],
    seed: int,
) -> dict[str, Truth]:
    """Write the files of points, referrals and leads."""
    columns = ["customer_id", "at", "cents", "order_id"]
    moved = points.movements(pd.concat([orders[columns], drawn.orders[columns]]), seed)
    everybody = pd.concat([customers, firms])[["customer_id", "region", "first_at"]]
    enquiries = leads.leads(everybody, len(customers), seed)
    return {
        "raw/points.csv": files.write_points(raw / "points.csv", moved, seed),
        "raw/referrals.csv": files.write_referrals(raw / "referrals.csv", *brought, seed),
        "raw/leads.csv": files.write_leads(raw / "leads.csv", enquiries, seed),
    }


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
