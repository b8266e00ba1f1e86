"""Which fields are asked about, and how questions are packed into calls."""

from dataclasses import replace

import pytest

from extractor.concepts.own.models import read_fields
from extractor.concepts.parse import parse_record
from extractor.evidence.drafts import Reading
from extractor.model.asking.planner import pack_questions, plan_questions
from extractor.model.asking.prompt import count_output_tokens, render_line
from extractor.model.calls import estimate_tokens
from extractor.options import ExtractionOptions
from extractor.schemas import CriterionKind, Task
from extractor.schemas.vocabulary import Effort
from tests.tables import read_cases
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

CASES = read_cases(__file__)


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


def read_item(kind, number, text, readings):
    """An item of a table: its readings are a value and its confidence, or None if they are open."""
    made = {"criterion": criterion, "outcome": outcome, "regimen": dose}[kind]
    known = {
        name: Reading(read[0], weighed=read[1]) if read else OPEN
        for name, read in readings.items()
    }
    return made(number, text, **known)


def dose(number, text, **readings):
    return regimen(number, text, "arms[0]", **readings)


@pytest.mark.parametrize(("rows", "expected"), CASES["asked"])
def test_a_field_is_asked_about_if_it_is_doubtful(rows, expected):
    """With what is measured, everything that may be stated of it is asked; only what may be a time
    to an event has events; a doubt weighs more in a field that few items state.
    """
    items = [read_item(*row) for row in rows]
    expected = {int(number): tuple(fields) for number, fields in expected.items()}
    assert asked(plan(*items)) == expected
    assert plan(*items, effort=Effort.NONE) == ()
    # whatever the rules say
    everything = asked(plan(*items, effort=Effort.ALL))
    assert everything.keys() >= expected.keys()
    assert sum(map(len, everything.values())) > sum(map(len, expected.values()))


@pytest.mark.parametrize(("text", "doubtful"), CASES["listed"])
def test_lines_that_introduce_others_are_shown_only_where_a_lead_in_is_asked(
    text, doubtful
):
    parsed = parse_record(trial(eligibility=text))
    if not doubtful:
        criteria = []
        for one in parsed.criteria:
            lead_in = one.rules.lead_in.with_confidence(0.99)
            criteria.append(replace(one, rules=replace(one.rules, lead_in=lead_in)))
        parsed = replace(parsed, criteria=tuple(criteria))
    options = ExtractionOptions(tasks=["eligibility"])
    found = {one.chunk.text: one for one in plan_questions(parsed, options)}
    # Eczema is below its line, Rhinitis after that line's items, and Infarction below something like
    # a heading.
    unled = [text for text, one in found.items() if "lead_in" in one.fields]
    assert unled == ["Infarction"] * doubtful
    headings = [text for text in found if text.endswith("clusion Criteria:")]
    assert headings == ["Inclusion Criteria:", "Exclusion Criteria:"] * doubtful
    names_line = 'under "Evidence of allergy, shown by:"' in found["Eczema"].hint
    assert names_line is not doubtful


@pytest.mark.parametrize(("line", "is_asked"), CASES["rules"])
def test_how_criteria_belong_together_is_asked_of_the_line_above_them(line, is_asked):
    text = f"Inclusion Criteria:\n\n* Consent\n* {line}\n* Eczema\n"
    parsed = parse_record(trial(eligibility=text))
    questions = plan_questions(parsed, ExtractionOptions())
    lines = [one.chunk.text for one in questions if "rule" in one.fields]
    assert lines == [line.partition("\n")[0]] * is_asked


def test_a_custom_field_is_asked_of_the_lines_that_may_state_it():
    fields = read_fields("extractor.catalogue:EjectionFraction")
    lines = criterion(1, "LVEF as judged by the team"), criterion(2, "Asthma")
    assert asked(plan(*lines, fields=fields)) == {1: ("ejection_fraction",)}
    assert plan(*lines, fields=fields, tasks=[Task.DOSING]) == ()


def test_people_are_asked_of_lines_that_may_speak_of_them():
    lines = criterion(1, "Men and women over 50"), criterion(2, "Asthma")
    parsed = parsed_record(*lines)
    rules = replace(parsed.whole.rules, sex=unsure(None))
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
    ("count", "readings", "has_candidate", "expected"), CASES["doses"]
)
def test_doses_are_read_anew_as_a_whole_or_not_at_all(
    count, readings, has_candidate, expected
):
    items = doses(count, **dict.fromkeys(readings, OPEN))
    candidates = [chunk(7, "2 scoops of Testimab", "arms[7]")] * has_candidate
    questions = plan(*items, candidates=tuple(candidates), tasks={Task.DOSING})
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
    long = plan(*(criterion(n, "x" * 8000, category=OPEN) for n in range(4)))
    assert [len(call) for call in pack_questions(long)] == [3, 1]
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
