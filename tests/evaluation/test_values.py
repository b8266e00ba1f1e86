"""At which level two values agree."""

import pytest

from extractor.apps.evaluation.comparers import COMPARERS
from extractor.schemas import Age, Amount, Constraint, Instrument, TimeWindow

NONE, NORMALISED, EXACT = range(3)


def limit(comparator, value, unit=None, high=None, quantity="dose"):
    names = {"quantity": quantity, "comparator": comparator, "unit": unit}
    return (Constraint(value=value, value_high=high, **names),)


def age(value, unit):
    return Age(value=value, unit=unit)


def amount(low, high, unit):
    return (Amount(low=low, high=high, unit=unit),)


def window(value, unit, comparator="<=", quote="within 4 weeks"):
    return TimeWindow(quote=quote, comparator=comparator, value=value, unit=unit)


def name(text, version=None):
    return Instrument(name=text, version=version)


RANGE = limit("between", 1, None, 5)


@pytest.mark.parametrize(
    ("comparer", "gold", "predicted", "levels"),
    [
        ("text", "Active infection", "Active infection", [EXACT]),
        ("text", "Active infection", "active  infection.", [NORMALISED]),
        ("text", r"platelets \> 50", "Platelets > 50;", [NORMALISED]),
        ("text", "MTX", "methotrexate", [NORMALISED]),
        ("text", "HER2 +", "HER2 -", [NONE]),
        ("text", "FEV1", "FVC", [NONE]),
        ("extent", "zinc 5 mg daily", "5 mg daily", [NORMALISED]),
        ("limit", limit(">=", 3), limit(">=", 3, quantity="other"), [NORMALISED]),
        ("limit", limit(">=", 1500, "/mm3"), limit(">=", 1.5e9, "/L"), [NORMALISED]),
        ("limit", limit("<", 2, "x ULN"), limit("<", 2, "times the ULN"), [NORMALISED]),
        ("limit", limit(">=", 3, "mg"), limit(">", 3, "mg"), [NONE]),
        ("limit", limit(">=", 60, "%"), limit(">=", 60, "% of predicted"), [NONE]),
        ("limit", limit(">=", 5, "U"), limit(">=", 5, "IU"), [NONE]),
        ("limit", RANGE, limit(">=", 1) + limit("<=", 5), [EXACT] * 2),
        ("limit", RANGE, limit("between", 1, None, 6), [EXACT, NONE]),
        ("time", age(1, "year"), age(12, "month"), [NORMALISED]),
        ("time", age(1, "month"), age(30, "day"), [NONE]),
        ("window", window(4, "week"), window(4, "week", quote="4"), [NORMALISED]),
        ("window", window(4, "week"), window(28, "day"), [NORMALISED]),
        ("window", window(4, "week"), window(4, "week", ">="), [NONE]),
        ("amount", amount(300, 300, "mg"), amount(0.3, 0.3, "g"), [NORMALISED]),
        ("amount", amount(None, 3, "ug/kg"), amount(None, 3, "mcg/kg"), [NORMALISED]),
        ("amount", amount(300, 300, "mg"), amount(300, 300, "mg/m2"), [NONE]),
        ("amount", amount(None, 300, "mg"), amount(300, 300, "mg"), [NONE]),
        ("name", name("EORTC QLQ-C30"), name("EORTC QLQ C30"), [NORMALISED]),
        ("name", name("CTCAE", "5.0"), name("CTCAE", "5"), [NORMALISED]),
        ("name", name("CTCAE", "5.0"), name("CTCAE", "4.03"), [NONE]),
        ("name", name("SF-36"), name("SF-12"), [NONE]),
    ],
)
def test_the_level_at_which_values_agree(comparer, gold, predicted, levels):
    compared = COMPARERS[comparer]
    pairs = zip(compared.spread(gold), compared.spread(predicted), strict=True)
    found = [compared.agrees(own, other) + (own == other) for own, other in pairs]
    assert found == levels
