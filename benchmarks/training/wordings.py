"""The limits and windows that the rules read in misleading wordings (``benchmarks.adversarial``)
and in lines whose values were judged (``benchmarks.certain``). They contain errors that are rare in
labelled records. A third of the lines are only for measuring.
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
from benchmarks.training.sign_rows import LIMITS, WINDOWS, SignRow
from extractor.concepts.parse import parse_uncalibrated

_NAMES = {LIMITS: "constraint", WINDOWS: "time_windows"}
"""The judged fields, and their names in the lines."""


class _ReadValue(NamedTuple):
    field: str
    forms: list[Any]
    signs: tuple[str, ...]
    estimate: float

    def judge(self, line: Row, source: str, *, right: bool) -> SignRow:
        name = line["id"]
        only_measures = crc32(name.encode()) % 3 == 0
        known = (self.field, name, source, 3 if only_measures else 0)
        return SignRow(*known, self.signs, self.estimate, right)


def read_wordings() -> Iterator[SignRow]:
    """Yield the limits and windows in all lines whose right answer is known."""
    # not the files in ``kept``, which are only for measuring
    for path in sorted(Path(*benchmarks.adversarial.__path__).glob("*.jsonl")):
        yield from _read_adversarial(read_lines(path))
    lines = read_lines(Path(*benchmarks.certain.__path__, "lines.jsonl"))
    yield from _read_certain([line for line in lines if line["part"] != "outcome"])


def _read_adversarial(lines: Sequence[Row]) -> Iterator[SignRow]:
    of_criteria = [line for line in lines if line["task"] == "eligibility"]
    for line, values in _read_values(of_criteria, of_criteria):
        left = []
        for name, value in list_stated(line):
            left.append(("time_windows" if name == "time_window" else name, value))
        judged = _list_judged(line, values)
        for read in values:
            if read.field not in judged:
                continue
            given = [Given(_NAMES[read.field], form, 0.0) for form in read.forms]
            found = [take_stated(left, form) for form in given]
            yield read.judge(line, "adversarial", right=all(found))


def _list_judged(line: Row, values: Sequence[_ReadValue]) -> set[str]:
    """Return the fields whose right values a line states. Some lines state only the first window,
    which is sufficient if the rules read a single window.
    """
    right = line["right"]
    judged = {LIMITS} if "constraints" in right else set()
    windows = [value for value in values if value.field == WINDOWS]
    if "time_windows" in right or ("time_window" in right and len(windows) == 1):
        judged.add(WINDOWS)
    return judged


def _read_certain(lines: Sequence[Row]) -> Iterator[SignRow]:
    """Yield the values in ``benchmarks.certain`` that were judged."""
    for line, values in _read_values(lines, [to_wording(line) for line in lines]):
        judged = {
            dumps([field.replace("time_window", "time_windows"), value]): verdict
            for field, value, verdict, *_ in line["judged"]
        }
        for read in values:
            forms = [dumps([_NAMES[read.field], form]) for form in read.forms]
            verdicts = {judged.get(form, "new") for form in forms}
            is_wrong = "wrong" in verdicts
            if is_wrong or verdicts == {"right"}:
                yield read.judge(line, "certain", right=not is_wrong)


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
                members = zip(reading.list_values(), reading.signs, strict=True)
                for value, signs in members:
                    arguments = (field, to_forms(value), signs[""])
                    values.append(_ReadValue(*arguments, reading.confidence))
        yield line, values
