"""Arguments and options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ConfigFile = Annotated[Path, typer.Argument(help="A YAML file such as config/sample.yaml.")]
AsOf = Annotated[str, typer.Option(help="The last day that counts, as 2026-01-31.")]
OutFolder = Annotated[Path, typer.Option("--out", help="Where reports are published.")]
Published = Annotated[Path, typer.Argument(help="Where reports are published.")]
Notebooks = Annotated[Path, typer.Option(help="The notebooks to run.")]
