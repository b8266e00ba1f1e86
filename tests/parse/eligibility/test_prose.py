import pytest

from extractor.parse.eligibility.outline import find_suspects
from extractor.text.passage import read_passage


def suspects(text):
    found = find_suspects(read_passage(text, "brief_summary"))
    return [(passage.text, kind.value, stands) for passage, kind, stands, _ in found]


@pytest.mark.parametrize(
    ("sentence", "kind"),
    [
        ("Participants will be eligible if they have asthma.", "inclusion"),
        ("Eligible patients must have failed two drugs.", "inclusion"),
        ("Patients were enrolled if they had a fever.", "inclusion"),
        ("Women who are pregnant will be excluded.", "exclusion"),
    ],
)
def test_sentences_that_state_a_criterion(sentence, kind):
    assert suspects(f"Asthma is common. {sentence} The drug is given once.") == [(sentence, kind, True)]


def test_uncertain_sentence_is_left_to_be_asked():
    ((_, _, stands),) = suspects("The trial will enroll patients with severe asthma.")
    assert stands is False


def test_list_under_a_heading_in_a_summary():
    text = "Objective:\n\nTo learn more.\n\nEligibility:\n\n- Adults with asthma.\n\nDesign:\n\nOne visit."
    assert suspects(text) == [("Adults with asthma.", "inclusion", True)]


@pytest.mark.parametrize(
    "text",
    [
        "The purpose is to compare two drugs in patients with asthma.",
        "Participants will receive the drug for 12 weeks.",
        "Asthma is a disease of the airways.",
    ],
)
def test_aims_and_procedures_are_no_criteria(text):
    assert suspects(text) == []
