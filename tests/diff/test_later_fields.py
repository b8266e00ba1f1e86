"""Changed conditions of limits, time windows, groups of criteria, and arms."""

import pytest

from extractor import TrialExtraction, diff_trials
from extractor.schemas import Part, Section, Source, TrialRecord

HB = {"quantity": "Hb", "comparator": ">=", "value": 12, "unit": "g/dL"}


def make(*criteria, groups=(), dosing=()):
    known = {"kind": "inclusion", "section": "eligibility"}
    eligibility = {
        "groups": list(groups),
        "criteria": [known | criterion for criterion in criteria],
    }
    return TrialExtraction.model_validate(
        {"record_id": "A", "eligibility": eligibility, "dosing": list(dosing)}
    )


def list_changes(old, new):
    return [
        (change.kind.value, change.severity.value, change.field, change.message)
        for change in diff_trials(old, new).changes
    ]


def hb(quote, *conditions):
    limits = [
        HB | {"value": value, "condition": condition} for value, condition in conditions
    ]
    return {"quote": quote, "constraints": limits}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (hb("Hb at least 12 g/dL", (12, None)), hb("Hb at least 12 g/dL for men", (12, "for men")),
         "Hb >= 12 g/dL now for men only"),
        (hb("Hb at least 12 g/dL for men", (12, "for men")), hb("Hb at least 12 g/dL", (12, None)),
         "Hb >= 12 g/dL no longer for men only"),
        (hb("Hb at least 12 g/dL", (12, None)), hb("Hb at least 12 g/dL unless "
                                                   "transfused", (12, "unless transfused")),
         "Hb >= 12 g/dL now unless transfused"),
        (hb("Hb at least 12 g/dL for men", (12, "for men")), hb("Hb at least 12 g/dL for "
                                                                "women", (12, "for women")),
         "Hb >= 12 g/dL: for men -> for women"),
        (hb("Hb >= 12 g/dL for men and 11 g/dL for women", (12, "for men"), (11, "for women")),
         hb("Hb >= 12 g/dL for women and 11 g/dL for men", (12, "for women"), (11, "for men")),
         "Hb >= 11 g/dL: for women -> for men; Hb >= 12 g/dL: for men -> for women"),
    ],
)  # fmt: skip
def test_a_condition_is_told_with_its_limit(old, new, told):
    ((kind, severity, field, message),) = list_changes(make(old), make(new))
    assert (kind, severity, field) == ("changed", "major", "constraints")
    assert "; ".join(sorted(message.split("; "))) == told


def test_other_words_for_the_same_condition_are_no_change():
    old, new = (
        hb(f"Hb at least 12 g/dL {words}", (12, words))
        for words in ("in male patients", "for male subjects")
    )
    assert [change[:2] for change in list_changes(make(old), make(new))] == [
        ("reworded", "editorial")
    ]


def washouts(quote, **windows):
    listed = [
        {
            "quote": f"within {n} {unit}s",
            "comparator": "<=",
            "value": n,
            "unit": unit,
            "of": of,
        }
        for of, (n, unit) in windows.items()
    ]
    return {"kind": "exclusion", "quote": quote, "time_windows": listed}


BOTH = washouts(
    "Aspirin within 3 days, warfarin within 10 days",
    Aspirin=(3, "day"),
    warfarin=(10, "day"),
)


@pytest.mark.parametrize(
    ("new", "kind", "told"),
    [
        (washouts("Aspirin within 3 days, warfarin within 7 "
                  "days", Aspirin=(3, "day"), warfarin=(7, "day")),
         "loosened", "warfarin: within 10 days -> within 7 days"),
        (washouts("Aspirin within 5 days, warfarin within 12 "
                  "days", Aspirin=(5, "day"), warfarin=(12, "day")),
         "tightened", "Aspirin: within 3 days -> within 5 days; warfarin: within 10 days -> "
                      "within 12 days"),
        (washouts("Aspirin within 10 days, warfarin within 3 "
                  "days", Aspirin=(10, "day"), warfarin=(3, "day")),
         "changed", "Aspirin: within 3 days -> within 10 days; warfarin: within 10 days -> within "
                    "3 days"),
        (washouts("Warfarin within 10 days, aspirin within 3 "
                  "days", warfarin=(10, "day"), aspirin=(3, "day")),
         "reworded", "other words, same meaning"),
        (washouts("Aspirin, warfarin within 10 days", warfarin=(10, "day")),
         "tightened", "Aspirin: within 3 days -> no limit"),
        (washouts("Aspirin within 3 days, warfarin within 10 days, or heparin within 2 "
                  "days", Aspirin=(3, "day"),
                  warfarin=(10, "day"), heparin=(2, "day")),
         "changed", "heparin: no limit -> within 2 days; words added: heparin"),
    ],
)  # fmt: skip
def test_each_window_is_told_by_what_it_limits(new, kind, told):
    ((found, _, _, message),) = list_changes(make(BOTH), make(new))
    assert (found, message) == (kind, told)


def test_a_range_of_time_is_compared_as_a_whole():
    known = {
        "quote": "10-20 days before",
        "comparator": "between",
        "value": 10,
        "value_high": 20,
        "unit": "day",
    }
    old, new = (
        {
            "quote": f"Biopsy 10-{high} days before",
            "time_windows": [known | {"quote": f"10-{high} days", "value_high": high}],
        }
        for high in (20, 30)
    )

    assert list_changes(make(old), make(new)) == [
        ("changed", "major", "constraints", "10-20 days -> 10-30 days"),
    ]  # fmt: skip
    assert list_changes(make(old), make(old)) == []


def grouped(homes, *groups):
    names = (
        "Reversible airflow",
        "Positive challenge",
        "Raised eosinophils",
        "Signed consent",
    )
    known = [None if home == "-" else f"g{home}" for home in homes]
    items = (
        {"quote": name, "group": home} for name, home in zip(names, known, strict=False)
    )
    return make(*items, groups=groups)


def group(name, rule="any", n=None, lead_in=None):
    return {"id": name, "rule": rule, "n": n, "lead_in": lead_in}


ANY = grouped("111-", group("g1", lead_in="Asthma:"))


@pytest.mark.parametrize(
    ("new", "told"),
    [
        (grouped("222-", group("g2", lead_in="Asthma:")), []),
        (grouped("111-", group("g1", "all", lead_in="Asthma:")),
         [("changed", "major", "group", "now all of instead of any of: Asthma:")]),
        (grouped("111-", group("g1", "at_least", 2, "Asthma:")),
         [("changed", "major", "group", "now at least 2 of instead of any of: Asthma:")]),
        (grouped("1111", group("g1", lead_in="Asthma:")),
         [("moved", "major", "quote", "moved into any of: Asthma:")]),
        (grouped("11--", group("g1", lead_in="Asthma:")),
         [("moved", "major", "quote", "moved out of any of: Asthma:")]),
        (grouped("----"), [("removed", "major", "group", "group of criteria removed: any of: "
                                                         "Asthma:")]),
        (grouped("1112", group("g1", lead_in="Asthma:"), group("g2", "all")),
         [("added", "minor", "group", "group of criteria added: all of")]),
    ],
)  # fmt: skip
def test_changes_of_groups(new, told):
    assert list_changes(ANY, new) == told


def test_an_earlier_extraction_says_nothing_of_groups_and_arms():
    earlier = TrialExtraction.model_validate_json(
        ANY.model_dump_json(
            exclude={
                "eligibility": {"groups": True, "criteria": {"__all__": {"group"}}}
            }
        )
    )
    assert (
        list_changes(earlier, ANY)
        == list_changes(make(dosing=[give()]), make(dosing=[give("High")]))
        == []
    )


def give(*arms, amounts=((5, ()),)):
    doses = [
        {"low": n, "high": n, "unit": "mg", "arms": list(arms)} for n, arms in amounts
    ]
    known = {
        "agent": "zinc",
        "role": "investigational",
        "section": "arms[0]",
        "quote": "zinc daily",
    }
    return known | {"arms": list(arms), "amounts": doses}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (give("Low"), give("Low", "High"), [("arms", "zinc, now also in arm High")]),
        (give("Low", "High"), give("low"), [("arms", "zinc, no longer in arm High")]),
        (give("Low"), give("High"), [("arms", "zinc, now in arm High instead of Low")]),
        (give("Low"), give("Low", "High", "Higher"), [("arms", "zinc, now also in arms High, "
                                                               "Higher")]),
        (give("Low", "High"), give("High", "Low "), []),
        (give("Low", "High", amounts=((5, ["Low"]), (9, ["High"]))),
         give("Low", "High", amounts=((5, ["High"]), (9, ["Low"]))),
         [("amounts", "zinc, 5 mg: now in arm High instead of Low"),
          ("amounts", "zinc, 9 mg: now in arm Low instead of High")]),
        (give("Low", "High"), give("Low", "High", amounts=((5, ["Low"]),)),
         [("amounts", "zinc, 5 mg: no longer in arm High")]),
    ],
)  # fmt: skip
def test_changes_of_arms(old, new, told):
    found = list_changes(make(dosing=[old]), make(dosing=[new]))
    assert found == [("changed", "major", field, message) for field, message in told]


def record(*labels):
    sections = [
        Section(
            name=f"arms[{n}]",
            text=f"{label}\nzinc daily",
            parts=(Part(name="label", start=0, end=len(label)),),
        )
        for n, label in enumerate(labels)
    ]
    return TrialRecord(
        record_id="A", source=Source(path="a", format="flat"), sections=tuple(sections)
    )


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (["Low dose", "High dose"], ["Low dose", "High dose of zinc"], ["label"]),
        (["Low dose"], ["Low dose", "Rescue"], [None]),
        (["Low dose", "Rescue"], ["Low dose"], [None]),
    ],
)
def test_a_renamed_added_or_removed_arm_is_told_as_an_arm_alone(old, new, told):
    before = make(dosing=[give(*old)])
    after = make(dosing=[give(*new)])

    changes = diff_trials(before, after, record(*old), record(*new)).changes

    assert {change.item for change in changes} == {"arm"}
    assert [change.field for change in changes] == told


def introduce(words, rule):
    """Two criteria in a group that a line introduces: the extraction and the record."""
    proof = {
        "field": "groups[0].lead_in",
        "section": "eligibility",
        "start": 0,
        "end": len(words),
        "quote": words,
        "origin": "rule",
        "support": "literal",
    }
    shared = {"kind": "inclusion", "section": "eligibility", "group": "g1"}
    people = {
        "groups": [group("g1", rule, lead_in=words)],
        "criteria": [shared | {"quote": "Fever"}, shared | {"quote": "Cough"}],
        "evidence": [proof],
    }
    section = Section(name="eligibility", text=f"{words}\n* Fever\n* Cough\n")
    return (
        TrialExtraction.model_validate({"record_id": "A", "eligibility": people}),
        TrialRecord(
            record_id="A",
            source=Source(path="a", format="flat"),
            sections=(section,),
        ),
    )


@pytest.mark.parametrize(
    ("old", "new", "fields"),
    [
        ("At least one of the following:", "All of the following:", ["lead_in"]),
        ("At least one of:", "All of:", ["group"]),
        ("At least one of these", "All of these", ["group"]),
        ("Signs:", "Signs:", []),
    ],
)
def test_a_rule_is_told_once_and_only_if_the_text_changed(old, new, fields):
    """An introducing line is compared by itself, if it ends with a colon and is recognised."""
    before, old_record = introduce(old, "any")
    after, new_record = introduce(new, "all")

    changes = diff_trials(before, after, old_record, new_record).changes

    assert [change.field for change in changes] == fields
