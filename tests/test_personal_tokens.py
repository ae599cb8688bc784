"""A value is found in a text however it is written there; everyday words and figures are not."""

import pytest

from cvm_analysis.personal import tokens

FOUND = [  # a value of a customer's record, and a text that shows it
    ("000123456", "customer 000123456."),
    ("00000001", "00000001,retail"),
    ("XM000035", "id=xm000035"),
    ("C-000-123", "c-000-123 is late"),
    ("B_2002", "order of B_2002"),
    ("13800138000", "call 138-0013-8000 today"),
    ("138 0013 8000", "电话13800138000。"),
    ("+86 138 0013 8000", "13800138000"),
    ("13800138000", "+86 138.0013.8000"),
    ("13800138000", "13800138000.0"),
    ("０１３８００１３８０", "0138001380"),
    ("Lee.Wong@Example.com", "write to lee.wong@example.com!"),
    ("Anna Schmidt", "ANNA SCHMIDT is angry"),
    ("Anna Schmidt", "Schmidt, Anna"),
    ("José Núñez", "jose nunez"),
    ("Анна Иванова", "у анна иванова"),
    ("王小明", "客户王小明投诉"),
    ("欧阳小明", "欧阳小明"),
    ("김철수", "김철수 고객"),
    ("宏达地产有限公司", "由宏达地产有限公司下单"),
    ("Müller & Sons Flooring of Berlin Ltd", "Muller & Sons Flooring of Berlin Ltd."),
    ("宁波市城东区解放街73号573室", "送到解放街73号"),
    ("12 High Street, Leeds", "lives at 12 High Street"),
    ("Hauptstr. 12, 10115 Berlin", "Hauptstr. 12"),
]


@pytest.mark.parametrize(("value", "text"), FOUND)
def test_a_value_is_found_in_a_text(value, text):
    assert tokens.of_value(value) & tokens.find(text)


@pytest.mark.parametrize(("value", "text"), FOUND)
def test_it_is_not_found_in_another_text(value, text):
    own = tokens.of_value(value)
    others = [other for each, other in FOUND if not tokens.of_value(each) & own]
    others += ["王大明", "Anna Maria", "net sales of 1,234,567", "2025-12-31"]
    assert not own & {token for other in others for token in tokens.find(other)}


@pytest.mark.parametrize("value", ["123456", "Anna", "王明", "A1", "", "-", "12 34"])
def test_short_numbers_and_single_words_are_not_searched(value):
    assert tokens.of_value(value) == set()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1234567", "¥1,234,567"),
        ("1234567", "0.1234567"),
        ("1234567", "1234567.89"),
        ("1234567", "a1234567b"),
        ("20251231", "2025-12-31"),
        ("20251231", "2025/12/31"),
        ("1234567", "12345678"),
    ],
)
def test_amounts_and_dates_are_no_ids(value, text):
    assert tokens.of_value(value) and not tokens.of_value(value) & tokens.find(text)


def test_what_was_searched_is_not_searched_again():
    parts = set()
    assert "00000001" in tokens.find("00000001\nanna schmidt", parts)
    assert tokens.find("00000001\n00000002", parts) == {"00000002"}
