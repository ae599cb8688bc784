"""Files that are read together: each as if it were alone, however many they are."""

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from raw_business import write

from cvm_analysis import prepared as prepared_tables
from cvm_analysis import settings as settings_module
from cvm_analysis.errors import InputError
from cvm_analysis.intake import corrections
from cvm_analysis.intake.prepare import prepare

DAILY = """
files: day_*.csv
region: main
columns: {customer_id: who, ordered_at: day, amount: paid}
"""
REGIONS = "{nord: {en: North, zh: 北部}, sued: {en: South, zh: 南部}}"
TWO_REGIONS = """
files: a.csv
region: nord
columns: {customer_id: who, ordered_at: day, amount: paid}
"""
OTHERS = """
    - {files: b.csv, region: sued, encoding: gb18030,
       columns: {customer_id: 客户, ordered_at: 日期, amount: 金额}}
    - {files: c.csv, region: nord, columns: {customer_id: who, ordered_at: day, amount: paid}}
"""


def business(folder, source, files, limit=1, regions=None, more=""):
    """The settings of a business whose order lines are in these files."""
    path = write(folder, source, files)
    text = path.read_text("utf-8").replace("{default: 0}", f"{{default: {limit}}}") + more
    if regions:
        text = text.replace("{main: {en: Main, zh: 主区域}}", regions)
    path.write_text(text, "utf-8")
    return settings_module.load(path)


def daily(*files):
    """A file for each: a header and its lines."""
    return {
        f"day_{number:03}.csv": "\n".join(["who,day,paid", *lines, ""])
        for number, lines in enumerate(files)
    }


def lines_of(settings):
    found = prepared_tables.open(settings, "all").to_pandas("transactions")
    return found.assign(amount=found["amount"].astype(float)).sort_values("amount")


def quarantine(settings):
    found = pd.read_parquet(settings.prepared / "quarantine.parquet")
    return found[["file", "line", "rule"]].to_numpy().tolist()


def n_repeated(settings):
    found = pd.read_parquet(settings.prepared / "quality.parquet")
    return found[(found["check"] == "repeated_line") & (found["region"] == "all")]["n_rows"].sum()


def test_a_file_for_each_day_of_a_year(tmp_path):
    days = pd.date_range("2025-01-01", periods=365)
    files = [[f"c{n % 7},{at:%Y-%m-%d},{n + 1}"] for n, at in enumerate(days)]
    files[200] += ["c1,soon,1"]
    files[201] += files[201]
    settings = business(tmp_path, DAILY, daily(*files))
    prepare(settings)
    found = lines_of(settings)
    assert found["amount"].drop_duplicates().tolist() == [*range(1, 366)]
    assert found["ordered_at"].dt.normalize().drop_duplicates().tolist() == [*days]
    assert quarantine(settings) == [["day_200.csv", 3, "no_date"]]
    assert n_repeated(settings) == 1
    stamp = prepared_tables.stamp(settings)
    assert [file["n_rows"] for file in stamp["files"]] == [*[1] * 200, 2, 2, *[1] * 163]


def test_files_of_other_regions_headers_and_encodings(tmp_path):
    files = {
        "a.csv": "who,day,paid\na,2025-01-01,1\nb,2025-01-02,2\n",
        "b.csv": "",
        "c.csv": "paid,extra,who,day\n4,x,d,2025-01-04\n5,x,e\n",
    }
    settings = business(tmp_path, TWO_REGIONS, files, regions=REGIONS, more=OTHERS)
    text = "日期,客户,金额\n2025-01-03,丙,3\n2025-01-03,丙,3\n"
    (tmp_path / "b.csv").write_bytes(text.encode("gb18030"))
    prepare(settings)
    named = pd.read_parquet(settings.prepared / "transactions")
    found = named.assign(amount=named["amount"].astype(float)).sort_values("amount")
    assert found[["customer_id", "amount", "region"]].to_numpy().tolist() == [
        *(["a", 1, "nord"], ["b", 2, "nord"]),
        *(["丙", 3, "sued"], ["丙", 3, "sued"], ["d", 4, "nord"]),
    ]
    assert n_repeated(settings) == 1
    assert quarantine(settings) == [["c.csv", 3, "wrong_number_of_cells"]]


@pytest.mark.parametrize(
    ("second", "third", "said"),
    [
        ("c1,2025-01-02,1.5", 'c1,2025-01-03,"1,5"', "day_002.csv: 1 numbers have a decimal comma"),
        ("c1,2025-01-02,1.5", 'c1,2025-01-03,"1,234"', "day_002.csv: 1 numbers may mean two"),
        ("c1,2025-01-02,2", "1.2E+12,2025-01-03,3", "day_002.csv: 1 cells of customer_id"),
    ],
)
def test_each_file_is_judged_by_itself_and_named(tmp_path, second, third, said):
    settings = business(tmp_path, DAILY, daily(["c1,2025-01-01,1.5"], [second], [third]))
    with pytest.raises(InputError, match=said):
        prepare(settings)


def test_a_correction_is_of_its_file_alone(tmp_path):
    line = "c1,soon,1"
    settings = business(tmp_path, DAILY, daily([line], [line], ["c2,2025-01-03,3"]))
    prepare(settings)
    rejected = pd.read_parquet(settings.prepared / "quarantine.parquet")
    new = corrections.from_options(rejected, "day_001.csv:2", {"ordered_at": "2025-01-02"})
    corrections.add(settings, new)
    prepare(settings)
    assert lines_of(settings)["ordered_at"].dt.day.tolist() == [2, 3]
    assert quarantine(settings) == [["day_000.csv", 2, "no_date"]]


def test_parquet_files_keep_their_own_types(tmp_path):
    settings = business(tmp_path, DAILY.replace("csv", "parquet"), {})
    days = [pd.Timestamp("2025-01-01"), pd.Timestamp("2025-01-02")]
    paid = [[1.5], [2.5], ["3.5"], [4.5]]
    for number, amounts in enumerate(paid):
        table = {"who": [f"c{number}"], "day": days[:1], "paid": amounts}
        pq.write_table(pa.table(table), tmp_path / f"day_{number}.parquet")
    prepare(settings)
    assert lines_of(settings)["amount"].tolist() == [1.5, 2.5, 3.5, 4.5]
    assert lines_of(settings)["customer_id"].tolist() == ["c0", "c1", "c2", "c3"]


def test_parquet_files_of_other_headers(tmp_path):
    named = "{files: %s, region: main, columns: {customer_id: %s, ordered_at: day, amount: paid}}"
    other = f"\n    - {named % ('b.parquet', 'client')}\n"
    settings = business(tmp_path, named % ("a.parquet", "who"), {}, more=other)
    day = [pd.Timestamp("2025-01-01")]
    for file, header, paid in (("a", "who", 1.5), ("b", "client", 2.5)):
        table = pa.table({header: [file], "day": day, "paid": [paid]})
        pq.write_table(table, tmp_path / f"{file}.parquet")
    prepare(settings)
    found = lines_of(settings)[["customer_id", "amount"]]
    assert found.to_numpy().tolist() == [["a", 1.5], ["b", 2.5]]
