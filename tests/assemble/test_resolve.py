"""A model's answer is used, and the rules' reading determines its confidence. Without an answer,
the rules' reading is used.
"""

import pytest

from extractor.assembly.resolve import Members, resolve, resolve_part
from extractor.confidence import AGREE, weigh_answer
from extractor.evidence.drafts import Reading, Span, Supported
from extractor.language.values import list_members
from extractor.schemas import (
    AbsenceReason,
    Category,
    Concept,
    Constraint,
    CriterionKind,
    EndpointCategory,
    Origin,
    Role,
    TimeKind,
)
from extractor.wire.value_forms import read_amount as dose

GAP = AbsenceReason.MODEL_REFUSED
FIELD = "dosing.route"


def place(value, sure):
    """A weighed reading whose members have places, one after the other."""
    reading = Reading(() if isinstance(value, tuple) else None, weighed=sure)
    return reading.with_supported(
        Supported(member, Span("arms[0]", at, at + 1), confidence=sure)
        for at, member in enumerate(list_members(value))
    )


@pytest.mark.parametrize(
    ("rule", "model", "value", "origin"),
    [
        (Reading("oral", weighed=0.97), None, "oral", Origin.RULE),
        (
            Reading("oral", weighed=0.97),
            Reading("rectal", weighed=0.9),
            "rectal",
            Origin.MODEL,
        ),
        (
            Reading("oral", weighed=0.7),
            Reading("rectal", weighed=0.9),
            "rectal",
            Origin.MODEL,
        ),
        (
            Reading("oral", weighed=0.7),
            Reading("oral", weighed=0.9),
            "oral",
            Origin.BOTH,
        ),
        (Reading("oral", weighed=0.7), None, "oral", Origin.RULE),
        (Reading.open_(), Reading("oral", weighed=0.9), "oral", Origin.MODEL),
        (Reading(None, weighed=0.97), None, None, Origin.RULE),
        (Reading.open_(), None, None, GAP),
        (Reading("oral", weighed=0.1), None, "oral", Origin.RULE),
    ],
)
def test_who_decides(rule, model, value, origin):
    resolved = resolve(rule, model, GAP, FIELD)
    assert resolved.value == value
    assert (resolved.gap or resolved.origin) == origin


@pytest.mark.parametrize(
    "word",
    [
        CriterionKind.EXCLUSION,
        Category.OTHER,
        Role.RESCUE,
        Concept.OTHER,
        EndpointCategory.OTHER,
        TimeKind.PER,
    ],
)
def test_a_closed_set_of_which_one_word_is_right_always_has_the_best(word):
    alone = resolve(Reading(word, weighed=0.2), None, GAP, FIELD)
    assert (alone.value, alone.confidence, alone.gap) == (word, 0.2, None)


@pytest.mark.parametrize(
    ("rule", "model", "agree"),
    [
        ("the first infusion", "first infusion", True),
        ("infusion", "the date of infusion", True),
        ("progression", "the first assessment of progression", True),
        (
            ("treatment failure (no CR)", "relapse"),
            ("treatment failure", "Relapse."),
            True,
        ),
        ("first infusion", "second infusion", False),
        (("relapse",), ("relapse", "death"), False),
        ("CR", "CR or PR", False),
    ],
)
def test_quotes_that_mean_the_same_are_agreement_in_the_words_of_the_model(
    rule, model, agree
):
    resolved = resolve(place(rule, 0.8), place(model, 0.9), GAP, FIELD)
    assert resolved.value == model
    assert resolved.origin == (Origin.BOTH if agree else Origin.MODEL)
    assert (resolved.confidence == weigh_answer(FIELD, AGREE)) is agree


@pytest.mark.parametrize(
    ("field", "rule", "model", "agree"),
    [
        ("dosing.arms", ("A", "B"), ("B", "A"), True),
        ("dosing.arms", ("Arm (A)",), ("Arm (B)",), False),
        ("dosing.arms", ("A", "B"), ("A",), False),
        ("dosing.amounts", (dose("10 mg @ 1"),), (dose("10 mg"),), True),
        ("dosing.amounts", (dose("10 mg @ 1"),), (dose("5 mg @ 1"),), False),
    ],
)
def test_labels_of_arms_are_a_set_of_names_and_amounts_agree_whatever_their_arms(
    field, rule, model, agree
):
    resolved = resolve(place(rule, 0.8), place(model, 0.9), GAP, field)
    assert resolved.value == model
    assert resolved.origin == (Origin.BOTH if agree else Origin.MODEL)


LIMIT = Constraint(
    quantity="Hb", comparator=">", value=12, unit="g/dL", condition="for men"
)


@pytest.mark.parametrize(
    ("rule", "model", "origin"),
    [
        ("for men", None, Origin.RULE),
        ("for the men", "for men", Origin.BOTH),
        (None, "for men", Origin.MODEL),
        ("for women", "for men", Origin.MODEL),
    ],
)
def test_the_words_of_a_part_are_resolved_by_themselves(rule, model, origin):
    read, said = (
        LIMIT.model_copy(update={"condition": words}) for words in (rule, model)
    )
    answer = Members(place((said,), 0.9)) if model else None

    found, sure, _ = resolve_part(
        said if model else read,
        "condition",
        Members(place((read,), 0.9)),
        answer,
    )

    assert found is origin
    assert 0.5 < sure < 1


def test_a_condition_is_that_of_the_same_limit_among_equal_numbers():
    read, said = (
        (
            LIMIT.model_copy(update={"quantity": "serum ferritin"}),
            LIMIT.model_copy(update={"quantity": quantity, "condition": None}),
        )
        for quantity in ("total protein", "protein")
    )
    resolved = resolve(place(read, 0.9), place(said, 0.9), GAP, "criteria.constraints")
    assert [limit.condition for limit in resolved.value] == ["for men", None]
    rule, answer = Members(place(read, 0.9)), Members(place(said, 0.9))
    found, _, _ = resolve_part(resolved.value[0], "condition", rule, answer)
    assert found is Origin.BOTH
    assert rule.find(said[1]) == read[1]
