"""Copies of the sample's config that a test may change, and what `cvm check` says of them."""

import pytest

from cvm_analysis import validate
from cvm_analysis.errors import ConfigError


def change(path, old, new):
    """Change one place of a file and return its line."""
    text = path.read_text("utf-8")
    assert text.count(old) == 1, f"{path.name} has {old!r} {text.count(old)} times"
    path.write_text(text.replace(old, new), "utf-8")
    return text[: text.index(old)].count("\n") + 1


def line_of(path, text):
    return next(i for i, line in enumerate(path.read_text("utf-8").splitlines(), 1) if text in line)


def refused(config):
    with pytest.raises(ConfigError) as error:
        validate.check(config / "sample.yaml")
    return str(error.value).replace(f"{config}/", "").splitlines()


def with_covariates(config, names):
    """Name attributes for forecasts in the config, and return their line."""
    return change(config / "sample.yaml", "margin: 0.35}", f"margin: 0.35, covariates: [{names}]}}")


PLAN = """\
starts_on: 2026-01-01
budget: 900
lines:
  - {action: call_overdue, owner: stores, region: east, budget: 500, due_on: 2026-03-31,
     target: {contacts: 20}}
  - action: call_overdue
    owner: stores
    budget: 500
    due_on: 2026-03-31
    target: {money: 9000}
"""


def with_plan(config, old="", new=""):
    """The config of the sample with a plan beside it, one place of which is another."""
    assert old in PLAN
    (config / "plan.yaml").write_text(PLAN.replace(old, new, 1), "utf-8")
    with (config / "sample.yaml").open("a", encoding="utf-8") as f:
        f.write("plan: plan.yaml\n")
    return config / "sample.yaml"
