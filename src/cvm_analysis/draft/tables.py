"""A table of a database, previewed as a file is."""

from __future__ import annotations

import os.path
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from cvm_analysis.draft.preview import Preview, preview
from cvm_analysis.errors import InputError
from cvm_analysis.settings.lines import has_password
from cvm_analysis.sources import databases


@dataclass(frozen=True)
class DatabaseTable:
    """A table by the URL of its database."""

    url: str
    table: str = ""

    def __post_init__(self) -> None:
        if has_password(self.url):
            raise InputError(
                "a password in the URL would stand in the config; leave it out, and set PGPASSWORD"
            )
        if not self.table:
            names = ", ".join(databases.list_tables(self.url)) or "none in its first schema"
            raise InputError(f"{self.url}: name a table: --table NAME; it has {names}")

    def preview(self) -> Preview:
        """Copy the rows to a temporary file and preview it; moments with an offset are in UTC.

        Raises
        ------
        InputError : as `databases.extract`, and as `preview`
        """
        with tempfile.TemporaryDirectory(prefix="cvm-init-") as folder:
            rows = Path(folder) / "rows.parquet"
            databases.extract(self.url, self.table, None, "UTC", rows)
            try:
                made = preview(rows)
            except InputError as error:
                name = databases.describe(self.url, self.table, None)
                raise InputError(str(error).replace(str(rows), name)) from None
        return replace(made, path=Path(self.table), database=self)

    def settings(self, folder: Path) -> dict[str, str]:
        """The settings of a source; the path of a local database starts from `folder`."""
        path = databases.local_path(self.url)
        url = self.url
        if path and not Path(path).is_absolute():
            url = f"{url.partition('://')[0]}:///{os.path.relpath(path, folder)}"
        return {"source": url, "table": self.table}
