"""What retail customers say: complaints, and answers to surveys (NPS and satisfaction)."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cvm_analysis.sample.business import N_DAYS
from cvm_analysis.sample.draws import dates, known_dates

COMPLAINTS = {"after_on_time": 0.03, "after_late": 0.18}  # chance that an order is complained of
COMPLAINT_WITHIN = 30  # days after delivery
SHARE_CLOSED = 0.85
CLOSED_WITHIN = (1, 31)  # days from complaint to answer: from, below

ANSWERED = 0.12  # share of orders whose buyer answers a survey
ASKED = (14, 46)  # days from order to answer
DIMENSION_ANSWERED = 0.8  # of the answered surveys, per dimension
NPS = {"mean": 8.4, "late": -2.2, "complaint": -2.6, "spread": 1.6}
CSAT_SPREAD = 0.8


@dataclass(frozen=True)
class Dimension:
    """One side of the business that customers judge.

    csat : mean satisfaction, on a scale from 1 to 5
    late, complaint : what is added after a late delivery, after a complaint
    complaints, complaints_of_late : share of complaints after a punctual, a late delivery
    text : what a complaint says
    """

    key: str
    csat: float
    late: float
    complaint: float
    complaints: float
    complaints_of_late: float
    text: str


DIMENSIONS = (
    Dimension("product", 4.3, -0.2, -0.9, 0.35, 0.05, "地板色差明显,边缘有缺口"),
    Dimension("pre_sale", 4.2, -0.1, -0.5, 0.10, 0.02, "介绍的规格与实物不符"),
    Dimension("in_sale", 4.2, -1.3, -0.7, 0.15, 0.68, "送货时间一再推迟"),
    Dimension("after_sale", 4.0, -0.6, -1.1, 0.25, 0.22, "安装后无人回访"),
    Dimension("price", 3.6, -0.2, -0.5, 0.15, 0.03, "同款商品别处更便宜"),
)


def complaints(orders: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Complaints about orders, at most one about each, within a month of delivery.

    Parameters
    ----------
    orders : one row per order; customer_id, delivered (day), is_late

    Returns
    -------
    One row per complaint, also after AS_OF
        order : label of the order in `orders`
        customer_id, kind (complaint), dimension, text
        at : its day
        closed : day of its answer; infinite if it never gets one
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


def surveys(orders: pd.DataFrame, people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Answers to the survey some buyers fill in after an order, up to AS_OF.

    Parameters
    ----------
    orders : one row per order; customer_id, at (day)
    people : one row per customer; customer_id, first_late, first_complaint (days, or infinite)

    Returns
    -------
    One row per answer: customer_id, at (day), kind (nps, csat), dimension (empty for nps), score
    """
    asked = orders[rng.random(len(orders)) < ANSWERED].reset_index(drop=True)
    asked["at"] = np.floor(asked["at"]) + rng.integers(*ASKED, len(asked))
    asked = asked.loc[asked["at"] < N_DAYS, ["customer_id", "at"]].reset_index(drop=True)
    events = people.set_index("customer_id").loc[asked["customer_id"]]
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


def together(complaints: pd.DataFrame, surveys: pd.DataFrame) -> pd.DataFrame:
    """Complaints made by AS_OF and answers, in order of time, ready to be written.

    One row per complaint or answer: customer_id, at, kind, dimension, score (text, empty for a
    complaint), text, closed_at (empty while open).
    """
    known = complaints[complaints["at"] < N_DAYS].reset_index(drop=True)
    known = known.assign(score="", closed_at=known_dates(known["closed"]))
    every = pd.concat([known, surveys.assign(score=surveys["score"].astype(str))])
    every = every.sort_values(["at", "customer_id"], kind="stable", ignore_index=True)
    return every.assign(at=dates(every["at"]), text=every["text"].fillna(""))[
        ["customer_id", "at", "kind", "dimension", "score", "text", "closed_at"]
    ]
