"""Complaints of retail customers, and answers to surveys (NPS and satisfaction)."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cvm_analysis.sample.business import N_DAYS
from cvm_analysis.sample.draws import dates, known_dates

COMPLAINTS = {"after_on_time": 0.03, "after_late": 0.18}  # probability for an order
COMPLAINT_WITHIN = 30  # days after delivery
SHARE_CLOSED = 0.85
NAMES_ORDER = 0.7  # share of complaints
NAMES_PRODUCT = {"product": 0.9, "after_sale": 0.5, "price": 0.6}  # of those with a dimension
AS_CATEGORY = 0.08  # of the named products
CLOSED_WITHIN = (1, 31)  # days from complaint to answer: from, below

ANSWERED = 0.12  # share of orders whose buyer answers a survey
ASKED = (14, 46)  # days from order to answer
DIMENSION_ANSWERED = 0.8  # of the answered surveys, per dimension
NPS = {"mean": 8.4, "late": -2.2, "complaint": -2.6, "spread": 1.6}
CSAT_SPREAD = 0.8


@dataclass(frozen=True)
class Dimension:
    """A topic that customers rate and complain about."""

    key: str
    csat: float  # mean satisfaction, 1 to 5
    late: float  # added after a late delivery
    complaint: float  # added after a complaint
    complaints: float  # share of complaints after a punctual delivery
    complaints_of_late: float  # share of complaints after a late delivery
    text: str  # of a complaint


DIMENSIONS = (
    Dimension("product", 4.3, -0.2, -0.9, 0.35, 0.05, "地板色差明显,边缘有缺口"),
    Dimension("pre_sale", 4.2, -0.1, -0.5, 0.10, 0.02, "介绍的规格与实物不符"),
    Dimension("in_sale", 4.2, -1.3, -0.7, 0.15, 0.68, "送货时间一再推迟"),
    Dimension("after_sale", 4.0, -0.6, -1.1, 0.25, 0.22, "安装后无人回访"),
    Dimension("price", 3.6, -0.2, -0.5, 0.15, 0.03, "同款商品别处更便宜"),
)


def complaints(orders: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Draw complaints about orders, at most one each, within a month of delivery.

    One row per complaint, also after AS_OF: order (its index in `orders`), customer_id, kind
    (complaint), dimension, text, at (day), closed (day of the answer, infinite if never).
    """
    chance = np.where(orders["is_late"], COMPLAINTS["after_late"], COMPLAINTS["after_on_time"])
    about = orders[rng.random(len(orders)) < chance]
    n = len(about)
    dimension = np.where(
        about["is_late"],
        rng.choice(len(DIMENSIONS), n, p=[each.complaints_of_late for each in DIMENSIONS]),
        rng.choice(len(DIMENSIONS), n, p=[each.complaints for each in DIMENSIONS]),
    )
    at = about["delivered"].to_numpy() + rng.integers(0, COMPLAINT_WITHIN + 1, n)
    days_open = np.where(rng.random(n) < SHARE_CLOSED, rng.integers(*CLOSED_WITHIN, n), np.inf)
    return pd.DataFrame(
        {
            "order": about.index,
            "customer_id": about["customer_id"].to_numpy(),
            "at": at,
            "kind": "complaint",
            "dimension": np.array([each.key for each in DIMENSIONS])[dimension],
            "text": np.array([each.text for each in DIMENSIONS])[dimension],
            "closed": at + days_open,
        }
    )


def add_subjects(
    complaints: pd.DataFrame, lines: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Add what complaints are about, as it is recorded; empty where it is not.

    complaints : with order_id; lines : one row per order line: order_id, product, category

    Returns the same rows with about_product (a product of the order; of some its category) and
    about_order.
    """
    n = len(complaints)
    mixed = lines[["order_id", "product", "category"]].sample(frac=1, random_state=rng)
    bought = mixed.drop_duplicates("order_id").set_index("order_id")
    about = bought.reindex(complaints["order_id"]).set_axis(complaints.index)
    chance = complaints["dimension"].map(NAMES_PRODUCT).fillna(0.0).to_numpy()
    product = about["product"].mask(rng.random(n) < AS_CATEGORY, about["category"])
    return complaints.assign(
        about_product=product.where(rng.random(n) < chance, ""),
        about_order=complaints["order_id"].where(rng.random(n) < NAMES_ORDER, ""),
    )


def surveys(
    orders: pd.DataFrame, customers: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Draw answers to the survey after an order, up to AS_OF.

    One row per answer: customer_id, at (day), kind (nps, csat), dimension (empty for nps), score.
    """
    asked = orders[rng.random(len(orders)) < ANSWERED].reset_index(drop=True)
    asked["at"] = np.floor(asked["at"]) + rng.integers(*ASKED, len(asked))
    asked = asked.loc[asked["at"] < N_DAYS, ["customer_id", "at"]].reset_index(drop=True)
    events = customers.set_index("customer_id").loc[asked["customer_id"]]
    late = events["first_late"].to_numpy() <= asked["at"].to_numpy()
    complained = events["first_complaint"].to_numpy() <= asked["at"].to_numpy()

    def answers(
        kind: str, dimension: str, scale: tuple[int, int], mean: np.ndarray, spread: float
    ) -> pd.DataFrame:
        score = np.rint(rng.normal(mean, spread)).clip(*scale).astype(int)
        return asked.assign(kind=kind, dimension=dimension, score=score)

    nps = NPS["mean"] + NPS["late"] * late + NPS["complaint"] * complained
    found = [answers("nps", "", (0, 10), nps, NPS["spread"])]
    for each in DIMENSIONS:
        mean = each.csat + each.late * late + each.complaint * complained
        given = answers("csat", each.key, (1, 5), mean, CSAT_SPREAD)
        found.append(given[rng.random(len(given)) < DIMENSION_ANSWERED])
    return pd.concat(found, ignore_index=True)


def combine(complaints: pd.DataFrame, surveys: pd.DataFrame) -> pd.DataFrame:
    """Combine answers and the complaints by AS_OF in order of time.

    One row per complaint or answer: customer_id, at, kind, dimension, score (text, empty for a
    complaint), text, closed_at (empty if open), about_product and about_order (empty: not named).
    """
    known = complaints[complaints["at"] < N_DAYS].reset_index(drop=True)
    known = known.assign(score="", closed_at=known_dates(known["closed"]))
    combined = pd.concat([known, surveys.assign(score=surveys["score"].astype(str))])
    combined = combined.sort_values(["at", "customer_id"], kind="stable", ignore_index=True)
    words = ["text", "about_product", "about_order"]
    combined = combined.assign(at=dates(combined["at"]), **combined[words].fillna(""))
    return combined[["customer_id", "at", "kind", "dimension", "score", "closed_at", *words]]
