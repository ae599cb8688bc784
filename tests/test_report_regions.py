"""The company's regions in words: the title, a line each by hand; no such part in a region."""

import re

import numpy as np
import pandas as pd
import pytest

from cvm_analysis.report import regions
from cvm_analysis.report.writer import Writer
from cvm_analysis.texts import words

OWN = {
    "en": {
        "values.region.e": "East",
        "values.region.n": "North",
        "values.region.w": "West",
        "actions.call": "Call",
    },
    "zh": {
        "values.region.e": "华东",
        "values.region.n": "华北",
        "values.region.w": "华西",
        "actions.call": "致电",
    },
}
EN, ZH = (Writer(words(language, OWN, horizon_weeks=52), "CNY") for language in ("en", "zh"))


def compared(*changes):
    """East, North and West, of which only the change of net sales matters."""
    table = pd.DataFrame({"net_sales_change": changes}, index=list("enw"))
    return table.rename_axis("region")


@pytest.mark.parametrize(
    ("changes", "english", "chinese"),
    [
        ((0.02, 0.3, 0.1), "All regions grew, North most (30%), East least (2%)",
         "各区域均增长：华北最快（30%），华东最慢（2%）"),
        ((0.02, 0.3, -0.1), "North grew 30%, West fell back 10%", "华北增长30%，华西下滑10%"),
        ((-0.2, -0.3, -0.1), "All regions fell back, West least (10%), North most (30%)",
         "各区域均下滑：华西降幅最小（10%），华北最大（30%）"),
        ((np.nan, 0.3, -0.1), "North grew 30%, West fell back 10%", "华北增长30%，华西下滑10%"),
        ((np.nan, 0.3, 0.1), "The regions side by side", "各区域对比"),
        ((np.nan, -0.3, -0.1), "The regions side by side", "各区域对比"),
        ((np.nan, 0.3, np.nan), "The regions side by side", "各区域对比"),
    ],
)  # fmt: skip
def test_the_title_names_the_best_and_the_worst_and_all_only_where_all_are_known(
    changes, english, chinese
):
    assert regions.title(EN, compared(*changes)) == english
    assert regions.title(ZH, compared(*changes)) == chinese


ROWS = pd.DataFrame(
    {
        "net_sales": [3e6, 2e6, 1e6],
        "net_sales_change": [0.25, -0.1, np.nan],
        "net_sales_clear": [True, False, False],
        "kept_share": [0.61, 0.5, 0.4],
        "kept_share_change": [-0.034, 0.0, 0.05],
        "kept_share_clear": [True, False, False],
        "expected_margin": [450_000.0, 5.0, 6.0],
        "margin_at_stake": [70_000.0, 8.0, 9.0],
        "action": ["call", None, "call"],
        "n_contacts": [12.0, np.nan, 1.0],
    },
    index=pd.Index(["e", "n", "w"], name="region"),
)


def lines(block):
    """Of each row the name and the cells, without tags and joiners."""
    rows = re.findall(r"<tr>\s*<th scope=\"row\".*?</tr>", block.html, re.DOTALL)
    cells = [re.findall(r"<t[hd].*?>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    return [[each.replace("\u2060", "") for each in row] for row in cells]


def test_each_region_has_a_line_with_changes_in_small_letters():
    east, north, west = lines(regions.comparison(EN, ROWS))
    assert east == [
        "East", "¥3M<small>▲ 25%</small>", "61%<small>▼ 3.4 points</small>",
        "¥450,000", "¥70,000", "Call<small>12 customers</small>",
    ]  # fmt: skip
    assert north[:3] == [
        "North", "¥2M<small>▼ 10%, within chance</small>", "50%<small>±0</small>",
    ]  # fmt: skip
    assert north[-1] == "–", "nothing is planned there"
    assert west[1:3] == ["¥1M", "40%<small>▲ 5.0 points, within chance</small>"]
    assert west[-1] == "Call<small>1 customer</small>"


def test_only_the_companys_report_has_the_part():
    assert regions.chapter(EN, ROWS, "e").html == ""
    assert regions.chapter(EN, ROWS.iloc[:0], "all").html == ""
    html = regions.chapter(EN, ROWS, "all").html
    assert html.startswith('<h2 class="cvm-section whole">East grew 25%, North fell back 10%</h2>')
    assert '<p class="cvm-lead">Sales and kept customers of the last 12 months' in html
    assert lines(regions.chapter(EN, ROWS, "all")) == lines(regions.comparison(EN, ROWS))
