"""The queue: records with the likeliest errors first, a page of them at a time, and the way from one to the next."""

from collections.abc import Callable, Iterator
from enum import StrEnum
from itertools import islice
from pathlib import Path

from .gold import name_gold
from .items import Json
from .journal import Journal
from .records import RunRecords

__all__ = ["Queue", "Way"]

_LEFT_OUT = frozenset({"finished", "without_text"})


class Way(StrEnum):
    """Which other record is meant: the one before or behind, or the next one that is not finished."""

    PREVIOUS = "previous"
    NEXT = "next"
    UNFINISHED = "unfinished"


class Queue:
    """All records of a run in order of doubt. Results and texts are not read for it: what it lists is known from the
    start of the review, and of records that were begun only what ``describe`` says of their drafts.
    """

    def __init__(self, records: RunRecords, gold: Path, journal: Journal, describe: Callable[[str], Json]) -> None:
        self._records, self._gold, self._journal, self._describe = records, gold, journal, describe
        self._known: dict[str, tuple[int, Json]] = {}

    def list_page(self, words: str, *, unfinished: bool, start: int, count: int) -> Json:
        """So many rows from ``start`` on of those that have all the words in their id, title or reasons."""
        progress = dict(self._list_progress())
        found = [name for name in self._search(words) if not unfinished or progress[name]["state"] not in _LEFT_OUT]
        shown = list(islice(found, start, start + count))
        states = [one["state"] for one in progress.values()]
        return {
            "records": [self._describe_row(name) | {"progress": progress[name]} for name in shown],
            "found": len(found),
            "total": len(states),
            "finished": states.count("finished"),
        }

    def find(self, record_id: str, way: Way) -> str | None:
        """The record that lies that way from another one; those without a text cannot be opened."""
        names = list(self._records.doubts)
        place = names.index(record_id)
        if way is Way.UNFINISHED:
            progress = dict(self._list_progress())
            turned = [*names[place + 1 :], *names[:place]]
            return next((name for name in turned if progress[name]["state"] not in _LEFT_OUT), None)
        line = names[place + 1 :] if way is Way.NEXT else names[:place][::-1]
        return next(filter(self._records.has_text, line), None)

    def _search(self, text: str) -> Iterator[str]:
        words = text.casefold().split()
        for name, doubt in self._records.doubts.items():
            said = "\n".join((name, self._records.titles.get(name) or "", *doubt.reasons)).casefold() if words else ""
            if all(word in said for word in words):
                yield name

    def _list_progress(self) -> Iterator[tuple[str, Json]]:
        versions = self._journal.list_versions()
        gold = {path.name for path in self._gold.glob("*.json")}
        for name, doubt in self._records.doubts.items():
            if not self._records.has_text(name):
                yield name, _tell("without_text")
            elif name in versions:
                yield name, self._describe_begun(name, versions[name])
            else:
                yield name, _tell("finished" if name_gold(name) in gold else "open", doubt.items)

    def _describe_begun(self, record_id: str, version: int) -> Json:
        known = self._known.get(record_id)
        if known is None or known[0] != version:
            known = self._known[record_id] = (version, self._describe(record_id))
        return known[1]

    def _describe_row(self, record_id: str) -> Json:
        doubt = self._records.doubts[record_id]
        title = self._records.titles.get(record_id)
        return {"record": record_id, "expected": doubt.expected, "reasons": doubt.reasons, "title": title}


def _tell(state: str, items: int = 0) -> Json:
    return {"state": state, "decided": items if state == "finished" else 0, "items": items}
