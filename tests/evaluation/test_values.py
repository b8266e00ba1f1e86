"""At which level two values agree."""

import pytest

from extractor.apps.evaluation.comparers import COMPARERS, Level
from extractor.apps.evaluation.text import scale_quantity as scale
from extractor.schemas import Age, Amount, Constraint, Instrument, TimeWindow

EXACT = Level.EXACT
NORMALISED = Level.NORMALISED
NONE = Level.NONE


def limit(comparator, value, unit=None, high=None, quantity="dose"):
    return (
        Constraint(
            quantity=quantity,
            comparator=comparator,
            value=value,
            value_high=high,
            unit=unit,
        ),
    )


def age(value, unit):
    return Age(value=value, unit=unit)


def amount(low, high, unit):
    return (Amount(low=low, high=high, unit=unit),)


def window(**changed):
    return TimeWindow(
        **(
            {"quote": "within 4 weeks", "comparator": "<=", "value": 4, "unit": "week"}
            | changed
        )
    )


def instrument(name, version=None):
    return Instrument(name=name, version=version)


@pytest.mark.parametrize(
    ("comparer", "gold", "predicted", "levels"),
    [
        ("text", "Active infection", "Active infection", [EXACT]),
        ("text", "Active infection", "active  infection.", [NORMALISED]),
        ("text", r"platelets \> 50", "Platelets > 50;", [NORMALISED]),
        ("text", "HER2 +", "HER2 -", [NONE]),
        ("text", "Active infection of the lung", "infection of the lung", [NONE]),
        (
            "limit",
            limit(">=", 3, "mg"),
            limit(">=", 3, "mg", quantity="daily dose"),
            [NORMALISED],
        ),
        ("limit", limit(">=", 1500, "/mm3"), limit(">=", 1.5e9, "/L"), [NORMALISED]),
        (
            "limit",
            limit("<", 1.5, "x ULN"),
            limit("<", 1.5, "times upper limit of normal"),
            [NORMALISED],
        ),
        ("limit", limit(">=", 3, "mg"), limit(">", 3, "mg"), [NONE]),
        ("limit", limit(">=", 3, "mg"), limit(">=", 3), [NONE]),
        ("limit", limit(">=", 3, "mg"), limit("<=", 3, "mg"), [NONE]),
        ("limit", limit(">=", 3, "mg"), limit(">=", 4, "mg"), [NONE]),
        (
            "limit",
            limit("between", 1, None, 5),
            limit(">=", 1) + limit("<=", 5),
            [NORMALISED, NORMALISED],
        ),
        (
            "limit",
            limit("between", 1, None, 5),
            limit("between", 1, None, 6),
            [EXACT, NONE],
        ),
        ("time", age(1, "year"), age(12, "month"), [NORMALISED]),
        ("time", age(1, "month"), age(30, "day"), [NONE]),
        ("time", age(2, "week"), age(2, "month"), [NONE]),
        ("window", window(), window(quote="4 weeks"), [NORMALISED]),
        ("window", window(), window(value=28, unit="day"), [NORMALISED]),
        ("window", window(), window(comparator=">="), [NONE]),
        ("amount", amount(300, 300, "mg"), amount(0.3, 0.3, "g"), [NORMALISED]),
        (
            "amount",
            amount(None, 300, "ug/kg"),
            amount(None, 300, "mcg/kg"),
            [NORMALISED],
        ),
        ("amount", amount(300, 300, "mg"), amount(300, 300, "mg/m2"), [NONE]),
        ("amount", amount(None, 300, "mg"), amount(300, 300, "mg"), [NONE]),
        (
            "name",
            instrument("EORTC QLQ-C30"),
            instrument("EORTC QLQ C30"),
            [NORMALISED],
        ),
        ("name", instrument("CTCAE", "5.0"), instrument("CTCAE", "5"), [NORMALISED]),
        ("name", instrument("CTCAE", "5.0"), instrument("CTCAE", "4.03"), [NONE]),
        ("name", instrument("CTCAE"), instrument("RECIST"), [NONE]),
        ("name", instrument("SF-36"), instrument("SF-12"), [NONE]),
        (
            "name",
            instrument("HAM-A"),
            instrument("Hamilton Depression Rating Scale"),
            [NONE],
        ),
        ("text", "MTX", "methotrexate", [NORMALISED]),
        ("text", "FEV1", "FVC", [NONE]),
    ],
)
def test_the_level_at_which_values_agree(comparer, gold, predicted, levels):
    compared = COMPARERS[comparer]

    pairs = zip(compared.spread(gold), compared.spread(predicted), strict=True)

    assert [compared.level(own, other) for own, other in pairs] == levels


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ((18, "years old"), (18, "year"), True),
        ((3, "times the upper limit of normal"), (3, "x ULN"), True),
        ((2, "furlongs "), (2, "Furlongs"), True),
        ((60, "%"), (60, "% of predicted"), False),
        ((5, "mg"), (5, "mg/kg"), False),
        ((5, "U"), (5, "IU"), False),
        ((2, "furlongs"), (2, "fathoms"), False),
    ],
)
def test_numbers_are_compared_in_base_units(one, other, same):
    assert (scale(*one) == scale(*other)) is same
