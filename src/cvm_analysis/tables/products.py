"""Result tables of products: what goes with what, and what is recommended."""

from cvm_analysis.tables.shape import (
    CUSTOMER,
    Table,
    count,
    date,
    money,
    number,
    share,
    text,
    yes_no,
)

LEVEL = text("product, or category where few products have enough buyers")
PRODUCTS = {
    "product_pairs": Table(
        "one row per ordered pair of products that go together beyond chance",
        ("product", "next_product"),
        {
            "product": text("bought earlier, or in the same basket"),
            "next_product": text("bought for the first time then"),
            "level": LEVEL,
            "n_customers": count("customers who did so"),
            "support": share("of all customers"),
            "confidence": share("of the customers with product, without those who had next before"),
            "expected": number("customers expected by chance"),
            "lift": number("n_customers / expected"),
            "lift_low": number("lower end of the interval, which holds for all pairs together"),
            "lift_high": number("upper end of the same"),
            "q_value": number("p-value corrected for the number of pairs tested"),
        },
    ),
    "product_backtest": Table(
        "one row per origin and method, tested on the purchases that followed",
        ("day", "method"),
        {
            "day": date("the origin: the last day known to the method"),
            "method": text("together, after, best_sellers or segment_favourites"),
            "n_customers": count("customers whose next new purchase was to be found"),
            "n_shown": count("products shown to each"),
            "hit_rate": share("of these customers, who then bought one of them"),
            "ratio": number("hit rate / that of the better popularity list; last origin alone"),
            "ratio_low": number("lower end of the 95% interval, by customer"),
            "ratio_high": number("upper end of the same"),
            "is_used": yes_no("whether the report recommends by this method"),
        },
    ),
    "next_products": Table(
        "one row per customer and rank",
        ("customer_id", "rank"),
        {
            "customer_id": CUSTOMER,
            "rank": count("1 is recommended first"),
            "product": text("a product that the customer has not bought, and that is still sold"),
            "level": LEVEL,
            "because_of": text("what the customer has that speaks for it; empty: popularity alone"),
            "probability": share("that the next basket with something new has it; empty: untested"),
            "margin": money("mean margin of it in a basket of the last 365 days", optional=True),
            "method": text("together, after, best_sellers or segment_favourites"),
        },
        company="rows",
    ),
}
