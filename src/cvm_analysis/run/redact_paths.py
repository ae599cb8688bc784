"""No path of this machine in what is published: parameters, metadata, outputs."""

from __future__ import annotations

import html
import json
import re
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cvm_analysis
from cvm_analysis.atomic_folder import write
from cvm_analysis.run.plan import PRIVATE, Plan

Hide = Callable[[str], str]


def public_parameters(asked: Mapping[str, str]) -> dict[str, str]:
    """Give parameters as published: the config's name; run_dir as seen from desk/notebooks."""
    return {**asked, "config": Path(asked["config"]).name, "run_dir": ".."}


def path_redactor(plan: Plan, run_dir: Path) -> Hide:
    """Make the function that replaces the folders this run knows by short public names."""
    config = plan.config.resolve().parent
    names = {
        Path(tempfile.gettempdir()): "tmp",
        Path.home(): "~",
        Path(sys.base_prefix): "python",
        Path(sys.prefix): "python",
        Path(__file__).parents[2]: "src",
        Path.cwd(): ".",
        config.parent: ".",
        **{folder: folder.name for folder in plan.private_folders},
        **{Path(file): Path(file).name for file in plan.inputs},
        config: config.name,
        plan.out: plan.out.name,
        plan.notebooks_folder: plan.notebooks_folder.name,
        run_dir: "..",
    }
    return _replacer(names)


def clean_notebook(path: Path, asked: Mapping[str, str], hide: Hide) -> None:
    """Rewrite an executed notebook without paths of this machine, times of day and random ids.

    What is left depends on the parameters and the data only, so a second run gives the same bytes.
    """
    public = public_parameters(asked)
    made = {"as_of": asked["as_of"], "version": cvm_analysis.__version__}
    nb = _hidden(json.loads(path.read_text("utf-8")), hide)
    nb["metadata"] |= {"papermill": {"parameters": public}, "cvm": made}
    for cell in nb["cells"]:
        for name in ("papermill", "execution"):
            cell["metadata"].pop(name, None)
        if "injected-parameters" in cell["metadata"].get("tags", ()):
            lines = [f"{name} = {json.dumps(v, ensure_ascii=False)}" for name, v in public.items()]
            cell |= {"id": "injected-parameters", "source": "\n".join(["# Parameters", *lines])}
    text = json.dumps(nb, ensure_ascii=False, indent=1, sort_keys=True)
    write(path, text + "\n", PRIVATE)


def clean_sentinel(path: Path, asked: Mapping[str, str], hide: Hide) -> None:
    """Rewrite the file a notebook signed likewise."""
    signed = _hidden(json.loads(path.read_text("utf-8")), hide)
    signed["parameters"] = public_parameters(asked)
    write(path, json.dumps(signed, ensure_ascii=False, indent=1, sort_keys=True), PRIVATE)


def _replacer(names: Mapping[Path, str]) -> Hide:
    public: dict[str, str] = {}
    for path, name in names.items():
        for written in {str(path.absolute()), str(path.resolve())} - {"/"}:
            for form in (written, json.dumps(written)[1:-1], html.escape(written)):
                public[form] = name
    longest_first = sorted(public, key=len, reverse=True)
    folders = "|".join(re.escape(form) for form in longest_first)
    # The characters before and after keep a short folder from matching inside base64 or a word.
    known = re.compile(rf"(?:file://|(?<![\w+/-]))(?P<folder>{folders})(?![\w-])")
    cell = re.compile(r"[^\s\"']*/ipykernel_\d+/\d+\.py")

    def hide(text: str) -> str:
        return known.sub(lambda found: public[found["folder"]], cell.sub("(cell)", text))

    return hide


def _hidden(value: Any, hide: Hide) -> Any:
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, list):
        return [_hidden(each, hide) for each in value]
    if isinstance(value, dict):
        return {
            key: each if key == "image/png" else _hidden(each, hide) for key, each in value.items()
        }
    return value
