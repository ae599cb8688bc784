"""The effect of each action as known today: the catalogue's assumption, and what was measured.

Computed anew from the assumptions and all measurements in every run, so that nothing counts twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from cvm_analysis.strategy import campaigns, effects, ledger
from cvm_analysis.strategy.catalogue import Action
from cvm_analysis.strategy.effects import Effect
from cvm_analysis.strategy.outcomes import Criterion


def criteria(catalogue: Sequence[Action]) -> dict[str, Criterion]:
    """How the success of each action is measured."""
    return {
        action.code: Criterion(action.success.measure, action.success.within_days, action.effect.on)
        for action in catalogue
    }


def costs(catalogue: Sequence[Action]) -> dict[str, float]:
    """Cost of one contact of each action."""
    return {action.code: action.cost for action in catalogue}


def assume(action: Action) -> Effect:
    """The effect of an action as the catalogue assumes it."""
    assumed = action.effect
    return effects.from_assumption(assumed.low, assumed.likely, assumed.high, assumed.evidence)


def update(
    catalogue: Sequence[Action], campaign_results: pd.DataFrame, ledger_results: pd.DataFrame
) -> dict[str, Effect]:
    """Combine assumptions with the results of campaigns and of earlier lists, by action."""
    by_campaign = campaigns.to_effects(campaign_results)
    by_list = ledger.measured_effects(ledger_results)
    found = {}
    for action in catalogue:
        measured = [*by_campaign.get(action.code, [])]
        if action.code in by_list:
            measured.append(by_list[action.code])
        found[action.code] = effects.combine(assume(action), measured)
    return found


def to_table(catalogue: Sequence[Action], known: Mapping[str, Effect]) -> pd.DataFrame:
    """Make table `effects`: one row per action of the catalogue."""
    rows = {}
    for action in catalogue:
        assumed, used = assume(action), known[action.code]
        rows[action.code] = {
            "on": action.effect.on,
            "assumed": assumed.mean,
            "assumed_sd": assumed.sd,
            "effect": used.mean,
            "sd": used.sd,
            "evidence": used.evidence,
            "n_treated": used.n_treated,
            "n_control": used.n_control,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("action")


def from_table(table: pd.DataFrame) -> dict[str, Effect]:
    """Read table `effects`: the effect in use of each action."""
    columns = ["effect", "sd", "evidence", "n_treated", "n_control"]
    rows = table[columns].itertuples(name=None)
    return {
        str(code): Effect(mean, sd, kind, int(n), int(m)) for code, mean, sd, kind, n, m in rows
    }


def to_json(known: Mapping[str, Effect]) -> dict[str, list[Any]]:
    """Write effects as plain JSON, for the regions of a company."""
    return {code: list(effect) for code, effect in known.items()}


def from_json(written: Mapping[str, Sequence[Any]]) -> dict[str, Effect]:
    """Read what `to_json` wrote."""
    return {code: Effect(*values) for code, values in written.items()}
