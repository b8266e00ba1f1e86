from dataclasses import replace

import pytest

from extractor.assemble.policy import FieldPolicy, ModelClass, classify_model, load_policy
from extractor.assemble.resolve import resolve
from extractor.parse.drafts import Reading, Span
from extractor.schemas import (
    AbsenceReason,
    Category,
    Concept,
    CriterionKind,
    EndpointCategory,
    Origin,
    Role,
    Route,
    TimeKind,
)

GAP = AbsenceReason.MODEL_REFUSED
POLICY = FieldPolicy(agree=0.96, alone=0.9, differ=((0.2, 0.6), (0.4, 0.55), (0.9, 0.05)), trusts_model=False)


def differing(ours, theirs):
    """A policy under which the rules and the model are right so often wherever they differ, and neither is trusted."""
    return FieldPolicy(agree=0.9, alone=0.9, differ=((ours, theirs),) * 3, trusts_model=False)


@pytest.mark.parametrize(
    ("rule", "model", "value", "origin"),
    [
        (Reading("oral", 0.97), None, "oral", Origin.RULE),
        (Reading("oral", 0.97), Reading("rectal", 0.9), "oral", Origin.RULE),
        (Reading("oral", 0.7), Reading("rectal", 0.9), "rectal", Origin.MODEL),
        (Reading("oral", 0.7), Reading("oral", 0.9), "oral", Origin.BOTH),
        (Reading("oral", 0.7), None, "oral", Origin.RULE),
        (Reading.open_(), Reading("oral", 0.9), "oral", Origin.MODEL),
        (Reading(None, 0.97), None, None, Origin.RULE),
        (Reading.open_(), None, None, GAP),
        (Reading("oral", 0.3), None, None, GAP),
        (Reading(Route.ORAL, 0.2), None, None, GAP),
    ],
)
def test_who_decides(rule, model, value, origin):
    resolved = resolve(rule, model, GAP, POLICY)
    assert (resolved.value, resolved.gap or resolved.origin) == (value, origin)


@pytest.mark.parametrize("said", ["rectal", None])
@pytest.mark.parametrize("confidence", [0.3, 0.7, 0.99])
def test_the_answer_of_a_trusted_model_stands_whatever_the_rules_read(confidence, said):
    policy = replace(differing(0.9, 0.05), trusts_model=True)
    resolved = resolve(Reading("oral", confidence), Reading(said, 0.9), GAP, policy)
    assert (resolved.value, resolved.origin, resolved.gap) == (said, Origin.MODEL, None)
    assert resolve(Reading("oral", confidence), None, GAP, policy).value == (None if confidence < 0.35 else "oral")


def test_only_a_capable_model_is_trusted():
    assert load_policy(ModelClass.CAPABLE).of("eligibility.constraints").trusts_model
    assert not load_policy(ModelClass.SMALL).of("eligibility.constraints").trusts_model


@pytest.mark.parametrize(
    "word", [CriterionKind.EXCLUSION, Category.OTHER, Role.RESCUE, Concept.OTHER, EndpointCategory.OTHER, TimeKind.PER]
)
def test_a_closed_set_of_which_one_word_is_right_always_has_the_best(word):
    alone = resolve(Reading(word, 0.2), None, GAP, POLICY)
    assert (alone.value, alone.confidence, alone.gap) == (word, 0.2, None)
    other = next(member for member in type(word) if member is not word)
    both = resolve(Reading(word, 0.2), Reading(other, 0.9), GAP, differing(0.1, 0.3))
    assert (both.value, both.confidence, both.origin) == (other, 0.3, Origin.MODEL)


@pytest.mark.parametrize(("end", "value", "gap"), [(12, "on day 1", None), (3, None, AbsenceReason.AMBIGUOUS)])
def test_quotes_of_one_place_differ_in_extent_alone_and_the_likelier_stands(end, value, gap):
    rule = Reading("on day 1", 0.7, (Span("arms[0]", 4, 12),))
    model = Reading("day 1 every 21 days", 0.9, (Span("arms[0]", 0, end),))
    resolved = resolve(rule, model, GAP, differing(0.3, 0.2))
    assert (resolved.value, resolved.gap) == (value, gap)


@pytest.mark.parametrize(
    ("confidence", "differ", "value"),
    [
        (0.6, ((0.3, 0.6), (0.9, 0.1), (0.9, 0.1)), "model"),
        (0.6, ((0.6, 0.3), (0.1, 0.9), (0.1, 0.9)), "rule"),
        (0.9, ((0.1, 0.9), (0.6, 0.3), (0.1, 0.9)), "rule"),
        (0.97, ((0.9, 0.1), (0.9, 0.1), (0.3, 0.6)), "model"),
        (0.6, ((0.3, 0.2), (0.9, 0.1), (0.9, 0.1)), None),
    ],
)
def test_who_is_likelier_right_decides_by_the_confidence_of_the_rules(confidence, differ, value):
    policy = FieldPolicy(agree=0.9, alone=0.9, differ=differ, trusts_model=False)
    assert resolve(Reading("rule", confidence), Reading("model", 0.9), GAP, policy).value == value


@pytest.mark.parametrize(
    ("confidence", "model", "value"), [(0.6, "day 1", "day 1"), (0.97, "day 1", None), (0.6, None, None)]
)
def test_what_only_the_model_found_is_weighed_apart(confidence, model, value):
    sides = ((0.3, 0.6), (0.6, 0.3))
    policy = FieldPolicy(agree=0.9, alone=0.9, differ=((0.9, 0.1),) * 3, silent=sides, trusts_model=False)
    assert resolve(Reading(None, confidence), Reading(model, 0.9), GAP, policy).value == value


@pytest.mark.parametrize(
    ("section", "reason"), [("arms[0]", AbsenceReason.AMBIGUOUS), ("arms[1]", AbsenceReason.CONTRADICTORY)]
)
def test_two_readings_of_which_none_is_believed_differ_in_one_passage_or_two_passages_do(section, reason):
    rule, model = (
        Reading(value, 0.6, (Span(place, 0, 4),)) for value, place in ((Route.ORAL, "arms[0]"), (Route.RECTAL, section))
    )
    resolved = resolve(rule, model, GAP, differing(0.3, 0.3))
    assert (resolved.value, resolved.gap) == (None, reason)


@pytest.mark.parametrize(("confidence", "value"), [(0.3, None), (0.45, "oral"), (0.6, "oral")])
def test_no_reading_is_likelier_for_being_contradicted(confidence, value):
    resolved = resolve(Reading("oral", confidence), Reading("rectal", 0.9), GAP, differing(0.7, 0.2))
    assert resolved.value == value
    assert resolved.confidence <= confidence


@pytest.mark.parametrize(
    ("rule", "model", "agree"),
    [
        ("the first infusion", "first infusion", True),
        ("infusion", "the date of infusion", True),
        ("progression", "the first assessment of progression", True),
        (("treatment failure (no CR)", "relapse"), ("treatment failure", "Relapse."), True),
        ("first infusion", "second infusion", False),
        (("relapse",), ("relapse", "death"), False),
        ("CR", "CR or PR", False),
    ],
)
@pytest.mark.parametrize("trusts_model", [True, False])
def test_quotes_that_mean_the_same_are_agreement_in_the_words_of_whom_the_policy_trusts(
    rule, model, agree, trusts_model
):
    policy = replace(POLICY, trusts_model=trusts_model)
    resolved = resolve(Reading(rule, 0.8), Reading(model, 0.9), GAP, policy)
    words = model if trusts_model else rule
    assert (resolved.value, resolved.origin) == ((words, Origin.BOTH) if agree else (model, Origin.MODEL))
    assert (resolved.confidence == POLICY.agree) is agree


@pytest.mark.parametrize(
    ("model_class", "names"),
    [
        (ModelClass.CAPABLE, ["", "capable", "gpt-4.1-mini", "llama3.1:8b", "mixtral-8x7b"]),
        (ModelClass.SMALL, ["SmolLM2-135M-Instruct", "llama3.2:3b", "qwen2.5-coder-1.5b-instruct-q4_k_m"]),
    ],
)
def test_the_name_tells_the_class_of_a_model(model_class, names):
    assert {classify_model(name) for name in names} == {model_class}


FIELDS = {one: (load_policy(one).prior, *load_policy(one).fields.values()) for one in ModelClass}


@pytest.mark.parametrize("confidence", [0.3, 0.45, 0.5, 0.7, 0.9, 0.99])
@pytest.mark.parametrize("said", ["oral", "rectal", None])
def test_whatever_a_small_model_says_the_rules_value_stands_as_without_it(confidence, said):
    rule = Reading("oral", confidence)
    for field in FIELDS[ModelClass.SMALL]:
        assert resolve(rule, Reading(said, 0.9), GAP, field).value == resolve(rule, None, GAP, field).value


@pytest.mark.parametrize("model_class", ModelClass)
def test_a_policy_holds_probabilities_and_ignores_how_sure_a_model_is(model_class):
    rules = [Reading.open_(), Reading("a", 0.6), Reading("b", 0.97), Reading(None, 0.6), Reading(None, 0.97)]
    for field in FIELDS[model_class]:
        assert 0 < field.alone < 1
        assert 0 < field.agree < 1
        assert all(ours + theirs < 1 for ours, theirs in (*field.differ, *field.silent))
        for rule in rules:
            assert len({repr(resolve(rule, Reading("a", one), GAP, field)) for one in (0.01, 0.6, 1.0)}) == 1
