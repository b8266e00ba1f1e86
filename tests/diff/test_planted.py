"""Planted changes: each one is told, and nothing else."""

from typing import Any, NamedTuple

import pytest

from benchmarks.diff import match_changes
from extractor import Extractor
from extractor.apps.diff import StatedValue, TrialDiff, diff_trials
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


def read_study(**changes: Any) -> Version:
    """The study of these tests with some of its parts changed."""
    return read(to_record(make_study() | changes))


def list_changes(diff: TrialDiff) -> set[tuple[str, str, str | None]]:
    return {(change.item, change.kind.value, change.field) for change in diff.changes}


def check_citations(side: StatedValue | None, record: TrialRecord) -> None:
    """The quotes are what the record says there."""
    for citation in side.citations if side else ():
        text = record.raw_text(citation.section)
        assert text is not None
        assert text[citation.start : citation.end] == citation.quote


def test_a_planted_change_is_told_with_its_quotes_and_nothing_else(
    before, planted: tuple[Plant, Version]
):
    plant, after = planted

    diff = before.compare(after)

    assert list_changes(diff) == plant.told, diff
    for change in diff.changes:
        check_citations(change.old, before.record)
        check_citations(change.new, after.record)
        sides = [side for side in (change.old, change.new) if side]
        assert any(side.citations for side in sides)


def test_an_age_that_nobody_reaches_is_no_limit():
    fields = make_study()["fields"]
    aged = read_study(fields=fields | {"maximumAge": "150 Years"})
    del fields["maximumAge"]
    unlimited = read_study(fields=fields)

    assert not unlimited.compare(aged).changes


def test_without_the_texts_the_same_changes_of_items_are_told(
    before, planted: tuple[Plant, Version]
):
    plant, after = planted
    of_items = {
        (item, kind, field)
        for item, kind, field in plant.told
        if item in ("criterion", "regimen", "endpoint") and field != "lead_in"
    }

    diff = diff_trials(before.extraction, after.extraction)

    # Without the introducing lines, the groups tell what changed in them.
    changes = {
        (item, kind, field)
        for item, kind, field in list_changes(diff)
        if field not in ("lead_in", "group")
    }
    assert changes == of_items, diff


@pytest.mark.parametrize(
    ("part", "old", "new", "kind"),
    [
        ("exclusion", ["For group A:", "Epilepsy", "For group B:", "Epilepsy"],
         ["For group A:", "Epilepsy", "For group B:"], "removed"),
        ("exclusion", ["Body mass index < 18.5"], ["Body mass index < 9.25"], "loosened"),
        ("inclusion", ["DLCO (15; 3)"], ["DLCO (16; 3)"], "changed"),
        ("inclusion", ["older than > 15 years 3 months"], ["older than > 16 years 3 "
                                                           "months"], "tightened"),
    ],
    ids=["one of two groups", "value not plausible", "numbers without other "
                                                     "words", "an age in two units"],
)  # fmt: skip
def test_a_change_is_told_once_where_little_is_read(part, old, new, kind):
    before = read_study(**{part: old})
    after = read_study(**{part: new})

    (change,) = before.compare(after).changes

    assert change.kind.value == kind


@pytest.mark.parametrize(
    ("part", "old", "new", "severity", "message"),
    [
        ("inclusion", "Age ≥ 18 years", "Participants must be 18 years of age or "
                                        "older", "editorial", "other words"),
        ("inclusion", "ECOG performance status of 0 or 1",
         "Eastern Cooperative Oncology Group (ECOG) performance status ≤ "
         "1", "editorial", "other words"),
        ("exclusion", "History of myocardial infarction", "Prior MI", "editorial", "other words"),
        ("exclusion", "Known HIV infection", "Infection with human immunodeficiency virus "
                                             "(HIV)", "editorial", "other"),
        ("exclusion", "Brain metastases", "Patients with a brain "
                                          "metastasis", "editorial", "other words"),
        ("exclusion", "Unable to swallow two (2) tablets", "Not able to swallow 2 "
                                                           "tablets", "editorial", "other words"),
        ("exclusion", "Any investigational drug within 30 days prior to dosing",
         "Use of an investigational product in the 30 days before "
         "dosing", "editorial", "other words"),
        ("exclusion", "Non-small cell cancer in a breast-feeding "
                      "woman", "Nonsmall cell carcinoma in nursing women",
         "editorial", "other words"),
        ("exclusion", "Ventilated for 3 nights", "Ventilated for 5 "
                                                 "nights", "major", "3 nights -> 5 nights"),
        ("exclusion", "HIV and hepatitis B", "HIV or hepatitis B", "major", "and -> or"),
        ("exclusion", "Asthma that is treated", "Asthma that is not "
                                                "treated", "major", '"not" added'),
        ("exclusion", "Asthma that is stable", "Asthma that is "
                                               "unstable", "major", "words added: unstable"),
        ("exclusion", "Sleep apnoea and MI-masks at night", "Sleep apnoea and masks by day at "
                                                            "night", "minor",
         "words removed: MI; words added: day"),
        ("exclusion", "Pregnancy", "Ruptured aneurysm", "major", "exclusion criterion removed"),
    ],
)  # fmt: skip
def test_a_rewording_is_none_of_meaning_and_a_change_says_which_words(
    part, old, new, severity, message
):
    before = read_study(**{part: [old]})
    after = read_study(**{part: [new]})

    changes = before.compare(after).changes

    assert changes[0].severity.value == severity
    assert message in changes[0].message
    assert len(changes) == (2 if "criterion" in message else 1)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("Examplumab 50 mg/m2 on days 1-5 of a 28-day "
         "cycle", "Examplumab 50 mg/m2 on days 1-7 of a 28-day cycle",
         ("regimen", "timing", "days 1-5 of a 28-day cycle -> on days 1-7")),
        ("Radiotherapy, 60 Gy, 2 Gy per fraction", "Radiotherapy, 60 Gy, 1.8 Gy per fraction",
         ("regimen", "amounts", "60 Gy, 2 Gy -> 60 Gy, 1.8 Gy")),
        ("Whole brain radiotherapy, 30 Gy in 10 fractions", "Whole brain radiotherapy, 30 Gy in "
                                                            "12 fractions",
         ("arm", "description", "10 fractions -> 12 fractions")),
        ("Light for 30 min after waking", "Light for 45 min after "
                                          "waking", ("arm", "description", "30 min -> 45 min")),
        ("Light for thirty minutes after waking", "Light for 0.5 hours after waking", None),
        ("Light after waking", "Light after waking, in a room of 20 m2", None),
    ],
)  # fmt: skip
def test_what_an_arm_gives_is_compared_by_its_doses_and_by_other_numbers(
    old, new, told
):
    before = read_study(arm=old)
    after = read_study(arm=new)

    changes = before.compare(after).changes

    if told is None:
        assert changes == ()
        return
    item, field, message = told
    (change,) = changes
    assert change.item == item
    assert change.field == field
    assert change.severity.value == "major"
    assert message in change.message


def test_an_outcome_is_paired_with_the_one_of_its_name_that_says_the_same():
    """Of outcomes of one name, time frame and description decide, also against the rank."""
    rest = "Pain at rest, by a numeric scale"
    move = "Pain on movement, by a numeric scale"
    before = read_study(
        primary=[["Pain", rest, "Week 4"]],
        secondary=[["Pain", move, "Week 4"], ["Pain", move, "Week 12"]],
    )
    after = read_study(
        primary=[["Pain", f"{move} of 11 points", "Week 12"]],
        secondary=[["Pain", move, "Week 4"]],
    )

    changes = before.compare(after).changes

    assert {(change.kind.value, change.field) for change in changes} == {
        ("removed", None),
        ("promoted", "rank"),
        ("redefined", "description"),
    }


def test_all_for_any_in_an_introducing_line_is_major(before):
    plants = {plant.name: plant for plant in PLANTS}
    after = read(to_record(plants["all must hold to be excluded"].plant()))

    (change,) = before.compare(after).changes

    assert change.severity.value == "major"
    assert change.message == "introducing line: any -> all"


OPPOSITE = {
    "added": "removed", "removed": "added", "tightened": "loosened", "loosened": "tightened",
    "promoted": "demoted", "demoted": "promoted",
}  # fmt: skip


def test_the_other_way_round_each_change_is_the_opposite(
    before, planted: tuple[Plant, Version]
):
    plant, after = planted
    opposite = {
        (item, OPPOSITE.get(kind, kind), field) for item, kind, field in plant.told
    }

    diff = after.compare(before)

    assert list_changes(diff) == opposite, diff


def test_a_version_without_the_sections_of_a_task_has_not_removed_its_items(before):
    sections = tuple(
        section for section in before.record.sections if section.name != "eligibility"
    )
    after = read(before.record.model_copy(update={"sections": sections}))

    diff = before.compare(after)

    assert diff.changes == ()
    assert [task.value for task in diff.not_compared] == ["eligibility"]


def test_changes_that_readers_found_are_matched_once_by_their_words_and_kind(before):
    exclusion = [line.replace("9 g/dL", "8 g/dL") for line in make_study()["exclusion"]]
    after = read_study(exclusion=exclusion, enrollment=[150, "ESTIMATED"])
    limit, enrolment = before.compare(after).changes
    of_limit = {"part": "limits", "old": "< 9", "new": "< 8", "kinds": ["loosened"]}
    of_enrolment = {"part": "enrolment", "old": "120", "new": "140", "kinds": []}

    matched = match_changes([of_limit, of_enrolment], [limit, limit, enrolment])

    assert matched == [of_limit, None, None]
