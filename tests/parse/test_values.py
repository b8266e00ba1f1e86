from dataclasses import replace

import pytest

from extractor.parse.values import value


@value(frozen=True, slots=True, order=True)
class Dose:
    amount: int
    unit: str = "mg"


def test_values_that_are_equal_are_one_in_a_set():
    assert len({Dose(5), Dose(5, "mg"), Dose(5, "ml")}) == 2


def test_values_can_be_ordered_and_replaced():
    assert sorted([Dose(7), Dose(5)])[0] == replace(Dose(7), amount=5)


def test_a_value_takes_no_other_fields():
    with pytest.raises(AttributeError):
        Dose(5).route = "oral"
