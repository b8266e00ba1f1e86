"""Planted changes: each one is told, and nothing else."""

from typing import NamedTuple

import pytest

from extractor import Extractor
from extractor.diff import TrialDiff, diff_trials
from extractor.schemas import TrialExtraction, TrialRecord

from .planting import PLANTS, Plant, make_study, to_record


class Version(NamedTuple):
    """A version of the trial, and what the rules read in it."""

    record: TrialRecord
    extraction: TrialExtraction

    def compare(self, new: "Version") -> TrialDiff:
        """Compare with a newer version, with both texts."""
        return diff_trials(self.extraction, new.extraction, self.record, new.record)


def read(record: TrialRecord) -> Version:
    return Version(record, Extractor(effort="none").extract(record))


@pytest.fixture(scope="module")
def before():
    return read(to_record(make_study()))


@pytest.fixture(scope="module", params=PLANTS, ids=lambda plant: plant.name)
def planted(request):
    """A plant, and the version with its change."""
    return request.param, read(to_record(request.param.plant()))


def list_told(found: TrialDiff) -> set[tuple[str, str, str | None]]:
    return {(one.item, one.kind.value, one.field) for one in found.changes}


def test_a_planted_change_is_told_with_its_quotes_and_nothing_else(before, planted: tuple[Plant, Version]):
    plant, after = planted
    found = before.compare(after)
    assert list_told(found) == plant.told, found
    for change in found.changes:
        for side, source in ((change.old, before.record), (change.new, after.record)):
            for one in side.citations if side else ():
                text = source.raw_text(one.section)
                assert text is not None
                assert text[one.start : one.end] == one.quote
        assert any(side and side.citations for side in (change.old, change.new))


def test_without_the_texts_the_same_changes_of_items_are_told(before, planted: tuple[Plant, Version]):
    plant, after = planted
    found = diff_trials(before.extraction, after.extraction)
    told = {one for one in plant.told if one[0] in ("criterion", "regimen", "endpoint") and one[2] != "lead_in"}
    assert {one for one in list_told(found) if one[2] != "lead_in"} == told, found


@pytest.mark.parametrize(
    ("part", "old", "new", "kind"),
    [
        ("exclusion", ["For group A:", "Epilepsy", "For group B:", "Epilepsy"],
         ["For group A:", "Epilepsy", "For group B:"], "removed"),
        ("exclusion", ["Body mass index < 18.5"], ["Body mass index < 9.25"], "loosened"),
        ("inclusion", ["DLCO (15; 3)"], ["DLCO (16; 3)"], "changed"),
        ("inclusion", ["older than > 15 years 3 months"], ["older than > 16 years 3 months"], "tightened"),
    ],
    ids=["one of two groups", "value not plausible", "numbers without other words", "an age in two units"],
)  # fmt: skip
def test_a_change_is_told_once_where_little_is_read(part, old, new, kind):
    before, after = (read(to_record(make_study() | {part: text})) for text in (old, new))
    assert [one.kind.value for one in before.compare(after).changes] == [kind]


def test_all_for_any_in_an_introducing_line_is_major(before):
    plants = {plant.name: plant for plant in PLANTS}
    (above,) = before.compare(read(to_record(plants["all must hold to be excluded"].plant()))).changes
    assert above.severity.value == "major"
    assert above.message == "introducing line: another number of criteria, or another limit"


OPPOSITE = {
    "added": "removed", "removed": "added", "tightened": "loosened", "loosened": "tightened",
    "promoted": "demoted", "demoted": "promoted",
}  # fmt: skip


def test_the_other_way_round_each_change_is_the_opposite(before, planted: tuple[Plant, Version]):
    plant, after = planted
    found = after.compare(before)
    assert list_told(found) == {(item, OPPOSITE.get(kind, kind), field) for item, kind, field in plant.told}, found


def test_a_version_without_the_sections_of_a_task_has_not_removed_its_items(before):
    sections = tuple(section for section in before.record.sections if section.name != "eligibility")
    found = before.compare(read(before.record.model_copy(update={"sections": sections})))
    assert found.changes == ()
    assert [task.value for task in found.not_compared] == ["eligibility"]
