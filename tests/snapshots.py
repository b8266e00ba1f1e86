"""Whole outputs compared with files: extractions as text, one line for each value, in
``tests/snapshots``, and their confidences in ``tests/snapshots/confidences``, so that a new fit
changes no value; outputs of the apps as JSON beside their tests. What the rules make of a case stands
under its text, and each text is a record of its own, so that a new case changes no line of another.

A change of a rule or a message shows there as a readable difference, and belongs in the same commit:

    python -m tests.snapshots
"""

import difflib
import json
import os
import sys
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from extractor import TrialExtraction
from extractor.schemas import AbsenceReason, Origin
from extractor.schemas.values import Value, list_item_values
from extractor.wire.value_forms import show_value

FOLDER = Path(__file__).with_name("snapshots")
WRITE = "EXTRACTOR_WRITE_SNAPSHOTS"
QUIET = (AbsenceReason.NOT_REPORTED, AbsenceReason.SECTION_ABSENT)
"""Reasons that most records have for most fields."""
TESTS = (
    "tests/test_snapshot.py",
    "tests/test_wordings.py",
    "tests/test_cassettes.py",
    "tests/hostile",
    "tests/assemble/test_confidence.py",
    "tests/cli/test_help.py",
    "tests/diff",
    "tests/evaluation/test_errors.py",
    "tests/export/test_fhir.py",
    "tests/export/test_tables.py",
    "tests/lists",
    "tests/pages/test_notebook.py",
    "tests/read/test_papers.py",
    "tests/report/test_report.py",
    "tests/review/test_review.py",
)


class Line(NamedTuple):
    """What is given, and how sure it is; either may be empty."""

    given: str
    sure: str


def check_snapshot(name: str, lines: Iterable[str | Line]) -> None:
    """Compare values and confidences with the files of a snapshot, or write them there. A line that
    is only a text has no confidence; headings, which begin with "#", stand in both files.
    """
    pairs = [
        Line(line, line if line.startswith("#") else "")
        if isinstance(line, str)
        else line
        for line in lines
    ]
    given = [line.given for line in pairs if line.given or not line.sure]
    sure = [line.sure for line in pairs if line.sure]
    check_lines(FOLDER / f"{name}.txt", given)
    if any(not line.startswith("#") for line in sure):
        check_lines(FOLDER / "confidences" / f"{name}.txt", sure)


def check_lines(path: Path, lines: Iterable[str]) -> None:
    """Compare lines with a file, or write them there."""
    now = list(map(_escape, lines))
    if WRITE in os.environ:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(now) + "\n", "utf-8")
        return
    before = path.read_text("utf-8").splitlines()
    changed = list(difflib.unified_diff(before, now, "before", "now", n=1, lineterm=""))
    assert not changed, "\n".join(
        [*changed[:200], "If this is better: python -m tests.snapshots"]
    )


def check_json(path: Path, found: Any) -> None:
    """Compare a value as JSON with a file, or write it there."""
    text = json.dumps(found, indent=1, ensure_ascii=False, default=str)
    if WRITE in os.environ:
        path.write_text(f"{text}\n", "utf-8")
        return
    assert json.loads(text) == json.loads(path.read_text("utf-8"))


def _escape(line: str) -> str:
    """Write what ends a line, or is invisible, as in Python."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in line)


def describe(
    extraction: TrialExtraction, quiet: Collection[AbsenceReason] = ()
) -> Iterator[str | Line]:
    """Each value with the characters that support it, each item's confidence, each absence that has
    no ``quiet`` reason, each finding.
    """
    values = json.loads(extraction.model_dump_json())
    people = values["eligibility"]
    criteria = people.pop("criteria")
    for name, items in (
        ("eligibility", [people]),
        ("criteria", criteria),
        ("dosing", values["dosing"]),
        ("endpoints", values["endpoints"]),
    ):
        for number, item in enumerate(items):
            yield from _describe(f"{name}[{number}]", item)
    yield from (
        f"absent {absence['field']}: {absence['reason']}"
        for absence in values["absences"]
        if absence["reason"] not in quiet
    )
    yield from (
        f"finding {json.dumps(finding, ensure_ascii=False)}"
        for finding in values["findings"]
    )
    yield _show_coverage(extraction)


def _describe(path: str, item: dict[str, Any]) -> Iterator[Line]:
    """Yield a line for each value of an item with its places, then one for each field with its
    confidences. Its evidence and confidence are removed from the item.
    """
    places: dict[str, list[str]] = {}
    confidences: dict[str, list[str]] = {"confidence": [str(item.pop("confidence"))]}
    for proof in item.pop("evidence"):
        field = proof["field"].split("[")[0]
        place = f"{proof['section']} {proof['start']}:{proof['end']}"
        places.setdefault(field, []).append(f"{place} {proof['support']}")
        confidences.setdefault(field, []).append(str(proof["confidence"]))
    for field, value in item.items():
        # without a model all origins are rules
        if field != "origin" and value not in (None, [], ""):
            shown = [json.dumps(value, ensure_ascii=False), *places.get(field, ())]
            yield Line(f"{path}.{field} = {' | '.join(shown)}", "")
    for field, of_field in confidences.items():
        yield Line("", " ".join([f"{path}.{field}", *of_field]))


def summarize(*extractions: TrialExtraction) -> Iterator[str | Line]:
    """Each item in a line, its values with their least confidences and whose they are; what is
    absent or found; what a model was asked.
    """
    for extraction in extractions:
        for path, item in extraction.list_items():
            values = list(list_item_values(path, item))
            if values:
                yield Line(
                    f"{path}: {'; '.join(map(_show, values))}",
                    f"{path}: {'; '.join(map(_show_confidence, values))}",
                )
        yield _show_coverage(extraction)
        for absence in extraction.absences:
            if absence.reason not in QUIET:
                yield f"absent: {absence.field}, {absence.reason}"
        for finding in extraction.findings:
            yield f"found: {finding.kind}, {finding.message}"
        if extraction.usage and extraction.usage.calls:
            counts = extraction.usage.model_dump()
            yield " ".join(f"{name}={count}" for name, count in counts.items())


def _show_coverage(extraction: TrialExtraction) -> str:
    """Characters of the record, and those of each section: in all, claimed, boilerplate."""
    coverage = extraction.coverage
    assert coverage
    parts = ("characters", "claimed", "boilerplate")
    counts = [
        " ".join([one.kind, *(str(getattr(one, part)) for part in parts)])
        for one in coverage.sections
    ]
    return f"coverage: {coverage.characters}; {'; '.join(counts)}"


def _show(value: Value) -> str:
    origins = {piece.origin for piece in value.evidence} - {Origin.RULE}
    return " ".join([f"{value.name}={show_value(value.value)}", *sorted(origins)])


def _show_confidence(value: Value) -> str:
    sure = min((piece.confidence for piece in value.evidence), default=1.0)
    return f"{value.name} {sure:.2f}"


if __name__ == "__main__":
    os.environ[WRITE] = "1"
    # not in this process: forked commands would import this module as their main module
    os.execv(sys.executable, [sys.executable, "-m", "pytest", "-q", "-n", "0", *TESTS])
