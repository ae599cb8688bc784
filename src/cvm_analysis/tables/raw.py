"""Prepared tables: what intake leaves of the raw files, and what it says about them."""

from cvm_analysis.tables.shape import (
    CUSTOMER,
    Table,
    count,
    date,
    days,
    money,
    number,
    share,
    text,
    time,
    yes_no,
)

PEOPLE = ("customer_id", "account_id", "referred_id")  # columns that get pseudonyms
ATTRIBUTES = {
    "customer_type": text("retail, project or dealer", optional=True),
    "joined_on": date("day of joining", optional=True),
    "birth_date": date("day of birth", optional=True),
    **dict.fromkeys(("gender", "occupation", "income_band"), text("as recorded", optional=True)),
    **dict.fromkeys(("industry", "company_size", "city"), text("as recorded", optional=True)),
    "channel": text("channel of acquisition, as recorded", optional=True),
    "consent": text("consent to be contacted, as recorded", optional=True),
}

RAW = {
    "transactions": Table(
        "one row per order line",
        ("customer_id", "ordered_at"),
        {
            "customer_id": CUSTOMER,
            "ordered_at": time("when, in the config's time zone"),
            "amount": money("net of discount; a return is negative"),
            "order_id": text("the order the line belongs to", optional=True),
            "product_id": text("code of the product", optional=True),
            "product": text("name of the product", optional=True),
            "category": text("category of the product", optional=True),
            "quantity": number("pieces; negative in a return", optional=True),
            "unit_price": money("price of a piece", optional=True),
            "discount": money("money taken off the line", optional=True),
            "cost": money("cost of the line", optional=True),
            "channel": text("where it was sold", optional=True),
            "promised_on": date("day of delivery promised", optional=True),
            "delivered_on": date("day of delivery", optional=True),
            "sold_in": text("region of the line, a key of the config", optional=True),
        },
    ),
    "customers_raw": Table(
        "one row per customer record",
        ("customer_id",),
        {
            "customer_id": CUSTOMER,
            "region": text("a key of the config's regions", optional=True),
            **ATTRIBUTES,
        },
        others="text",  # attributes of the business's own, as recorded
    ),
    "feedback": Table(
        "one row per answer or complaint",
        ("customer_id", "at", "kind"),
        {
            "customer_id": CUSTOMER,
            "at": date("day of the answer or complaint"),
            "kind": text("nps, csat or complaint"),
            "dimension": text("topic: product, after_sale, ...", optional=True),
            "score": number("0 to 10 for nps, 1 to 5 for csat", optional=True),
            "text": text("in the customer's words, personal details masked", optional=True),
            "closed_at": date("day the complaint was closed; empty: open", optional=True),
            "about_product": text("product or category it is about, as recorded", optional=True),
            "about_order": text("order it is about, as recorded", optional=True),
        },
    ),
    "contracts": Table(
        "one row per contract",
        ("customer_id", "started_on"),
        {
            "customer_id": CUSTOMER,
            "contract_id": text("as recorded", optional=True),
            "started_on": date("first day; of a tenure, counted back from as_of"),
            "ended_on": date("day the contract ended; empty: running", optional=True),
            "tenure": days("how long it had lasted when the files were taken", optional=True),
            "status": text("of a tenure: running or ended", optional=True),
            "observed_from": date(
                "day from which it would have been seen to end; empty: not declared", optional=True
            ),
            "term_months": number("months from one renewal to the next", optional=True),
            "monthly_value": money("paid per month", optional=True),
            "sold_in": text("region of the contract, a key of the config", optional=True),
        },
        others="number",  # what was known at the start: covariates of its end
    ),
    "indicators": Table(
        "one row per customer, day and imported indicator",
        ("customer_id", "at", "name"),
        {
            "customer_id": CUSTOMER,
            "at": date("day from which the value was known"),
            "name": text("name of the indicator"),
            "value": number("value, in its own unit; the mean counts of several on one day"),
        },
    ),
    "campaign_members": Table(
        "one row per campaign and customer assigned to it, controls included",
        ("customer_id", "campaign_id"),
        {
            "customer_id": CUSTOMER,
            "campaign_id": text("as recorded"),
            "action": text("code of the action, as in strategies.yaml if it is still there"),
            "arm": text("treated, or control: assigned not to be contacted"),
            "at": date("day of assignment, from which outcomes count"),
            "cost": money("cost of contacting the customer", optional=True),
            "account_id": text(
                "pseudonym of the household or account, where arms were drawn for these",
                optional=True,
            ),
        },
    ),
    "contact_log": Table(
        "one row per contact: an action that was done for a customer",
        ("customer_id", "at", "action"),
        {
            "customer_id": CUSTOMER,
            "at": date("day on which it was done"),
            "action": text("code of the action, one of strategies.yaml"),
            "channel": text("phone, sms, email, wechat, ...", optional=True),
            "owner": text("who did it, as recorded", optional=True),
            "result": text("what came of it, as recorded", optional=True),
            "listed_on": date("day of the list that asked for it; empty: no list", optional=True),
        },
    ),
    "consents": Table(
        "one row per customer, channel and day on which consent was recorded",
        ("customer_id", "channel", "at"),
        {
            "customer_id": CUSTOMER,
            "channel": text("phone, sms, email, wechat, ..."),
            "given": yes_no("whether it was given; the last one counts, of one day the refusal"),
            "at": date("day from which it holds"),
        },
    ),
    "points": Table(
        "one row per movement of a customer's points",
        ("customer_id", "at", "kind", "points"),
        {
            "customer_id": CUSTOMER,
            "at": date("day of the movement"),
            "kind": text("earn, redeem, expire or adjust"),
            "points": number(
                "earned (negative: taken back); redeemed, expired: of either sign; adjusted: signed"
            ),
            "order_id": text("the order that earned or used them", optional=True),
        },
    ),
    "referrals": Table(
        "one row per customer who was referred by another",
        ("referred_id",),
        {
            "customer_id": CUSTOMER,
            "referred_id": text("pseudonym of the customer who was referred"),
            "at": date("day of the referral"),
        },
    ),
    "leads": Table(
        "one row per lead and stage, or per lead in its last stage",
        ("lead_id", "stage", "stage_at"),
        {
            "lead_id": text("as recorded"),
            "created_on": date("day on which the lead came in"),
            "source": text("where it came from, as recorded", optional=True),
            "owner": text("who follows it up, as recorded", optional=True),
            "stage": text("stage, as recorded; the order is in the config"),
            "stage_at": date("day on which it entered the stage; empty: created_on"),
            "value": money("expected value of the order", optional=True),
            "customer_id": text("pseudonym of the customer it is; empty: none yet", optional=True),
            "closed_on": date("day on which it was won or lost; empty: open", optional=True),
            "outcome": text("won or lost; empty or open: open", optional=True),
            "region": text("a key of the config's regions", optional=True),
        },
    ),
    "mentions": Table(
        "one row per post or comment elsewhere that is about the company",
        ("at", "channel", "text"),
        {
            "at": date("day on which it was written"),
            "channel": text("where it was written, as recorded"),
            "text": text("what was written, personal details masked"),
            "customer_id": text("pseudonym of the customer who wrote it, if known", optional=True),
            "score": number("1 to 5, given with it", optional=True),
        },
    ),
    "quality": Table(
        "one row per check of the raw data",
        ("check", "table"),
        {
            "check": text("name of the rule"),
            "table": text("name of the raw table"),
            "column": text("column checked"),
            "level": text("error: quarantine; filter: left out; warn: cell emptied; info: kept"),
            "n_rows": count("rows with this finding"),
            "share": share("of all rows read for this table"),
        },
    ),
    "quarantine": Table(
        "one row per excluded line of a raw file",
        ("file", "line"),
        {
            "file": text("as named in the config"),
            "line": count("line of the file, the header being line 1"),
            "rule": text("first rule the line breaks"),
            "column": text("column that breaks the rule"),
            "value": text("value found there", optional=True),
            "digest": text("of all cells of the line, by which it is corrected"),
        },
    ),
}
