"""The quotes that are parts of a value: a limit's condition, what a time window limits and is
counted from.
"""

import tomllib
from pathlib import Path

import pytest

from extractor.assembly.check import ground_answer
from extractor.concepts.parse import parse_record
from extractor.evidence.drafts import Why
from extractor.wire.value_forms import read_limit, read_window
from tests.trust import trial

TABLES = tomllib.loads(Path(__file__).with_name("parts.toml").read_text("utf-8"))


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
    ("line", "answer", "of", "anchor", "why", "nearest"), TABLES["windows"]
)
def test_a_part_of_a_time_window_costs_only_itself(
    line, answer, of, anchor, why, nearest
):
    parsed, grounded = ground(line, windows=[answer])

    (window,) = list_read(grounded, "time_windows")
    assert (window.of or "", window.anchor or "") == (of, anchor)
    (member,) = grounded.model["time_windows"].members
    doubts = {doubt for part in member.parts.values() for doubt in part.features}
    assert doubts == ({why} if why == Why.OTHER_OWNER else set())
    refused = [
        (one.why, parsed.raw(one.nearest) if one.nearest else "")
        for one in grounded.objections
    ]
    assert refused == ([(why, nearest)] if why else [])


@pytest.mark.parametrize(
    ("line", "answers", "first", "doubts"), TABLES["first_windows"]
)
def test_the_first_window_is_in_hours_or_longer_units(line, answers, first, doubts):
    _, grounded = ground(line, windows=[f"{answer} | - | -" for answer in answers])
    reading = grounded.model["time_window"]
    assert reading.value.quote == first
    assert [*reading.features] == doubts


@pytest.mark.parametrize(
    ("line", "answer", "conditions", "support", "why"), TABLES["limits"]
)
def test_a_limit_stands_for_those_of_whom_the_text_says_it(
    line, answer, conditions, support, why
):
    _, grounded = ground(line, limits=[answer])

    limits = list_read(grounded, "constraints")
    assert [limit.condition or "" for limit in limits] == conditions
    reading = grounded.model.get("constraints")
    supports = [member.support.value for member in reading.members] if reading else []
    assert supports == ([support] if support else [])
    assert [refused.why for refused in grounded.objections] == ([why] if why else [])


def test_a_part_has_the_characters_of_the_record():
    _, grounded = ground(
        "ALT \\> 3 x ULN; with liver\n  metastases ALT \\> 5 x ULN",
        limits=["ALT: > 5 x ULN @ with liver metastases"],
    )
    (limit,) = list_read(grounded, "constraints")
    assert limit.condition == "with liver\n  metastases"


@pytest.mark.parametrize(("line", "answers", "first"), TABLES["first_values"])
def test_the_first_time_window_is_that_of_the_text(line, answers, first):
    _, grounded = ground(line, windows=answers.split("; "))
    assert len(list_read(grounded, "time_windows")) == len(answers.split("; "))
    assert grounded.model["time_window"].value.value == first
