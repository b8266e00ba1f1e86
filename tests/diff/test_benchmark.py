"""The plants of ``benchmarks.diff`` in a synthetic record."""

import random

import pytest

from benchmarks.diff import PLANTS, compare
from extractor import Extractor

from .planting import make_study, to_record

RULES = Extractor(assist="never")


@pytest.mark.parametrize("name", sorted(PLANTS.keys() - {"patients who", "sign in words", "synonym", "weeks as days"}))
def test_a_plant_is_made_and_found(name):
    record = to_record(make_study())
    planted = PLANTS[name](record, random.Random(2))
    assert planted is not None
    assert planted.record != record
    result, told = compare((record, RULES.extract(record)), planted, RULES)
    assert result == "found", told
