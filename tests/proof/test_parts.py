"""The quotes that are parts of a value: a limit's condition, what a time window limits and is
counted from.
"""

import pytest

from extractor.assembly.check import ground_answer
from extractor.concepts.own.value_forms import read_limit, read_window
from extractor.concepts.parse import parse_record
from extractor.evidence.drafts import Why
from tests.trust import trial

TWO_DRUGS = "Rituximab within 4 weeks, warfarin within 7 days before biopsy"
TWO_MOMENTS = (
    "Transfusion within 2 weeks before screening or growth factors within 1 week before "
    "the first dose"
)
PAST = "Stroke in the past year, or fluoxetine within 5 weeks before randomization"
BY_SEX = "Haemoglobin < 12 g/dL for men and < 11 g/dL for women"
GENERAL = "ALT > 3 x ULN (> 5 x ULN with liver metastases)"


def ground(line, windows=(), limits=()):
    parsed = parse_record(trial(eligibility=f"Exclusion Criteria:\n\n* {line}"))
    criterion = parsed.criteria[-1]
    values = {
        "time_windows": tuple(map(read_window, windows)),
        "constraints": tuple(map(read_limit, limits)),
    }
    return parsed, ground_answer(
        values, criterion, parsed, parsed.find_lead_in(criterion)
    )


def list_read(grounded, field):
    return grounded.model[field].value if field in grounded.model else ()


@pytest.mark.parametrize(
    ("line", "answer", "of", "anchor", "why", "nearest"),
    [
        (
            TWO_DRUGS,
            "within 7 days | <= 7 day | warfarin | before biopsy",
            "warfarin",
            "before biopsy",
            None,
            None,
        ),
        (
            TWO_DRUGS,
            "within 4 weeks | <= 4 week | rituximab | -",
            "Rituximab",
            None,
            None,
            None,
        ),
        (
            TWO_DRUGS,
            "within 4 weeks | <= 4 week | warfarin | -",
            None,
            None,
            Why.OTHER_OWNER,
            "Rituximab",
        ),
        (
            TWO_DRUGS,
            "within 7 days | <= 7 day | warfarin | before sleep",
            "warfarin",
            None,
            Why.NOT_STATED,
            None,
        ),
        (
            TWO_DRUGS,
            "within 7 days | <= 7 day | heparin | before biopsy",
            None,
            "before biopsy",
            Why.NOT_STATED,
            None,
        ),
        (
            TWO_MOMENTS,
            "within 2 weeks | <= 2 week | Transfusion | before the first dose",
            "Transfusion",
            None,
            Why.OTHER_OWNER,
            "before screening",
        ),
        (
            PAST,
            "in the past year | <= 1 year | Stroke | before randomization",
            "Stroke",
            None,
            Why.OTHER_OWNER,
            "before randomization",
        ),
        (
            "Eczema for at least 1 year; no emollients from 7 days before baseline",
            "for at least 1 year | >= 1 year | Eczema | before baseline",
            "Eczema",
            None,
            Why.OTHER_OWNER,
            "before baseline",
        ),
        (
            "Steroids at the start of the study (last 4 weeks)",
            "last 4 weeks | <= 4 week | Steroids | at the start of the study",
            "Steroids",
            "at the start of the study",
            None,
            None,
        ),
        (
            "Cystectomy within 90 days after the end of chemotherapy",
            "within 90 days | <= 90 day | chemotherapy | after the end of chemotherapy",
            None,
            "after the end of chemotherapy",
            Why.OTHER_OWNER,
            "Cystectomy",
        ),
        (
            "Any antibiotic within 14 days of inclusion, other than topical mupirocin",
            "within 14 days of inclusion | <= 14 day | topical mupirocin | of inclusion",
            None,
            "of inclusion",
            Why.OTHER_OWNER,
            "antibiotic",
        ),
        (
            "Within 4 weeks before screening:\n\n  * Oral steroids",
            "within 4 weeks | <= 4 week | steroids | before screening",
            "steroids",
            "before screening",
            None,
            None,
        ),
    ],
)
def test_a_part_of_a_time_window_costs_only_itself(
    line, answer, of, anchor, why, nearest
):
    parsed, grounded = ground(line, windows=[answer])

    (window,) = list_read(grounded, "time_windows")
    assert window.of == of
    assert window.anchor == anchor
    if why is None:
        assert not grounded.refused
        return
    (refused,) = grounded.refused
    assert refused.why == why
    assert (refused.nearest and parsed.raw(refused.nearest)) == nearest


@pytest.mark.parametrize(
    ("line", "answers", "first"),
    [
        (
            "Smoking within 30 minutes or alcohol within 2 days before screening",
            ["within 30 minutes | <= 30 minute", "within 2 days | <= 2 day"],
            "within 2 days",
        ),
        (
            "Nicotine within 15 minutes, caffeine within 6 hours before the test",
            ["within 6 hours | <= 6 hour"],
            "within 6 hours",
        ),
        (
            "A drug within 5 half-lives, or vaccines within 4 weeks before screening",
            ["within 5 half-lives | <= 5 half-life", "within 4 weeks | <= 4 week"],
            "within 4 weeks",
        ),
        (
            "Smoking within 30 minutes before screening (no alcohol within 2 days)",
            ["within 2 days | <= 2 day"],
            "within 2 days",
        ),
        # the model left a sure window out that is the first
        (
            "Smoking within 30 minutes, alcohol within 2 days, tea within 1 day of a test",
            ["within 1 day | <= 1 day"],
            None,
        ),
        (
            "Surgery within 4 weeks or transfusion within 2 weeks before screening",
            ["within 2 weeks | <= 2 week"],
            None,
        ),
    ],
)
def test_the_first_window_is_in_hours_or_longer_units(line, answers, first):
    _, grounded = ground(line, windows=[f"{answer} | - | -" for answer in answers])

    reading = grounded.model.get("time_window")
    assert (reading and reading.value.quote) == first


@pytest.mark.parametrize(
    ("line", "answer", "conditions", "support", "why"),
    [
        (BY_SEX, "Haemoglobin: < 12 g/dL @ for men", ["for men"], "parsed", None),
        (BY_SEX, "Haemoglobin: < 11 g/dL @ women", ["women"], "parsed", None),
        (BY_SEX, "Haemoglobin: < 12 g/dL @ for women", [], None, Why.OTHER_OWNER),
        (
            BY_SEX,
            "Haemoglobin: < 12 g/dL @ for children",
            [None],
            "inferred",
            Why.NOT_STATED,
        ),
        (
            GENERAL,
            "ALT: > 5 x ULN @ with liver metastases",
            ["with liver metastases"],
            "inferred",
            None,
        ),
        (GENERAL, "ALT: > 3 x ULN @ with liver metastases", [], None, Why.OTHER_OWNER),
        (GENERAL, "ALT: > 3 x ULN", [None], "parsed", None),
        (
            "Frail: ECOG > 2, others not",
            "ECOG: > 2 @ Frail",
            ["Frail"],
            "inferred",
            None,
        ),
    ],
)
def test_a_limit_stands_for_those_of_whom_the_text_says_it(
    line, answer, conditions, support, why
):
    _, grounded = ground(line, limits=[answer])

    limits = list_read(grounded, "constraints")
    assert [limit.condition for limit in limits] == conditions
    reading = grounded.model.get("constraints")
    assert (reading is not None) == bool(conditions)
    if reading is not None:
        assert [found.value for found in reading.supports] == [support]
    assert [refused.why for refused in grounded.refused] == ([why] if why else [])


def test_a_part_has_the_characters_of_the_record():
    _, grounded = ground(
        "ALT \\> 3 x ULN; with liver\n  metastases ALT \\> 5 x ULN",
        limits=["ALT: > 5 x ULN @ with liver metastases"],
    )
    assert [limit.condition for limit in list_read(grounded, "constraints")] == [
        "with liver\n  metastases"
    ]


@pytest.mark.parametrize(
    ("line", "answers", "first"),
    [
        (
            "Gout (no pain for 2 weeks) in the last 3 years",
            "in the last 3 years | <= 3 year; for 2 weeks | >= 2 week",
            3,
        ),
        (
            "Opioids for > 10 days in the last 3 months",
            "in the last 3 months | <= 3 month; for > 10 days | > 10 day",
            10,
        ),
        (
            "Drugs within 5 half-lives or 14 days",
            "within 5 half-lives | <= 5 half_life; 14 days | <= 14 day",
            14,
        ),
        ("Steroids 10-20 days before entry", "10-20 days | 10-20 day", 10),
    ],
)
def test_the_first_time_window_is_that_of_the_text(line, answers, first):
    _, grounded = ground(line, windows=answers.split("; "))
    assert len(list_read(grounded, "time_windows")) == len(answers.split("; "))
    assert grounded.model["time_window"].value.value == first
