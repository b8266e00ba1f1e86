"""The passages of a record that a model reads for regimens."""

from dataclasses import replace
from itertools import count

from extractor.concepts.doses.passages import list_dose_passages
from extractor.concepts.parse import parse_record
from extractor.language.passage import read_section
from extractor.schemas import Section
from tests.trust import trial

DOSE = "Drugamide 5 mg by mouth once daily for 12 weeks."


def shown(*sections):
    """Section and text of each passage."""
    made = [Section(name=name, text=text) for name, text in sections]
    read = {one.name: read_section(one.name, one.text) for one in made}
    record = trial().model_copy(update={"sections": tuple(made)})
    parsed = replace(parse_record(trial()), record=record, sections=read)
    return [
        (one.span.section, one.text) for one in list_dose_passages(parsed, count(50))
    ]


def test_passages_are_arms_and_interventions_and_then_running_text_each_once():
    texts = [
        ("detailed_description", "Others\n      wait."),
        ("eligibility", "Asthma"),
        ("brief_summary", DOSE),
        ("arms[0]", DOSE),
        ("arms[1]", DOSE),
    ]
    wait = ("detailed_description", "Others wait.")
    assert shown(*texts) == [("arms[0]", DOSE), wait]


def test_long_text_is_cut_between_sentences_and_of_a_very_long_one_the_beginning_is_shown():
    days = [
        f"Drugamide {day} mg on day {day}. {'Nothing else. ' * 20}"
        for day in range(999)
    ]
    passages = [text for _, text in shown(("detailed_description", "\n\n".join(days)))]
    assert passages[0].startswith("Drugamide 0 mg")
    assert all(text.endswith(".") and len(text) <= 1200 for text in passages)
    assert 38_000 < sum(map(len, passages)) < 42_000
