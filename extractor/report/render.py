"""Write the page of a run: one file with its style, its script and its records inside."""

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from extractor.pages import render_page
from extractor.run.finished import FinishedRun, TextState
from extractor.run.folder import FAILURES
from extractor.schemas import FindingKind

from .chunks import Chunks, pack
from .failures import read_failures
from .index import Index
from .meanings import MEANINGS
from .overview import Overview
from .run_records import read_run
from .show_record import show_record
from .words import gather_words

__all__ = ["ReportSummary", "write_report"]

_PACKAGE = "extractor.report"
_STYLES = ("page.css", "record.css")
_SCRIPTS = (
    "chunks.js",
    "address.js",
    "filters.js",
    "list.js",
    "text.js",
    "cards.js",
    "record.js",
    "keys.js",
    "start.js",
)
SHOWN_AT_MOST = 5000


@dataclass(frozen=True, slots=True)
class ReportSummary:
    """What a page holds: ``shown`` of ``records`` can be opened; the texts of ``without_text`` were not at hand."""

    records: int
    shown: int
    without_text: int


def write_report(
    run: str | PathLike[str],
    path: str | PathLike[str],
    *,
    records: Sequence[str | PathLike[str]] = (),
    limit: int = SHOWN_AT_MOST,
) -> ReportSummary:
    """Write a run as one page of HTML that needs no network.

    The texts are read from ``records``, without them from where the run read them, and shown where they are the same;
    elsewhere the quotes stand alone. The overview counts all records, up to ``limit`` can be opened. The same run gives
    the same bytes. Raises ``StoreError`` for a folder that holds no run, ``OSError`` if the file cannot be written.
    """
    finished = FinishedRun(Path(run))
    overview, chunks, index, words = Overview(), Chunks(), Index(), list[str]()
    for one in read_run(finished, records):
        overview.add(one)
        if overview.records <= limit:
            record = show_record(one)
            index.add(one, *chunks.add(record))
            words.append(gather_words(record))
    chunks.close()
    shown = min(limit, overview.records)
    values = _gather(finished, overview, chunks, index) | {"shown": shown, "words": pack(words)}
    page = render_page(_PACKAGE, values, styles=_STYLES, scripts=_SCRIPTS)
    Path(path).write_bytes(page.encode("utf-8", "replace"))
    return ReportSummary(overview.records, shown, overview.records - overview.texts[TextState.SAME])


def _gather(run: FinishedRun, overview: Overview, chunks: Chunks, index: Index) -> dict[str, Any]:
    return {
        "name": run.folder.resolve().name,
        "manifest": run.manifest,
        "incomplete": run.incomplete,
        "overview": overview,
        "failures": read_failures(run.folder / FAILURES),
        "findings": _sort_findings(overview),
        "meanings": MEANINGS,
        "index": pack(index.export() | {"meanings": MEANINGS}),
        "chunks": chunks.packed,
    }


def _sort_findings(overview: Overview) -> list[tuple[str, dict[str, int]]]:
    """Kinds of findings with how often they have which severity, in the order of the schema."""
    found: dict[str, dict[str, int]] = {}
    for kind in FindingKind:
        counts = {severity: count for (name, severity), count in overview.findings.items() if name == kind.value}
        if counts:
            found[kind.value] = counts
    return sorted(found.items(), key=lambda pair: -sum(pair[1].values()))
