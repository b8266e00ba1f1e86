"""Write a run's report as a single file."""

from pathlib import Path
from typing import NamedTuple

from extractor.apps.pages import Chunks, pack, render_page
from extractor.apps.report.overview import Overview, count_items, sum_facts
from extractor.apps.report.record import (
    RunRecord,
    list_searched_words,
    list_term_meanings,
    show_record,
)
from extractor.apps.values import DOUBTS
from extractor.face import JoinedRuns, TextState, write_page
from extractor.schemas.base import Inputs, StrPath

_SCRIPTS = ("viewer.js", "browse.js", "rows.js", "cards.js", "start.js")


class ReportSummary(NamedTuple):
    """The counts in a report: the number of ``records``, how many of them are ``shown`` (that is,
    can be opened), and how many are ``without_text``.
    """

    records: int
    shown: int
    without_text: int


def write_report(
    run: StrPath | JoinedRuns,
    path: StrPath,
    *,
    records: Inputs = (),
    limit: int = 20_000,
) -> ReportSummary:
    """Write runs as an HTML file that works offline, and return its counts. The same runs always
    produce the same bytes.

    Args:
        run: The run's folder, a file of extractions, or several of them joined.
        path: The file to write.
        records: The source of the texts; by default, the inputs of the runs. If a text is missing
            or has changed, only its quotes are shown.
        limit: The maximum number of records that can be opened. The overview counts all records.

    Raises:
        StoreError: The folder contains no results, or the file cannot be written.
    """
    runs = run
    if not isinstance(runs, JoinedRuns):
        runs = JoinedRuns([Path(runs)])
    overview = Overview()
    chunks = Chunks()
    # one text to search for each record that can be opened
    search_texts: list[str] = []
    for reread in runs.reread(records):
        extraction = runs.read(reread.record_id)
        result = RunRecord(extraction, reread.record, reread.text)
        facts = overview.add(result)
        is_full = len(search_texts) == limit
        if is_full:
            continue
        view = show_record(result)
        overview.add_row(result, facts, view["title"], chunks.add(view))
        search_texts.append(list_searched_words(view))
    total = overview.texts.total()
    meanings = list_term_meanings()
    index = {
        "rows": overview.rows,
        "facts": list(overview.numbers),
        "meanings": meanings,
    }
    values = {
        "name": ", ".join(part.folder.resolve().name for part in runs.parts),
        "runs": runs.runs,
        "incomplete": runs.incomplete,
        "overview": overview,
        "total": total,
        "items": count_items(overview.facts),
        "absences": sum_facts(overview.facts, "absence"),
        "doubts": sum_facts(overview.facts, "doubt"),
        "parts": [*DOUBTS.values()],
        "filled": sum_facts(overview.facts, "filled").total(),
        "findings": sum_facts(overview.facts, "finding"),
        "failures": runs.failures,
        "meanings": meanings,
        "index": pack(index),
        "words": pack(search_texts),
        "chunks": chunks.close(),
    }
    page = render_page(
        "extractor.apps.report",
        values,
        styles=("viewer.css", "page.css"),
        scripts=_SCRIPTS,
    )
    write_page(Path(path), page)
    without_text = total - overview.texts[TextState.SAME]
    return ReportSummary(total, len(search_texts), without_text)
