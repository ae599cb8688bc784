"""File names say business, region and date, in any script and for any system."""

import pytest

from cvm_analysis import file_names


@pytest.mark.parametrize(
    ("business", "name"),
    [
        ("Demo Flooring", "Demo-Flooring"),
        ("地板之家（华东）有限公司", "地板之家-华东-有限公司"),
        ("Bücher & Möbel GmbH", "Bücher-Möbel-GmbH"),
        ("ร้านพื้นไม้", "ร้านพื้นไม้"),  # vowel signs are marks, not letters
        ("../../etc/passwd", "etc-passwd"),
        ('a<b>c:d"e|f?g*h\\i\x00j', "a-b-c-d-e-f-g-h-i-j"),
        ("evil\u202egnp.exe", "evil-gnp-exe"),  # no sign that turns the reading direction
        ("\uff21\uff22\uff11", "AB1"),
        ("☃ / .. ", "report"),
    ],
)
def test_letters_and_digits_of_any_script_are_kept(business, name):
    assert file_names.slug(business) == name
    assert file_names.slug(name) == name


def test_composed_and_decomposed_letters_give_one_name():
    assert file_names.slug("Mo\u0308bel") == file_names.slug("M\u00f6bel") == "M\u00f6bel"


def test_a_long_name_is_cut_between_letters():
    name = file_names.slug("地" * 100)
    assert name == "地" * 40  # 120 bytes of three each
    assert file_names.slug("a" * 119 + "地") == "a" * 119


def test_a_report_is_named_by_business_region_and_date():
    assert file_names.stem("Demo Flooring", "east", "2025-12-31") == "Demo-Flooring-east-2025-12-31"
