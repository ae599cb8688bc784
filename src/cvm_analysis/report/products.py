"""Products in tables and sentences: what goes with what, and whether recommendations hit."""

from __future__ import annotations

import pandas as pd

from cvm_analysis.products.trial import summarize
from cvm_analysis.report import blocks
from cvm_analysis.report.blocks import Block, Cell
from cvm_analysis.report.writer import Writer

MOST = 8  # pairs, and products recommended, that are shown
_PAIRS = {"product": "text", "n_customers": "number", "confidence": "percent", "lift": "text"}
_TEST = {"n_customers": "number", "n_shown": "number", "hit_rate": "percent:1", "ratio": "text"}
_NEXT = {"n_customers": "number", "because_of": "text", "probability": "percent", "margin": "money"}


def strongest(pairs: pd.DataFrame, n: int = MOST) -> pd.DataFrame:
    """Select the pairs whose lift is highest at least, each in the stronger of its two orders.

    pairs : table `product_pairs`, key in columns or in the index
    """
    flat = pairs.reset_index(drop=pairs.index.names == [None])
    order = flat.sort_values(["lift_low", "product"], ascending=[False, True])
    ends = order[["product", "next_product"]].apply(lambda row: tuple(sorted(row)), axis=1)
    return order[~ends.duplicated()].head(n) if len(order) else order


def heading(writer: Writer, pairs: pd.DataFrame) -> str | None:
    """Say which pair is the strongest; None without any."""
    if pairs.empty:
        return None
    first = strongest(pairs, 1).iloc[0]
    product, following = (_name(writer, first[each]) for each in ("product", "next_product"))
    lift = writer.say.number(first["lift"], 1)
    return writer.say("report.products.heading", product=product, next=following, lift=lift)


def chapter(writer: Writer, pairs: pd.DataFrame, table: pd.DataFrame) -> Block:
    """Show what goes with what, and how far recommendations beat best sellers.

    Nothing where neither could be found; the notes say why.

    pairs : table `product_pairs`; table : `product_backtest`
    """
    if pairs.empty and table.empty:
        return Block("")
    section = writer.section("products", heading(writer, pairs))
    return blocks.join([section, show(writer, pairs), trial(writer, table)])


def show(writer: Writer, pairs: pd.DataFrame) -> Block:
    """Show the strongest pairs; pairs : table `product_pairs`."""
    if pairs.empty:
        return writer.note("report.products.no_pairs")
    rows, say = strongest(pairs), writer.say
    shown = rows.assign(
        product=[_pair(writer, row) for row in rows.to_dict("records")],
        lift=[_range(writer, *row) for row in rows[["lift", "lift_low", "lift_high"]].to_numpy()],
    )
    caption = say(f"report.products.captions.{rows['level'].iloc[0]}")
    table = shown.reset_index(drop=True)
    return blocks.table(table, _PAIRS, say, writer.currency, id="product-pairs", caption=caption)


def trial(writer: Writer, table: pd.DataFrame) -> Block:
    """Say which method is used, and how often it hit beside best sellers.

    table : `product_backtest`
    """
    found, say = summarize(table), writer.say
    if found is None:
        return writer.note("report.products.no_test")
    names = {"ratio": found.ratio, "low": found.ratio_low, "high": found.ratio_high}
    figures = {name: say.number(value, 2) for name, value in names.items()}
    figures["customers"] = say.count("customers", found.n_customers)
    if not found.is_used:
        return writer.note("report.products.not_better", **figures)
    figures["shown"] = say.plural("report.products.shown", found.n_shown)
    rates = {"rate": found.hit_rate, "popular": found.popular_rate}
    figures |= {name: say.percent(rate) for name, rate in rates.items()}
    said = [writer.note("report.products.better", **figures)]
    return blocks.join(said + [writer.note("report.products.of_company")] * (not found.is_clear))


def backtest(writer: Writer, table: pd.DataFrame) -> Block:
    """Show the hit rate of each method at each origin, the last one first.

    table : `product_backtest`
    """
    if table.empty:
        return writer.note("report.products.no_test")
    say = writer.say
    rows = table.reset_index(drop=table.index.names == [None])
    rows = rows.sort_values("day", ascending=False, kind="stable")
    ratios = rows[["ratio", "ratio_low", "ratio_high"]].to_numpy()
    shown = rows.assign(
        method=[
            Cell(say(f"report.products.methods.{code}"), say("report.writer.yes") if used else "")
            for code, used in zip(rows["method"], rows["is_used"], strict=True)
        ],
        ratio=["" if pd.isna(row[0]) else _range(writer, *row) for row in ratios],
    ).set_axis([say.date(day) for day in rows["day"]])
    return writer.table(shown, {"method": "text", **_TEST}, id="product-backtest")


def recommended(writer: Writer, products: pd.DataFrame) -> Block:
    """Show the products that are recommended first to most customers.

    products : table `next_products`
    """
    rows = products.reset_index()
    first = rows[rows["rank"] == 1]
    if first.empty:
        return writer.note("notes.no_products")
    groups = first.groupby("product")
    found = groups.agg(n_customers=("customer_id", "size"), probability=("probability", "mean"))
    reason = groups["because_of"].agg(lambda each: next(iter(each.mode()), None))
    found["because_of"] = ["" if pd.isna(each) else _name(writer, each) for each in reason]
    if "margin" in first:
        found["margin"] = groups["margin"].first()
    top = found.sort_values("n_customers", ascending=False, kind="stable").head(MOST)
    formats = {name: kind for name, kind in _NEXT.items() if name in top}
    labels = {"n_customers": writer.say("report.products.columns.n_recommended")}
    labels["because_of"] = writer.say("report.products.columns.because_of")
    top.index = pd.Index([_name(writer, each) for each in top.index])
    return writer.table(top, formats, labels=labels, id="next-products")


def _name(writer: Writer, product: str) -> str:
    """Name a product, or a category by the words of the config."""
    return writer.say.level("next_product", product)


def _pair(writer: Writer, row: dict[str, str]) -> Cell:
    then = writer.say("report.products.then", product=_name(writer, row["next_product"]))
    return Cell(_name(writer, row["product"]), then)


def _range(writer: Writer, value: float, low: float, high: float) -> Cell:
    say = writer.say
    ends = say("report.products.range", low=say.number(low, 2), high=say.number(high, 2))
    return Cell(say.number(value, 2), ends)
