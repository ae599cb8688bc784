"""For every customer the actions that are called for, and which of them come first.

`find_candidates` lists whatever the catalogue triggers. `resolve` orders the candidates of each
customer by one rule:

- recovery comes first, then service, then marketing; within a kind the priority decides, then the
  expected gain less cost;
- a customer with a recovery action gets no marketing action meanwhile, whether or not that action
  was done lately;
- an action is not repeated within its pause, and marketing needs consent, must gain more than it
  costs, and stays within the contact limit;
- a customer gets no more than so many actions.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from cvm_analysis.minimum_data import Note
from cvm_analysis.strategy import baselines, conditions, consent, reasons
from cvm_analysis.strategy.catalogue import KINDS, MARKETING, RECOVERY, Action, ContactLimit
from cvm_analysis.strategy.effects import Effect
from cvm_analysis.tables import TABLES

PART = "actions"
CANDIDATE = (  # columns of candidates
    *("customer_id", "action", "region", "kind", "priority", "owner", "due_on"),
    *("measure", "window_days", "cost", "base", "window_base", "expected_gain"),
    *("forecast", "evidence", "reason", "reason_value", "reason_text"),
)


class Recommended(NamedTuple):
    """What is recommended, and what was left out and why; `resolve` makes one."""

    actions: pd.DataFrame  # table `actions`, indexed by customer_id, action
    notes: list[Note]


def columns(actions: Sequence[Action]) -> set[str]:
    """List the columns of facts that recommendations of these actions are made from."""
    used = {
        *("region", "segment", "consent", "expected_margin", "order_margin"),
        *baselines.P_NO_PURCHASE.values(),
    }
    for action in actions:
        used |= {*conditions.columns(action.when), action.reason, action.effect.on}
    return used


def find_candidates(
    facts: pd.DataFrame,
    actions: Sequence[Action],
    effects: Mapping[str, Effect],
    as_of: dt.date,
    horizon_weeks: float,
    segment_figures: pd.DataFrame,
    min_segment: int,
) -> pd.DataFrame:
    """List each customer and action that the customer's facts, or those of the segment, trigger.

    Parameters
    ----------
    facts : one row per customer, as `facts.join` makes them
    effects : action -> its effect; an action that is not there has the assumption of the catalogue
    horizon_weeks : of the expected margin
    segment_figures : one row per segment, as `segment_figures.summary` makes them; for actions of
        scope segment
    min_segment : these address segments with so many customers or more

    Returns
    -------
    One row per customer and action, in the order of the catalogue: customer_id, and the columns of
    table `actions` that do not depend on other actions, with `priority`. expected_gain is base x
    effect: a share of the money expected, or points of probability x the margin of an order; 0
    where that money is unknown or negative.
    """
    used = columns(actions)
    facts = facts[[column for column in facts if column in used]]
    figures = segment_figures.assign(segment=segment_figures.index)
    large = figures[figures["n_customers"] >= min_segment]
    found = []
    for action in actions:
        if action.scope == "segment":
            called = large[conditions.evaluate(action.when, large)]
            rows = facts[facts["segment"].isin(called.index)]
            shown = reasons.find(action, called).reindex(rows["segment"]).set_axis(rows.index)
        else:
            rows = facts[conditions.evaluate(action.when, facts)]
            shown = reasons.find(action, rows)
        effect = effects.get(action.code)
        terms = _terms(action, rows, effect, as_of, horizon_weeks)
        found.append(pd.concat([terms, shown], axis=1).rename_axis("customer_id"))
    filled = [each for each in found if len(each)] or found[:1]
    return pd.concat(filled).reset_index() if filled else pd.DataFrame(columns=list(CANDIDATE))


def _terms(
    action: Action, rows: pd.DataFrame, effect: Effect | None, as_of: dt.date, weeks: float
) -> pd.DataFrame:
    """What an action costs and brings with each customer, who does it and by when."""
    assumed = action.effect
    mean = assumed.likely if effect is None else effect.mean
    base = baselines.find_base(assumed.on, rows)
    return pd.DataFrame(
        {
            "action": action.code,
            "region": rows["region"],
            "kind": action.kind,
            "priority": action.priority,
            "owner": action.owner,
            "due_on": pd.Timestamp(as_of) + pd.Timedelta(days=action.within_days),
            "measure": action.success.measure,
            "window_days": action.success.within_days,
            "cost": action.cost,
            "base": base,
            "window_base": baselines.within_window(action, base, weeks),
            "expected_gain": base * mean,
            "forecast": baselines.forecast(action, rows, weeks),
            "evidence": assumed.evidence if effect is None else effect.evidence,
        },
        index=rows.index,
    )


def resolve(
    candidates: pd.DataFrame,
    actions: Sequence[Action],
    as_of: dt.date,
    most_actions: int,
    contact_limit: ContactLimit,
    consents: pd.DataFrame | None = None,
    attribute: pd.Series | None = None,
    contacts: pd.DataFrame | None = None,
) -> Recommended:
    """Decide which candidates are recommended, by the rule of this module.

    Parameters
    ----------
    candidates : as `find_candidates` returns them
    most_actions : of one customer; contact_limit : of marketing contacts, past ones included
    consents, attribute : as for `consent.choose_channels`
    contacts : one row per contact made: customer_id, at, action; those after as_of are unknown

    Returns
    -------
    Table `actions`, indexed by customer_id and action: rank 1 first, no control group drawn (arm
    empty), everything in the plan. The notes count the customers with an action left out, by why.
    """
    channels = consent.choose_channels(candidates, actions, as_of, consents, attribute)
    rows, notes = candidates.join(channels), []
    keep = pd.Series(True, rows.index)
    for code, drop in _find_left_out(rows, actions, contacts, as_of).items():
        notes.append(_note(code, rows[keep & drop]))
        keep &= ~drop
    rows = rows.loc[_order(rows[keep])]  # one copy at a time: a large region has millions of rows
    is_marketing = rows["kind"] == MARKETING
    among = is_marketing.groupby(rows["customer_id"]).cumsum()
    room = _room(rows["customer_id"], actions, contacts, contact_limit, as_of)
    rank = rows.groupby("customer_id").cumcount() + 1
    too_often = is_marketing & (among > room)
    is_first = rank <= most_actions
    notes.append(_note("contact_limit", rows[is_first & too_often]))
    chosen = rows[is_first & ~too_often].assign(rank=rank)  # marketing comes last: no gaps
    notes.append(_note("consent_not_recorded", chosen[chosen["consent"] == consent.NOT_RECORDED]))
    return Recommended(_as_table(chosen), [note for note in notes if note.have])


def _find_left_out(
    rows: pd.DataFrame,
    actions: Sequence[Action],
    contacts: pd.DataFrame | None,
    as_of: dt.date,
) -> dict[str, pd.Series]:
    """Find the candidates that are left out, by the code of the reason; the first one counts."""
    is_marketing = rows["kind"] == MARKETING
    to_recover = rows.loc[rows["kind"] == RECOVERY, "customer_id"]
    return {
        "recovery_first": is_marketing & rows["customer_id"].isin(to_recover),
        "action_paused": _is_paused(rows, actions, _last_done(contacts, as_of), as_of),
        "no_consent": rows["consent"] == consent.REFUSED,
        "does_not_pay": is_marketing & (rows["expected_gain"] <= rows["cost"]),
    }


def _note(code: str, rows: pd.DataFrame) -> Note:
    return Note(PART, code, float(rows["customer_id"].nunique()))


def _order(rows: pd.DataFrame) -> pd.Index:
    """Sort the candidates of each customer; equal ones stay in the order of the catalogue."""
    by = rows[["customer_id", "priority"]].assign(
        first=rows["kind"].map(KINDS.index), loss=rows["cost"] - rows["expected_gain"]
    )
    return by.sort_values(["customer_id", "first", "priority", "loss"], kind="stable").index


def _last_done(contacts: pd.DataFrame | None, as_of: dt.date) -> pd.Series:
    """Day of the last contact by customer and action."""
    if contacts is None or contacts.empty:
        index = pd.MultiIndex.from_arrays([[], []], names=["customer_id", "action"])
        return pd.Series(pd.DatetimeIndex([]), index)
    at = pd.to_datetime(contacts["at"])
    known = contacts.assign(at=at)[at <= pd.Timestamp(as_of)]
    return known.groupby(["customer_id", "action"])["at"].max()


def _is_paused(
    rows: pd.DataFrame, actions: Sequence[Action], done: pd.Series, as_of: dt.date
) -> pd.Series:
    """Tell which actions were done so lately that they are not repeated yet."""
    pauses = {action.code: action.pause_days for action in actions}
    key = pd.MultiIndex.from_frame(rows[["customer_id", "action"]])
    days = (pd.Timestamp(as_of) - pd.to_datetime(done.reindex(key))).dt.days.to_numpy()
    return pd.Series(days < rows["action"].map(pauses).to_numpy(), rows.index)


def _room(
    customers: pd.Series,
    actions: Sequence[Action],
    contacts: pd.DataFrame | None,
    limit: ContactLimit,
    as_of: dt.date,
) -> pd.Series:
    """How many marketing contacts each customer may still have; unknown actions count as such."""
    if contacts is None or contacts.empty:
        return pd.Series(limit.contacts, customers.index)
    owed = [action.code for action in actions if action.kind != MARKETING]
    ago = (pd.Timestamp(as_of) - pd.to_datetime(contacts["at"])).dt.days
    recent = contacts[(ago >= 0) & (ago < limit.days) & ~contacts["action"].isin(owed)]
    return limit.contacts - customers.map(recent["customer_id"].value_counts()).fillna(0)


def _as_table(chosen: pd.DataFrame) -> pd.DataFrame:
    """Table `actions`, before a plan and control groups."""
    table = mark_largest_gain(chosen.assign(arm=None, in_plan=True))
    return table[list(TABLES["actions"].columns)].set_index(["customer_id", "action"])


def mark_largest_gain(actions: pd.DataFrame) -> pd.DataFrame:
    """Set counts_gain: of each customer's actions that will be done, the one with the largest gain.

    Gains of one customer do not add up. Of equal gains the first rank counts. An action outside the
    plan, and one of a control group, gains nothing.

    actions : columns customer_id (or in the index), rank, expected_gain, in_plan, arm
    """
    used = ["customer_id", "rank", "expected_gain", "in_plan", "arm"]
    flat = actions[[column for column in used if column in actions]].reset_index()
    done = flat[flat["in_plan"].astype(bool) & (flat["arm"] != "control")]
    order = done.sort_values(["expected_gain", "rank"], ascending=[False, True])
    first = order.drop_duplicates("customer_id").index
    return actions.assign(counts_gain=flat.index.isin(first))
