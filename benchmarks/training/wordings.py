"""The limits and windows of the rules on lines that were written to mislead them, and on lines that were judged.

They show kinds of errors of which labelled records have few. Whether a line is held out is decided
by a hash of its number: a third of them only measures.
"""

from collections.abc import Iterator, Sequence
from itertools import count
from json import dumps
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import benchmarks.adversarial
import benchmarks.certain
from benchmarks.adversarial.__main__ import (
    Given,
    list_stated,
    make_study,
    take_stated,
    to_forms,
)
from benchmarks.certain.__main__ import to_wording
from benchmarks.data import Row, read_lines, read_studies
from extractor.concepts.parse import parse_uncalibrated

ADVERSARIAL = "adversarial"
CERTAIN = "certain"
"""The sources: written with their right answers, and judged when their limits were sure."""
_SHARE_HELD_OUT = 3
LIMITS = "eligibility.criteria.constraints"
WINDOWS = "eligibility.criteria.time_windows"
_NAMES = {LIMITS: "constraint", WINDOWS: "time_windows"}
"""The fields that are judged, and their names in the lines."""


class JudgedValue(NamedTuple):
    """A limit or window of a line, with its signs, the rules' own estimate, and whether it is
    right.
    """

    field: str
    line: str
    source: str
    is_held_out: bool
    signs: tuple[str, ...]
    estimate: float
    right: bool


class _ReadValue(NamedTuple):
    field: str
    forms: list[Any]
    signs: tuple[str, ...]
    estimate: float


def read_wordings() -> Iterator[JudgedValue]:
    """Yield the limits and windows of all lines whose right answer is known."""
    yield from _read_adversarial(_folder_of(benchmarks.adversarial))
    yield from _read_certain(_folder_of(benchmarks.certain) / "lines.jsonl")


def _folder_of(package: Any) -> Path:
    return Path(package.__file__).parent


def _read_adversarial(folder: Path) -> Iterator[JudgedValue]:
    """Yield the values of ``benchmarks.adversarial``, not of its kept wordings."""
    for path in sorted(folder.glob("*.jsonl")):
        lines = [line for line in read_lines(path) if line["task"] == "eligibility"]
        for line, values in _read_values(lines, lines):
            left = list(_list_right(line))
            judged = _list_judged(line, values)
            for read in values:
                if read.field not in judged:
                    continue
                name = _NAMES[read.field]
                given = [Given(name, form, 0.0) for form in read.forms]
                found = [take_stated(left, one) for one in given]
                right = all(found)
                yield _judge(line["id"], ADVERSARIAL, read, right=right)


def _list_judged(line: Row, values: Sequence[_ReadValue]) -> set[str]:
    """Return the fields whose right values a line states. Some lines state the first window alone,
    which is enough for a line with one.
    """
    right = line["right"]
    judged = {LIMITS} if "constraints" in right else set()
    windows = [value for value in values if value.field == WINDOWS]
    if "time_windows" in right or ("time_window" in right and len(windows) == 1):
        judged.add(WINDOWS)
    return judged


def _list_right(line: Row) -> Iterator[tuple[str, Any]]:
    """Yield the right values of a line; the first window as the only one."""
    for name, value in list_stated(line):
        yield ("time_windows" if name == "time_window" else name), value


def _read_certain(path: Path) -> Iterator[JudgedValue]:
    """Yield the values of ``benchmarks.certain`` that its reader judged."""
    lines = [line for line in read_lines(path) if line["part"] != "outcome"]
    for line, values in _read_values(lines, [to_wording(line) for line in lines]):
        judged = {
            dumps([field.replace("time_window", "time_windows"), value]): verdict
            for field, value, verdict, *_ in line["judged"]
        }
        for read in values:
            name = _NAMES[read.field]
            forms = [dumps([name, form]) for form in read.forms]
            verdicts = {judged.get(form, "new") for form in forms}
            if "wrong" in verdicts:
                yield _judge(line["id"], CERTAIN, read, right=False)
            elif verdicts == {"right"}:
                yield _judge(line["id"], CERTAIN, read, right=True)


def _judge(line: str, source: str, read: _ReadValue, *, right: bool) -> JudgedValue:
    is_held_out = crc32(line.encode()) % _SHARE_HELD_OUT == 0
    return JudgedValue(
        read.field, line, source, is_held_out, read.signs, read.estimate, right
    )


def _read_values(
    lines: Sequence[Row], wordings: Sequence[Row]
) -> Iterator[tuple[Row, list[_ReadValue]]]:
    """Yield each line with the limits and windows that the rules read in its wording."""
    if not lines:
        return
    records = read_studies(map(make_study, count(), wordings))
    for line, record in zip(lines, records, strict=True):
        values = []
        for criterion in parse_uncalibrated(record).criteria:
            if criterion.read("stands").value is False:
                continue
            for field in _NAMES:
                reading = criterion.read(field.rpartition(".")[2])
                for value, signs in zip(
                    reading.list_values(), reading.signs, strict=True
                ):
                    forms = to_forms(value)
                    own = (field, forms, signs[""], reading.confidence)
                    values.append(_ReadValue(*own))
        yield line, values
