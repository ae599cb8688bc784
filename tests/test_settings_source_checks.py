"""Settings of files that cannot be meant are errors with their line."""

import pytest
import yaml
from mutations import config

from cvm_analysis import validate
from cvm_analysis.errors import ConfigError, InputError
from cvm_analysis.intake.prepare import prepare, rehearse
from cvm_analysis.prepared import open as open_tables
from cvm_analysis.prepared import stamp

SALES = (
    'cust,day,amt,地区\n0001,05.03.2024 23:30 +0000,"1.234,56",东\n'
    '2,06.03.2024 08:00 +0800,"(9,450)",西\n'
)


def written(folder, source=(), regions=None, sales=SALES, people=""):
    made = config("sales.csv")
    made["sources"]["transactions"][0] |= dict(source)
    made["regions"] |= regions or {}
    if people:
        (folder / "people.csv").write_text(people, "utf-8")
        made["sources"]["customers"] = [{"files": "people.csv", "columns": {"customer_id": "id"}}]
    (folder / "sales.csv").write_text(sales, "utf-8")
    (folder / "tiny.yaml").write_text(yaml.safe_dump(made, allow_unicode=True), "utf-8")
    return folder / "tiny.yaml"


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ({"formats": {"ordered_at": "%Y-%m-%s"}}, "%s means nothing"),
        ({"formats": {"ordered_at": "%H:%M"}}, "names no day or no year"),
        ({"formats": {"ordered_at": "%Y-%m-%d %"}}, "means nothing"),
        ({"sheet": "Sales"}, "only .xlsx files have sheets"),
        ({"decimal": "dot"}, "'point' or 'comma'"),
    ],
)
def test_what_no_file_can_have_is_refused(tmp_path, source, says):
    with pytest.raises(ConfigError, match=r"tiny\.yaml line \d+: .*") as error:
        validate.check(written(tmp_path, source))
    assert says in str(error.value)


def test_no_region_may_be_called_as_the_company(tmp_path):
    with pytest.raises(ConfigError, match="'all' is the whole company"):
        validate.check(written(tmp_path, regions={"all": {"en": "A", "zh": "全"}}))


def test_a_file_that_is_cut_off_is_found_by_cvm_check(tmp_path):
    path = written(tmp_path)
    (tmp_path / "sales.csv").write_bytes((SALES * 2000).encode()[:-2])
    settings = validate.check(path)  # the header is good
    with pytest.raises(InputError, match="cut off, line"), rehearse(settings):
        pass


def test_two_columns_of_one_header_are_found_by_cvm_check(tmp_path):
    sales = SALES.replace("地区", "地区,amt").replace("东", "东,1").replace("西", "西,1")
    with pytest.raises(ConfigError, match="called 'amt': the columns 3 and 5"):
        validate.check(written(tmp_path, sales=sales))


def test_a_source_says_how_its_cells_are_written(tmp_path):
    """23:30 UTC on 5 March is 07:30 on 6 March in Shanghai."""
    how = {"decimal": "comma", "formats": {"ordered_at": "%d.%m.%Y %H:%M %z"}}
    settings = validate.check(written(tmp_path, how, people="id\n1\n2\n"))
    settings.business.rules.stop_above["default"] = 1.0
    prepare(settings)
    found = open_tables(settings, "all").transactions.order_by("amount").to_pandas()
    assert [float(each) for each in found["amount"]] == [-9.45, 1234.56]
    assert [str(each) for each in found["ordered_at"]] == [
        *("2024-03-06 08:00:00", "2024-03-06 07:30:00"),
    ]
    (note,) = stamp(settings)["notes"]
    assert note.startswith("customers: 1 of 2 customer ids are in transactions; 1 more would be")
