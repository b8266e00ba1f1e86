"""What the rules make of the seeds and of the synthetic records, one line for each value.

A change of a rule shows here as a readable difference, and belongs in the same commit:

    python -m tests.test_snapshot
"""

import difflib
import json
from pathlib import Path

from extractor import Extractor, read_records

ROOT = Path(__file__).parents[1]
SNAPSHOT = Path(__file__).with_name("snapshot.txt")
RECORDS = (
    "seeds/records",
    "tests/records/flat.txt",
    "tests/records/studies.jsonl",
    "tests/records/study.xml",
)


def describe():
    """Each value with the characters that support it, each item's confidence, each absence, each
    finding.
    """
    extract = Extractor(effort="none").extract
    for record in read_records(*(ROOT / each for each in RECORDS)):
        extraction = json.loads(extract(record).model_dump_json())
        yield f"# {Path(record.source.path).name} {record.record_id}"
        people = extraction["eligibility"]
        criteria = people.pop("criteria")
        for name, items in (
            ("eligibility", [people]),
            ("criteria", criteria),
            ("dosing", extraction["dosing"]),
            ("endpoints", extraction["endpoints"]),
        ):
            for number, item in enumerate(items):
                yield from (f"{name}[{number}]{line}" for line in _describe(item))
        yield from (
            f"absent {absence['field']}: {absence['reason']}"
            for absence in extraction["absences"]
        )
        yield from (
            f"finding {json.dumps(finding, ensure_ascii=False)}"
            for finding in extraction["findings"]
        )


def _describe(item):
    places = {}
    for proof in item.pop("evidence"):
        field = proof["field"].split("[")[0]
        place = f"{proof['section']} {proof['start']}:{proof['end']}"
        places.setdefault(field, []).append(
            f"{place} {proof['support']} {proof['confidence']}"
        )
    for field, value in item.items():
        if field != "origin" and value not in (
            None,
            [],
            "",
        ):  # without a model all origins are rules
            shown = " | ".join(
                [json.dumps(value, ensure_ascii=False), *places.get(field, ())]
            )
            yield f".{field} = {shown}"


def test_the_rules_give_what_they_gave():
    before = SNAPSHOT.read_text("utf-8").splitlines()
    now = list(describe())
    changed = list(difflib.unified_diff(before, now, "before", "now", n=1, lineterm=""))

    assert not changed, "\n".join(
        [*changed[:200], "If this is better: python -m tests.test_snapshot"]
    )


if __name__ == "__main__":
    SNAPSHOT.write_text("\n".join(describe()) + "\n", "utf-8")
