"""What the config asks for and this machine lacks."""

import re

from sample_config import change, refused


def test_a_spark_that_is_not_installed_is_named_with_its_line(config, monkeypatch, tmp_path):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    line = change(
        config / "sample.yaml", "pseudonyms: off", "engine:\n  spark: local[2]\npseudonyms: off"
    )
    (said,) = refused(config)
    assert re.match(
        rf"sample\.yaml line {line}: Spark needs (pyspark and )?Java: pip install", said
    )
