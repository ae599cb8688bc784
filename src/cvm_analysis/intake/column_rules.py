"""The config's rules for columns of the files, as rules of their tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping

import ibis
from ibis import ir

from cvm_analysis.intake import numbers
from cvm_analysis.intake.rules import Broken, Level, Rule, repeats
from cvm_analysis.settings import ColumnRule, Settings
from cvm_analysis.settings.column_rules import Range, split
from cvm_analysis.tables import own

LEVELS: Mapping[str, Level] = {"quarantine": "error", "warn": "info"}  # of the config -> of rules
SAID = {  # of rows that break a rule
    "range": "are not {limits}",
    "not_null": "are empty",
    "accepted": "are none of the accepted values",
    "unique": "repeat an earlier value",
    "matches": "do not match {matches}",
    "refers_to": "are not in {refers_to}",
}


def rules_for(table: str, settings: Settings, tables: Mapping[str, ir.Table]) -> Iterator[Rule]:
    """Rules of the config for a table; tables : rows of all tables, as rules see them."""
    for rule in settings.business.rules.columns:
        at, column = _find(rule.column, settings)
        if at == table:
            values = _values(rule, settings, tables)
            yield Rule(rule.name, column, LEVELS[rule.level], _test(rule, column, values))


def report(settings: Settings, tables: Mapping[str, ir.Table]) -> Iterator[str]:
    """Say how many accepted rows break each rule of level `warn`; tables : as rules judged them."""
    for rule in settings.business.rules.columns:
        rows = tables[_find(rule.column, settings)[0]]
        accepted = rows.filter(rows.rule.isnull())
        if rule.level != "warn":
            continue
        n, n_rows = (
            int(x.execute() or 0) for x in (accepted[f"breaks {rule.name}"].sum(), accepted.count())
        )
        if n:
            limits = rule.range.written if rule.range else ""
            said = SAID[rule.test].format(
                limits=limits, matches=rule.matches, refers_to=rule.refers_to
            )
            yield f"{rule.column}: {n:,} of {n_rows:,} rows {said}"


def _find(written: str, settings: Settings) -> tuple[str, str]:
    """The table of `<source>.<column>`, and the column's name inside intake."""
    source, column = split(written)
    named = {setting: t for t, (setting, _) in settings.business.sources.by_table().items()}
    return named[source], own.to_inside(named[source], column)


def _values(rule: ColumnRule, settings: Settings, tables: Mapping[str, ir.Table]) -> ir.Value:
    """The values of the column that a rule refers to."""
    if rule.refers_to is None:
        return ibis.null("string")
    table, column = _find(rule.refers_to, settings)
    return tables[table].filter(tables[table][column].notnull())[column]


def _test(rule: ColumnRule, column: str, values: ir.Value) -> Broken:
    """Whether rows break a rule; an empty cell breaks `not_null` alone."""
    tests: dict[str, Broken] = {
        "range": lambda t: _is_outside(t[column], rule.range or Range()),
        "accepted": lambda t: ~_is_accepted(t[column], rule.accepted),
        "unique": repeats(column),
        "matches": lambda t: ~t[column].re_search(f"^(?:{rule.matches})$"),
        "refers_to": lambda t: ~t[column].isin(values),
    }
    if rule.not_null:
        return lambda t: t[column].isnull()
    return lambda t: t[column].notnull() & tests[rule.test](t)


def _is_outside(cell: ir.Value, limits: Range) -> ir.BooleanValue:
    """Whether a number or day is outside; a text that is no number is, too."""
    if any(isinstance(each, dt.date) for each in limits.limits):
        cell = cell.cast("date")
    elif cell.type().is_string():
        cell = numbers.number(cell)
    outside = cell.isnull()
    if limits.min is not None:
        outside |= cell < limits.min
    if limits.max is not None:
        outside |= cell > limits.max
    return outside.fill_null(True)


def _is_accepted(cell: ir.Value, accepted: tuple[str, ...]) -> ir.BooleanValue:
    if cell.type().is_string():
        return cell.isin(accepted)
    return cell.cast("float64").isin([float(each) for each in accepted])
