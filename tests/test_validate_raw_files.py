"""Raw files that are missing, cannot be read or lack a header, with the line of the config."""

import pytest
from sample_config import change, line_of, refused


def test_a_raw_file_that_is_not_there(config):
    line = change(config / "sample.yaml", "raw/sales_south.csv", "raw/sales_suoth.csv")
    place = config.parent / "data" / "sample" / "raw" / "sales_suoth.csv"
    assert refused(config) == [
        f"sample.yaml line {line}: no file {place}; add it or correct the path"
    ]


def test_a_header_that_the_file_does_not_have(config):
    line = change(config / "sample.yaml", "order_id: Order No", "order_id: Order Nr")
    found = refused(config)  # two files share these columns
    assert len(found) == 2 and all(text.startswith(f"sample.yaml line {line}: ") for text in found)
    assert "sales_south.csv has no column 'Order Nr'; did you mean 'Order No'?" in found[0]


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "an empty file"), (b"\xe5\xae\xa2,x\n\xff\xff,1\n", "decoded")]
)
def test_a_raw_file_that_cannot_be_opened(config, content, said):
    (config.parent / "odd.csv").write_bytes(content)
    line = change(config / "sample.yaml", "../data/sample/raw/sales_south.csv", "../odd.csv")
    found = refused(config)
    assert found[0].startswith(f"sample.yaml line {line}: ")
    assert "odd.csv" in found[0] and said in found[0]


def test_a_column_of_regions_that_a_file_does_not_have(config):
    text = (config / "online_retail.yaml").read_text("utf-8")
    folder = config.parent / "raw"
    folder.mkdir()
    names = "CustomerID,InvoiceNo,StockCode,Description,Quantity,UnitPrice,InvoiceDate,Country"
    for name, header in (("a", names), ("b", names.replace("Country", "Land"))):
        (folder / f"{name}.csv").write_text(header + "\n", "utf-8")
    files = "${CVM_DATA:-../data/raw}/online_retail.csv.gz"
    (config / "sample.yaml").write_text(text.replace(files, "../raw/*.csv"), "utf-8")
    line = line_of(config / "sample.yaml", "from: Country")
    (found,) = refused(config)
    assert found.startswith(f"sample.yaml line {line}: {folder / 'b.csv'} has no column 'Country'")
