"""No word a reader meets is written outside texts/: not in code, not in templates, not in CSS."""

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "src" / "cvm_analysis"
DRAWING = sorted([*PACKAGE.glob("charts/*.py"), *PACKAGE.glob("report/*.py")])
TEMPLATES = sorted(PACKAGE.glob("report/templates/*.html"))
CHINESE = re.compile("[\u4e00-\u9fff]")
WORDS = re.compile(r"[A-Za-z]{2,} [A-Za-z]{2,}|^[A-Z][a-z]+\W*$|^\s+[A-Za-z]+|[A-Za-z]\s+$")
FOR_TESTS = ("__repr__", "digest")  # what tests of notebooks compare, and no page shows
NOT_READ = re.compile(  # options of matplotlib, metadata of SVG, tags
    "offset points|(upper|lower|center) (left|right)|Date|Creator|Format|Type|<.*|.*<img.*"
)


def literals(tree):
    """Line and text of every string in a function that is no docstring and in no `raise`."""
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
    functions = [n for n in functions if n.name not in FOR_TESTS]
    for function in functions:
        unread = {id(n) for part in ast.walk(function) if _is_unread(part) for n in ast.walk(part)}
        for node in ast.walk(function):
            is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
            if is_text and id(node) not in unread:
                yield node.lineno, node.value


def _is_unread(node):
    is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return is_docstring or isinstance(node, ast.Raise)


def outside_tags(html):
    """What of a template is neither tag nor expression."""
    plain = re.sub(r"{#.*?#}|{%.*?%}|{{.*?}}", "", html, flags=re.DOTALL)
    return re.sub(r"<[^>]*>", "", plain)


@pytest.mark.parametrize("path", DRAWING, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_figures_and_blocks_say_only_what_the_texts_say(path):
    found = [
        f"line {line}: {text}"
        for line, text in literals(ast.parse(path.read_text("utf-8")))
        if WORDS.search(text) and not NOT_READ.fullmatch(text)
    ]
    assert not found


def test_no_chinese_stands_in_code():
    """But where Chinese files are made or read, and in a name the config falls back to."""
    code = [path for path in PACKAGE.rglob("*.*") if path.suffix in (".py", ".html", ".css")]
    found = [path.relative_to(PACKAGE) for path in code if CHINESE.search(path.read_text("utf-8"))]
    rooms = ("sample", "sources", "intake", "draft", "settings")
    assert not [path for path in found if path.parts[0] not in rooms]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_have_no_words_of_their_own(path):
    html = path.read_text("utf-8")
    assert not re.search(r"[^\W\d_]", outside_tags(html))
    shown = re.findall(r'(?:aria-label|alt|title|data-name|placeholder)="([^"]*)"', html)
    assert shown == [] or all(value.startswith("{{") for value in shown)


def test_style_sheets_write_signs_only():
    for path in PACKAGE.glob("report/templates/*.css"):
        written = re.findall(r'content:\s*"([^"]*)"', path.read_text("utf-8"))
        assert not [w for w in written if re.search("[A-Za-z]", re.sub(r"\\[0-9a-f]+", "", w))]


def test_this_test_finds_words():
    code = "def f(ax):\n    'Doc here.'\n    ax.set_title('Revenue')\n    raise E('not read')"
    assert [text for _, text in literals(ast.parse(code))] == ["Revenue"]
    assert all(map(WORDS.search, ("Revenue", "Note: ", "per month", " of", "about ")))
    assert not any(map(WORDS.search, ("n_orders", "center", "#5a6675", "report.title")))
    assert outside_tags("<p title='x'>{{ a }} and {% if b %}").strip() == "and"
