"""Settings that name what the prepared tables lack."""

import re
import shutil

import pytest
from sample_config import change, with_covariates

from cvm_analysis import prepared, validate
from cvm_analysis.errors import ConfigError
from cvm_analysis.intake.prepare import prepare
from cvm_analysis.validate import prepared_data


@pytest.fixture(scope="module")
def tables(sample_business, tmp_path_factory):
    """Its prepared tables, in which customers have their day of birth as an attribute `born`."""
    folder = tmp_path_factory.mktemp("made")
    shutil.copytree(sample_business, folder, dirs_exist_ok=True)
    old = "        city: 城市"
    change(folder / "config" / "sample.yaml", old, f"{old}\n        born: 出生日期")
    prepare(validate.check(folder / "config" / "sample.yaml"))
    return folder / "data" / "prepared"


@pytest.fixture
def prepared_config(config, tables):
    """A copy of the configs, with prepared tables."""
    shutil.copytree(tables, config.parent / "data" / "prepared", symlinks=True)
    return config


def test_an_imported_figure_that_nobody_has_is_named_once_the_data_are_there(prepared_config):
    config = prepared_config
    line = change(config / "scorecards.yaml", "indicators.market_share", "indicators.market_shares")
    settings = validate.check(config / "sample.yaml")
    with pytest.raises(ConfigError) as error:
        prepared_data.check_imported(settings)
    assert str(error.value) == (
        f"{config}/scorecards.yaml line {line}: no imported indicator 'market_shares'; "
        "did you mean 'market_share'?"
    )


def test_a_scorecard_of_a_type_that_nobody_has_does_not_matter(prepared_config):
    """Neither its indicators nor its points are needed; those of the clusters are."""
    config = prepared_config
    file = config / "scorecards.yaml"
    text = file.read_text("utf-8")
    agency = """
  agency:
    - valid_from: 2010-01-01
      grades: {A: 50, B: 0}
      indicators: {deals: {column: indicators.deals, weight: 1, scale: [0, 10]}}
"""
    file.write_text(text.replace("\nscorecards:\n", f"\nscorecards:{agency}", 1))
    settings = validate.check(config / "sample.yaml")
    prepared_data.check_imported(settings)
    old = "[net_sales_per_order, orders_per_year]"
    new = "[orders_per_year, indicators.credit_scores]"
    line = change(config / "segments.yaml", old, new)
    with pytest.raises(ConfigError) as error:
        prepared_data.check_imported(validate.check(config / "sample.yaml"))
    assert str(error.value) == (
        f"{config}/segments.yaml line {line}: no imported indicator 'credit_scores'; "
        "did you mean 'credit_score'?"
    )


def test_a_category_that_nobody_bought_is_named_once_the_data_are_there(prepared_config):
    change(prepared_config / "sample.yaml", "    flooring: {warranty", "    floring: {warranty")
    settings = validate.check(prepared_config / "sample.yaml")
    with pytest.raises(ConfigError) as error:
        prepared_data.check_service(settings)
    assert re.search(
        r"sample\.yaml line \d+: no order line has category 'floring'; did you mean 'flooring'\?$",
        str(error.value),
    )


def test_an_attribute_of_too_many_values_is_named_once_the_data_are_there(prepared_config):
    config = prepared_config
    change(
        config / "sample.yaml", "        city: 城市", "        city: 城市\n        born: 出生日期"
    )
    line = with_covariates(config, "born, gender")
    settings = validate.check(config / "sample.yaml")
    n = prepared.open(settings, "all").customers_raw.born.nunique().execute()
    assert n > 30
    with pytest.raises(ConfigError) as error:
        prepared_data.check_covariates(settings)
    assert str(error.value) == (
        f"{config}/sample.yaml line {line}: value.covariates: 'born' has {n} values, and at most "
        "30 are useful; group them or leave it out"
    )
    change(config / "sample.yaml", "[born, gender]", "[first_channel, gender]")
    prepared_data.check_covariates(validate.check(config / "sample.yaml"))
