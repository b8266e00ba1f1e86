"""The queue of doubtful records: those with the likeliest errors first, with their texts."""

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from extractor.parse.parsed import CERTAIN
from extractor.run.finished import FinishedRun
from extractor.schemas import Item, Severity, TrialExtraction, TrialRecord

from .draft import Json
from .journal import Journal, name_gold

_FINDING = {Severity.ERROR: 1.0, Severity.WARNING: 0.5, Severity.INFO: 0.1}
"""How many errors a finding is worth in the queue."""
_NAMED = 3
"""How many doubtful items are named in the queue."""
_LEFT_OUT = frozenset({"finished", "without_text"})


@dataclass(frozen=True, slots=True)
class Doubt:
    """How many errors to expect in so many items of a record, and what most of them are expected of, in words."""

    items: int
    expected: float
    reasons: tuple[str, ...]


def weigh_result(result: TrialExtraction) -> Doubt:
    """The sum of what each item lacks in confidence, and of what the findings weigh.

    >>> criterion = {"kind": "inclusion", "section": "eligibility", "quote": "Age over 18", "confidence": 0.6}
    >>> weigh_result(TrialExtraction(record_id="A", eligibility={"confidence": 1, "criteria": [criterion]}))
    Doubt(items=2, expected=0.4, reasons=('criterion 1 is 60 % sure',))
    """
    items: list[tuple[str, Item]] = [("who may take part", result.eligibility)]
    items += [(f"criterion {number}", one) for number, one in enumerate(result.eligibility.criteria, 1)]
    items += [(f"dose {number}", one) for number, one in enumerate(result.dosing, 1)]
    items += [(f"{one.rank} outcome {one.index + 1}", one) for one in result.endpoints]
    lacks = [(name, 1 - one.confidence) for name, one in items if one.confidence is not None]
    doubtful = sorted((pair for pair in lacks if pair[1] > 1 - CERTAIN), key=lambda pair: -pair[1])
    findings = sum(_FINDING[finding.severity] for finding in result.findings)
    reasons = [f"{name} is {100 * (1 - lack):.0f} % sure" for name, lack in doubtful[:_NAMED]]
    if (rest := len(doubtful) - _NAMED) > 0:
        reasons.append(f"{rest} more {'is' if rest == 1 else 'are'} not certain")
    if number := len(result.findings):
        reasons.append(f"{number} finding{'s' * (number != 1)}")
    return Doubt(len(items), round(sum(lack for _, lack in lacks) + findings, 3), tuple(reasons))


class RunRecords:
    """The records of a run, those with the likeliest errors first.

    Texts are read once, from the run's inputs, or from ``inputs`` where these were moved, and kept compressed;
    a result is read only for a record that is opened. ``incomplete`` describes how far an unfinished run came.
    Raises ``StoreError`` for a folder that holds no run.
    """

    def __init__(self, run: Path, inputs: Sequence[Path] = ()) -> None:
        self._run = FinishedRun(run)
        self.incomplete = self._run.incomplete
        doubts = {name: weigh_result(self.read_extraction(name)) for name in self._run.record_ids}
        self.doubts: dict[str, Doubt] = dict(sorted(doubts.items(), key=lambda pair: -pair[1].expected))
        self.titles: dict[str, str | None] = {}
        self._texts: dict[str, bytes] = {}
        for one in self._run.reread(inputs):
            if one.record:
                self.titles[one.record_id] = read_title(one.record)
                self._texts[one.record_id] = zlib.compress(one.record.model_dump_json().encode())

    def has_text(self, record_id: str) -> bool:
        """Whether the text of a record was found, and is still what the run read."""
        return record_id in self._texts

    def count_without_text(self) -> int:
        """How many records cannot be reviewed because their text is missing."""
        return len(self.doubts) - len(self._texts)

    def read_text(self, record_id: str) -> TrialRecord:
        """A record of the run that has its text."""
        return TrialRecord.model_validate_json(zlib.decompress(self._texts[record_id]))

    def read_extraction(self, record_id: str) -> TrialExtraction:
        """The result of a record of the run."""
        return self._run.read_result(record_id, TrialExtraction)


def read_title(record: TrialRecord) -> str | None:
    """The record's title, None if it has none."""
    return next((text for name in ("title", "official_title") if (text := record.raw_text(name))), None)


class Direction(StrEnum):
    """The record before or behind another one, or the next one that is not finished."""

    PREVIOUS = "previous"
    NEXT = "next"
    UNFINISHED = "unfinished"


class Queue:
    """All records of a run in order of doubt. ``describe`` gives the progress of a record that was begun.

    Results and texts are not read to list them.
    """

    def __init__(self, records: RunRecords, gold: Path, journal: Journal, describe: Callable[[str], Json]) -> None:
        self._records, self._gold, self._journal, self._describe = records, gold, journal, describe

    def list_page(self, words: str, *, unfinished: bool, start: int, count: int) -> Json:
        """``count`` rows from ``start`` on, of the records that have all words in their id, title or reasons."""
        progress = dict(self._list_progress())
        found = [name for name in self._search(words) if not unfinished or progress[name]["state"] not in _LEFT_OUT]
        states = [one["state"] for one in progress.values()]
        return {
            "records": [
                {
                    "record": name,
                    "expected": self._records.doubts[name].expected,
                    "reasons": self._records.doubts[name].reasons,
                    "title": self._records.titles.get(name),
                    "progress": progress[name],
                }
                for name in found[start : start + count]
            ],
            "found": len(found),
            "total": len(states),
            "finished": states.count("finished"),
        }

    def find(self, record_id: str, direction: Direction) -> str | None:
        """The record in that direction from another one; those without a text cannot be opened."""
        names = list(self._records.doubts)
        place = names.index(record_id)
        if direction is Direction.UNFINISHED:
            progress = dict(self._list_progress())
            turned = [*names[place + 1 :], *names[:place]]
            return next((name for name in turned if progress[name]["state"] not in _LEFT_OUT), None)
        line = names[place + 1 :] if direction is Direction.NEXT else names[:place][::-1]
        return next(filter(self._records.has_text, line), None)

    def _search(self, text: str) -> Iterator[str]:
        words = text.casefold().split()
        for name, doubt in self._records.doubts.items():
            shown = "\n".join((name, self._records.titles.get(name) or "", *doubt.reasons)).casefold()
            if all(word in shown for word in words):
                yield name

    def _list_progress(self) -> Iterator[tuple[str, Json]]:
        versions = self._journal.list_versions()
        gold = {path.name for path in self._gold.glob("*.json")}
        for name, doubt in self._records.doubts.items():
            if not self._records.has_text(name):
                yield name, {"state": "without_text", "decided": 0, "items": 0}
            elif name in versions:
                yield name, self._describe(name)
            else:
                done = name_gold(name) in gold
                decided = doubt.items if done else 0
                yield name, {"state": "finished" if done else "open", "decided": decided, "items": doubt.items}
