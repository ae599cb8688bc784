"""Hashes tell whether a value is known to whoever has the key, and nothing else."""

import hashlib
import hmac

import pandas as pd
import pytest

from cvm_analysis.errors import InputError
from cvm_analysis.intake.pseudonyms import pseudonym
from cvm_analysis.personal import known

KEY = b"a key for tests, no secret"


def test_a_hash_is_the_beginning_of_an_hmac_of_the_value(tmp_path):
    key = known.derive(KEY)
    assert key == hmac.new(KEY, b"personal values", hashlib.sha256).digest()
    known.save(tmp_path, ["00000001"], key)
    expected = hmac.new(key, b"00000001", hashlib.sha256).digest()[:8]
    assert pd.read_parquet(tmp_path / known.FILE)["hash"].tolist() == [int.from_bytes(expected)]


def test_known_values_are_counted_with_their_key_only(tmp_path):
    known.save(tmp_path, ["00000001", "Anna Schmidt", "12", "00000001"], known.derive(KEY))
    found = {"00000001", "annaschmidt", "00000002"}
    assert known.load(tmp_path, known.derive(KEY)).count(found) == 2
    assert known.load(tmp_path, known.derive(KEY + b"!")).count(found) == 0


def test_hash_and_pseudonym_of_an_id_are_not_alike(tmp_path):
    import base64

    known.save(tmp_path, ["00000001"], known.derive(KEY))
    value = int(pd.read_parquet(tmp_path / known.FILE)["hash"].iloc[0])
    assert (
        not base64.b32encode(value.to_bytes(8)).decode().startswith(pseudonym("00000001", KEY)[1:7])
    )


def test_neither_key_nor_hashes_are_shown(tmp_path):
    known.save(tmp_path, ["00000001"], known.derive(KEY))
    assert repr(known.load(tmp_path, known.derive(KEY))) == "Known()"


def test_tables_of_an_earlier_version_are_to_be_prepared_again(tmp_path):
    with pytest.raises(InputError, match="run `cvm prepare` again"):
        known.load(tmp_path, KEY)
