"""Which fields are asked about, which passages are shown for doses, and how questions are packed
into calls.
"""

from dataclasses import replace
from itertools import count

import pytest

from extractor.concepts.doses.passages import list_dose_passages
from extractor.concepts.parse import parse_record
from extractor.evidence.drafts import Reading
from extractor.language.passage import read_section
from extractor.model.asking.planner import pack_questions, plan_questions, says_who
from extractor.model.asking.prompt import count_output_tokens, render_line
from extractor.model.calls import estimate_tokens
from extractor.options import ExtractionOptions
from extractor.schemas import (
    Category,
    Concept,
    CriterionKind,
    Part,
    Section,
    Source,
    Task,
    TrialRecord,
)
from extractor.schemas.vocabulary import Effort

from .samples import (
    OPEN,
    chunk,
    criterion,
    outcome,
    parsed_record,
    regimen,
    sure,
    unsure,
    with_parts,
)


def plan(*items, candidates=(), tasks=frozenset(Task), **options):
    return plan_questions(
        parsed_record(*items, candidates=candidates),
        ExtractionOptions(tasks=tasks, **options),
    )


def asked(questions):
    """The fields that each line asks about, without lines that are only read."""
    return {q.chunk.number: q.fields for q in questions if q.fields}


def numbers(questions):
    return [question.chunk.number for question in questions]


def doses(number, **readings):
    """So many regimens, each in an arm of its own."""
    return [
        regimen(n, f"Drugamide {n} mg by mouth once daily", f"arms[{n}]", **readings)
        for n in range(number)
    ]


AGE = Reading(Category.AGE, 0.8)


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
            {
                1: (
                    "concept",
                    "instrument",
                    "start_event",
                    "end_events",
                    "censored",
                    "specimens",
                    "methods",
                )
            },
        ),
        ([outcome(1, "Pain, day 3", time_frame=unsure("day 3"))], {1: ("split",)}),
        # A doubt weighs more in a field that few items state.
        ([outcome(1, "Pain", instrument=Reading(None, 0.95))], {1: ("instrument",)}),
        ([outcome(1, "Pain", time_points=Reading((), 0.95))], {}),
    ],
)
def test_a_field_is_asked_about_if_it_is_doubtful(items, expected):
    assert asked(plan(*items)) == expected
    assert plan(*items, effort=Effort.NONE) == ()


@pytest.mark.parametrize(
    ("effort", "expected"),
    [(Effort.NONE, False), (Effort.MEDIUM, True), (Effort.ALL, True)],
)
def test_effort_says_how_doubtful(effort, expected):
    fields = asked(plan(criterion(1, "Stable", category=AGE), effort=effort)).get(1, ())
    assert ("category" in fields) is expected


def test_all_asks_what_the_rules_are_sure_of():
    item = criterion(1, "Adults")
    item = replace(
        item,
        rules={name: replace(one, confidence=1.0) for name, one in item.rules.items()},
    )
    assert plan(item) == ()
    fields = ("stands", "kind", "category", "constraints", "time_windows", "lead_in")
    assert asked(plan(item, effort="all"))[1][:6] == fields


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
    section = Section(name="eligibility", text=LISTED)
    parsed = parse_record(
        TrialRecord(
            record_id="x", source=Source(path="x", format="flat"), sections=(section,)
        )
    )

    def settle(draft):
        if doubtful:
            return draft
        lead_in = replace(draft.rules["lead_in"], confidence=0.99)
        return replace(draft, rules={**draft.rules, "lead_in": lead_in})

    parsed = replace(parsed, criteria=tuple(map(settle, parsed.criteria)))
    found = {
        q.chunk.text: q
        for q in plan_questions(parsed, ExtractionOptions(tasks=["eligibility"]))
    }
    # Eczema stands below its line, Rhinitis beside it, and Infarction below something like a
    # heading.
    assert [text for text, q in found.items() if "lead_in" in q.fields] == [
        "Rhinitis",
        "Infarction",
    ] * doubtful
    headings = [
        text for text in ("Inclusion Criteria:", "Exclusion Criteria:") if text in found
    ]
    assert headings == ["Inclusion Criteria:", "Exclusion Criteria:"] * doubtful
    assert (
        'under "Evidence of allergy, shown by:"' in found["Eczema"].hint
    ) is not doubtful


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
def test_how_criteria_belong_together_is_asked_of_the_line_above_them_if_it_does_not_say_it(
    line, is_asked
):
    section = Section(
        name="eligibility",
        text=f"Inclusion Criteria:\n\n* Consent\n* {line}\n* Eczema\n",
    )

    parsed = parse_record(
        TrialRecord(
            record_id="x", source=Source(path="x", format="flat"), sections=(section,)
        )
    )

    lines = [
        q.chunk.text
        for q in plan_questions(parsed, ExtractionOptions())
        if "rule" in q.fields
    ]
    assert lines == [line.partition("\n")[0]] * is_asked


def test_people_are_asked_of_lines_that_may_speak_of_them():
    parsed = parsed_record(
        criterion(1, "Men and women over 50"), criterion(2, "Asthma")
    )
    parsed = replace(
        parsed,
        whole=replace(parsed.whole, rules={**parsed.whole.rules, "sex": unsure(None)}),
    )
    assert asked(plan_questions(parsed, ExtractionOptions())) == {1: ("people",)}


@pytest.mark.parametrize(
    ("concept", "expected"),
    [
        (sure(Concept.OVERALL_SURVIVAL), True),
        (sure(Concept.BIOMARKER), False),
        (OPEN, True),
        (unsure(Concept.BIOMARKER), True),
    ],
)
def test_events_are_asked_where_the_concept_may_be_a_time_to_event(concept, expected):
    questions = plan(
        outcome(1, "Something", concept=concept, start_event=OPEN, end_events=OPEN)
    )
    fields = questions[0].fields if questions else ()

    assert ("start_event" in fields) == expected
    assert ("end_events" in fields) == expected


def test_a_source_that_keeps_the_parts_apart_is_never_asked_to_split():
    parsed = parsed_record(outcome(1, "Pain\nday 3", "primary_outcomes[0]"))
    parsed = with_parts(
        parsed, "primary_outcomes[0]", measure="Pain", time_frame="day 3"
    )
    assert (
        "split" not in asked(plan_questions(parsed, ExtractionOptions(effort="all")))[1]
    )


def test_hints_say_where_a_line_stands():
    in_list = criterion(
        1,
        "Asthma",
        category=OPEN,
        kind=sure(CriterionKind.EXCLUSION),
        lead_in=sure("Any of:"),
    )
    prose = criterion(2, "They may join.", "brief_summary", stands=OPEN)
    assert {q.hint for q in plan(in_list, prose)} == {
        'exclusion list, under "Any of:"',
        "brief summary",
    }
    dose = regimen(
        9,
        "Testimab 8 mg weekly",
        "detailed_description",
        role=OPEN,
        route=OPEN,
        agent=OPEN,
    )
    hints = [
        q.hint
        for q in plan(*doses(1, role=OPEN, route=OPEN), dose, tasks={Task.DOSING})
    ]
    assert hints == ["", "", "title", "detailed description"]


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
    assert {q.fields for q in questions} <= {("regimens",)}


def test_packing_bounds_tokens_and_questions():
    questions = plan(*(criterion(n, "word " * 40, category=OPEN) for n in range(9)))

    size = estimate_tokens(render_line(questions[0]))

    assert [len(call) for call in pack_questions(questions, max_tokens=2 * size)] == [
        2,
        2,
        2,
        2,
        1,
    ]
    assert [
        len(call)
        for call in pack_questions(
            questions, max_output=count_output_tokens(questions[:4])
        )
    ] == [4, 4, 1]
    assert [len(call) for call in pack_questions(questions[:2], max_tokens=10)] == [
        1,
        1,
    ]
    assert pack_questions(()) == ()


def test_packing_keeps_order_and_puts_tasks_together():
    items = [
        *(criterion(number, "Stable disease", category=OPEN) for number in (1, 2, 3)),
        *(outcome(number, "Pain", concept=OPEN) for number in (4, 5)),
    ]

    (call,) = pack_questions(plan(*items))

    assert numbers(call) == [1, 2, 3, 4, 5]


def test_packing_keeps_regimens_in_one_call():
    long = criterion(9, "word " * 40, category=OPEN)
    regimens = doses(3, role=OPEN, route=OPEN, timing=OPEN)

    first, second = pack_questions(plan(long, *regimens), max_tokens=60)

    assert numbers(first) == [9]
    assert {question.fields for question in second} == {("regimens",)}
    assert len(second) == 5


def shown(*sections, **texts):
    """Section and text of each passage; an underscore and a number stand for brackets."""
    named = {
        name.replace("_0", "[0]").replace("_1", "[1]"): text
        for name, text in texts.items()
    }
    sections = (
        *sections,
        *(Section(name=name, text=text) for name, text in named.items()),
    )
    found = TrialRecord(
        record_id="x", source=Source(path="x", format="flat"), sections=sections
    )
    parsed = replace(
        parsed_record(),
        record=found,
        sections={s.name: read_section(s.name, s.text) for s in sections},
    )
    return [
        (passage.span.section, passage.text)
        for passage in list_dose_passages(parsed, count(50))
    ]


DOSE = "Drugamide 5 mg by mouth once daily for 12 weeks."


def test_passages_are_arms_and_interventions_and_then_running_text():
    texts = {
        "detailed_description": "Others\n      wait.",
        "eligibility": "Asthma",
        "arms_0": DOSE,
    }
    assert shown(**texts) == [
        ("arms[0]", DOSE),
        ("detailed_description", "Others wait."),
    ]


def test_long_text_is_cut_between_sentences_and_of_a_very_long_one_the_beginning_is_shown():
    paragraphs = [
        f"Drugamide {day} mg by mouth on day {day}. {'Nothing else here. ' * 10}"
        for day in range(2000)
    ]

    passages = [
        words for _, words in shown(detailed_description="\n\n".join(paragraphs))
    ]

    assert passages[0].startswith("Drugamide 0 mg")
    for words in passages:
        assert words.endswith(".")
        assert len(words) <= 1200
    assert 38_000 < sum(map(len, passages)) < 42_000


def test_repeated_text_is_shown_once():
    assert shown(brief_summary=DOSE, arms_0=DOSE) == [("arms[0]", DOSE)]
    assert len(shown(arms_0=DOSE, arms_1=DOSE)) == 1


@pytest.mark.parametrize(
    ("name", "dose", "number"),
    [
        ("Drugamide", "750 mg/m2", 1),
        ("Drugamide", "50 mg/m2", 2),  # the end of 750
        ("Testimab", "750 mg/m2", 2),
    ],
)
def test_an_intervention_is_shown_once_where_agent_and_dose_are_the_same(
    name, dose, number
):
    sections = []
    for place, (agent, amount) in enumerate([("Drugamide", "750 mg/m2"), (name, dose)]):
        text = f"{agent}\n{amount}, IV, day 1 every 21 days, six 21 day cycles"
        cut = len(agent)
        parts = (
            Part(name="name", start=0, end=cut),
            Part(name="description", start=cut + 1, end=len(text)),
        )
        sections.append(Section(name=f"interventions[{place}]", text=text, parts=parts))
    assert len(shown(*sections)) == number


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Minors are not admitted", True),
        ("Not for under 18s", True),
        ("Babies born before 32 weeks", True),
        ("65+", True),
        ("Teenagers of any weight", True),
        ("Minor surgery within 30 days", False),
        ("2+ oedema", False),
        ("Platelets > 100", False),
    ],
)
def test_ages_are_asked_in_lines_that_name_people_of_some_age(line, expected):
    assert says_who(line) is expected
