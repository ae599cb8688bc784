"""A rule for a column that cannot be applied is refused with its line and what to write."""

import re

import pytest
from raw_business import write

from cvm_analysis import settings, validate
from cvm_analysis.errors import ConfigError

SOURCE = """
files: sales.csv
columns: {customer_id: who, ordered_at: day, quantity: n, unit_price: price, order_id: order}
"""
OTHERS = """  customers:
    - {files: people.csv, columns: {customer_id: who, birth_date: born, vat: vat}}
  consents:
    - {files: c.csv, columns: {customer_id: who, channel: way, given: ok, at: day}}
"""


def config(folder, *rules):
    """The config of a business with these rules, the first on line 7."""
    path = write(folder, SOURCE, {})
    listed = "".join(f"    - {each}\n" for each in rules)
    text = path.read_text("utf-8") + OTHERS
    path.write_text(re.sub("rules: .*\n", f"rules:\n  columns:\n{listed}", text), "utf-8")
    return path


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("{column: transactions.quantity}", "needs one of range, not_null, accepted, unique, "
         "matches, refers_to; this one has none"),
        ("{column: transactions.quantity, unique: true, not_null: true}",
         "this one has not_null and unique"),
        ("{column: transactions.quantty, unique: true}",
         "no file has transactions.quantty; did you mean 'transactions.quantity'?"),
        ("{column: sales.quantity, unique: true}", "no file has sales.quantity; did you mean"),
        ("{column: transactions.order_id, refers_to: customers.order}",
         "no file has customers.order; did you mean"),
        ("{column: transactions.quantity, range: {min: 2024-01-01}}",
         "its limits must be numbers"),
        ("{column: customers.birth_date, range: {min: 1900}}",
         "its limits must be days, as 2025-12-31"),
        ("{column: consents.given, range: {min: 0}}", "yes and no have no range"),
        ("{column: transactions.amount, range: {}}", "write min, max, or both"),
        ("{column: transactions.amount, range: {min: 5, max: 4}}", "min is above max"),
        ("{column: customers.birth_date, accepted: [2000-01-01]}", "use range"),
        ("{column: transactions.quantity, accepted: [1, two]}", "holds numbers; list numbers"),
        ("{column: transactions.quantity, matches: '1'}", "holds no texts"),
        ("{column: customers.vat, matches: 'DE(?=1)'}", "is no pattern"),
        ("{column: customers.customer_id, matches: 'C.*'}", "gets pseudonyms before"),
        ("{column: customers.birth_date, refers_to: customers.vat}", "of different kinds"),
        ("{column: customers.vat, unique: true, level: stop}",
         "level: input should be 'quarantine' or 'warn', not 'stop'"),
        ("{column: customers.vat, uniqe: true}", "unknown setting 'uniqe'; did you mean 'unique'?"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_applied_is_one_message_with_its_line(tmp_path, rule, said):
    with pytest.raises(ConfigError) as error:
        settings.load(config(tmp_path, rule))
    (line,) = str(error.value).splitlines()
    assert line.startswith(f"{tmp_path / 'mine.yaml'} line 9: ") and said in line


def test_a_rule_that_stands_twice_is_refused(tmp_path):
    rules = [f"{{column: transactions.amount, range: {{min: {i}}}}}" for i in (1, 2)]
    with pytest.raises(ConfigError, match=r"line 10: transactions.amount has a rule range already"):
        settings.load(config(tmp_path, *rules))


def test_a_limit_needs_a_rule_that_excludes_rows(tmp_path):
    path = config(tmp_path, "{column: transactions.amount, range: {min: 1}, level: warn}")
    text = path.read_text("utf-8")
    path.write_text(text.replace("rules:\n", "rules:\n  stop_above: {range.amount: 0.1}\n"))
    with pytest.raises(ConfigError, match=r"line 8: no rule 'range\.amount'"):
        validate.check(path)
    path.write_text(path.read_text("utf-8").replace(", level: warn", ""), "utf-8")
    with pytest.raises(ConfigError) as error:
        validate.check(path)
    assert "no rule" not in str(error.value)  # only the files are missing
