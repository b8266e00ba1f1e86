from dataclasses import replace

import pytest

from extractor.llm.estimates import estimate_tokens
from extractor.llm.planner import pack_questions, plan_questions
from extractor.llm.prompt import render_line
from extractor.options import Assist, ExtractionOptions
from extractor.parse.parsed import Reading
from extractor.schemas import Category, Concept, CriterionKind, Task

from .samples import OPEN, chunk, criterion, outcome, parsed_record, regimen, sure, unsure, with_parts

TASKS = frozenset(Task)


def _plan(*items, assist=Assist.AUTO, tasks=TASKS, candidates=()):
    return plan_questions(parsed_record(*items, candidates=candidates), ExtractionOptions(tasks, assist))


def test_never_asks_nothing():
    assert _plan(criterion(1, "Age", category=OPEN), assist=Assist.NEVER) == ()


def test_the_values_between_which_the_rules_waver_go_with_the_question():
    wavering = replace(unsure(Category.AGE), alternatives=(Category.SEX,))
    items = (criterion(1, "Adults", category=wavering), criterion(2, "Adults", category=OPEN))
    assert [dict(q.options) for q in _plan(*items)] == [{"category": {Category.AGE, Category.SEX, Category.OTHER}}, {}]
    assert [dict(q.options) for q in _plan(*items, assist=Assist.ALWAYS)] == [{}, {}]


def test_what_the_rules_know_is_not_asked():
    assert _plan(criterion(1, "Adults"), regimen(2, "5 mg", "arms[0]"), outcome(3, "Overall survival")) == ()


def test_auto_asks_the_uncertain_fields_alone():
    questions = _plan(criterion(1, "Adults"), criterion(2, "Stable disease", category=OPEN, constraints=OPEN))
    assert [(q.chunk.number, q.fields) for q in questions] == [(2, ("category", "constraints"))]


def test_auto_passes_over_what_surely_is_no_criterion():
    assert _plan(criterion(1, "Asthma is common.", stands=sure(value=False), category=OPEN)) == ()


def test_always_asks_every_field_and_every_candidate():
    questions = _plan(
        criterion(1, "Adults"),
        regimen(2, "5 mg", "arms[0]"),
        outcome(3, "Overall survival, 2 years"),
        assist=Assist.ALWAYS,
        candidates=(chunk(4, "One dose a day", "brief_summary"),),
    )
    assert {q.chunk.number: q.fields for q in questions} == {
        1: ("stands", "kind", "category", "constraints", "time_window"),
        2: ("regimens",),
        4: ("regimens",),
        3: (
            *("split", "concept", "category", "time_points", "time_kind", "instrument"),
            *("start_event", "end_events", "censored", "specimens", "methods"),
        ),
    }


def test_only_the_tasks_wanted_are_asked():
    items = (criterion(1, "Adults", category=OPEN), outcome(2, "Pain", concept=OPEN))
    assert [q.task for q in _plan(*items, tasks={Task.ENDPOINTS})] == [Task.ENDPOINTS]


def _lines(count, **readings):
    return [criterion(n, "Adults with stable disease", **readings) for n in range(1, count + 1)]


def test_a_small_doubt_is_not_worth_its_tokens_and_many_are():
    likely = Reading(Category.AGE, 0.8)
    assert _plan(*_lines(1, category=likely)) == ()
    assert len(_plan(*_lines(12, category=likely))) == 12


def test_a_doubt_in_a_long_line_is_not_worth_reading_it():
    lines = [*_lines(12, category=Reading(Category.AGE, 0.8)), criterion(20, "word " * 400, category=unsure(None))]
    assert 20 not in [question.chunk.number for question in _plan(*lines)]


def test_a_field_that_few_lines_ask_is_not_worth_its_definition():
    lines = _lines(12, category=Reading(Category.AGE, 0.7))
    lines[0] = criterion(1, "Adults with stable disease", category=unsure(None), constraints=Reading((), 0.9))
    assert {question.fields for question in _plan(*lines)} == {("category",)}


def test_what_the_rules_cannot_tell_at_all_is_asked():
    assert [q.fields for q in _plan(outcome(1, "Something", concept=OPEN))] == [("concept",)]


def test_a_choice_between_few_is_worth_less_doubt_than_one_between_all():
    wide, narrow = (replace(unsure(Category.AGE), alternatives=others) for others in ((), (Category.SEX,)))
    assert _plan(criterion(1, "Adults", category=wide)) == ()
    assert len(_plan(criterion(1, "Adults", category=narrow))) == 1


@pytest.mark.parametrize(
    ("concept", "asked"),
    [
        (sure(Concept.OVERALL_SURVIVAL), True),
        (sure(Concept.DURATION_OF_RESPONSE), True),
        (sure(Concept.BIOMARKER), False),
        (OPEN, True),
        (unsure(Concept.BIOMARKER), True),
    ],
)
def test_events_are_asked_where_the_concept_may_have_a_clock(concept, asked):
    questions = _plan(outcome(1, "Something", concept=concept, start_event=OPEN, end_events=OPEN))
    fields = questions[0].fields if questions else ()
    assert ("start_event" in fields, "end_events" in fields) == (asked, asked)


def test_the_split_is_asked_when_any_part_is_uncertain():
    (question,) = _plan(outcome(1, "Pain, day 3", time_frame=unsure("day 3")))
    assert question.fields == ("split",)


def test_a_source_that_keeps_the_parts_apart_is_never_asked_to_split():
    parsed = parsed_record(outcome(1, "Pain\nday 3", "primary_outcomes[0]"))
    parsed = with_parts(parsed, "primary_outcomes[0]", measure="Pain", time_frame="day 3")
    (question,) = plan_questions(parsed, ExtractionOptions(assist=Assist.ALWAYS))
    assert "split" not in question.fields


def test_hints_say_where_a_line_stands():
    in_list = criterion(1, "Asthma", category=OPEN, kind=sure(CriterionKind.EXCLUSION), lead_in=sure("Any of:"))
    prose = criterion(2, "Adults may join.", "brief_summary", stands=OPEN)
    assert [q.hint for q in _plan(in_list, prose)] == ['exclusion list, under "Any of:"', "brief summary"]


def _doses(regimens, **readings):
    """So many regimens, each in an arm of its own."""
    return [regimen(n, f"Drugamide {n} mg by mouth once daily", f"arms[{n}]", **readings) for n in range(regimens)]


def test_doses_are_read_anew_as_a_whole_or_not_at_all():
    sure_of_all, in_doubt = _doses(3), _doses(2, role=OPEN, route=OPEN, timing=OPEN)
    assert _plan(*sure_of_all) == ()
    questions = _plan(*in_doubt, regimen(7, "Testimab 8 mg weekly", "interventions[1]"))
    assert [(q.chunk.number, q.fields) for q in questions] == [
        (0, ("regimens",)),
        (1, ("regimens",)),
        (7, ("regimens",)),
    ]


def test_one_doubtful_field_is_not_worth_reading_all_doses_anew():
    assert _plan(*_doses(1, timing=unsure(None))) == ()


def test_a_candidate_is_worth_reading_all_doses_anew():
    questions = _plan(*_doses(1), candidates=(chunk(7, "2 scoops of Testimab", "arms[7]"),))
    assert [q.chunk.number for q in questions] == [0, 7]


def test_running_text_is_hinted_by_its_section_and_arms_by_their_own_names():
    prose = regimen(9, "Testimab 8 mg weekly", "brief_summary", role=OPEN, route=OPEN, agent=OPEN)
    assert [q.hint for q in _plan(*_doses(1, role=OPEN, route=OPEN), prose)] == ["", "brief summary"]


def test_no_number_is_asked_about_twice():
    questions = _plan(
        regimen(1, "5 mg, then 8 mg", "arms[0]", route=OPEN),
        regimen(1, "5 mg, then 8 mg", "arms[0]", route=OPEN),
        candidates=(chunk(1, "5 mg, then 8 mg", "arms[0]"),),
    )
    assert [q.chunk.number for q in questions] == [1]


def test_packing_keeps_order_and_puts_tasks_together():
    questions = _plan(
        *(criterion(n, "Adults", category=OPEN) for n in (1, 2, 3)), *(outcome(n, "Pain", concept=OPEN) for n in (4, 5))
    )
    packed = pack_questions(questions)
    assert [[q.chunk.number for q in call] for call in packed] == [[1, 2, 3, 4, 5]]


def test_packing_bounds_tokens_and_questions():
    questions = _plan(*(criterion(n, "word " * 40, category=OPEN) for n in range(9)))
    size = estimate_tokens(render_line(questions[0]))
    assert [len(call) for call in pack_questions(questions, max_tokens=2 * size)] == [2, 2, 2, 2, 1]
    assert [len(call) for call in pack_questions(questions, max_questions=4)] == [4, 4, 1]


def test_a_line_longer_than_a_call_has_a_call_to_itself():
    questions = _plan(criterion(1, "Adults", category=OPEN), criterion(2, "word " * 60, category=OPEN))
    assert [len(call) for call in pack_questions(questions, max_tokens=50)] == [1, 1]


def test_lines_of_one_list_of_regimens_stay_together():
    questions = _plan(criterion(9, "word " * 40, category=OPEN), *_doses(3, role=OPEN, route=OPEN, timing=OPEN))
    assert [[q.chunk.number for q in call] for call in pack_questions(questions, max_tokens=60)] == [[9], [0, 1, 2]]


def test_packing_nothing_makes_no_call():
    assert pack_questions(()) == ()
