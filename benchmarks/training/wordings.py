"""The limits of the rules on lines that were written to mislead them, and on lines that were judged.

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
from extractor.schemas import Constraint

ADVERSARIAL = "adversarial"
CERTAIN = "certain"
"""The sources: written with their right answers, and judged when their limits were sure."""
_SHARE_HELD_OUT = 3
_CONSTRAINT = "constraint"


class JudgedLimit(NamedTuple):
    """A limit of a line, with its signs, the rules' own estimate, and whether it is right."""

    line: str
    source: str
    is_held_out: bool
    signs: tuple[str, ...]
    estimate: float
    right: bool


class _ReadLimit(NamedTuple):
    limit: Constraint
    signs: tuple[str, ...]
    estimate: float


def read_wordings() -> Iterator[JudgedLimit]:
    """Yield the limits of all lines whose right answer is known."""
    yield from _read_adversarial(_folder_of(benchmarks.adversarial))
    yield from _read_certain(_folder_of(benchmarks.certain) / "lines.jsonl")


def _folder_of(package: Any) -> Path:
    return Path(package.__file__).parent


def _read_adversarial(folder: Path) -> Iterator[JudgedLimit]:
    """Yield the limits of ``benchmarks.adversarial``, not of its kept wordings."""
    for path in sorted(folder.glob("*.jsonl")):
        lines = [line for line in read_lines(path) if "constraints" in line["right"]]
        for line, limits in _read_limits(lines, lines):
            left = list(list_stated(line))
            for read in limits:
                forms = to_forms(read.limit)
                found = [
                    take_stated(left, Given(_CONSTRAINT, form, 0.0)) for form in forms
                ]
                yield _judge(line["id"], ADVERSARIAL, read, right=all(found))


def _read_certain(path: Path) -> Iterator[JudgedLimit]:
    """Yield the limits of ``benchmarks.certain`` that its reader judged."""
    lines = [line for line in read_lines(path) if line["part"] != "outcome"]
    for line, limits in _read_limits(lines, [to_wording(line) for line in lines]):
        judged = {
            dumps([field, value]): verdict
            for field, value, verdict, *_ in line["judged"]
        }
        for read in limits:
            forms = [dumps([_CONSTRAINT, form]) for form in to_forms(read.limit)]
            verdicts = {judged.get(form, "new") for form in forms}
            if "wrong" in verdicts:
                yield _judge(line["id"], CERTAIN, read, right=False)
            elif verdicts == {"right"}:
                yield _judge(line["id"], CERTAIN, read, right=True)


def _judge(line: str, source: str, read: _ReadLimit, *, right: bool) -> JudgedLimit:
    is_held_out = crc32(line.encode()) % _SHARE_HELD_OUT == 0
    return JudgedLimit(line, source, is_held_out, read.signs, read.estimate, right)


def _read_limits(
    lines: Sequence[Row], wordings: Sequence[Row]
) -> Iterator[tuple[Row, list[_ReadLimit]]]:
    """Yield each line with the limits that the rules read in its wording."""
    if not lines:
        return
    records = read_studies(map(make_study, count(), wordings))
    for line, record in zip(lines, records, strict=True):
        limits = []
        for criterion in parse_uncalibrated(record).criteria:
            reading = criterion.read("constraints")
            if criterion.read("stands").value is False:
                continue
            for limit, signs in zip(reading.list_values(), reading.signs, strict=True):
                limits.append(_ReadLimit(limit, signs[""], reading.confidence))
        yield line, limits
