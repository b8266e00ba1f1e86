import pytest

from extractor.assemble.settle import settle
from extractor.parse.parsed import Reading
from extractor.schemas import AbsenceReason, Origin

GAP = AbsenceReason.MODEL_REFUSED


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
    ],
)
def test_who_decides(rule, model, value, origin):
    settled = settle(rule, model, GAP)
    assert (settled.value, settled.origin, settled.gap) == (value, origin, None)


@pytest.mark.parametrize(
    ("rule", "model"),
    [
        ("the first infusion", "first infusion"),
        ("infusion", "the date of infusion"),
        ("progression", "the first assessment of progression"),
        (("treatment failure (no CR)", "relapse"), ("treatment failure", "Relapse.")),
    ],
)
def test_quotes_that_mean_the_same_are_agreement_in_the_rule_s_words(rule, model):
    settled = settle(Reading(rule, 0.8), Reading(model, 0.9), GAP)
    assert (settled.value, settled.origin) == (rule, Origin.BOTH)


@pytest.mark.parametrize(
    ("rule", "model"), [("first infusion", "second infusion"), (("relapse",), ("relapse", "death")), ("CR", "CR or PR")]
)
def test_quotes_that_differ_in_substance_are_no_agreement(rule, model):
    assert settle(Reading(rule, 0.8), Reading(model, 0.9), GAP).value == model


def test_agreement_raises_confidence():
    assert settle(Reading("oral", 0.7), Reading("oral", 0.9), GAP).confidence == pytest.approx(0.97)


@pytest.mark.parametrize("rule", [Reading.open_(), Reading("oral", 0.3)])
def test_what_nobody_knows_is_left_open_with_its_reason(rule):
    settled = settle(rule, None, GAP)
    assert (settled.value, settled.gap) == (None, GAP)
