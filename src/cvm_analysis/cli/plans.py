"""The plan of a run, from the settings and the prepared tables."""

from __future__ import annotations

from pathlib import Path

from cvm_analysis import notebooks, prepared
from cvm_analysis.intake import pseudonyms
from cvm_analysis.personal import known
from cvm_analysis.personal.known import Known
from cvm_analysis.run.plan import Plan
from cvm_analysis.settings import Settings
from cvm_analysis.tables import ALL


def make(
    settings: Settings,
    regions: list[str],
    as_of: str,
    out: Path,
    notebooks_folder: Path,
    languages: tuple[str, ...],
) -> Plan:
    """Make the plan of some regions, by key, or of all; InputError if one or the date is unknown.

    as_of : an ISO date; empty: the last complete day of sales
    """
    names = prepared.region_names(settings)
    for key in regions:
        prepared.check_region(settings, key)
    stamp = prepared.stamp(settings)
    return Plan(
        business=settings.business.business,
        config=settings.path,
        config_files=tuple(settings.files),
        notebooks_folder=notebooks_folder,
        notebooks=notebooks.select(settings.business.sources.main_table),
        regions={key: names[key] for key in regions or names},
        company_regions={key: name for key, name in names.items() if key != ALL},
        as_of=prepared.resolve_day(settings, as_of).isoformat(),
        out=out,
        ledger=settings.ledger,
        languages=languages,
        prepared=stamp["fingerprint"],
        timezone=settings.business.timezone,
        inputs={file["name"]: file["sha256"] for file in stamp["files"]},
        is_sampled=prepared.count_if_sampled(settings) is not None,
        has_pdf=settings.business.pdf == "auto",
        key_check=stamp.get("key_check", ""),
        personal=_known(settings),
        merges=prepared.merges(settings),
        private_folders=(settings.prepared, settings.ledger, *settings.raw_folders),
    )


def _known(settings: Settings) -> Known | None:
    """Read the hashes of what no output may show; None if pseudonyms are off."""
    if not settings.business.pseudonyms:
        return None
    return known.load(settings.prepared, known.derive(pseudonyms.key()))
