"""Write the page of a run: one file with its style, its script and its records inside."""

import base64
import gzip
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from os import PathLike
from pathlib import Path
from typing import Any

from extractor.pages import render_page
from extractor.run.finished import FinishedRun, TextState
from extractor.run.folder import FAILURES
from extractor.schemas import AbsenceReason, FindingKind, Support, TrialExtraction

from .overview import Index, Overview, read_failures
from .record import RunRecord, gather_words, show_record

_CHARACTERS = 200_000
"""A chunk ends with the record that brings its JSON to so many characters: quick to open, and well compressed."""
_SCRIPTS = ("chunks", "address", "filters", "list", "text", "cards", "record", "keys", "start")
_ENTRY = re.compile(r"- ``(\w+)``: (.+?)(?=\n\s*- ``|\n\s*\n|\Z)", re.DOTALL)


def pack(data: Any) -> str:
    """JSON, compressed, in letters that need no escape in HTML. The same data gives the same letters.

    >>> gzip.decompress(base64.b64decode(pack({"a": "</script>"})))
    b'{"a":"</script>"}'
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode("utf-8", "replace"), 6, mtime=0)).decode()


class Chunks:
    """Takes records one at a time, and holds no more than one chunk of them uncompressed."""

    def __init__(self) -> None:
        self.packed: list[str] = []
        self._records: list[Any] = []
        self._characters = 0

    def add(self, record: Any) -> tuple[int, int]:
        """Add a record, and say in which chunk it is, at which place."""
        place = len(self.packed), len(self._records)
        self._records.append(record)
        self._characters += len(json.dumps(record))
        if self._characters >= _CHARACTERS:
            self.close()
        return place

    def close(self) -> None:
        """Pack what is not packed yet."""
        if self._records:
            self.packed.append(pack(self._records))
            self._records, self._characters = [], 0


def read_meanings(kind: type[StrEnum]) -> dict[str, str]:
    """Each member's line in the documentation of its set.

    >>> read_meanings(AbsenceReason)["section_absent"]
    'the record has no section that could state it'
    """
    found = _ENTRY.findall(kind.__doc__ or "")
    return {name: " ".join(words.split()).rstrip(".") for name, words in found}


@dataclass(frozen=True, slots=True)
class ReportSummary:
    """What a page holds: ``shown`` of ``records`` can be opened; the texts of ``without_text`` were not available."""

    records: int
    shown: int
    without_text: int


def write_report(
    run: str | PathLike[str],
    path: str | PathLike[str],
    *,
    records: Sequence[str | PathLike[str]] = (),
    limit: int = 5000,
) -> ReportSummary:
    """Write a run as one page of HTML that needs no network.

    The texts are read from ``records``, without them from where the run read them, and shown where they are the same;
    elsewhere the quotes stand alone. The overview counts all records, up to ``limit`` can be opened. The same run gives
    the same bytes. Raises ``StoreError`` for a folder that holds no run, ``OSError`` if the file cannot be written.
    """
    finished = FinishedRun(Path(run))
    overview, chunks, index, words = Overview(), Chunks(), Index(), list[str]()
    for reread in finished.reread(records):
        one = RunRecord(finished.read_result(reread.record_id, TrialExtraction), reread.record, reread.text)
        overview.add(one)
        if overview.records <= limit:
            record = show_record(one)
            index.add(one, *chunks.add(record))
            words.append(gather_words(record))
    chunks.close()
    shown = min(limit, overview.records)
    meanings = read_meanings(AbsenceReason) | read_meanings(FindingKind) | read_meanings(Support)
    values = {
        "name": finished.folder.resolve().name,
        "manifest": finished.manifest,
        "incomplete": finished.incomplete,
        "overview": overview,
        "failures": read_failures(finished.folder / FAILURES),
        "meanings": meanings,
        "shown": shown,
        "index": pack(index.export() | {"meanings": meanings}),
        "words": pack(words),
        "chunks": chunks.packed,
    }
    scripts = [f"{name}.js" for name in _SCRIPTS]
    page = render_page("extractor.report", values, styles=("page.css", "record.css"), scripts=scripts)
    Path(path).write_bytes(page.encode("utf-8", "replace"))
    return ReportSummary(overview.records, shown, overview.records - overview.texts[TextState.SAME])
