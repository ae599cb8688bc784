"""A fitted model survives as text, number by number; any other text is refused."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.clv import (
    bg_bb,
    bg_nbd,
    gamma_gamma,
    histories,
    mbg_nbd,
    naive,
    nbd,
    shifted_beta_geometric,
    zero_truncated_nbd,
)
from cvm_analysis.clv.numerics import serialization
from cvm_analysis.errors import InputError


@pytest.fixture(scope="module")
def h(cdnow):
    return histories.distinct(cdnow.iloc[::5])[0]


@pytest.fixture(scope="module")
def models(cdnow, h):
    gifts = pd.DataFrame(
        {"x": [0, 1, 1, 2, 3, 3], "t_x": [0, 1, 3, 3, 3, 4], "T": 4, "n": [40, 20, 9, 9, 8, 9]}
    )
    return {
        "nbd": nbd.fit(h),
        "bg_nbd": bg_nbd.fit(h),
        "mbg_nbd": mbg_nbd.fit(h),
        "zero_truncated_nbd": zero_truncated_nbd.fit(h),
        "bg_bb": bg_bb.fit(gifts),
        "shifted_beta_geometric": shifted_beta_geometric.fit(
            shifted_beta_geometric.cohort([1000, 869, 743, 653])
        ),
        "gamma_gamma": gamma_gamma.fit(cdnow),
    }


CODES = ["nbd", "bg_nbd", "mbg_nbd", "zero_truncated_nbd", "bg_bb", "shifted_beta_geometric"]


@pytest.mark.parametrize("code", [*CODES, "gamma_gamma"])
def test_a_round_trip_gives_an_equal_model(models, code):
    model = models[code]
    text = serialization.to_json(model)
    again = serialization.from_json(text)
    assert type(again) is type(model)
    for field in dataclasses.fields(model):
        before, after = getattr(model, field.name), getattr(again, field.name)
        assert type(after) is type(before)
        np.testing.assert_array_equal(after, before)  # NaN equals NaN here
    assert serialization.to_json(again) == text
    assert json.loads(text)["code"] == code


@pytest.mark.parametrize("code", ["nbd", "bg_nbd", "mbg_nbd", "zero_truncated_nbd"])
def test_the_saved_model_forecasts_the_same(models, h, code):
    again = serialization.from_json(serialization.to_json(models[code]))
    assert again.expected_purchases(h, 39).equals(models[code].expected_purchases(h, 39))


def test_the_text_is_plain_json_also_where_a_number_is_not_known(models):
    model = models["nbd"]
    unknown = dataclasses.replace(
        model,
        std_errors=nbd.Params(np.nan, 1.0),
        covariance_log=np.array([[np.nan, np.nan], [np.nan, 0.5]]),
    )
    text = serialization.to_json(unknown)
    assert "NaN" not in text
    assert json.loads(text)["model"]["std_errors"] == {"r": None, "alpha": 1.0}
    np.testing.assert_array_equal(
        serialization.from_json(text).covariance_log, unknown.covariance_log
    )


def test_what_json_cannot_hold_is_refused(models):
    endless = dataclasses.replace(models["nbd"], log_likelihood=-np.inf)
    with pytest.raises(InputError, match="Nbd holds an infinite number"):
        serialization.to_json(endless)


def changed(fitted, **other):
    content = json.loads(serialization.to_json(fitted))
    return json.dumps(content | other)


def test_what_is_no_saved_model_is_refused(models):
    model = models["nbd"]
    fields = json.loads(serialization.to_json(model))["model"]
    cases = {
        "no JSON": "so long",
        "no JSON object": "[1]",
        "of version 2; this program reads version 1": changed(model, version=2),
        "of version None": changed(model, version=None),
        "unknown code 'xbd'": changed(model, code="xbd"),
        "unknown code 'forecasts'": changed(model, code="forecasts"),
        "unknown code 'maximum'": changed(model, code="maximum"),
        "unknown code 'os.path'": changed(model, code="os.path"),
        "unknown code None": changed(model, code=None),
        "BgNbd needs params|Params needs r, alpha, a, b": changed(model, code="bg_nbd"),
        "Nbd needs params": changed(model, model={**fields, "more": 1}),
        "'many' is not of type int": changed(model, model={**fields, "n_customers": "many"}),
        "could not convert": changed(model, model={**fields, "log_likelihood": "high"}),
    }
    for message, text in cases.items():
        with pytest.raises(InputError, match=message):
            serialization.from_json(text)


def test_what_was_not_fitted_is_not_saved():
    for other in (naive.OwnRate(), 3, nbd.Params(1, 2)):
        with pytest.raises(InputError, match="not a fitted model"):
            serialization.to_json(other)
