"""One customer's file: found by an id, read from the newest report, written as a page.

The figures are those of the tables of the customer's region; what happened is on record in its
prepared tables. A customer who never bought has a file, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

import cvm_analysis
from cvm_analysis import atomic_folder, file_names, prepared, results
from cvm_analysis.customers import one_customer
from cvm_analysis.errors import InputError
from cvm_analysis.experience import complaints, leads
from cvm_analysis.intake import pseudonyms, reidentify
from cvm_analysis.report import customer_page
from cvm_analysis.report.customer import Customer
from cvm_analysis.report.writer import Writer
from cvm_analysis.results import Run
from cvm_analysis.run import published
from cvm_analysis.settings import Settings, load
from cvm_analysis.strategy import consent, facts, service

FOLDER = "customers"  # in desk/
OWNER_ONLY, OWNER_FOLDER = 0o600, 0o700
_ROWS = ("grade_points", "actions", "next_products", "follow_ups")


def write(
    config: Path,
    asked: str,
    out: Path,
    languages: Sequence[str],
    to: Path | None = None,
    with_raw_id: bool = False,
) -> list[Path]:
    """Write the pages of one customer, one for each language, which only their owner may read.

    Parameters
    ----------
    asked : an id as lists show it or, with the key, one of the raw files
    out : where reports are published
    to : the folder of the pages; None: desk/customers/ of the customer's newest report
    with_raw_id : the page shows the id of the raw files

    Raises
    ------
    InputError : nobody has this id, no report has the customer, or no key for what is asked
    """
    settings = load(config)
    customer_id = find(settings, asked)
    run = open_report(settings, customer_id, out)
    shown = reidentify.find_raw_id(settings, customer_id) if with_raw_id else customer_id
    customer = read(run, customer_id, shown)
    folder = to or run.folder / FOLDER
    folder.mkdir(parents=True, exist_ok=True, mode=OWNER_FOLDER)
    stem = file_names.slug(f"{settings.business.business} {customer_id} {run.stamp['as_of']}")
    pages = {language: folder / f"{stem}.{language}.html" for language in languages}
    for language, path in pages.items():
        others = {k: each for k, each in pages.items() if k != language}
        atomic_folder.write(path, _render(run, customer, language, others), OWNER_ONLY)
    return list(pages.values())


def find(settings: Settings, asked: str) -> str:
    """Find the id by which tables name a customer; InputError if nobody has it."""
    asked = asked.strip()
    merged = prepared.merges(settings)
    candidates = [asked]
    if settings.business.pseudonyms and not pseudonyms.PSEUDONYM.fullmatch(asked):
        candidates = [pseudonyms.pseudonym(asked, pseudonyms.key())]
    for each in candidates:
        found = merged.get(each, each)
        if prepared.find_region(settings, found):
            return found
    kind = "of a list in desk/lists of a report, or of the raw files"
    raise InputError(f"{settings.prepared}: no customer '{asked}'; give an id {kind}")


def open_report(settings: Settings, customer_id: str, out: Path) -> Run:
    """Open the newest report of the customer's region; InputError says why there is none."""
    region = prepared.find_region(settings, customer_id) or ""
    newest = next(published.reports(out / region, settings.business.business), None)
    again = f"run `cvm run {settings.path} --region {region}`"
    if newest is None:
        raise InputError(f"{out}: no report of region {region} yet; {again}")
    desk = newest[0] / "desk"
    run = results.open(settings.path, region, newest[0].name, desk)
    if run.is_outdated():
        raise InputError(f"{desk}: the data have been prepared again since; {again}")
    if run.read_customer("customers", customer_id).empty:
        raise InputError(
            f"{desk}: the report of {newest[0].name} does not have the customer yet; {again}"
        )
    return run


def read(run: Run, customer_id: str, shown_id: str) -> Customer:
    """Read all that is known of a customer on the day of the run.

    shown_id : the id on the page
    """
    names = (*facts.JOINED, "downgrades", *_ROWS)
    tables = {name: run.read_customer(name, customer_id) for name in names}
    data, business = prepared.open(run.settings, run.stamp["region"]), run.settings.business
    rules = run.settings.strategies.actions
    owed = service.terms(business.service, rules, business.experience.answered)
    tables["service_due"] = data.service_due(run.date, *owed)
    joined = facts.join({k: t for k, t in tables.items() if len(t)}, run.date).loc[customer_id]
    known = facts.kinds(())
    records = data.of_customer(customer_id, run.date)
    lines = records["transactions"]
    return Customer(
        customer_id=shown_id,
        as_of=run.date,
        facts=joined.to_dict(),
        own=[c for c in tables["customers"] if c not in known],
        **{name: tables[name] for name in _ROWS},
        orders=one_customer.orders(lines),
        days=one_customer.by_day(lines),
        categories=one_customer.shares(lines, "category"),
        channels=one_customer.shares(lines, "channel"),
        weekday=one_customer.favourite(lines, run.date, "weekday"),
        month=one_customer.favourite(lines, run.date, "month"),
        complaints=complaints.cases(
            records["feedback"], run.date, business.experience.repeat_within_days
        ),
        leads=_leads(run, records["leads"]),
        contacts=records["contact_log"],
        contracts=records["contracts"],
        consents=_consents(run, records["consents"], joined.get("consent")),
    )


def _leads(run: Run, rows: pd.DataFrame) -> pd.DataFrame:
    if rows.empty:
        return pd.DataFrame()
    order = leads.find_stages(rows, run.settings.business.leads.stages)
    return leads.latest(rows, order, run.date)


def _consents(run: Run, rows: pd.DataFrame, in_general: Any) -> Mapping[str, bool]:
    """Map channels to consent as recorded last; else, for those of actions, as given in general."""
    rules = run.settings.strategies
    latest = consent.find_latest(rows, run.date)
    known = {} if latest is None else latest.iloc[0].dropna().astype(bool).to_dict()
    said = consent.read_attribute(pd.Series([in_general], dtype=object), rules.consent_given)
    if said is None:
        return known
    channels = sorted({each for action in rules.actions for each in action.channel})
    return dict.fromkeys(channels, bool(said.iloc[0])) | known


def _render(run: Run, customer: Customer, language: str, others: Mapping[str, Path]) -> str:
    settings = run.settings
    writer = Writer(run.words(language), settings.business.currency)
    links = [(run.words(k)("language.name"), path.name) for k, path in others.items()]
    terms = customer_page.Terms(settings.churn.horizon_days, settings.value.annual_discount_rate)
    title, version = run.title(language), cvm_analysis.__version__
    return customer_page.render(writer, customer, title, terms, links, version)
