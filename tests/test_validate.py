"""What `cvm check` says before anything runs: all problems at once."""

from sample_config import change, refused

from cvm_analysis import validate

STRATEGIES = """owners: {sales: {en: Sales, zh: 销售部, capacity: 150}}
actions:
  letter:
    when: {column: n_orders, above: 0}
    owner: sales
    channel: [email]
    effect: {on: purchase, low: 0.2, likely: 0.1, high: 0.3}
    cost: 1
"""


def test_the_sample_can_be_run(config):
    assert validate.check(config / "sample.yaml").business.business == "Demo Flooring"


def test_everything_is_said_at_once(config):
    change(config / "sample.yaml", "raw/sales_south.csv", "raw/sales_suoth.csv")
    change(config / "sample.yaml", "raw/customers.csv", "raw/people.csv")
    change(config / "segments.yaml", "{r: 5, f: 1}", "{r: 4, f: 1}")
    (config / "strategies.yaml").write_text(STRATEGIES, "utf-8")
    found = refused(config)
    assert [line.split(" line ")[0] for line in found] == [
        "segments.yaml",
        "segments.yaml",
        "strategies.yaml",
        "sample.yaml",
        "sample.yaml",
    ]
    assert found[2] == (
        "strategies.yaml line 7: actions.letter.effect: low, likely and high must rise, not "
        "[0.2, 0.1, 0.3]"
    )
