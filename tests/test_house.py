"""The house stands as it was built: who imports whom, one list of packages, tidy code."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "cvm_analysis"

SHARED = {"arrays", "errors", "one_thread", "processes", "tables", "texts", "typed", "minimum_data"}
CORE = {
    *("customers", "segments", "survival", "backtest", "clv", "churn", "experience", "strategy"),
    *("charts", "performance", "products"),
}
# What each room may import beside what everybody shares.
BELOW = {
    "backtest": {"clv"},
    "churn": {"backtest", "survival"},
    "experience": {"survival", "backtest", "segments"},
    "segments": {"backtest"},
    "settings": {
        *("churn", "clv", "experience", "file_names", "performance", "products", "segments"),
        *("notifications", "strategy"),
    },
    "sources": {"queries"},
    "project": {"atomic_folder"},
    "draft": {"churn", "clv", "settings", "sources", "intake", "project"},
    "atomic_folder": set(),
    "owner": {"atomic_folder"},
    "endings": set(),
    "notebooks": set(),
    "prepared": {
        *("settings", "atomic_folder", "owner", "customers", "engine", "experience", "queries"),
        "opened",
    },
    "opened": {"settings", "engine"},
    "prepared_copy": {"settings", "atomic_folder", "owner", "prepared"},
    "queries": set(),
    "engine": {"queries"},
    "union": {"atomic_folder"},
    "results": {
        *("settings", "atomic_folder", "file_names", "notebooks", "prepared", "spreadsheets"),
        "union",
    },
    "notifications": {"typed"},
    "personal": set(),
    "intake": {
        *("settings", "atomic_folder", "file_names", "owner", "personal", "prepared", "sources"),
        *("customers", "queries", "spreadsheets"),
    },
    "validate": {"settings", "engine", "intake", "prepared", "prepared_copy", "sources", *CORE},
    "crm": {
        *("atomic_folder", "intake", "owner", "prepared", "report", "run", "settings", "sources"),
        *("spreadsheets", "strategy"),
    },
    "report": {
        *("charts", "churn", "performance", "products", "segments", "spreadsheets", "strategy"),
        "survival",
    },
    "run": {
        *("atomic_folder", "file_names", "notebooks", "owner", "personal", "report", "strategy"),
        *("prepared", "results", "union"),
    },
    "customer_file": {
        *("settings", "atomic_folder", "file_names", "prepared", "results", "intake", "report"),
        *("run", "customers", "experience", "strategy"),
    },
    "sample": set(),
    "cli": {
        *("settings", "draft", "owner", "personal", "prepared", "project", "intake", "notebooks"),
        *("validate", "results", "run", "sample", "endings", "notifications", "crm"),
        *("customer_file", "prepared_copy"),
    },
}
# Where Ibis may be.
ENGINE = {"customers", "draft", "engine", "intake", "prepared", "queries", "sources"}


def rooms():
    return sorted(p.stem for p in PACKAGE.iterdir() if p.stem != "__init__" and p.name[0] != "_")


def modules(room):
    folder = PACKAGE / room
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [PACKAGE / f"{room}.py"]


def imported(path):
    """Full names of the modules a file imports, at the top or late."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def neighbours(room):
    names = {name for path in modules(room) for name in imported(path)}
    own = {n.split(".")[1] for n in names if n.startswith("cvm_analysis.")}
    return (own & set(rooms())) - {room}


@pytest.mark.parametrize("room", rooms())
def test_a_room_imports_only_what_lies_below_it(room):
    assert neighbours(room) <= SHARED | BELOW.get(room, set())


@pytest.mark.parametrize("room", sorted((SHARED | CORE) & set(rooms())))
def test_the_core_touches_no_file_and_no_region(room):
    forbidden = {"pathlib", "os", "shutil", "duckdb", "cvm_analysis.settings"}
    if room not in ENGINE:
        forbidden |= {"ibis"}
    if room == "processes":  # counts processors
        forbidden -= {"os"}
    names = {n for path in modules(room) for n in imported(path)}
    assert not {n for n in names if n in forbidden or n.split(".")[0] in forbidden}


def settings_classes(tree):
    """Names and default expressions of the fields of each class of settings in a module."""
    for node in (n for n in ast.walk(tree) if isinstance(n, ast.ClassDef)):
        if any(ast.unparse(each) == "settings" for each in node.decorator_list):
            yield {
                each.target.id: ast.unparse(each.value)
                for each in node.body
                if isinstance(each, ast.AnnAssign) and each.value is not None
            }


def defaults(tree):
    """Names and default expressions of the arguments of each function in a module."""
    for node in (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)):
        plain, given = node.args.posonlyargs + node.args.args, node.args.defaults
        pairs = [*zip(plain[len(plain) - len(given) :], given, strict=True)]
        pairs += zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
        yield node.name, {arg.arg: ast.unparse(value) for arg, value in pairs if value is not None}


@pytest.mark.parametrize("room", sorted(CORE & set(rooms())))
def test_a_default_of_a_setting_stands_in_one_place(room):
    """A function that has the same argument takes the setting's default, or none at all."""
    trees = {path: ast.parse(path.read_text("utf-8")) for path in modules(room)}
    fields = [each for tree in trees.values() for each in settings_classes(tree)]
    settings = {name: value for each in fields for name, value in each.items()}
    again = [
        f"{path.name}: {function}({name}={value})"
        for path, tree in trees.items()
        for function, given in defaults(tree)
        for name, value in given.items()
        if settings.get(name) == value and value not in ("None", "()")
    ]
    assert not again


def test_nothing_prints_and_nothing_is_called_utils():
    for path in PACKAGE.rglob("*.py"):
        assert path.stem not in ("utils", "helpers", "common"), path
        assert not re.search(r"^\s*print\(", path.read_text("utf-8"), re.MULTILINE), path


def test_importing_the_package_is_quick_because_it_imports_nothing():
    code = "import sys, cvm_analysis; print(*{m.split('.')[0] for m in sys.modules})"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not set(loaded.stdout.split()) & {"pandas", "numpy", "ibis", "matplotlib", "pydantic"}


def test_settings_which_every_notebook_reads_load_no_slow_library():
    code = "import sys, cvm_analysis.settings; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    slow = {"scipy.stats", "scipy.optimize", "lifelines", "sklearn", "matplotlib", "papermill"}
    assert not slow & set(loaded.stdout.split())


def test_environment_yml_installs_what_pyproject_names():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    python = project["requires-python"].removeprefix("==").removesuffix(".*")
    assert environment["name"] == project["name"]
    assert environment["dependencies"][0] == f"python={python}"
    assert environment["dependencies"][-1] == {"pip": ["-e .[dev]"]}


def test_the_lock_pins_every_named_package_within_its_limits():
    from packaging.requirements import Requirement

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    text = "".join(path.read_text("utf-8") for path in sorted(ROOT.glob("requirements*.lock")))
    pinned = dict(re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==(\S+)", text, re.MULTILINE))
    pinned = {name.lower().replace("_", "-"): version for name, version in pinned.items()}
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"], *(each for extra in extras.values() for each in extra)]
    for requirement in map(Requirement, asked):
        if requirement.name == project["name"]:  # an extra of its own
            assert requirement.extras <= extras.keys()
            continue
        version = pinned[requirement.name.lower().replace("_", "-")]
        assert requirement.specifier.contains(version), requirement
    assert "--hash=sha256:" in text
    assert not re.search(r"https?://|index-url|find-links", text)


def test_every_imported_package_is_named_in_pyproject():
    spelled = {"yaml": "pyyaml", "sklearn": "scikit-learn", "ibis": "ibis-framework"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    listed = [*project["dependencies"], *extras["remote"], *extras["spark"]]
    named = {re.match(r"[\w.-]+", each)[0].lower() for each in listed}
    ours = (path for path in PACKAGE.rglob("*.py") if "templates" not in path.parts)
    used = {n.split(".")[0] for path in ours for n in imported(path)}
    foreign = used - set(sys.stdlib_module_names) - {"cvm_analysis"}
    through = {
        "pydantic_core",
        "nbclient",
        "jupyter_client",
        "py4j",
        "IPython",
        "ipykernel",
        "traitlets",
        "typing_extensions",
    }  # part of one we name
    asked = {spelled.get(n, n).lower().replace("_", "-") for n in foreign - through}
    assert asked <= named


@pytest.mark.parametrize(
    "command", [["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]], ids=" ".join
)
def test_code_is_tidy(command):
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


def test_no_machine_and_no_index_is_named_anywhere():
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    words = re.compile(r"/home/|/root/|--(extra-)?index-url|pypi\.org|conda\.anaconda")
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if path.suffix == ".png" or name.startswith("tests/") or not path.is_file():
            continue
        found = words.search(path.read_text("utf-8"))
        assert not found, f"{name}: {found[0]}"


OLD_WORDS = re.compile(
    r"\bnought\b|\bforetold\b|\byardstick\b|def (of|into|on|at|like)\(|_12m\b|\bspend_total\b"
)


def test_the_private_language_is_gone():
    """Words that a newcomer would have to learn first; see docs/method.md for the exceptions."""
    listed = subprocess.run(
        ["git", "ls-files", "src", "notebooks", "docs", "config", "README.md"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in listed.stdout.splitlines():
        if (ROOT / name).suffix != ".png" and (ROOT / name).is_file():
            found = OLD_WORDS.search((ROOT / name).read_text("utf-8"))
            assert not found, f"{name}: {found[0]}"
