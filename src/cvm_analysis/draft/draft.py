"""Draft a config from raw files: marked `guessed` where they show it, else `please check`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from cvm_analysis.draft import head, infer, joins, profiles, proposals, sources
from cvm_analysis.draft.horizons import horizons
from cvm_analysis.draft.infer import Guess
from cvm_analysis.draft.preview import Preview, preview
from cvm_analysis.draft.tables import DatabaseTable
from cvm_analysis.draft.yaml_comments import line
from cvm_analysis.errors import InputError
from cvm_analysis.project import shipped
from cvm_analysis.settings import Rules
from cvm_analysis.sources.encodings import UnclearEncodingError


def draft(files: Sequence[Path | DatabaseTable], config: Path = Path("config/mine.yaml")) -> str:
    """Draft the YAML of `config` from raw files and tables of databases.

    Its paths start from the folder of `config`.

    A file that cannot be read, or is no table of ours, is named in a comment; a column of order
    lines that was not found is a setting to fill in.

    Raises
    ------
    InputError : a file is missing, or none can be read
    """
    missing = [str(each) for each in files if isinstance(each, Path) and not each.is_file()]
    if missing:
        raise InputError(f"{', '.join(missing)}: no such file; give the names of files")
    previews, unread = _read(dict.fromkeys(files))
    if not previews:
        raise InputError("\n".join(unread))
    found = _with_main([profiles.infer(file) or infer.infer(file) for file in joins.join(previews)])
    table = (
        "contracts"
        if _of(found, "contracts") and not _of(found, "transactions")
        else "transactions"
    )
    main = _of(found, table)
    where = sources.locate(found, table)
    parts = (
        [*head.head(config), *(f"# please check: left out: {said}" for said in unread)],
        head.business(main or found),
        sources.regions(where),
        sources.sources(found, where, config.parent),
        [*proposals.identity(found), *_rules(main)],
        _rest(main, config),
    )
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _read(files: Iterable[Path | DatabaseTable]) -> tuple[list[Preview], list[str]]:
    """Preview the files that can be read, and say of the others why they cannot."""
    previews, unread = list[Preview](), list[str]()
    for each in files:
        try:
            previews.append(_preview(each) if isinstance(each, Path) else each.preview())
        except InputError as error:
            unread.append(str(error).replace("\n", "; "))
    return previews, unread


def _with_main(found: list[Guess]) -> list[Guess]:
    """Take the file most like order lines as such, if no file has order lines or contracts."""
    if _of(found, "transactions") or _of(found, "contracts"):
        return found
    matched = [len(infer.match_names(each.file, "transactions")) for each in found]
    unlike = [
        n if n > len(each.columns) or not each.table else -1
        for n, each in zip(matched, found, strict=True)
    ]
    if max(unlike) < 0:
        return found
    closest = found[unlike.index(max(unlike))]
    return [infer.read_as_sales(each) if each is closest else each for each in found]


def _of(found: list[Guess], table: str) -> list[Guess]:
    return [each for each in found if each.table == table]


def _preview(path: Path) -> Preview:
    """Preview a file; if it is neither UTF-8 nor likely Chinese, in the encoding that is likely."""
    try:
        return preview(path)
    except UnclearEncodingError as unclear:
        return preview(path, unclear.likely)


def _rules(main: list[Guess]) -> Iterator[str]:
    """Write `rules`: a higher limit where many rows have no customer."""
    yield "rules:"
    yield line("  duplicates: keep", check="or quarantine, if repeated lines are errors")
    known = [each for each in main if "customer_id" in each.columns]
    n_rows = sum(each.file.n_rows for each in known)
    without = sum(each.columns["customer_id"].share_empty * each.file.n_rows for each in known)
    share, default = without / max(n_rows, 1), Rules().stop_above["default"]
    if share > default / 2:
        limit = math.ceil((share + default) * 20) / 20
        yield line(
            f"  stop_above: {{default: {default}, missing_customer_id: {min(limit, 1):.2f}}}",
            check=f"{share:.1%} of the order lines have no customer and are excluded",
        )


def _rest(main: list[Guess], config: Path) -> Iterator[str]:
    for name in shipped.RULE_FILES:
        path, setting = config.parent / f"{name}.yaml", f"{name}: {name}.yaml"
        if not path.is_file():
            yield line(setting, check="no such file yet; `cvm new FOLDER` makes a folder with one")
        elif shipped.is_assumed(path):
            yield line(
                setting, note="assumption: please check, its values are an invented company's"
            )
        else:
            yield setting
    yield from horizons(main)
