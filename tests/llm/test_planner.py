"""Which fields are asked about, which passages are shown for doses, and how questions are packed into calls."""

from dataclasses import replace

import pytest

from extractor.llm.dose_passages import find_dose_cues, list_dose_passages
from extractor.llm.estimates import estimate_tokens
from extractor.llm.planner import pack_questions, plan_questions
from extractor.llm.prompt import render_line
from extractor.options import Assist, ExtractionOptions
from extractor.parse.parsed import Chunk, ChunkKind, Reading, Span
from extractor.schemas import Category, Concept, CriterionKind, Part, Section, Source, Task, TrialRecord
from extractor.text.passage import read_section

from .samples import OPEN, chunk, criterion, outcome, parsed_record, regimen, sure, unsure, with_parts

TASKS = frozenset(Task)


def plan(*items, assist=Assist.AUTO, tasks=TASKS, candidates=()):
    return plan_questions(parsed_record(*items, candidates=candidates), ExtractionOptions(tasks, assist))


def numbers(questions):
    return [question.chunk.number for question in questions]


def lines(count, **readings):
    return [criterion(n, "Adults with stable disease", **readings) for n in range(1, count + 1)]


def doses(count, **readings):
    """So many regimens, each in an arm of its own."""
    return [regimen(n, f"Drugamide {n} mg by mouth once daily", f"arms[{n}]", **readings) for n in range(count)]


AGE = Reading(Category.AGE, 0.8)
WAVERING = replace(unsure(Category.AGE), alternatives=(Category.SEX,))


@pytest.mark.parametrize(
    ("items", "asked"),
    [
        ([criterion(1, "Adults"), regimen(2, "5 mg", "arms[0]"), outcome(3, "Overall survival")], {}),
        (
            [criterion(1, "Adults"), criterion(2, "Stable disease", category=OPEN, constraints=OPEN)],
            {2: ("category", "constraints")},
        ),
        ([criterion(1, "Asthma is common.", stands=sure(value=False), category=OPEN)], {}),
        ([outcome(1, "Something", concept=OPEN)], {1: ("concept",)}),
        ([outcome(1, "Pain, day 3", time_frame=unsure("day 3"))], {1: ("split",)}),
        # A choice between few words costs less than one between all, and so is worth asking with less doubt.
        ([criterion(1, "Adults", category=unsure(Category.AGE))], {}),
        ([criterion(1, "Adults", category=WAVERING)], {1: ("category",)}),
        # A small doubt is worth its tokens where many lines share a definition, and no doubt is worth a long line.
        (lines(1, category=AGE), {}),
        (lines(12, category=AGE), dict.fromkeys(range(1, 13), ("category",))),
        (
            [*lines(12, category=AGE), criterion(20, "word " * 400, category=unsure(None))],
            dict.fromkeys(range(1, 13), ("category",)),
        ),
        # A field that one line asks is not worth its definition.
        (
            [
                criterion(1, "Adults with stable disease", category=unsure(None), constraints=Reading((), 0.9)),
                *lines(12, category=Reading(Category.AGE, 0.7))[1:],
            ],
            dict.fromkeys(range(1, 13), ("category",)),
        ),
        # Doses are read anew as a whole or not at all.
        (doses(3), {}),
        (doses(1, timing=unsure(None)), {}),
        (
            [*doses(2, role=OPEN, route=OPEN, timing=OPEN), regimen(7, "Testimab 8 mg weekly", "interventions[1]")],
            {0: ("regimens",), 1: ("regimens",), 7: ("regimens",)},
        ),
    ],
)
def test_auto_asks_what_is_worth_its_tokens(items, asked):
    assert {q.chunk.number: q.fields for q in plan(*items)} == asked
    assert plan(*items, assist=Assist.NEVER) == ()


def test_always_asks_every_field_and_every_candidate():
    items = [criterion(1, "Adults"), regimen(2, "5 mg", "arms[0]"), outcome(3, "Overall survival, 2 years")]
    questions = plan(*items, assist=Assist.ALWAYS, candidates=(chunk(4, "One dose a day", "brief_summary"),))
    endpoints = ("split", "concept", "category", "time_points", "time_kind", "instrument")
    assert {q.chunk.number: q.fields for q in questions} == {
        1: ("stands", "kind", "category", "constraints", "time_window"),
        2: ("regimens",),
        4: ("regimens",),
        3: (*endpoints, "start_event", "end_events", "censored", "specimens", "methods"),
    }


def test_the_values_between_which_the_rules_waver_go_with_the_question():
    items = (criterion(1, "Adults", category=WAVERING), criterion(2, "Adults", category=OPEN))
    assert [dict(q.options) for q in plan(*items)] == [{"category": {Category.AGE, Category.SEX, Category.OTHER}}, {}]
    assert [dict(q.options) for q in plan(*items, assist=Assist.ALWAYS)] == [{}, {}]


@pytest.mark.parametrize(
    ("concept", "asked"),
    [
        (sure(Concept.OVERALL_SURVIVAL), True),
        (sure(Concept.BIOMARKER), False),
        (OPEN, True),
        (unsure(Concept.BIOMARKER), True),
    ],
)
def test_events_are_asked_where_the_concept_may_be_a_time_to_event(concept, asked):
    questions = plan(outcome(1, "Something", concept=concept, start_event=OPEN, end_events=OPEN))
    fields = questions[0].fields if questions else ()
    assert ("start_event" in fields, "end_events" in fields) == (asked, asked)


def test_a_source_that_keeps_the_parts_apart_is_never_asked_to_split():
    parsed = parsed_record(outcome(1, "Pain\nday 3", "primary_outcomes[0]"))
    parsed = with_parts(parsed, "primary_outcomes[0]", measure="Pain", time_frame="day 3")
    (question,) = plan_questions(parsed, ExtractionOptions(assist=Assist.ALWAYS))
    assert "split" not in question.fields


def test_hints_say_where_a_line_stands():
    in_list = criterion(1, "Asthma", category=OPEN, kind=sure(CriterionKind.EXCLUSION), lead_in=sure("Any of:"))
    prose = criterion(2, "Adults may join.", "brief_summary", stands=OPEN)
    assert [q.hint for q in plan(in_list, prose)] == ['exclusion list, under "Any of:"', "brief summary"]
    dose = regimen(9, "Testimab 8 mg weekly", "brief_summary", role=OPEN, route=OPEN, agent=OPEN)
    assert [q.hint for q in plan(*doses(1, role=OPEN, route=OPEN), dose)] == ["", "brief summary"]


def test_a_candidate_is_worth_reading_all_doses_anew_and_no_number_is_asked_twice():
    assert numbers(plan(*doses(1), candidates=(chunk(7, "2 scoops of Testimab", "arms[7]"),))) == [0, 7]
    twice = [regimen(1, "5 mg, then 8 mg", "arms[0]", route=OPEN)] * 2
    assert numbers(plan(*twice, candidates=(chunk(1, "5 mg, then 8 mg", "arms[0]"),))) == [1]


def test_packing_bounds_tokens_and_questions():
    questions = plan(*(criterion(n, "word " * 40, category=OPEN) for n in range(9)))
    size = estimate_tokens(render_line(questions[0]))
    assert [len(call) for call in pack_questions(questions, max_tokens=2 * size)] == [2, 2, 2, 2, 1]
    assert [len(call) for call in pack_questions(questions, max_questions=4)] == [4, 4, 1]
    assert [len(call) for call in pack_questions(questions[:2], max_tokens=10)] == [1, 1]
    assert pack_questions(()) == ()


def test_packing_keeps_order_puts_tasks_together_and_regimens_in_one_call():
    items = [*lines(3, category=OPEN), *(outcome(n, "Pain", concept=OPEN) for n in (4, 5))]
    assert [numbers(call) for call in pack_questions(plan(*items))] == [[1, 2, 3, 4, 5]]
    items = [criterion(9, "word " * 40, category=OPEN), *doses(3, role=OPEN, route=OPEN, timing=OPEN)]
    assert [numbers(call) for call in pack_questions(plan(*items), max_tokens=60)] == [[9], [0, 1, 2]]


SHORT = "Drugamide 5 mg daily. Testimab 8 mg weekly. Cycles last 21 days."
BETWEEN = "Nothing else here. " * 90
LONG = f"Drugamide 5 mg daily. {BETWEEN}Testimab 8 mg weekly. It is repeated every 21 days.\n\nOther words."


def record(*sections, **texts):
    """A parsed record in which the rules found nothing; an underscore and a number stand for brackets."""
    named = {name.replace("_0", "[0]").replace("_1", "[1]"): text for name, text in texts.items()}
    sections = (*sections, *(Section(name=name, text=text) for name, text in named.items()))
    found = TrialRecord(record_id="x", source=Source(path="x", format="flat"), sections=sections)
    return replace(parsed_record(), record=found, sections={s.name: read_section(s.name, s.text) for s in sections})


def with_two_regimens(text, **more):
    """A record of which the rules read the two regimens in its first arm."""
    regimens = []
    for number, words in enumerate(("Drugamide 5 mg daily", "Testimab 8 mg weekly"), 1):
        span = Span("arms[0]", text.index(words), text.index(words) + len(words))
        found = Chunk(number, ChunkKind.SENTENCE, span, words)
        regimens.append(replace(regimen(number, text, "arms[0]"), chunk=found, quote=span))
    parsed = record(arms_0=text, **more)
    return replace(parsed, dosing=parsed_record(*regimens).dosing)


def shown(*sections, **texts):
    return [(p.chunk.span.section, p.chunk.text) for p in list_dose_passages(record(*sections, **texts))]


def test_a_short_section_is_one_passage_and_regimens_far_apart_have_their_own_sentences():
    (passage,) = list_dose_passages(with_two_regimens(SHORT))
    assert (passage.chunk.number, passage.chunk.text) == (1, SHORT)
    assert [passage.chunk.text for passage in list_dose_passages(with_two_regimens(LONG))] == [
        "Drugamide 5 mg daily.",
        "Testimab 8 mg weekly. It is repeated every 21 days.",
    ]


def test_numbers_of_new_passages_are_free():
    more = {"arms_1": "High\nDrugamide 50 mg daily", "brief_summary": "Ten days of 7 mg by mouth."}
    assert numbers(list_dose_passages(with_two_regimens(SHORT, **more))) == [1, 3, 4]


@pytest.mark.parametrize(
    ("texts", "sections"),
    [
        ({"arms_0": "Low\nDrugamide by mouth"}, ["arms[0]"]),  # one cue is enough where doses are stated
        ({"arms_0": "Control\nUsual care"}, []),
        ({"interventions_0": "Procedure\nbone marrow transplantation"}, []),  # says no more than its name
        ({"brief_summary": "Drugamide helps by mouth."}, []),  # running text needs two cues
        ({"brief_summary": "Drugamide 5 mg helps by mouth."}, ["brief_summary"]),
        ({"eligibility": "No more than 5 mg prednisone daily by mouth"}, []),
        ({"primary_outcomes_0": "Pain after 5 mg once daily"}, []),
        ({"detailed_description": "word 5 " * 50_000}, []),
    ],
)
def test_what_is_shown_of_text_in_which_the_rules_read_nothing(texts, sections):
    assert [section for section, _ in shown(**texts)] == sections


DOSE = "Drugamide 5 mg by mouth once daily for 12 weeks."


def test_repeated_text_is_shown_once():
    more = "Rescue: Testimab 8 mg injected once."
    assert shown(detailed_description=f"Design. {DOSE}", arms_0=DOSE) == [("arms[0]", DOSE)]
    found = shown(detailed_description=f"{DOSE}\n\n{'Nothing here. ' * 120}\n\n{more}", arms_0=DOSE)
    assert found == [("arms[0]", DOSE), ("detailed_description", more)]
    assert len(shown(arms_0=DOSE, arms_1=DOSE)) == 1


@pytest.mark.parametrize(
    ("name", "dose", "count"),
    [
        ("Drugamide", "750 mg/m2", 1),
        ("Drugamide", "50 mg/m2", 2),  # the end of 750
        ("Testimab", "750 mg/m2", 2),
    ],
)
def test_an_intervention_is_shown_once_where_agent_and_dose_are_the_same(name, dose, count):
    sections = []
    for place, (agent, amount) in enumerate([("Drugamide", "750 mg/m2"), (name, dose)]):
        text = f"{agent}\n{amount}, IV, day 1 every 21 days, six 21 day cycles"
        cut = len(agent)
        parts = (Part(name="name", start=0, end=cut), Part(name="description", start=cut + 1, end=len(text)))
        sections.append(Section(name=f"interventions[{place}]", text=text, parts=parts))
    assert len(shown(*sections)) == count


def test_prose_is_shown_in_sentences_and_short_prose_to_its_end():
    given = "Patients receive 5 mg of Drugamide by mouth\n      every day of the week."
    one_line = "Patients receive 5 mg of Drugamide by mouth every day of the week."
    text = f"Many are ill. {given} {'They are seen often. ' * 100}"
    assert shown(detailed_description=text) == [("detailed_description", one_line)]
    ((_, text),) = shown(detailed_description=f"Many are ill. {given} Others get saline alike.")
    assert text.startswith("Patients receive")
    assert text.endswith("Others get saline alike.")


def test_arms_without_a_dose_are_shown_beside_those_with_one():
    texts = {"arms_0": "Control\nUsual care", "arms_1": "New\nDrugamide 5 mg by mouth"}
    assert shown(**texts) == [("arms[0]", "Control\nUsual care"), ("arms[1]", "New\nDrugamide 5 mg by mouth")]
    assert [passage.mentions_dose for passage in list_dose_passages(record(**texts))] == [False, True]


def test_of_a_very_long_record_the_beginning_is_shown():
    text = "\n\n".join(f"Drugamide {n} mg by mouth on day {n}. {'Nothing else here. ' * 10}" for n in range(2000))
    passages = shown(detailed_description=text)
    assert passages[0][1] == "Drugamide 0 mg by mouth on day 0."
    assert 10_000 < sum(len(words) for _, words in passages) < 14_000


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("2 x 10^6 CAR-T cells", ["amount"]),
        ("given i.v. over 1 hour", ["route"]),
        ("q3w", ["rate"]),
        ("on days 1-5", ["rate"]),
        ("prostatectomy", ["giving"]),
        ("ivory, scope, podium", []),
    ],
)
def test_cues_of_doses(text, kinds):
    assert [kind.value for *_, kind in find_dose_cues(text)] == kinds
