"""Who one customer is: what is recorded, classes, points, and the words of the page."""

from invented_customer import EN, ZH, customer, prospect, text

from cvm_analysis.report import customer_profile


def test_the_profile_has_what_is_recorded_and_no_year_of_birth():
    said = text(customer_profile.profile(EN, customer()))
    assert said == (
        "Who they are Gender Female City Berlin Joined Jan 5, 2023 Birthday May 3 Maintenance due "
        "Dec 26, 2025 Warranty until Feb 9, 2026 Club rowing Life cycle Declining Orders, last 52 "
        "weeks Mid Net sales, last 52 weeks High Loyalty Loyal"
    ).replace("52 weeks", "12 months")
    assert "1990" not in said and "1990" not in text(customer_profile.profile(ZH, customer()))


def test_somebody_who_never_bought_has_no_classes():
    assert text(customer_profile.profile(EN, prospect())) == "Who they are Joined Dec 10, 2025"


def test_points_say_what_expires_and_what_is_missing():
    said = text(customer_profile.points(EN, customer()))
    assert said == (
        "Points and referrals Level: Gold. Points: 1,250. 200 of them expire by Jan 31, 2026. "
        "Brought 2 customers, who bought for €480 so far."
    )
    facts = {"next_level": "gold", "points_to_level": 40.0, "points_expiring": 0.0, "level": None}
    assert "40 points to Gold." in text(customer_profile.points(EN, customer(facts)))
    assert not customer_profile.points(EN, prospect()).html


def test_words_are_defined_with_the_figures_of_the_config():
    said = text(customer_profile.definitions(EN, customer(), 0.1))
    assert "in the next 12 months, discounted by 10% a year." in said
    assert "From the 10% to the 90% quantile" in said
    assert not customer_profile.definitions(EN, prospect(), 0.1).html
