"""The raw files: foreign headers, several encodings, some errors."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from cvm_analysis.sample.business import EXTRACTED_ON, REGIONS, Region
from cvm_analysis.sample.draws import dates, known_dates, stream
from cvm_analysis.sample.layouts import (
    CAMPAIGN_MEMBERS,
    CONSENTS,
    CONTACT_LOG,
    CONTRACTS,
    CUSTOMERS,
    FEEDBACK,
    INDICATORS,
    LEADS,
    MENTIONS,
    POINTS,
    REFERRALS,
    Layout,
)

MONEY = ["unit_price", "discount", "amount", "cost"]
SHARE_OF_DUPLICATES = 0.004
SHARE_WITHOUT_CUSTOMER = 0.006
TEXT_FOR_AN_AMOUNT = "见附件"
NO_SUCH_DAY = "2024-02-30"
SHARE_OF_FEEDBACK_DIRT = 0.001  # of each kind
TEXT_FOR_A_SCORE = "很满意"
FIRST_UNKNOWN_CUSTOMER = 99_000_001
SHARE_IN_PERCENT = 0.15  # of the shares of wallet
SHARE_OF_WALLET_DIRT = 0.02  # of the customers with one, of each kind
TEXT_FOR_A_SHARE = "不详"
SHARE_OF_CONTACT_DIRT = 0.002  # of each kind
ANOTHER_ACTION = "paper_catalogue"  # one that the catalogue does not have
SHARE_OF_CONSENT_DIRT = 0.0005
TEXT_FOR_A_CONSENT = "待确认"
SHARE_OF_PROGRAMME_DIRT = 0.001  # of each kind: points, referrals, leads
LEAST_ROWS = 100  # of a table that gets such rows
ANOTHER_MOVEMENT = "lottery"
TEXT_FOR_POINTS = "双倍积分"
ANOTHER_OUTCOME = "on_hold"
SHARE_OF_MENTION_DIRT = 0.004  # of each kind
TEXT_FOR_STARS = "五星"


def write_sales(
    path: Path,
    purchases: pd.DataFrame,
    returns: pd.DataFrame,
    responses: pd.DataFrame,
    region: Region,
    seed: int,
) -> dict[str, object]:
    """Write one region's sales file, one row per order line, and return its facts.

    responses : further purchases, because of campaigns; no dirty line is made of these

    encoding, n_rows (without header), n_purchases and n_returns (clean lines), dirt (kind -> number
    of lines), dirt_lines (kind -> line numbers; the header is line 1, the later of two identical
    lines is the duplicate).
    """
    clean = pd.concat([purchases, returns]).sort_values("ordered_at", kind="stable")
    clean = _as_text(clean.reset_index(drop=True), region.layout)
    table = _with_dirt(clean, region, stream(seed, "dirt", region.key))
    further = _as_text(responses, region.layout).assign(dirt="")
    table = pd.concat([table, further]).sort_values("time", kind="stable", ignore_index=True)
    written = _write_table(path, table, region.layout)
    n_purchases = len(purchases) + len(responses)
    return {**written, "n_purchases": n_purchases, "n_returns": len(returns), **_dirt(table)}


def _as_text(table: pd.DataFrame, layout: Layout) -> pd.DataFrame:
    money = {column: np.char.mod("%.2f", table[column].to_numpy() / 100) for column in MONEY}
    return table.assign(
        **money,
        time=table["ordered_at"],
        quantity=table["quantity"].astype(str),
        ordered_at=table["ordered_at"].dt.strftime(layout.dates),
        promised_on=_days(table["promised_on"], layout),
        delivered_on=_days(table["delivered_on"], layout),
    )


def _with_dirt(clean: pd.DataFrame, region: Region, rng: np.random.Generator) -> pd.DataFrame:
    """Insert dirty lines between the clean ones; column dirt names their kind."""
    bought = clean.index[~clean["amount"].str.startswith("-")]

    def some(kind: str, n: int, **changed: str) -> pd.DataFrame:
        rows = clean.loc[np.sort(rng.choice(bought, n, replace=False))].assign(dirt=kind)
        if kind == "duplicate":
            return rows
        numbers = [f"{region.code}{kind[0].upper()}{number:06d}" for number in range(1, n + 1)]
        return rows.assign(order_id=numbers, **changed)

    future = EXTRACTED_ON + timedelta(days=int(rng.integers(10, 300)))
    n_twice = max(1, round(SHARE_OF_DUPLICATES * len(clean)))
    n_nobody = max(1, round(SHARE_WITHOUT_CUSTOMER * len(clean)))
    dirt = [
        some("duplicate", n_twice),
        some("missing_customer_id", n_nobody, customer_id=""),
        some("future_date", 1, ordered_at=future.strftime(region.layout.dates)),
        some("amount_is_text", 1, amount=TEXT_FOR_AN_AMOUNT),
        some("no_such_date", 1, ordered_at=NO_SUCH_DAY),
    ]
    together = pd.concat([clean.assign(dirt=""), *dirt])
    return together.sort_index(kind="stable").reset_index(drop=True)


def write_customers(path: Path, customers: pd.DataFrame, again: pd.DataFrame) -> dict[str, object]:
    """Write customers.csv, one row per record in order of id, and return its facts.

    customers, again : first records, which n_<type> counts, and second ones, which are dirt
    """
    records = {"": _record_texts(customers), "merged_customer": _record_texts(again)}
    table = pd.concat([each.assign(dirt=kind) for kind, each in records.items()])
    table = table.sort_values("customer_id", ignore_index=True)
    by_type = customers["customer_type"].value_counts(sort=False)
    counts = {f"n_{kind}": int(n) for kind, n in by_type.items()}
    return {**_write_table(path, table, CUSTOMERS), **counts, **_dirt(table)}


def _record_texts(customers: pd.DataFrame) -> pd.DataFrame:
    texts = customers.assign(
        region=customers["region"].map({region.key: region.zh for region in REGIONS}),
        joined_on=_days(customers["joined_on"], CUSTOMERS),
        birth_date=_days(customers["birth_date"], CUSTOMERS),
    )
    return texts[list(CUSTOMERS.headers)].fillna("")


def write_feedback(path: Path, feedback: pd.DataFrame, seed: int) -> dict[str, object]:
    """Write feedback.csv, one row per complaint or answer, and return its facts.

    encoding, n_rows, n_nps, n_csat, n_complaint (clean rows), dirt and dirt_lines as for sales.
    """
    clean = feedback.assign(
        at=_days(feedback["at"], FEEDBACK),
        closed_at=_days(feedback["closed_at"], FEEDBACK),
        dirt="",
    )
    rng = stream(seed, "dirt", "feedback")
    n = max(1, round(SHARE_OF_FEEDBACK_DIRT * len(clean)))
    scored = clean.index[clean["kind"] != "complaint"]
    as_text = clean.loc[np.sort(rng.choice(scored, n, replace=False))]
    unknown = clean.loc[np.sort(rng.choice(clean.index, n, replace=False))]
    unknown_ids = [str(FIRST_UNKNOWN_CUSTOMER + number) for number in range(n)]
    dirty = [
        as_text.assign(score=TEXT_FOR_A_SCORE, dirt="unreadable_score"),
        unknown.assign(customer_id=unknown_ids, dirt="unknown_customer"),
    ]
    table = pd.concat([clean, *dirty]).sort_index(kind="stable").reset_index(drop=True)
    counts = {f"n_{kind}": int(n) for kind, n in clean["kind"].value_counts().items()}
    return {**_write_table(path, table, FEEDBACK), **counts, **_dirt(table)}


def write_contracts(path: Path, contracts: pd.DataFrame) -> dict[str, object]:
    """Write contracts.csv, one row per contract, and return its facts."""
    table = contracts.assign(
        started_on=_days(dates(contracts["started"]), CONTRACTS),
        ended_on=_days(known_dates(contracts["ended"]), CONTRACTS),
    )
    n_ended = int((table["ended_on"] != "").sum())
    return {**_write_table(path, table, CONTRACTS), "n_ended": n_ended}


def write_indicators(path: Path, indicators: pd.DataFrame, seed: int) -> dict[str, object]:
    """Write indicators.csv, one row per customer, date and indicator, and return its facts.

    encoding, n_rows, dirt and dirt_lines as for sales. Some shares of wallet are written in percent
    (`35%`), which is no dirt; `percent_without_sign` is: 35, on the last day of the customer.
    """
    clean = indicators.assign(at=_days(indicators["at"], INDICATORS), dirt="")
    rng = stream(seed, "dirt", "indicators")
    of_wallet = clean["name"] == "share_of_wallet"
    percent = (100 * clean.loc[of_wallet, "value"].astype(float)).round().astype(int).astype(str)
    signed = percent[rng.random(len(percent)) < SHARE_IN_PERCENT] + "%"
    written = clean.assign(value=signed.reindex(clean.index).fillna(clean["value"]))
    last = clean[of_wallet].drop_duplicates("customer_id", keep="last")
    n = max(1, round(SHARE_OF_WALLET_DIRT * len(last)))

    def some(kind: str, **changed: object) -> pd.DataFrame:
        rows = last.loc[np.sort(rng.choice(last.index, n, replace=False))]
        return rows.assign(dirt=kind, **changed)

    plain = some("percent_without_sign")
    dirty = [
        plain.assign(value=percent.loc[plain.index]),
        some("no_value", value=TEXT_FOR_A_SHARE),
        some("unknown_customer", customer_id=[str(FIRST_UNKNOWN_CUSTOMER + i) for i in range(n)]),
    ]
    table = pd.concat([written, *dirty]).sort_index(kind="stable").reset_index(drop=True)
    return {**_write_table(path, table, INDICATORS), **_dirt(table)}


def write_members(path: Path, members: pd.DataFrame) -> dict[str, object]:
    """Write campaign_members.csv, one row per campaign and member, and return its facts."""
    table = members.assign(
        at=_days(dates(members["at"]), CAMPAIGN_MEMBERS),
        cost=np.char.mod("%.2f", members["cost"].to_numpy(float)),
    )
    table = table.sort_values(["campaign_id", "customer_id"])
    counts = {f"n_{arm}": int(n) for arm, n in table["arm"].value_counts().items()}
    return {**_write_table(path, table, CAMPAIGN_MEMBERS), **counts}


def write_contacts(path: Path, contacts: pd.DataFrame, seed: int) -> dict[str, object]:
    """Write contact_log.csv, one row per line of the lists that came back, and return its facts.

    encoding, n_rows, n_done (clean rows), dirt and dirt_lines as for sales; a line without a date
    was not done.
    """
    ordered = contacts.sort_values(["listed_on", "at", "customer_id"], ignore_index=True)
    listed, done = dates(ordered["listed_on"]), dates(ordered["at"])
    clean = ordered.assign(
        at=_days(done, CONTACT_LOG), listed_on=_days(listed, CONTACT_LOG), dirt=""
    )
    rng = stream(seed, "dirt", "contact_log")
    n = max(1, round(SHARE_OF_CONTACT_DIRT * len(clean)))

    def some(kind: str, **changed: object) -> pd.DataFrame:
        rows = clean.loc[np.sort(rng.choice(clean.index, n, replace=False))]
        return rows.assign(dirt=kind, **changed)

    early = some("before_its_list")
    days = pd.to_datetime(early["listed_on"]) - pd.to_timedelta(rng.integers(1, 30, n), unit="D")
    dirty = [
        some("repeated_contact"),
        early.assign(at=_days(days, CONTACT_LOG)),
        some("not_done", at="", result=""),
        some("no_such_date", at=NO_SUCH_DAY),
        some("future_date", at=(EXTRACTED_ON + timedelta(days=30)).isoformat()),
        some("unknown_action", action=ANOTHER_ACTION),
        some("unknown_customer", customer_id=[str(FIRST_UNKNOWN_CUSTOMER + i) for i in range(n)]),
    ]
    table = pd.concat([clean, *dirty]).sort_index(kind="stable").reset_index(drop=True)
    return {**_write_table(path, table, CONTACT_LOG), "n_done": len(clean), **_dirt(table)}


def write_consents(path: Path, consents: pd.DataFrame, seed: int) -> dict[str, object]:
    """Write consents.csv, one row per answer and withdrawal, and return its facts."""
    clean = consents.assign(
        at=_days(consents["at"], CONSENTS),
        given=np.where(consents["given"], "是", "否"),
        dirt="",
    )
    rng = stream(seed, "dirt", "consents")
    n = max(1, round(SHARE_OF_CONSENT_DIRT * len(clean)))
    unclear = clean.loc[np.sort(rng.choice(clean.index, n, replace=False))]
    unclear = unclear.assign(given=TEXT_FOR_A_CONSENT, dirt="unreadable_consent")
    table = pd.concat([clean, unclear]).sort_index(kind="stable").reset_index(drop=True)
    n_given = int((clean["given"] == "是").sum())
    return {**_write_table(path, table, CONSENTS), "n_given": n_given, **_dirt(table)}


def write_points(path: Path, points: pd.DataFrame, seed: int) -> dict[str, object]:
    """Write points.csv, one row per movement of points, and return its facts.

    encoding, n_rows, n_earn, n_redeem, n_adjust (clean rows), dirt and dirt_lines as for sales.
    Points used have a minus sign, thousands a separator.
    """
    sign = points["points"].where(points["kind"] != "redeem", -points["points"])
    clean = points.assign(at=_days(points["at"], POINTS), points=sign.map("{:,}".format), dirt="")
    rng = stream(seed, "dirt", "points")
    future = (EXTRACTED_ON + timedelta(days=20)).isoformat()
    table = _with_some(
        clean,
        rng,
        repeated_line={},
        unknown_movement={"kind": ANOTHER_MOVEMENT},
        no_points={"points": TEXT_FOR_POINTS},
        no_such_date={"at": NO_SUCH_DAY},
        future_date={"at": future},
        unknown_customer={"customer_id": str(FIRST_UNKNOWN_CUSTOMER)},
    )
    counts = {f"n_{kind}": int(n) for kind, n in clean["kind"].value_counts().items()}
    return {**_write_table(path, table, POINTS), **counts, **_dirt(table)}


def write_referrals(
    path: Path, referrals: pd.DataFrame, own: pd.DataFrame, seed: int
) -> dict[str, object]:
    """Write referrals.csv, one row per referral, and return its facts.

    own : of customers who referred themselves under a second id; they come last, as dirt
    """
    clean = referrals.assign(at=_days(referrals["at"], REFERRALS), dirt="")
    table = _with_some(
        clean,
        stream(seed, "dirt", "referrals"),
        repeated_referral={},
        self_referral={"customer_id": None},
        no_referred={"referred_id": ""},
        no_such_date={"at": NO_SUCH_DAY},
    )
    table["customer_id"] = table["customer_id"].fillna(table["referred_id"])
    own = own.assign(at=_days(own["at"], REFERRALS), dirt="self_referral")
    table = pd.concat([table, own], ignore_index=True)
    return {**_write_table(path, table, REFERRALS), "n_referrals": len(clean), **_dirt(table)}


def write_leads(path: Path, leads: pd.DataFrame, seed: int) -> dict[str, object]:
    """Write leads.csv, one row per lead and stage, and return its facts."""
    names = {region.key: region.zh for region in REGIONS}
    days = {name: _days(leads[name], LEADS) for name in ("created_on", "stage_at", "closed_on")}
    value = leads["value"].map("{:,.2f}".format).where(leads["value"].notna(), "")
    clean = leads.assign(**days, value=value, region=leads["region"].map(names), dirt="")
    table = _with_some(
        clean,
        stream(seed, "dirt", "leads"),
        repeated_lead={},
        no_lead={"lead_id": ""},
        no_such_date={"created_on": NO_SUCH_DAY},
        unknown_outcome={"lead_id": "XS999999", "outcome": ANOTHER_OUTCOME},
        no_region={"lead_id": "XS999998", "region": "", "customer_id": ""},
    )
    n_leads = clean["lead_id"].nunique()
    return {**_write_table(path, table, LEADS), "n_leads": n_leads, **_dirt(table)}


def _with_some(
    clean: pd.DataFrame, rng: np.random.Generator, **dirt: dict[str, object]
) -> pd.DataFrame:
    """Insert after some clean rows a changed copy, for each kind of dirt.

    None into a table so small that one row would be too large a share of it for `prepare`.
    """
    n = max(1, round(SHARE_OF_PROGRAMME_DIRT * len(clean))) if len(clean) >= LEAST_ROWS else 0
    dirty = [
        clean.loc[np.sort(rng.choice(clean.index, n, replace=False))].assign(dirt=kind, **changed)
        for kind, changed in dirt.items()
    ]
    return pd.concat([clean, *dirty]).sort_index(kind="stable").reset_index(drop=True)


def write_mentions(path: Path, mentions: pd.DataFrame, seed: int) -> dict[str, object]:
    """Write mentions.csv, one row per mention as collected, and return its facts.

    encoding, n_rows, n_scored, n_known (clean rows; with stars, of a known customer), dirt and
    dirt_lines as for sales.
    """
    clean = mentions.assign(at=_days(mentions["at"], MENTIONS), dirt="")
    rng = stream(seed, "dirt", "mentions")
    n = max(1, round(SHARE_OF_MENTION_DIRT * len(clean)))

    def some(kind: str, **changed: object) -> pd.DataFrame:
        rows = clean.loc[np.sort(rng.choice(clean.index, n, replace=False))]
        return rows.assign(dirt=kind, **changed)

    dirty = [
        some("repeated_mention"),
        some("no_text", text=""),
        some("no_such_date", at=NO_SUCH_DAY),
        some("future_date", at=(EXTRACTED_ON + timedelta(days=20)).isoformat()),
        some("unreadable_stars", score=TEXT_FOR_STARS, channel="zhihu"),
    ]
    table = pd.concat([clean, *dirty]).sort_index(kind="stable").reset_index(drop=True)
    counts = {"n_scored": int((clean["score"] != "").sum())}
    counts["n_known"] = int((clean["customer_id"] != "").sum())
    return {**_write_table(path, table, MENTIONS), **counts, **_dirt(table)}


def _days(days: pd.Series, layout: Layout) -> pd.Series:
    return days.dt.strftime(layout.days).fillna("")


def _dirt(table: pd.DataFrame) -> dict[str, object]:
    """Numbers and lines of the dirty rows; the header is line 1."""
    kinds = table.groupby("dirt").indices
    lines = {kind: [int(row) + 2 for row in rows] for kind, rows in kinds.items() if kind}
    return {"dirt": {kind: len(rows) for kind, rows in lines.items()}, "dirt_lines": lines}


def _write_table(path: Path, table: pd.DataFrame, layout: Layout) -> dict[str, object]:
    renamed = table[list(layout.headers)].rename(columns=layout.headers)
    renamed.to_csv(path, index=False, encoding=layout.encoding, lineterminator="\n")
    return {"encoding": layout.encoding, "n_rows": len(table)}
