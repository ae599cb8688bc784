"""Is a wrong call in a notebook caught by the figures that its cells are compared with?

Runs the notebooks once and lists single faults of their calls: two arguments swapped, before for
after, 1 - share, another table or value of the same kind, a keyword left out, a comparison
reversed. Draws some, the kind first, and runs the notebooks again: where a cell has a drawn fault,
the process is forked, and the fork runs that cell and those after it until one fails or shows other
figures than are stored (what nbval compares). A fault that changes neither a file nor anything
shown is none; the next one drawn takes its place.
    python benchmarks/notebook_faults.py [faults of a draw] [seed ...]
"""

import ast
import datetime as dt
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from itertools import chain, combinations
from pathlib import Path
from types import FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

import nbformat
import numpy as np
import pandas as pd
from IPython.core.interactiveshell import InteractiveShell

ROOT = Path(__file__).parent.parent
CHECKS = "# NBVAL_CHECK_OUTPUT"  # how cells of key figures begin, which are the check itself
TIMES = {
    "then",
    "now",
    "before",
    "after",
    "earlier",
    "later",
    "past",
    "today",
    "first",
    "last",
    "-1",
}
REVERSED = {
    ast.Eq: "!=", ast.NotEq: "==", ast.Lt: ">=", ast.GtE: "<", ast.Gt: "<=", ast.LtE: ">",
    ast.Is: "is not", ast.IsNot: "is", ast.In: "not in", ast.NotIn: "in",
}  # fmt: skip
UNUSED = (type(None), type, str, ModuleType, FunctionType, MethodType)  # kinds nothing stands for
Values = dict[str, Any]


class Fault(NamedTuple):
    """A change of one cell."""

    notebook: str
    cell: int
    kind: str
    right: str
    wrong: str
    source: str  # the whole cell with it

    @property
    def place(self) -> tuple[str, int, str]:
        """Where it is."""
        return self.notebook, self.cell, self.right


# What stands for what, once a cell has run.


def look_at(source: str, names: Values) -> dict[str, dict[str, Any]]:
    """Say of each expression within a call what else could stand there, once the cell has run."""
    own = {k: v for k, v in names.items() if not k.startswith("_") and k not in ("In", "Out")}
    found = {}
    for node in _within_calls(ast.parse(source)):
        text = ast.unparse(node)
        try:
            value = eval(text, dict(names))
            found[text] = {
                "others": [] if _kind(value) is None else list(_others(node, value, own)),
                "is_date": isinstance(value, dt.date),
                "is_share": _is_share(value),
            }
        except Exception:  # a name of a comprehension
            continue
    return found


def _others(node: ast.expr, value: Any, names: Values) -> Iterator[str]:
    """Expressions of the same kind: other names, other keys or attributes of the same object."""
    beside, pattern = names, "{}"
    if isinstance(node, ast.Attribute | ast.Subscript):
        base, text = eval(ast.unparse(node.value), dict(names)), ast.unparse(node.value)
        if isinstance(node, ast.Attribute):
            fields = [x for x in dir(base) if not x.startswith(("_", "model_"))]
            beside, pattern = {x: getattr(base, x, None) for x in fields}, text + ".{}"
        elif isinstance(base, list | tuple):
            beside, pattern = {"0": base[0], "-1": base[-1]}, text + "[{}]"
        else:
            keys = [x for x in base if isinstance(x, str)]
            beside, pattern = {f'"{x}"': base[x] for x in keys}, text + "[{}]"
        if isinstance(base, pd.DataFrame | pd.Series) and isinstance(node, ast.Attribute):
            return
    for name, other in beside.items():
        if other is not value and _kind(other) == _kind(value):
            yield pattern.format(name)


def _kind(value: Any) -> Any:
    """What two values have in common that can stand for each other; None of what never does."""
    if isinstance(value, UNUSED):
        return None
    if isinstance(value, pd.DataFrame):
        return "table", tuple(map(str, value.columns))
    if isinstance(value, pd.Series):
        return "column", value.dtype.kind
    if isinstance(value, list | tuple):
        return type(value), len(value), _kind(value[0]) if value else None
    return type(value)


def _is_share(value: Any) -> bool:
    """Whether it is a number, or are numbers, from 0 to 1."""
    if isinstance(value, pd.DataFrame | pd.Series | float):
        try:
            numbers = np.asarray(value, dtype=float)
        except (TypeError, ValueError):
            return False
        known = numbers[np.isfinite(numbers)]
        return bool(known.size and known.min() >= 0 and known.max() <= 1)
    return False


def _within_calls(tree: ast.AST) -> Iterator[ast.expr]:
    """Names, attributes and items that are read in arguments, or whose method is called."""
    seen = set()
    for call in (each for each in ast.walk(tree) if isinstance(each, ast.Call)):
        parts: list[ast.AST] = [*call.args, *call.keywords]
        parts += [call.func.value] if isinstance(call.func, ast.Attribute) else []
        functions = [id(each.func) for p in parts for each in ast.walk(p) if hasattr(each, "func")]
        for node in (each for part in parts for each in ast.walk(part)):
            if not isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
                continue
            if id(node) not in seen and id(node) not in functions:
                seen.add(id(node))
                yield node


# The faults of a cell.


def list_faults(notebook: str, cell: int, source: str, looked: Values, known: set[str]) -> list:
    """List all single faults of a cell's calls.

    looked : what `look_at` found
    known : the names that cells before this one set
    """
    found = []
    for statement in ast.parse(source).body:
        for node, kind, wrong in _changes(statement, source, looked, known):
            text = _splice(source, node, wrong)
            right = ast.get_source_segment(source, node) or ""
            found.append(Fault(notebook, cell, kind, right, wrong, text))
        known = known | {n.id for n in ast.walk(statement) if isinstance(n, ast.Name)}
    return found


def _changes(
    statement: ast.stmt, source: str, looked: Values, known: set[str]
) -> Iterator[tuple[ast.expr, str, str]]:
    """Node, kind of fault, and what takes its place."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Call):
            yield from ((node, *each) for each in _of_call(node, source))
        elif isinstance(node, ast.Compare) and len(node.ops) == 1:
            left, right = (ast.unparse(each) for each in (node.left, node.comparators[0]))
            yield node, "reversed", f"{left} {REVERSED[type(node.ops[0])]} {right}"
        elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
            yield node, "reversed", str(not node.value)
    for node in _within_calls(statement):
        if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
            text = ast.unparse(node)
            of = looked.get(text, {"others": [], "is_date": False, "is_share": False})
            for other in of["others"]:
                if isinstance(node, ast.Name) and other not in known:
                    continue
                in_time = of["is_date"] or (_words(text) ^ _words(other)) & {*TIMES, "-1"}
                yield node, "before for after" if in_time else "another", other
            if of["is_share"]:
                yield node, "1 - share", f"(1 - {text})"


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+|-1", text.replace("_", " ")))


def _of_call(call: ast.Call, source: str) -> Iterator[tuple[str, str]]:
    """Two arguments swapped; a keyword left out."""
    function = ast.unparse(call.func)
    args, keywords = ([ast.unparse(each) for each in part] for part in (call.args, call.keywords))
    if any(isinstance(each, ast.GeneratorExp) for each in call.args):
        return
    for i, j in combinations(range(len(args)), 2):
        if args[i] != args[j]:
            swapped = [*args]
            swapped[i], swapped[j] = args[j], args[i]
            yield "swapped", f"{function}({', '.join([*swapped, *keywords])})"
    for left_out in keywords:
        kept = [each for each in keywords if each != left_out]
        yield "left out", f"{function}({', '.join([*args, *kept])})"


def _splice(source: str, node: ast.expr, wrong: str) -> str:
    lines = source.encode().splitlines(keepends=True)
    starts = [sum(map(len, lines[:i])) for i in range(len(lines))]
    begin = starts[node.lineno - 1] + node.col_offset
    end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
    text = source.encode()
    return (text[:begin] + wrong.encode() + text[end:]).decode()


# Running notebooks.


class Shell:
    """A notebook's cells and the process that runs them."""

    def __init__(self, name: str) -> None:
        found = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4).cells
        self.name = name
        self.cells = {i: cell for i, cell in enumerate(found) if cell.cell_type == "code"}
        self.shell = InteractiveShell.instance()
        self.shell.showtraceback = lambda *_, **__: None
        pd.set_option("display.max_columns", 20)  # as in a kernel

    def run(self, source: str) -> dict[str, Any]:
        """Run a cell and return what it shows, in every shape."""
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            done = self.shell.run_cell(source, store_history=False)
            shown = self.shell.display_formatter.format(done.result)[0] if done.success else {}
        done.raise_error()
        return {} if done.result is None else shown

    def is_as_stored(self, i: int, shown: dict[str, Any]) -> bool:
        """Whether what a cell shows is what nbval would take for the stored."""
        stored = [output["data"]["text/plain"] for output in self.cells[i].outputs]
        return not stored or stored == [shown.get("text/plain")]


def _files(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def _in_a_fork(work: Callable[[], Any], result: Path, seconds: int = 600) -> Any:
    """What `work` returns, done in a copy of this process; None if it does not end."""
    sys.stdout.flush()
    result.unlink(missing_ok=True)
    child = os.fork()
    if not child:
        try:
            signal.alarm(seconds)
            result.write_text(json.dumps(work()))
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    return json.loads(result.read_text()) if result.is_file() else None


def look_through(name: str) -> dict[str, Any]:
    """Run a notebook; return its faults and what each cell shows."""
    shell = Shell(name)
    faults: list[Fault] = []
    shown, known = {}, set()
    for i, cell in shell.cells.items():
        shown[i] = shell.run(cell.source)
        assert shell.is_as_stored(i, shown[i]), f"{name}, cell {i}: other figures than stored"
        if not cell.source.startswith(CHECKS):
            looked = look_at(cell.source, shell.shell.user_ns)
            faults += list_faults(name, i, cell.source, looked, known)
        nodes = ast.walk(ast.parse(cell.source))
        known |= {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return {"faults": faults, "shown": shown}


def judge_all(faults: list[Fault], right: dict, drafts: Path, temp: Path) -> list[list]:
    """Run a notebook, with each of its faults in a fork; return faults and verdicts."""
    shell = Shell(faults[0].notebook)
    after, verdicts = temp / f"after {shell.name}", []
    for i, cell in shell.cells.items():
        for fault in (each for each in faults if each.cell == i):
            shutil.copytree(drafts, temp / "kept")
            left = (fault, right, drafts, _files(after))
            verdict = _in_a_fork(lambda left=left: judge(shell, *left), temp / "verdict")
            verdicts.append([fault, verdict or "did not end"])
            shutil.rmtree(drafts)
            (temp / "kept").rename(drafts)
        shell.run(cell.source)
    return verdicts


def judge(shell: Shell, fault: Fault, right: dict, drafts: Path, files: dict) -> str:
    """Go on with a fault; say what caught it."""
    is_same = True
    for i, cell in shell.cells.items():
        if i < fault.cell:
            continue
        try:
            shown = shell.run(fault.source if i == fault.cell else cell.source)
        except BaseException as error:
            return f"{type(error).__name__} in cell {i}"
        if not shell.is_as_stored(i, shown):
            return f"figures of cell {i}"
        is_same = is_same and json.loads(json.dumps(shown)) == right[str(i)]
    return "no fault" if is_same and _files(drafts) == files else "not caught"


def draw(faults: list[Fault], seed: int) -> Iterator[Fault]:
    """Draw a kind, then a place, then what is wrong there; each fault once."""
    rng = random.Random(seed)
    left = [*faults]
    while left:
        kind = rng.choice(sorted({each.kind for each in left}))
        place = rng.choice(sorted({each.place for each in left if each.kind == kind}))
        fault = rng.choice([f for f in left if f.kind == kind and f.place == place])
        left.remove(fault)
        yield fault


def main(n: int, seeds: list[int]) -> None:
    """Print each fault and what caught it, and the total of each seed."""
    with tempfile.TemporaryDirectory() as folder:
        temp, drafts = Path(folder), Path(folder) / "drafts"
        os.environ["CVM_DRAFTS"] = str(drafts)
        os.chdir(ROOT / "notebooks")
        drafts.mkdir()
        faults, right = [], {}
        for name in sorted(path.stem for path in Path().glob("*.ipynb")):
            shutil.copytree(drafts, temp / f"before {name}")
            looked = _in_a_fork(lambda name=name: look_through(name), temp / "looked")
            assert looked, f"{name} does not run"
            shutil.copytree(drafts, temp / f"after {name}")
            right[name] = looked["shown"]
            faults += [Fault(*each) for each in looked["faults"]]
            print(f"{name}: {len(looked['faults']):,} possible faults", flush=True)
        spare = n + n // 2  # for those that are none
        drawn = {s: [f for f, _ in zip(draw(faults, s), range(spare))] for s in seeds}  # noqa: B905
        verdicts: dict[Fault, str] = {}
        for name in right:
            here = [f for f in dict.fromkeys(chain(*drawn.values())) if f.notebook == name]
            shutil.rmtree(drafts)
            shutil.copytree(temp / f"before {name}", drafts)
            if here:
                work = (here, right[name], drafts, temp)
                said = _in_a_fork(lambda work=work: judge_all(*work), temp / "said", 3600)
                verdicts |= {Fault(*fault): verdict for fault, verdict in said}
                print(f"{name}: {len(here)} drawn and tried", flush=True)
    for seed in seeds:
        tell(seed, [f for f in drawn[seed] if verdicts[f] != "no fault"][:n], verdicts)


def tell(seed: int, faults: list[Fault], verdicts: dict[Fault, str]) -> None:
    """Print the table of a draw."""
    print(f"\nSeed {seed}\n\n| notebook, cell | kind | fault | caught by |")
    print("| --- | --- | --- | --- |")
    for f in faults:
        change = " ".join(f"`{f.right}` -> `{f.wrong}`".split())
        print(f"| {f.notebook}, {f.cell} | {f.kind} | {change} | {verdicts[f]} |")
    missed = sum(verdicts[f] in ("not caught", "did not end") for f in faults)
    by_figures = sum(verdicts[f].startswith("figures") for f in faults)
    print(f"\n{len(faults) - missed} of {len(faults)} caught, {by_figures} by figures alone")


if __name__ == "__main__":
    numbers = [int(each) for each in sys.argv[1:]]
    main(numbers[0] if numbers else 40, numbers[1:] or [0])
