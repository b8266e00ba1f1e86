"""Write a run's report as a single file."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from extractor.apps.pages import Chunks, pack, render_page
from extractor.apps.report.overview import (
    DOUBTFUL,
    Overview,
    count_items,
    read_failures,
    sum_facts,
)
from extractor.apps.report.record import (
    RunRecord,
    list_meanings,
    list_words,
    show_record,
)
from extractor.run.files import FAILURES
from extractor.run.finished import FinishedRun, TextState
from extractor.schemas import TrialExtraction

_SCRIPTS = ("viewer.js", "browse.js", "rows.js", "cards.js", "start.js")


class ReportSummary(NamedTuple):
    """The counts in a report: the number of ``records``, how many of them are ``shown`` (that is,
    can be opened), and how many are ``without_text``.
    """

    records: int
    shown: int
    without_text: int


def write_report(
    run: str | PathLike[str],
    path: str | PathLike[str],
    *,
    records: Sequence[str | PathLike[str]] = (),
    limit: int = 20_000,
) -> ReportSummary:
    """Write a run as an HTML file that works offline. The same run always produces the same bytes.

    Args:
        run: The run's folder.
        path: The file to write.
        records: The source of the texts; by default, the inputs of the run. If a text is missing
            or has changed, only its quotes are shown.
        limit: The maximum number of records that can be opened. The overview counts all records.

    Raises:
        StoreError: The folder does not contain a run.
        OSError: The file cannot be written.
    """
    finished = FinishedRun(Path(run))
    overview = Overview()
    chunks = Chunks()
    words: list[str] = []
    for reread in finished.reread(records):
        extraction = finished.read_result(reread.record_id, TrialExtraction)
        result = RunRecord(extraction, reread.record, reread.text)
        overview.add(result)
        if len(words) == limit:
            continue
        shown = show_record(result)
        overview.add_row(result, shown["title"], chunks.add(shown))
        words.append(list_words(shown))
    total = overview.texts.total()
    meanings = list_meanings()
    index = {
        "rows": overview.rows,
        "facts": list(overview.numbers),
        "meanings": meanings,
    }
    values = {
        "name": finished.folder.resolve().name,
        "manifest": finished.manifest,
        "incomplete": finished.incomplete,
        "overview": overview,
        "total": total,
        "items": count_items(overview.facts),
        "absences": sum_facts(overview.facts, "absence"),
        "doubtful": sum_facts(overview.facts, DOUBTFUL).total(),
        "filled": sum_facts(overview.facts, "filled").total(),
        "findings": sum_facts(overview.facts, "finding"),
        "failures": read_failures(finished.folder / FAILURES),
        "meanings": meanings,
        "index": pack(index),
        "words": pack(words),
        "chunks": chunks.close(),
    }
    page = render_page(
        "extractor.apps.report",
        values,
        styles=("viewer.css", "page.css"),
        scripts=_SCRIPTS,
    )
    # a lone surrogate from broken JSON cannot be encoded as UTF-8
    Path(path).write_bytes(page.encode("utf-8", "replace"))
    without_text = total - overview.texts[TextState.SAME]
    return ReportSummary(total, len(words), without_text)
