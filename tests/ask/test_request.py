"""What a request about a record shows, where it is cut, and what it asks for."""

import re

import pytest

from extractor.concepts.own.models import read_fields
from extractor.concepts.parse import parse_record
from extractor.model.asking.request import MOST_OUTPUT, plan_request
from extractor.options import ExtractionOptions
from tests.trust import read_lines, trial

STUDY = trial(
    title="Fictumab in eczema",
    brief_summary="Adults with eczema get fictumab.",
    conditions="Eczema",
    eligibility="Inclusion Criteria:\n\n* Adults\n* Eczema; 2. Asthma [3]",
    arms_0={"label": "Fictumab", "description": "Fictumab 5 mg orally"},
    primary_outcomes_0={"measure": "Itch", "time_frame": "day 3"},
)


def request_of(record, **options):
    return plan_request(parse_record(record), ExtractionOptions(**options))


def show(request, number=0):
    """The user part of a call."""
    return request.render(request.parts[number]).user


def asked(request):
    said = {"messages": [{"content": show(request)}]}
    return [(" ".join(line.asked), line.text) for line in read_lines(said)]


def test_a_record_is_shown_once_with_numbers_and_what_is_asked():
    assert show(request_of(STUDY)).splitlines() == [
        "Trial: Fictumab in eczema",
        "Conditions: Eczema",
        "Arms: 1 Fictumab",
        "Eligibility:",
        "[1] Inclusion Criteria:",
        "[2] * Adults",
        "[3] * Eczema; [4] 2. Asthma [ 3]",
        "[5|regimens] Fictumab // Fictumab 5 mg orally",
        "[6|regimens people|title] Fictumab in eczema",
        "[7|regimens people|brief summary] Adults with eczema get fictumab.",
        "[8|outcome] Itch // day 3",
    ]


@pytest.mark.parametrize(
    ("tasks", "kinds"),
    [
        (["eligibility"], {"criterion people", "people"}),
        (["dosing"], {"regimens"}),
        (["endpoints"], {"outcome"}),
    ],
)
def test_only_what_belongs_to_the_tasks_is_asked(tasks, kinds):
    request = request_of(STUDY, tasks=tasks)
    assert {keys for keys, _ in asked(request)} == kinds
    assert ("Arms: 1 Fictumab" in show(request)) is (tasks == ["dosing"])


def test_nothing_is_asked_without_an_effort_or_without_text():
    assert request_of(STUDY, effort="none") is None
    assert request_of(trial(conditions="Eczema")) is None


def test_criteria_without_a_section_of_their_own_are_lines():
    record = trial(brief_summary="Participants are eligible if they have asthma.")
    assert ("criterion people", record.sections[0].text) in asked(request_of(record))


def test_only_a_text_without_parts_is_asked_to_be_split():
    flat = trial(primary_outcomes_0="Itch, day 3")
    for record, splits in ((STUDY, False), (flat, True)):
        (outcome,) = request_of(record, tasks=["endpoints"]).lines
        assert ("split" in outcome.fields) is splits


def test_a_custom_field_is_asked_of_the_lines_that_may_state_it():
    fields = read_fields("extractor.catalogue:Blinding")
    record = trial(
        detailed_description="The raters are blinded.\nA nurse calls.",
        eligibility="Inclusion Criteria:\n\n* Blind people",
    )
    options = ExtractionOptions(tasks=["eligibility"], fields=fields)
    request = plan_request(parse_record(record, fields), options)
    named = [text for keys, text in asked(request) if "blinding" in keys]
    assert named == ["The raters are blinded."]
    assert "blinding" in request.render(request.parts[0]).prompt.system


def make_long(count):
    lines = [f"* Disease {number} with pain in the back" for number in range(count)]
    return trial(eligibility="\n".join(["Inclusion Criteria:\n", *lines]))


@pytest.mark.parametrize(("count", "parts"), [(60, 1), (200, 1), (500, 3)])
def test_a_long_request_is_cut_at_the_borders_of_items(count, parts):
    request = request_of(make_long(count))
    assert len(request.parts) == parts
    numbers = [number for part in request.parts for number in part]
    assert numbers == list(range(1, request.end))
    texts = [show(request, number) for number in range(parts)]
    shown = [int(n) for text in texts for n in re.findall(r"Disease (\d+) ", text)]
    assert shown == list(range(count))
    for later in texts[1:]:
        assert later.startswith("Eligibility:\n(inclusion list, continued)\n[")
    for part in request.parts:
        assert request.render(part).max_output_tokens <= MOST_OUTPUT


def test_a_part_that_begins_below_a_line_shows_that_line():
    shown = "\n".join(
        [
            "Inclusion Criteria:\n",
            *(f"* Disease {number}" for number in range(400)),
            "* One of the following:",
            *(f"    * Symptom {number}" for number in range(60)),
        ]
    )
    request = request_of(trial(eligibility=shown))
    _, below = request.halve(request.parts[-1])
    _, below = request.halve(below)
    user = request.render(below).user
    above = re.search(r"^\(above, \[(\d+)\]\) \* One of the following:$", user, re.M)
    assert above
    assert f"[{above[1]}]" not in user.replace(above[0], "")
