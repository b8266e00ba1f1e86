"""Which fields are asked about, and how questions are packed into calls."""

from dataclasses import replace

import pytest

from extractor.concepts.parse import parse_record
from extractor.evidence.drafts import Reading
from extractor.model.asking.planner import pack_questions, plan_questions
from extractor.model.asking.prompt import count_output_tokens, render_line
from extractor.model.calls import estimate_tokens
from extractor.options import ExtractionOptions
from extractor.schemas import Category, Concept, CriterionKind, Task
from extractor.schemas.vocabulary import Effort
from tests.trust import trial

from .samples import (
    OPEN,
    chunk,
    criterion,
    outcome,
    parsed_record,
    regimen,
    sure,
    unsure,
)


def plan(*items, candidates=(), **options):
    parsed = parsed_record(*items, candidates=candidates)
    return plan_questions(parsed, ExtractionOptions(**options))


def asked(questions):
    """The fields that each line asks about, without lines that are only read."""
    return {
        question.number: question.fields for question in questions if question.fields
    }


def doses(number, **readings):
    """So many regimens, each in an arm of its own."""
    texts = [f"Drugamide {n} mg by mouth once daily" for n in range(number)]
    return [regimen(n, text, f"arms[{n}]", **readings) for n, text in enumerate(texts)]


AGE = Reading(Category.AGE, 0.8)
EVENTS = ("start_event", "end_events", "censored")


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        (
            [
                criterion(1, "Stable"),
                regimen(2, "5 mg", "arms[0]"),
                outcome(3, "Overall survival"),
            ],
            {},
        ),
        (
            [criterion(1, "Stable", category=OPEN, constraints=OPEN)],
            {1: ("category", "constraints")},
        ),
        ([criterion(1, "Stable", category=AGE)], {1: ("category",)}),
        # With what is measured, everything that may be stated of it is asked.
        (
            [outcome(1, "Something", concept=OPEN)],
            {1: ("concept", "instrument", *EVENTS, "specimens", "methods")},
        ),
        # Only what may be a time to an event has events.
        ([outcome(1, "Pain", concept=sure(Concept.BIOMARKER), start_event=OPEN)], {}),
        ([outcome(1, "Survival", start_event=OPEN)], {1: ("start_event",)}),
        ([outcome(1, "Pain, day 3", time_frame=unsure("day 3"))], {1: ("split",)}),
        # A doubt weighs more in a field that few items state.
        ([outcome(1, "Pain", instrument=Reading(None, 0.95))], {1: ("instrument",)}),
        ([outcome(1, "Pain", time_points=Reading((), 0.95))], {}),
    ],
)
def test_a_field_is_asked_about_if_it_is_doubtful(items, expected):
    assert asked(plan(*items)) == expected
    assert plan(*items, effort=Effort.NONE) == ()
    # whatever the rules say
    everything = asked(plan(*items, effort=Effort.ALL))
    assert everything.keys() >= expected.keys()
    assert sum(map(len, everything.values())) > sum(map(len, expected.values()))


LISTED = """Inclusion Criteria:

* Consent
* Evidence of allergy, shown by:

  * Eczema
* Rhinitis

Exclusion Criteria:

Cardiac conditions within 6 months:

* Infarction
"""


@pytest.mark.parametrize("doubtful", [True, False])
def test_lines_that_introduce_others_are_shown_only_where_a_lead_in_is_asked(doubtful):
    parsed = parse_record(trial(eligibility=LISTED))
    if not doubtful:
        criteria = []
        for one in parsed.criteria:
            lead_in = replace(one.rules["lead_in"], confidence=0.99)
            criteria.append(replace(one, rules={**one.rules, "lead_in": lead_in}))
        parsed = replace(parsed, criteria=tuple(criteria))
    options = ExtractionOptions(tasks=["eligibility"])
    found = {one.chunk.text: one for one in plan_questions(parsed, options)}
    # Eczema is below its line, Rhinitis beside it, and Infarction below something like a heading.
    unled = [text for text, one in found.items() if "lead_in" in one.fields]
    assert unled == ["Rhinitis", "Infarction"] * doubtful
    headings = [text for text in found if text.endswith("clusion Criteria:")]
    assert headings == ["Inclusion Criteria:", "Exclusion Criteria:"] * doubtful
    names_line = 'under "Evidence of allergy, shown by:"' in found["Eczema"].hint
    assert names_line is not doubtful


@pytest.mark.parametrize(
    ("line", "is_asked"),
    [
        ("Measured as follows:\n\n  * Lying\n  * Standing", True),
        ("Shown by all of the following:\n\n  * Eczema\n  * Hay fever", False),
        ("Age 18-60, with a score as follows:\n\n  * Lying\n  * Standing", True),
        ("Measured as follows:\n\n  * Lying", False),
        ("Lying", False),
    ],
)
def test_how_criteria_belong_together_is_asked_of_the_line_above_them(line, is_asked):
    text = f"Inclusion Criteria:\n\n* Consent\n* {line}\n* Eczema\n"
    parsed = parse_record(trial(eligibility=text))
    questions = plan_questions(parsed, ExtractionOptions())
    lines = [one.chunk.text for one in questions if "rule" in one.fields]
    assert lines == [line.partition("\n")[0]] * is_asked


def test_people_are_asked_of_lines_that_may_speak_of_them():
    lines = criterion(1, "Men and women over 50"), criterion(2, "Asthma")
    parsed = parsed_record(*lines)
    rules = {**parsed.whole.rules, "sex": unsure(None)}
    parsed = replace(parsed, whole=replace(parsed.whole, rules=rules))
    assert asked(plan_questions(parsed, ExtractionOptions())) == {1: ("people",)}


def test_a_source_that_keeps_the_parts_apart_is_never_asked_to_split():
    apart = {"measure": "Pain", "time_frame": "day 3"}
    parsed = parse_record(trial(primary_outcomes_0=apart))
    questions = plan_questions(parsed, ExtractionOptions(effort="all"))
    assert [one for one in questions if "split" in one.fields] == []
    assert asked(questions)


def test_hints_name_the_list_or_section_of_a_line():
    exclusion = {"kind": sure(CriterionKind.EXCLUSION), "lead_in": sure("Any of:")}
    listed = criterion(1, "Asthma", category=OPEN, **exclusion)
    prose = criterion(2, "They may join.", "brief_summary", stands=OPEN)
    dose = regimen(
        9, "Testimab 8 mg weekly", "detailed_description", role=OPEN, route=OPEN
    )
    questions = plan(listed, prose, *doses(1, role=OPEN, route=OPEN), dose)
    assert [one.hint for one in questions] == [
        "brief summary",
        'exclusion list, under "Any of:"',
        "",
        "",
        "title",
        "brief summary",
        "detailed description",
    ]


@pytest.mark.parametrize(
    ("items", "candidates", "expected"),
    [
        (doses(2), (), False),
        (doses(2, arms=OPEN), (), False),
        (doses(2, role=OPEN, route=OPEN), (), True),
        (doses(1), (chunk(7, "2 scoops of Testimab", "arms[7]"),), True),
        ([], (chunk(7, "2 scoops of Testimab", "arms[7]"),), True),
    ],
)
def test_doses_are_read_anew_as_a_whole_or_not_at_all(items, candidates, expected):
    questions = plan(*items, candidates=candidates, tasks={Task.DOSING})
    assert bool(questions) is expected
    assert {one.fields for one in questions} <= {("regimens",)}


def test_packing_keeps_the_order_and_bounds_tokens_and_answers():
    questions = plan(*(criterion(n, "word " * 40, category=OPEN) for n in range(9)))
    size = estimate_tokens(render_line(questions[0]))
    most = count_output_tokens(questions[:4])

    def sizes(**limits):
        calls = pack_questions(questions, **limits)
        assert [one for call in calls for one in call] == list(questions)
        return [len(call) for call in calls]

    assert sizes() == [9]
    assert sizes(max_tokens=2 * size) == [2, 2, 2, 2, 1]
    assert sizes(max_output=most) == [4, 4, 1]
    assert sizes(max_tokens=10) == [1] * 9
    assert pack_questions(()) == ()


def test_packing_keeps_regimens_in_one_call():
    long = criterion(9, "word " * 40, category=OPEN)
    regimens = doses(3, role=OPEN, route=OPEN, timing=OPEN)
    first, second = pack_questions(plan(long, *regimens), max_tokens=60)
    assert [one.number for one in first] == [9]
    assert [one.fields for one in second] == [("regimens",)] * 5


def test_the_list_is_asked_of_the_lines_below_a_doubtful_heading_alone():
    lines = "Inclusion Criteria:\n\n* Asthma\n* Able to walk\n\nExclsuion Critera:\n\n* Anaemia\n* Scabies"
    questions = plan_questions(
        parse_record(trial(eligibility=lines)), ExtractionOptions(effort="medium")
    )
    asked_for_list = [one.chunk.text for one in questions if "kind" in one.fields]
    assert asked_for_list == ["Anaemia", "Scabies"]
