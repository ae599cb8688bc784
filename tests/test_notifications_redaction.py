"""What is told of an error names places and counts, and no value of the data."""

import pytest

from cvm_analysis.notifications.redaction import redact

SECRETS = ("张三", "Ann", "ann@example.com", "1380013", "C7K3QMZ2ABCDE", "00001234", "6.92538")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("KeyError: 'C7K3QMZ2ABCDE'", "KeyError"),
        ("KeyError: ", "KeyError"),
        ("error: Ann", "error"),
        ("prepared: damaged; run again", "prepared: damaged"),
        ("ValueError: could not convert Ann\n and 张三", "ValueError"),
        (
            "OSError: [Errno 28] No space left on device: '/r/Ann'",
            "OSError: [Errno 28] No space left on device: …",
        ),
        ("not done after 3,600 seconds", "not done after 3,600 seconds"),
        (
            "config/mine.yaml line 14: raw/sales2024.csv has no column 'Ann'; known are 张三, Ann",
            "config/mine.yaml line 14: raw/sales2024.csv has no column …",
        ),
        (
            "raw/sales.csv: 212 of 40,318 cells lost digits, the first on line 3 (6.92538E+12)",
            "raw/sales.csv: 212 of 40,318 cells lost digits, the first on line 3 …",
        ),
        (
            "2 numbers have a decimal comma, such as 1380013,5; set x",
            "2 numbers have a decimal comma",
        ),
        ("customer C7K3QMZ2ABCDE twice on 2026-01-31", "customer … twice on 2026-01-31"),
        ("customer CABCDEFGHIJKL twice", "customer … twice"),
        ("customer 12345, 1 of 12,345 on line 1,234", "customer …, 1 of 12,345 on line 1,234"),
        ("customer 00001234 of ann@example.com, call 138 0013 8000", "customer … of …, call …"),
        (
            "mine.yaml: too many bad rows\n  no_date: 12 rows of 3,000 (“张三”)\n  see `x`",
            "mine.yaml: too many bad rows\nno_date: 12 rows of 3,000 …\nsee …",
        ),
        ("", ""),
    ],
)
def test_places_and_counts_stay_and_values_go(said, told):
    assert redact(said) == told
    assert not any(each in redact(said) for each in SECRETS)


def test_a_long_message_is_cut():
    assert redact("x " * 500).endswith("…") and len(redact("x " * 500)) == 200
    assert redact("\n".join("abcdefg")).splitlines() == ["a", "b", "c", "d", "e", "…"]
