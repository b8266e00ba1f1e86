"""Labelled lines of criteria with what surrounds them in their record."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.label_files import Row
from extractor.parse.eligibility.line_features import CriterionLine, describe_lines, target_words
from extractor.parse.eligibility.outline import Role, read_outline
from extractor.parse.scoring import Bag
from extractor.parse.scoring.bags import Block
from extractor.schemas import CriterionKind, TrialRecord
from extractor.text.clean import clean_text
from extractor.text.passage import read_section

from .design import Part
from .fitting import Plan

__all__ = ["NO_CRITERION", "PLAN", "LabelledLine", "find_lines"]

NO_CRITERION = "none"
PLAN = Plan(
    name="criteria",
    parts=(
        Part(Block("words", "words"), 1.0, 2),
        Part(Block("pairs", "pairs", words=False), 1.0, 2),
        Part(Block("grams", "words", grams=True), 2.2, 4),
        Part(Block("admitted", "admitted"), 1.0, 2),
        Part(Block("refused", "refused"), 1.0, 2),
        Part(Block("known", "known", words=False), 1.0, 1),
        Part(Block("intro", "intro"), 0.6, 3),
        Part(Block("near", "near"), 0.2, 4),
        Part(Block("marks", "marks", words=False, flags=True), 0.25, 3),
    ),
    meanings=("words", "start", "refused"),
    meaning_scale=1.2,
    freedom=1.5,
    most=40_000,
)


@dataclass(frozen=True, slots=True)
class LabelledLine:
    """``split`` is true if the package finds the line in its record, and takes it for a criterion."""

    bag: Bag
    row: Row
    split: bool


def find_lines(rows: Sequence[Row], records: Mapping[str, TrialRecord]) -> list[LabelledLine]:
    """Each labelled line with its features, as the package sees it in its record; alone if it is not found there."""
    lists = {trial: _List(records.get(trial)) for trial in sorted({row["record"] for row in rows})}
    return [lists[row["record"]].find(row) for row in rows]


class _List:
    """The criteria of a record."""

    def __init__(self, record: TrialRecord | None) -> None:
        self._target = _target(record) if record else frozenset()
        entries = list(_read_lines(record)) if record else []
        self._lines = [line for line, _ in entries]
        self._roles = [role for _, role in entries]
        self._bags = describe_lines(self._lines, self._target)
        self._keys = [_key(line.text) for line in self._lines]

    def find(self, row: Row) -> LabelledLine:
        text = clean_text(row["text"]).text
        key, kind = _key(text), CriterionKind(row["list"])
        same = [at for at, other in enumerate(self._keys) if other == key]
        places = [at for at in same if self._lines[at].kind is kind]
        if places:
            return LabelledLine(self._bags[places[0]], row, self._roles[places[0]] is Role.CRITERION)
        alone = describe_lines(
            [CriterionLine(text, kind, lead_in=row.get("lead_in") or ""), *self._lines], self._target
        )[0]
        return LabelledLine(alone, row, split=False)


def _read_lines(record: TrialRecord) -> Iterator[tuple[CriterionLine, Role]]:
    section = record.section("eligibility")
    if not section:
        return
    raw = section.text
    read = read_section("eligibility", raw)
    for entry in read_outline(read):
        if entry.role is not Role.REMARK:
            text = " ".join(read.between(entry.start, entry.end).text.split())
            heading, lead_in = (raw[slice(*span)] if span else "" for span in (entry.heading, entry.lead_in))
            yield CriterionLine(text, entry.kind or CriterionKind.INCLUSION, heading, lead_in), entry.role


def _target(record: TrialRecord) -> frozenset[str]:
    sections = (record.section(name) for name in ("title", "official_title", "conditions"))
    return target_words(*(section.text for section in sections if section))


def _key(text: str) -> str:
    return re.sub(r"\W+", " ", text.lower()).strip()
