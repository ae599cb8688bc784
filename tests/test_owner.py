"""A folder belongs to one config: told apart by place, not by name, and no path is written."""

import re

import pytest

from cvm_analysis import owner
from cvm_analysis.errors import InputError


def owner_of(folder, business="Mine", config="mine.yaml", shop="shop"):
    return owner.describe(business, folder / shop / "config" / config, folder / "out")


def test_a_config_is_the_same_under_another_name_of_its_business(tmp_path):
    owner.refuse_another(tmp_path, owner_of(tmp_path), owner_of(tmp_path, "Ours"), "")


def test_a_config_is_the_same_where_it_was_moved_with_the_folder(tmp_path):
    assert owner_of(tmp_path / "here") == owner_of(tmp_path / "there")


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (
            {"shop": "other"},
            "belongs to Mine (mine.yaml) in another place, not to Mine (mine.yaml)",
        ),
        ({"config": "test.yaml"}, "belongs to Mine (test.yaml), not to Mine (mine.yaml)"),
        ({"business": "B", "shop": "b"}, "belongs to B (mine.yaml), not to Mine (mine.yaml)"),
    ],
)
def test_another_config_is_refused_by_name_with_the_cure(tmp_path, other, said):
    with pytest.raises(InputError, match=re.escape(f"{tmp_path}: {said}; do this")):
        owner.refuse_another(tmp_path, owner_of(tmp_path, **other), owner_of(tmp_path), "do this")


def test_an_owner_names_no_path(tmp_path):
    assert str(tmp_path) not in str(owner_of(tmp_path)) and "/" not in str(owner_of(tmp_path))
