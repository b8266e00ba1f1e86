from dataclasses import replace

import pytest

from extractor.llm.dose_passages import find_dose_cues, list_dose_passages
from extractor.parse.parsed import Chunk, ChunkKind, Span
from extractor.schemas import Part, Section, Source, TrialRecord
from extractor.text.passage import read_section

from .samples import parsed_record, regimen

SHORT = "Drugamide 5 mg daily. Testimab 8 mg weekly. Cycles last 21 days."
LONG = (
    "Drugamide 5 mg daily. "
    + "Nothing is told here. " * 80
    + "Testimab 8 mg weekly. It is repeated every 21 days.\n\nOther words."
)


def place(text, words, number, **readings):
    start = text.index(words)
    found = regimen(number, text, "arms[0]", **readings)
    span = Span("arms[0]", start, start + len(words))
    return replace(found, chunk=Chunk(number, ChunkKind.SENTENCE, span, words), quote=span)


def two(text, **readings):
    one, other = place(text, "Drugamide 5 mg daily", 1, **readings), place(text, "Testimab 8 mg weekly", 2, **readings)
    parsed = parsed_record(one, other)
    section = parsed.record.section("arms[0]").model_copy(update={"text": text})
    sections = tuple(section if s.name == "arms[0]" else s for s in parsed.record.sections)
    record = parsed.record.model_copy(update={"sections": sections})
    return replace(parsed, record=record, sections={**parsed.sections, "arms[0]": read_section("arms[0]", text)})


def test_a_short_section_is_one_stretch():
    (stretch,) = list_dose_passages(two(SHORT))
    assert (stretch.chunk.number, stretch.chunk.text) == (1, SHORT)


def test_regimens_far_apart_are_stretches_of_their_own_with_their_sentences():
    first, second = list_dose_passages(two(LONG))
    assert first.chunk.text == "Drugamide 5 mg daily."
    assert second.chunk.text == "Testimab 8 mg weekly. It is repeated every 21 days."


def record(**texts):
    """A parsed record of which the rules read nothing."""
    sections = tuple(
        Section(name=name.replace("_0", "[0]").replace("_1", "[1]"), text=text) for name, text in texts.items()
    )
    found = TrialRecord(record_id="x", source=Source(path="x", format="flat"), sections=sections)
    return replace(parsed_record(), record=found, sections={s.name: read_section(s.name, s.text) for s in sections})


def shown(**texts):
    return [(stretch.chunk.span.section, stretch.chunk.text) for stretch in list_dose_passages(record(**texts))]


@pytest.mark.parametrize(
    ("texts", "sections"),
    [
        ({"arms_0": "Low\nDrugamide by mouth"}, ["arms[0]"]),  # one sign is enough where doses are told
        ({"arms_0": "Control\nUsual care"}, []),
        ({"interventions_0": "Procedure\nbone marrow transplantation"}, []),  # says no more than its name
        ({"brief_summary": "Drugamide helps by mouth."}, []),  # of running text two signs are asked
        ({"brief_summary": "Drugamide 5 mg helps by mouth."}, ["brief_summary"]),
        ({"eligibility": "No more than 5 mg prednisone daily by mouth"}, []),
        ({"primary_outcomes_0": "Pain after 5 mg once daily"}, []),
    ],
)
def test_what_is_shown_of_text_in_which_the_rules_read_nothing(texts, sections):
    assert [section for section, _ in shown(**texts)] == sections


def test_numbers_of_new_stretches_are_free():
    parsed = two(SHORT)
    more = record(arms_0=SHORT, arms_1="High\nDrugamide 50 mg daily", brief_summary="Ten days of 7 mg by mouth.")
    parsed = replace(parsed, record=more.record, sections=more.sections)
    assert [stretch.chunk.number for stretch in list_dose_passages(parsed)] == [1, 3, 4]


def test_what_an_arm_tells_is_not_shown_again_from_the_description():
    told = "Drugamide 5 mg by mouth once daily for 12 weeks."
    more = "Rescue: Testimab 8 mg injected once."
    assert shown(detailed_description=f"Design. {told}", arms_0=told) == [("arms[0]", told)]
    found = shown(detailed_description=f"{told}\n\n{'Nothing here. ' * 120}\n\n{more}", arms_0=told)
    assert found == [("arms[0]", told), ("detailed_description", more)]


def test_equal_arms_are_shown_once():
    told = "Drugamide 5 mg by mouth once daily for 12 weeks."
    assert len(shown(arms_0=told, arms_1=told)) == 1


def drug(number, name, told):
    text = f"{name}\n{told}"
    parts = (Part(name="name", start=0, end=len(name)), Part(name="description", start=len(name) + 1, end=len(text)))
    return Section(name=f"interventions[{number}]", text=text, parts=parts)


@pytest.mark.parametrize(
    ("name", "told", "count"),
    [
        ("Drugamide", "750 mg/m2, IV, day 1 every 21 days, six 21 day cycles", 1),  # told twice
        ("Drugamide", "50 mg/m2, IV, day 1 every 21 days, six 21 day cycles", 2),  # another dose: the end of 750
        ("Testimab", "750 mg/m2, IV, day 1 every 21 days, six 21 day cycles", 2),  # another agent
    ],
)
def test_an_intervention_is_shown_once_where_agent_and_dose_are_the_same(name, told, count):
    sections = (drug(0, "Drugamide", "750 mg/m2, IV, day 1 every 21 days, six 21 day cycles"), drug(1, name, told))
    parsed = record()
    found = parsed.record.model_copy(update={"sections": sections})
    parsed = replace(parsed, record=found, sections={s.name: read_section(s.name, s.text) for s in sections})
    assert len(list_dose_passages(parsed)) == count


GIVEN = "Patients receive 5 mg of Drugamide by mouth\n      every day of the week."


def test_a_stretch_of_long_prose_begins_and_ends_with_a_sentence():
    text = f"Many are ill. {GIVEN} {'They are seen often. ' * 100}"
    assert shown(detailed_description=text) == [
        ("detailed_description", "Patients receive 5 mg of Drugamide by mouth every day of the week.")
    ]


def test_of_short_prose_what_follows_a_dose_is_shown_too():
    ((_, text),) = shown(detailed_description=f"Many are ill. {GIVEN} Others get saline alike.")
    assert text.startswith("Patients receive")
    assert text.endswith("Others get saline alike.")


def test_arms_without_a_dose_are_shown_beside_those_with_one():
    texts = {"arms_0": "Control\nUsual care", "arms_1": "New\nDrugamide 5 mg by mouth"}
    assert shown(**texts) == [("arms[0]", "Control\nUsual care"), ("arms[1]", "New\nDrugamide 5 mg by mouth")]
    assert [stretch.mentions_dose for stretch in list_dose_passages(record(**texts))] == [False, True]


def test_long_text_without_doses_is_passed_quickly():
    assert shown(detailed_description="word 5 " * 50_000) == []


def test_of_a_record_without_end_the_beginning_is_shown():
    text = "\n\n".join(f"Drugamide {n} mg by mouth on day {n}. {'Nothing is told here. ' * 10}" for n in range(2000))
    stretches = shown(detailed_description=text)
    assert stretches[0][1] == "Drugamide 0 mg by mouth on day 0."
    assert 10_000 < sum(len(words) for _, words in stretches) < 14_000


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("2 x 10^6 CAR-T cells", ["amount"]),
        ("20 mg", ["amount"]),
        ("given i.v. over 1 hour", ["route"]),
        ("q3w", ["rate"]),
        ("on days 1-5", ["rate"]),
        ("prostatectomy", ["giving"]),
        ("ivory, scope, podium", []),
    ],
)
def test_signs_of_dosing(text, kinds):
    assert [kind.value for *_, kind in find_dose_cues(text)] == kinds
