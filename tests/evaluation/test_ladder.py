"""At which level two values agree."""

import pytest

from extractor.evaluation.comparers import (
    Amounts,
    Instruments,
    Level,
    Limits,
    Quantities,
    Texts,
    TimeWindows,
    scale_quantity,
)
from extractor.evaluation.text import fold_text, is_inside, measure_overlap
from extractor.schemas import Age, Amount, Constraint, Instrument, TimeWindow


def _levels(shape, gold, predicted):
    ours, theirs = shape.spread(gold), shape.spread(predicted)
    return [shape.level(one, other) for one, other in zip(ours, theirs, strict=True)]


@pytest.mark.parametrize(
    ("gold", "predicted", "level"),
    [
        ("Active infection", "Active infection", Level.EXACT),
        ("Active infection", "active  infection.", Level.NORMALISED),
        (r"platelets \> 50", "Platelets > 50;", Level.NORMALISED),
        ("Active infection of the lung", "infection of the lung", Level.RELAXED),
        ("Active infection", "Pregnant women", Level.NONE),
    ],
)
def test_texts(gold, predicted, level):
    assert _levels(Texts(), gold, predicted) == [level]


def _limit(comparator, value, unit=None, high=None, quantity="dose"):
    return (Constraint(quantity=quantity, comparator=comparator, value=value, value_high=high, unit=unit),)


@pytest.mark.parametrize(
    ("gold", "predicted", "levels"),
    [
        (_limit(">=", 3, "mg"), _limit(">=", 3, "mg"), [Level.EXACT]),
        (_limit(">=", 3, "mg"), _limit(">=", 3, "mg", quantity="daily dose"), [Level.NORMALISED]),
        (_limit(">=", 18, "year"), _limit(">=", 18, "Years"), [Level.NORMALISED]),
        (_limit(">=", 1500, "/mm3"), _limit(">=", 1.5e9, "/L"), [Level.NORMALISED]),
        (_limit(">=", 100000000000, "/L"), _limit(">=", 100, "x 10^9/L"), [Level.NORMALISED]),
        (_limit("<", 1.5, "x ULN"), _limit("<", 1.5, "times upper limit of normal"), [Level.NORMALISED]),
        (_limit(">=", 3, "mg"), _limit(">", 3, "mg"), [Level.RELAXED]),
        (_limit(">=", 3, "mg"), _limit(">=", 3), [Level.RELAXED]),
        (_limit(">=", 3, "mg"), _limit("<=", 3, "mg"), [Level.NONE]),
        (_limit(">=", 3, "mg"), _limit(">=", 4, "mg"), [Level.NONE]),
        (
            _limit("between", 1, None, 5),
            _limit(">=", 1) + _limit("<=", 5),
            [Level.NORMALISED, Level.NORMALISED],
        ),
        (_limit("between", 1, None, 5), _limit("between", 1, None, 6), [Level.EXACT, Level.NONE]),
    ],
)
def test_limits(gold, predicted, levels):
    assert _levels(Limits(), gold, predicted) == levels


@pytest.mark.parametrize(
    ("gold", "predicted", "level"),
    [
        ((1, "year"), (1, "year"), Level.EXACT),
        ((1, "year"), (12, "month"), Level.NORMALISED),
        ((2, "week"), (14, "day"), Level.NORMALISED),
        ((1, "month"), (30, "day"), Level.NONE),
        ((2, "week"), (2, "month"), Level.RELAXED),
    ],
)
def test_quantities(gold, predicted, level):
    ours, theirs = (Age(value=value, unit=unit) for value, unit in (gold, predicted))
    assert _levels(Quantities(), ours, theirs) == [level]


@pytest.mark.parametrize(
    ("changed", "level"),
    [
        ({}, Level.EXACT),
        ({"quote": "4 weeks"}, Level.NORMALISED),
        ({"value": 28, "unit": "day"}, Level.NORMALISED),
        ({"comparator": ">="}, Level.RELAXED),
        ({"value": 5}, Level.NONE),
    ],
)
def test_windows(changed, level):
    window = {"quote": "within 4 weeks", "comparator": "<=", "value": 4, "unit": "week"}
    assert _levels(TimeWindows(), TimeWindow(**window), TimeWindow(**(window | changed))) == [level]


@pytest.mark.parametrize(
    ("gold", "predicted", "level"),
    [
        ((300, 300, "mg"), (300, 300, "mg"), Level.EXACT),
        ((300, 300, "mg"), (0.3, 0.3, "g"), Level.NORMALISED),
        ((None, 300, "ug/kg"), (None, 300, "mcg/kg"), Level.NORMALISED),
        ((300, 300, "mg"), (300, 300, "mg/m2"), Level.RELAXED),
        ((None, 300, "mg"), (300, 300, "mg"), Level.NONE),
    ],
)
def test_amounts(gold, predicted, level):
    ours, theirs = (Amount(low=low, high=high, unit=unit) for low, high, unit in (gold, predicted))
    assert _levels(Amounts(), (ours,), (theirs,)) == [level]


@pytest.mark.parametrize(
    ("gold", "predicted", "level"),
    [
        (("CTCAE", "5.0"), ("CTCAE", "5.0"), Level.EXACT),
        (("EORTC QLQ-C30", None), ("EORTC QLQ C30", None), Level.NORMALISED),
        (("CTCAE", "5.0"), ("CTCAE", "5"), Level.NORMALISED),
        (("CTCAE", "5.0"), ("CTCAE", "4.03"), Level.RELAXED),
        (("CTCAE", None), ("RECIST", None), Level.NONE),
    ],
)
def test_instruments(gold, predicted, level):
    ours, theirs = (Instrument(name=name, version=version) for name, version in (gold, predicted))
    assert _levels(Instruments(), ours, theirs) == [level]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((24, "hours"), (1, "day")),
        ((2, "years"), (24, "months")),
        ((18, "years old"), (18, "year")),
        ((1500, "/mm3"), (1.5, "x 10^9/L")),
        ((3, "times the upper limit of normal"), (3, "x ULN")),
        ((300, "ug"), (0.3, "mg")),
        ((2, "Puffs "), (2, "puff")),
        ((2, "furlongs "), (2, "Furlongs")),
    ],
)
def test_quantities_that_are_one(one, other):
    assert scale_quantity(*one) == scale_quantity(*other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((30, "day"), (1, "month")),
        ((60, "%"), (60, "% of predicted")),
        ((5, "mg"), (5, "mg/kg")),
        ((5, "mg"), (5, None)),
        ((5, "U"), (5, "IU")),
        ((2, "furlongs"), (2, "fathoms")),
    ],
)
def test_quantities_that_are_two(one, other):
    assert scale_quantity(*one) != scale_quantity(*other)


def test_overlap_of_texts_without_words():
    assert measure_overlap("--", "--") == 1.0
    assert measure_overlap("--", "infection") == 0.0


def test_a_piece_ends_at_a_word():
    assert is_inside("age 18", "Age 18 or more")
    assert not is_inside("age 1", "Age 18 or more")


def test_folding_keeps_signs():
    assert fold_text("HER2 +") != fold_text("HER2 -")
