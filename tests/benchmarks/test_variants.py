"""Texts of invented records, written in other harmless ways: their readings change no more than
they did.

``variants/counts.json`` holds what changed by way when it was written. After an improvement, write
it again:

    python -m benchmarks.variants tests/benchmarks/variants/records.jsonl --json
    tests/benchmarks/variants/counts.json
"""

import json
from pathlib import Path

import pytest

from benchmarks.variants import WAYS
from benchmarks.variants.__main__ import measure_record, tally_by
from benchmarks.variants.counting import compare_readings, tally_changes
from benchmarks.variants.readings import CriterionRead, Reading, Value
from extractor import read_records

FOLDER = Path(__file__).parent / "variants"
RECORDS = list(read_records(FOLDER / "records.jsonl"))
COUNTS = json.loads((FOLDER / "counts.json").read_text("utf-8"))
FAMILIES = ["heading", "mark", "line", "page", "two languages", "signs", "numbers", "units", "ages", "letters", "doses",
            "times", "register"]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_the_readings_of_no_way_change_more_than_they_did(family):
    results = []
    for record in RECORDS:
        results += measure_record(record, [family])

    tallies = tally_by(results, by_way=True)

    assert tallies
    worse = []
    for name, tally in tallies.items():
        counts = tally.to_json()
        for words in ("changed", "sure"):
            for measure, count in counts[words].items():
                before = COUNTS[name][words].get(measure, 0)
                if count > before:
                    worse.append((name, words, measure, count, before))
    assert worse == []


def test_every_way_is_tried_on_the_sample_and_has_a_name_of_its_own():
    names = [way.title for way in WAYS]
    families = tuple(FAMILIES)

    assert len(names) == len(set(names))
    for name in names:
        assert name.startswith(families)
    tried = set(names) & set(COUNTS)
    assert len(tried) >= 0.97 * len(names)


def read_criterion(words, kind="inclusion", confidence=0.9):
    known = {"negated": False, "negated_confidence": 0.9, "confidence": 0.9}
    return CriterionRead(words, words, kind, confidence, **known)


def test_what_changed_between_two_readings_is_counted_and_what_of_it_is_sure():
    age = Value("limits", (">=", 18, None, "a"), 0.9)
    below = Value("limits", ("<", 3, None, ""), 0.9)
    at_most = Value("limits", ("<=", 3, None, ""), 0.95)
    lost = [read_criterion("asthma"), read_criterion("consent")]
    new = [read_criterion("pregnancy", confidence=0.6), read_criterion("page2")]
    kept = read_criterion("pregnancy", "exclusion")
    before = Reading([*lost, kept], [age, below], is_doubtful=False)
    after = Reading([lost[0], *new], [age, at_most], is_doubtful=False)

    tally = tally_changes(before, list(compare_readings(before, after, str)))

    assert tally.changed == {"lost": 1, "turned": 1, "added": 1, "limits": 2}
    assert tally.sure == {"lost": 1, "added": 1, "limits": 1}
    assert tally.of == {"criteria": 3, "limits": 2}
    assert tally.format_share("lost") == "33.33% (33.33%)"
