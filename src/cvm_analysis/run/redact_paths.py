"""Remove paths of this machine from published parameters, metadata and outputs."""

from __future__ import annotations

import html
import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import cvm_analysis
from cvm_analysis import atomic_folder
from cvm_analysis.run.plan import PRIVATE, Plan

Redact = Callable[[str], str]


def public_parameters(parameters: Mapping[str, str]) -> dict[str, str]:
    """Parameters for publication: the config's name, run_dir relative to desk/notebooks."""
    return {**parameters, "config": Path(parameters["config"]).name, "run_dir": ".."}


def path_redactor(plan: Plan, run_dir: Path) -> Redact:
    """Make the function that replaces the folders of this run by short public names."""
    config = plan.config.resolve().parent
    names = {
        Path(tempfile.gettempdir()): "tmp",
        Path.home(): "~",
        Path(sys.base_prefix): "python",
        Path(sys.prefix): "python",
        Path(__file__).parents[2]: "src",
        Path.cwd(): ".",
        config.parent: ".",
        **_links(plan.private_folders),
        **{Path(file): Path(file).name for file in plan.inputs},
        config: config.name,
        plan.out: plan.out.name,
        plan.notebooks_folder: plan.notebooks_folder.name,
        run_dir: "..",
    }
    return _replacer(names)


def _links(folders: Iterable[Path]) -> dict[Path, str]:
    """Name folders, and the links to those that are a version of one, by the name of the link."""
    named = {folder: atomic_folder.name(folder) for folder in folders if folder.name}
    return named | {folder.with_name(name): name for folder, name in named.items()}


def clean_notebook(path: Path, parameters: Mapping[str, str], redact: Redact) -> None:
    """Remove paths, times and random ids from an executed notebook, so that runs are repeatable."""
    public = public_parameters(parameters)
    made = {"as_of": parameters["as_of"], "version": cvm_analysis.__version__}
    nb = _redacted(json.loads(path.read_text("utf-8")), redact)
    nb["metadata"] |= {"papermill": {"parameters": public}, "cvm": made}
    for cell in nb["cells"]:
        for name in ("papermill", "execution"):
            cell["metadata"].pop(name, None)
        if "injected-parameters" in cell["metadata"].get("tags", ()):
            lines = [f"{name} = {json.dumps(v, ensure_ascii=False)}" for name, v in public.items()]
            cell |= {"id": "injected-parameters", "source": "\n".join(["# Parameters", *lines])}
    text = json.dumps(nb, ensure_ascii=False, indent=1, sort_keys=True)
    atomic_folder.write(path, text + "\n", PRIVATE)


def clean_sentinel(path: Path, parameters: Mapping[str, str], redact: Redact) -> None:
    """Remove paths from the file of a notebook's sign-off."""
    signed = _redacted(json.loads(path.read_text("utf-8")), redact)
    signed["parameters"] = public_parameters(parameters)
    atomic_folder.write(
        path, json.dumps(signed, ensure_ascii=False, indent=1, sort_keys=True), PRIVATE
    )


def _replacer(names: Mapping[Path, str]) -> Redact:
    public: dict[str, str] = {}
    for path, name in names.items():
        for written in {str(path.absolute()), str(path.resolve())} - {"/"}:
            for form in (written, json.dumps(written)[1:-1], html.escape(written)):
                public[form] = name
    longest_first = sorted(public, key=len, reverse=True)
    folders = "|".join(re.escape(form) for form in longest_first)
    # The characters around keep a short folder from matching within base64 or a word.
    known = re.compile(rf"(?:file://|(?<![\w+/-]))(?P<folder>{folders})(?![\w-])")
    # From the start of a word only: from each of its characters, a long word takes forever.
    cell = re.compile(r"(?<![^\s\"'])[^\s\"']*/ipykernel_\d+/\d+\.py")

    def redact(text: str) -> str:
        return known.sub(lambda found: public[found["folder"]], cell.sub("(cell)", text))

    return redact


def _redacted(value: Any, redact: Redact) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, list):
        return [_redacted(each, redact) for each in value]
    if isinstance(value, dict):
        return {k: v if k == "image/png" else _redacted(v, redact) for k, v in value.items()}
    return value
