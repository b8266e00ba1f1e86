"""The level at which two values agree."""

import pytest

from extractor.apps.evaluation.comparers import COMPARERS
from extractor.schemas import Age, Amount, Constraint, Instrument, TimeWindow
from tests.tables import read_cases

LEVELS = ("no", "normalised", "exact")


def limit(comparator, value, unit=None, high=None, quantity="dose"):
    names = {"quantity": quantity, "comparator": comparator, "unit": unit}
    return Constraint(value=value, value_high=high, **names)


def window(value, unit, comparator, quote="within 4 weeks"):
    return TimeWindow(quote=quote, comparator=comparator, value=value, unit=unit)


MAKERS = {
    "text": str,
    "agent": str,
    "extent": str,
    "limit": lambda limits: tuple(limit(*given) for given in limits),
    "time": lambda given: Age(value=given[0], unit=given[1]),
    "window": lambda given: window(*given),
    "amount": lambda given: (Amount(low=given[0], high=given[1], unit=given[2]),),
    "name": lambda given: Instrument(name=given[0], version=(*given, None)[1]),
}


@pytest.mark.parametrize(
    ("comparer", "gold", "predicted", "levels"), read_cases(__file__)["levels"]
)
def test_the_level_at_which_values_agree(comparer, gold, predicted, levels):
    compared = COMPARERS[comparer]
    sides = [MAKERS[comparer](side) for side in (gold, predicted)]
    pairs = zip(*map(compared.spread, sides), strict=True)
    found = [compared.agrees(own, other) + (own == other) for own, other in pairs]
    assert [LEVELS[level] for level in found] == levels
