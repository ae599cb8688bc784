"""Weak keys are refused, and another key is reported before anything is made with it."""

import hashlib
import hmac
import json
import re
from pathlib import Path

import pytest
from small_business import NAMED, small

from cvm_analysis import owner
from cvm_analysis.cli import runs
from cvm_analysis.errors import InputError
from cvm_analysis.intake import pseudonyms
from cvm_analysis.intake.prepare import prepare

README = Path(__file__).parent.parent / "README.md"
KEY, OTHER = "a key for tests, no secret", "another key for these tests"
SALES = "customer_id,ordered_at,amount,sold_in\n001,2025-01-01,1,Nord\n"


def business(folder):
    return small(folder, NAMED, {"sales.csv": SALES}, pseudonyms="on")


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("abcdefgh1234567", "holds no key of 16 characters or more"),
        ("abcabcabcabcabcabc", "holds a key of fewer than 8 different characters"),
        ("aaaaaaaaaabbccddeefg"[:18], "holds a key of fewer than 8 different characters"),
        ("a long random text that you keep", "holds the example of the README"),
        (" A long random text that you keep ", "holds the example of the README"),
    ],
)
def test_a_weak_key_is_refused(monkeypatch, key, said):
    monkeypatch.setenv("CVM_KEY", key)
    with pytest.raises(InputError, match=f"CVM_KEY {said}"):
        pseudonyms.key()


def test_sixteen_characters_of_eight_kinds_are_enough(monkeypatch):
    monkeypatch.setenv("CVM_KEY", "abcdefgh" * 2)
    assert pseudonyms.key() == b"abcdefghabcdefgh"


def test_no_key_that_the_readme_shows_can_be_used(monkeypatch):
    shown = re.findall(r'CVM_KEY="([^"]*)"', README.read_text("utf-8"))
    assert shown and set(shown) <= set(pseudonyms.EXAMPLES)


def test_the_check_value_is_no_pseudonym_and_depends_on_the_key():
    value = pseudonyms.check_value(KEY.encode())
    mac = hmac.new(KEY.encode(), b"check value of the key", hashlib.sha256)
    assert value == mac.hexdigest()[:16] != pseudonyms.check_value(OTHER.encode())


def test_prepared_tables_of_another_key_are_reported_and_made_again(tmp_path, monkeypatch):
    monkeypatch.setenv("CVM_KEY", KEY)
    settings = business(tmp_path)
    assert pseudonyms.find_other_keys(settings) == []
    monkeypatch.setenv("CVM_KEY", OTHER)
    assert pseudonyms.find_other_keys(settings) == [settings.prepared]
    assert prepare(settings) is True and pseudonyms.find_other_keys(settings) == []


def test_a_ledger_of_another_key_is_refused_before_anything_is_prepared(tmp_path, monkeypatch):
    monkeypatch.setenv("CVM_KEY", KEY)
    settings = business(tmp_path)
    settings.ledger.mkdir()
    check = {"key_check": pseudonyms.check_value(KEY.encode())}
    (settings.ledger / owner.KEY_CHECK).write_text(json.dumps(check))
    assert prepare(settings, force=True) is True
    before = settings.prepared.resolve()
    monkeypatch.setenv("CVM_KEY", OTHER)
    with pytest.raises(InputError) as error:
        prepare(settings, force=True)
    assert str(error.value) == owner.describe_other_key([settings.prepared, settings.ledger])
    assert settings.prepared.resolve() == before


def test_the_user_hears_of_another_key_once(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CVM_KEY", KEY)
    settings = business(tmp_path)
    monkeypatch.setenv("CVM_KEY", OTHER)
    for times in (1, 0):
        capsys.readouterr()
        runs.prepare(settings.path)
        said = capsys.readouterr().err
        assert said.count("every customer gets another pseudonym") == times
