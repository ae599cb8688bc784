"""What to do for one customer: first step, reason, owner and day; what not to do; how to reach."""

import pandas as pd
from invented_customer import EN, ZH, actions, customer, prospect, text

from cvm_analysis.report import customer_actions


def test_the_headline_is_the_first_action_and_its_day():
    said = text(customer_actions.headline(EN, customer()))
    assert said == (
        "C1: Close the complaint by Jan 3 Retail customer · Berlin · At risk · grade B · customer "
        "since Feb 2023"
    )
    assert text(customer_actions.headline(ZH, customer())).startswith("C1：处理投诉（1月3日前）")


def test_without_an_action_it_says_whether_the_next_order_is_overdue():
    def said(**facts):
        return text(customer_actions.headline(EN, customer(facts, actions=actions())))

    assert said().startswith("C1: nothing is planned, but the next order is 60 days overdue")
    assert said(days_overdue=-5.0).startswith("C1: nothing is planned Retail")
    assert said(lapsed=True).startswith("C1: nothing is planned Retail")


def test_a_step_says_what_why_who_and_by_when():
    said = text(customer_actions.to_do(EN, customer()))
    assert (
        "Close the complaint Call and apologise Why: complaint open for 62 days. What to say: “We "
        "put it right.” Service, Phone by Jan 3" in said
    )
    assert "Also called for, but beyond budget or capacity: Send news." in said
    assert "Send news Why" not in said


def test_steps_stand_by_rank_and_the_first_is_the_headline():
    shown = customer(actions=actions(("offer", 2, True, None), ("complaint", 1, True, None)))
    said = text(customer_actions.to_do(EN, shown))
    assert said.index("Close the complaint Call") < said.index("Make an offer Why")
    assert "C1: Close the complaint by Jan 3" in text(customer_actions.headline(EN, shown))


def test_an_action_without_words_of_its_own_shows_no_code():
    said = text(customer_actions.to_do(EN, customer(actions=actions(("offer", 1, True, None)))))
    assert "Make an offer Why: complaint open for 62 days. Service, Phone by Jan 3" in said


def test_a_control_group_is_a_warning_and_no_step():
    rows = actions(("complaint", 1, True, "treated"), ("offer", 2, True, "control"))
    said = text(customer_actions.to_do(EN, customer(actions=rows)))
    assert "Not for this customer: Make an offer. They are in its control group" in said
    assert "Make an offer Why" not in said and "Close the complaint" in said
    alone = actions(("offer", 1, True, "control"))
    assert "nothing is planned" in text(customer_actions.headline(EN, customer(actions=alone)))


def test_consent_is_said_by_channel_and_its_absence_too():
    assert "Has agreed to offers by: Phone. Not by: SMS. Should answer best: Phone." in text(
        customer_actions.to_do(EN, customer())
    )
    refused = customer(consents={"phone": False, "sms": True})
    assert "answer best" not in text(customer_actions.to_do(EN, refused))
    said = text(customer_actions.to_do(EN, customer(consents={})))
    assert "No consent to offers is on record: ask for it before you send any." in said
    near = text(customer_actions.to_do(EN, customer({"days_to_birthday": 3.0})))
    assert "Birthday on May 3." in near and "1990" not in near


def test_with_nothing_planned_it_says_what_to_ask():
    quiet = customer(actions=actions())
    assert "The next order was expected on Nov 1, 2025: ask what has changed." in text(
        customer_actions.to_do(EN, quiet)
    )
    ahead = customer({"days_overdue": -3.0}, actions=actions())
    assert "ask about the next order, expected Nov 1, 2025." in text(
        customer_actions.to_do(EN, ahead)
    )


def test_an_open_lead_has_its_stage_value_and_next_contact():
    assert text(customer_actions.leads(EN, prospect())) == (
        "One open enquiry Stage visit, since Dec 18, 2025 Value €18K From web Owner HB-1 Next "
        "contact by Dec 25, 2025, 6 days overdue"
    )
    without = text(customer_actions.leads(EN, prospect(follow_ups=pd.DataFrame())))
    assert without.endswith("Owner HB-1")
    assert not customer_actions.leads(EN, customer()).html


def test_a_lead_that_was_won_is_not_open():
    won = prospect().leads.assign(outcome="won")
    assert not customer_actions.leads(EN, prospect(leads=won)).html
