"""A raw id, name, phone, e-mail or address in any kind of output stops publication."""

import base64
import json

import nbformat
import pandas as pd
import pytest
import xlsxwriter
from nbformat import v4

from cvm_analysis.errors import InputError
from cvm_analysis.personal import known
from cvm_analysis.run import exposure_gate
from cvm_analysis.run.file_texts import Texts

KEY = known.derive(b"a key for tests, no secret")
VALUES = ["00000001", "XM000035", "何浩然", "Anna Schmidt", "14990067179", "user9@example.com"]
VALUES += ["宁波市城东区解放街73号573室"]
SAFE = "Net sales of C7KQ2ABCDEFGH grew by 12.3% to ¥1,234,567 on 2025-12-31"


def notebook(path, *, source="1 + 1", output=None, metadata=None):
    outputs = [v4.new_output("display_data", data=output)] if output else []
    cell = v4.new_code_cell(source, outputs=outputs, metadata=metadata or {}, id="c")
    nbformat.write(v4.new_notebook(cells=[cell], metadata=metadata or {}), path)


def svg(value):
    picture = f'<svg><path d="M 0.1 2 L 3,4"/><text x="1">{value}</text></svg>'
    return "data:image/svg+xml;base64," + base64.b64encode(picture.encode()).decode()


def workbook(path, value):
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("list")
        sheet.write_string(0, 0, "customer_id")
        sheet.write_string(1, 0, value)
        sheet.write_number(1, 1, 0.5)


def pieces(path, value):
    """Parquet: lists of texts in a cell."""
    pd.DataFrame({"reasons": [[value], ["late"]]}).to_parquet(path)


def attrs(path, value):
    table = pd.DataFrame({"x": [1]})
    table.attrs = {"note": value}
    table.to_parquet(path)


PLANT = {
    "cell.ipynb": lambda p, v: notebook(p, source=f"customers.loc['{v}']"),
    "html.ipynb": lambda p, v: notebook(p, output={"text/html": f"<td>1</td><td>{v}</td>"}),
    "plain.ipynb": lambda p, v: notebook(p, output={"text/plain": f"0  {v}  12.5\n1  x  1"}),
    "picture.ipynb": lambda p, v: notebook(p, output={"text/html": f'<img src="{svg(v)}">'}),
    "svg.ipynb": lambda p, v: notebook(p, output={"image/svg+xml": f"<svg><!-- {v} --></svg>"}),
    "block.ipynb": lambda p, v: notebook(p, output={"application/x-cvm-block": f"<p>{v}</p>"}),
    "metadata.ipynb": lambda p, v: notebook(p, metadata={"about": {"who": v}}),
    "list.csv": lambda p, v: pd.DataFrame({"id": [v], "x": [1]}).to_csv(p, index=False),
    "list.xlsx": workbook,
    "page.html": lambda p, v: p.write_text(f"<p>Call <b>{v}</b> today</p>", "utf-8"),
    "title.html": lambda p, v: p.write_text(f'<a title="{v}" href="#">x</a>', "utf-8"),
    "comment.html": lambda p, v: p.write_text(f"<p>x</p><!-- {v} -->", "utf-8"),
    "image.html": lambda p, v: p.write_text(f'<img alt="x" src="{svg(v)}">', "utf-8"),
    "table.parquet": lambda p, v: pd.DataFrame({"who": [v, None]}).to_parquet(p),
    "category.parquet": lambda p, v: pd.DataFrame({"who": [v]}).astype("category").to_parquet(p),
    "column.parquet": lambda p, v: pd.DataFrame({v: [1.5]}).to_parquet(p),
    "lists.parquet": pieces,
    "attrs.parquet": attrs,
    "run.json": lambda p, v: p.write_text(json.dumps({"notes": [{"what": v}]})),
    "keys.json": lambda p, v: p.write_text(json.dumps({v: 1})),
    "notes.txt": lambda p, v: p.write_text(f"see {v}", "utf-8"),
}


@pytest.fixture(scope="module")
def gate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    known.save(folder, VALUES, KEY)
    return known.load(folder, KEY)


@pytest.mark.parametrize("kind", PLANT)
def test_a_personal_value_in_any_output_stops_publication(tmp_path, gate, kind):
    (tmp_path / "desk").mkdir()
    PLANT[kind](tmp_path / "desk" / kind, SAFE)
    exposure_gate.check(tmp_path, gate, ())
    for value in VALUES:
        PLANT[kind](tmp_path / "desk" / kind, value)
        with pytest.raises(InputError) as error:
            exposure_gate.check(tmp_path, gate, ())
        assert f"  desk/{kind}: " in str(error.value) and value not in str(error.value)


@pytest.mark.parametrize("kind", [int, float])
def test_a_phone_in_a_column_of_numbers_is_found(tmp_path, gate, kind):
    pd.DataFrame({"x": [1.5, 14990067179]}).iloc[1:].astype(kind).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"a\.parquet: 1"):
        exposure_gate.check(tmp_path, gate, ())
    pd.DataFrame({"x": [14990067179.5]}).to_parquet(tmp_path / "a.parquet")
    exposure_gate.check(tmp_path, gate, ())


def test_a_file_is_not_named_after_a_customer(tmp_path, gate):
    (tmp_path / "of 00000001.txt").write_text("x")
    with pytest.raises(InputError, match="1 personal values"):
        exposure_gate.check(tmp_path, gate, ())


def test_words_of_the_config_and_the_program_are_no_finding(tmp_path):
    known.save(tmp_path, ["Demo Flooring", "Net sales"], KEY)
    config, out = tmp_path / "demo.yaml", tmp_path / "out"
    config.write_text("business: Demo Flooring")
    out.mkdir()
    (out / "page.html").write_text("<h1>Net sales of Demo Flooring</h1>")
    exposure_gate.check(out, known.load(tmp_path, KEY), (config,))
    with pytest.raises(InputError, match=r"page\.html: 1"):
        exposure_gate.check(out, known.load(tmp_path, KEY), ())


def test_every_file_of_the_message_is_counted_and_five_are_named(tmp_path, gate):
    for i, value in enumerate(VALUES):
        (tmp_path / f"{i}.txt").write_text(value, "utf-8")
    with pytest.raises(InputError) as error:
        exposure_gate.check(tmp_path, gate, ())
    assert "and 2 more files" in str(error.value)


def test_drawn_coordinates_are_no_text_and_other_attributes_are(tmp_path):
    path = tmp_path / "page.html"
    path.write_text('<path d="M 14990067179 1"/><path d="Anna Schmidt"/><g id="x%20y"/>', "utf-8")
    said = "\n".join(Texts().of_file(path))
    assert "14990067179" not in said and "Anna Schmidt" in said and "x y" in said


LONG = 400_000
ONE_WORD = {
    "letters": "a" * LONG,
    "before an address": "a" * LONG + " x@y.de",
    "digits": "1-" * (LONG // 2) + "x",
    "signs without spaces": "\u4e2d" * LONG,
    "open tags": "<a " * (LONG // 3),
    "brackets": "<" * LONG,
    "open comments": "<!--" * (LONG // 4),
    "open values": '<x y="1"' * (LONG // 8),
}


@pytest.mark.parametrize("kind", ONE_WORD)
def test_one_very_long_word_is_searched_without_trying_each_of_its_signs(tmp_path, gate, kind):
    """In steps that grow with its length: with its square, this would take hours."""
    notebook(tmp_path / "cell.ipynb", output={"text/plain": ONE_WORD[kind]})
    exposure_gate.check(tmp_path, gate, ())


def test_a_cell_of_a_list_may_be_long(tmp_path, gate):
    pd.DataFrame({"text": [ONE_WORD["letters"]]}).to_csv(tmp_path / "list.csv", index=False)
    exposure_gate.check(tmp_path, gate, ())
