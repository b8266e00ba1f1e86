"""Labelled criteria, outcomes and time frames, each with the features that the package sees."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.label_files import Row
from extractor.parse.eligibility.category import CriterionLine, describe_lines, target_words
from extractor.parse.eligibility.outline import Role, read_outline
from extractor.parse.endpoints import OutcomeWords, describe_outcome, trial_words
from extractor.parse.endpoints.times import describe_kind, guess_kind, read_time_frame
from extractor.parse.scoring import Features
from extractor.schemas import CriterionKind, Rank, TrialRecord
from extractor.text.passage import Passage, read_section

__all__ = ["LabelledLine", "describe_outcomes", "describe_time_frame", "find_lines"]


@dataclass(frozen=True, slots=True)
class LabelledLine:
    """``split`` is true if the package finds the line in its record, and takes it for a criterion."""

    features: Features
    row: Row
    split: bool


def find_lines(rows: Sequence[Row], records: Mapping[str, TrialRecord]) -> list[LabelledLine]:
    """Each labelled line with its features, as the package sees it in its record; alone if it is not found there."""
    lists = {trial: _List(records.get(trial)) for trial in sorted({row["record"] for row in rows})}
    return [lists[row["record"]].find(row) for row in rows]


class _List:
    """The criteria of a record."""

    def __init__(self, record: TrialRecord | None) -> None:
        titles = _read_sections(record, "title", "official_title", "conditions") if record else ()
        self._target = target_words(*titles)
        entries = list(_read_lines(record)) if record else []
        self._lines = [line for line, _ in entries]
        self._roles = [role for _, role in entries]
        self._features = describe_lines(self._lines, self._target)
        self._keys = [_key(line.passage.text) for line in self._lines]

    def find(self, row: Row) -> LabelledLine:
        alone, kind = read_section("eligibility", row["text"]).whole, CriterionKind(row["list"])
        same = [at for at, other in enumerate(self._keys) if other == _key(alone.text)]
        if places := [at for at in same if self._lines[at].kind is kind]:
            return LabelledLine(self._features[places[0]], row, self._roles[places[0]] is Role.CRITERION)
        lead_in = read_section("eligibility", row["lead_in"]).whole if row.get("lead_in") else None
        line = CriterionLine(alone, kind, parent=lead_in)
        return LabelledLine(describe_lines([line, *self._lines], self._target)[0], row, split=False)


def _read_lines(record: TrialRecord) -> Iterator[tuple[CriterionLine, Role]]:
    section = record.section("eligibility")
    if not section:
        return
    read = read_section("eligibility", section.text)
    for entry in read_outline(read):
        if entry.role is not Role.REMARK:
            intros = (read.between(*span) if span else None for span in (entry.heading, entry.parent))
            line = CriterionLine(read.between(entry.start, entry.end), entry.kind or CriterionKind.INCLUSION, *intros)
            yield line, entry.role


def _read_sections(record: TrialRecord, *names: str) -> Iterator[Passage]:
    return (read_section(name, section.text).whole for name in names if (section := record.section(name)))


def _key(text: str) -> str:
    return re.sub(r"\W+", " ", text.lower()).strip()


def describe_outcomes(rows: Sequence[Row], records: Mapping[str, TrialRecord]) -> list[Features]:
    """The features of each labelled outcome, with those of its trial where its record is at hand."""
    about = {
        trial: trial_words(
            {passage.section.name: passage.section for passage in _read_sections(records[trial], "title", "conditions")}
        )
        for trial in {row["record"] for row in rows} & records.keys()
    }
    return [_describe_outcome(row, about.get(row["record"], ())) for row in rows]


def _describe_outcome(row: Row, about: Sequence[str]) -> Features:
    parts = ("measure", "description", "time_frame")
    measure, *others = (read_section("outcomes", row[part] or "").whole for part in parts)
    description, time_frame = (part if part.end else None for part in others)
    return describe_outcome(OutcomeWords(measure, description, time_frame, Rank(row["rank"]), about))


def describe_time_frame(text: str) -> Features:
    """The features of a time frame."""
    frame = read_time_frame(read_section("outcomes", text).tokens)
    return describe_kind(frame, guess_kind(frame))
