"""Planted changes: each one is told, and nothing else."""

import pytest

from extractor import Extractor
from extractor.diff import TrialDiff, diff_trials
from extractor.schemas import TrialRecord

from .planting import PLANTS, Plant, make_study, to_record

RULES = Extractor(assist="never")


@pytest.fixture(scope="module")
def before():
    record = to_record(make_study())
    return record, RULES.extract(record)


def compare(before, record: TrialRecord) -> TrialDiff:
    """Compare the first version with this one, with both texts."""
    return diff_trials(before[1], RULES.extract(record), before[0], record)


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)
def test_a_planted_change_is_told_and_nothing_else(before, plant: Plant):
    found = compare(before, to_record(plant.plant()))
    assert {(one.item, one.kind.value, one.field) for one in found.changes} == plant.told, found


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)
def test_both_sides_quote_their_records(before, plant: Plant):
    record = to_record(plant.plant())
    for change in compare(before, record).changes:
        for side, source in ((change.old, before[0]), (change.new, record)):
            for one in side.citations if side else ():
                text = source.raw_text(one.section)
                assert text is not None
                assert text[one.start : one.end] == one.quote
        assert any(side and side.citations for side in (change.old, change.new))


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)
def test_without_the_texts_the_same_changes_of_items_are_told(before, plant: Plant):
    found = diff_trials(before[1], RULES.extract(to_record(plant.plant())))
    told = {one for one in plant.told if one[0] != "eligibility"}
    assert {(one.item, one.kind.value, one.field) for one in found.changes} == told, found


def test_a_version_without_the_sections_of_a_task_has_not_removed_its_items(before):
    sections = tuple(section for section in before[0].sections if section.name != "eligibility")
    found = compare(before, before[0].model_copy(update={"sections": sections}))
    assert found.changes == ()
    assert [task.value for task in found.not_compared] == ["eligibility"]


OPPOSITE = {
    "added": "removed", "removed": "added", "tightened": "loosened", "loosened": "tightened",
    "promoted": "demoted", "demoted": "promoted",
}  # fmt: skip


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)
def test_the_other_way_round_each_change_is_the_opposite(before, plant: Plant):
    record = to_record(plant.plant())
    found = diff_trials(RULES.extract(record), before[1], record, before[0])
    opposite = {(item, OPPOSITE.get(kind, kind), field) for item, kind, field in plant.told}
    assert {(one.item, one.kind.value, one.field) for one in found.changes} == opposite, found
