"""Groups are named by the business, the texts, or their ages."""

import pytest

from cvm_analysis.texts import words
from cvm_analysis.texts.groups import name_group

OWN = {"en": {"values.gender.female": "Ladies"}}


@pytest.mark.parametrize(
    ("column", "code", "name"),
    [
        ("gender", "female", "Ladies"),
        ("gender", "male", "Men"),
        ("customer_type", "project", "Project customers"),
        ("age_band", "under_30", "Under 30"),
        ("age_band", "30_44", "30–44"),
        ("age_band", "60_plus", "60 and over"),
        ("city", "Wuhan", "Wuhan"),
        ("city", "other", "All others"),
    ],
)
def test_names(column, code, name):
    assert name_group(words("en", OWN), column, code) == name
