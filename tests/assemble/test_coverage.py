"""Every character of a record is claimed, boilerplate or unexplained; what looks unread is
reported, or explains an empty field.
"""

import pytest

from extractor import read_records
from extractor.assembly.assemble import ModelResult, assemble_extraction
from extractor.assembly.unread import find_unread
from extractor.concepts.parse import parse_record
from extractor.schemas import Absence, Task, TimeKind
from tests.trust import trial


def extract(record):
    return assemble_extraction(parse_record(record), ModelResult())


@pytest.mark.parametrize("name", ["flat.txt", "study.json", "studies.csv"])
def test_every_character_is_counted_once(name):
    record = next(read_records(f"tests/records/{name}"))
    coverage = extract(record).coverage
    for counted in coverage.sections:
        sections = [
            section
            for section in record.sections
            if section.name.partition("[")[0] == counted.kind
        ]
        assert counted.characters == sum(len(section.text) for section in sections)
        assert counted.claimed + counted.boilerplate <= counted.characters
    for kind in ("characters", "claimed", "boilerplate"):
        parts = [getattr(one, kind) for one in coverage.sections]
        assert getattr(coverage, kind) == sum(parts)


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ("At month 12 and later", "unread_number"),
        ("Day 1", "not_reported"),
        ("Visit", "not_reported"),
    ],
)
def test_a_time_frame_from_which_nothing_was_read_is_the_reason(frame, reason):
    outcome = f"Zinc in plasma, {frame}"
    parsed = parse_record(trial(title="A trial", primary_outcomes_0=outcome))
    extraction = assemble_extraction(parsed, ModelResult())
    (endpoint,) = extraction.endpoints
    unread = endpoint.model_copy(update={"time_points": (), "time_kind": TimeKind.AT})
    absence = Absence(field="endpoints[0].time_points", reason="not_reported")
    changed = extraction.model_copy(
        update={"endpoints": (unread,), "absences": (absence,)}
    )
    _, (explained,) = find_unread(parsed, changed, {Task.ENDPOINTS})
    assert explained.reason == reason
