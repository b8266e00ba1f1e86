"""A row for each finding of a run; of two runs also which are new and which are gone."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from extractor.apps.export.columns import Column, Table
from extractor.apps.pages.view import name_section
from extractor.apps.report.record import RunRecord
from extractor.apps.sheets.places import REPORT, make_address, name_places
from extractor.apps.sheets.results import Results
from extractor.language.shown import show_line
from extractor.schemas import Finding, Severity
from extractor.schemas.vocabulary import CONTRADICTIONS


class Change(StrEnum):
    """Which of two runs has a finding.

    - ``new``: the later run alone.
    - ``gone``: the earlier run alone, of a record that both runs have.
    - ``kept``: both.
    """

    NEW = "new"
    GONE = "gone"
    KEPT = "kept"


class FindingRow(NamedTuple):
    """The cells of a finding, by column; ``COLUMNS`` says what they mean."""

    record_id: str
    title: str | None
    change: Change | None
    contradiction: bool
    kind: str
    severity: Severity
    message: str
    first_quote: str | None
    first_place: str | None
    other_quotes: str | None
    other_places: str | None
    searched: str | None
    address: str


COLUMNS = (
    Column("record_id", "The record: NCT number, or the file's stem."),
    Column("title", "The title of the record; empty if its text is not at hand."),
    Column("change", "With --since: new, gone, or kept, which is in both runs."),
    Column(
        "contradiction",
        "true: the record contradicts itself. false: the finding is about what was read.",
        "boolean",
    ),
    Column("kind", "Kind of finding."),
    Column("severity", "warning: look at it; info: look at it if you need the field."),
    Column("message", "The finding, in a sentence."),
    Column("first_quote", "What the text says."),
    Column(
        "first_place",
        "Where it says so, as the report names the section. Numbers count from 1.",
    ),
    Column(
        "other_quotes",
        "What it contradicts: a registered field, an outcome, other places. Joined by |.",
    ),
    Column("other_places", "Where these stand, in the same order. Joined by |."),
    Column("searched", "Where what is missing was looked for. Joined by |."),
    Column(
        "address",
        "The finding in the report, as seen from the folder of the sheet. Numbers in it count "
        "from 0.",
        is_link=True,
    ),
)
"""The columns of the sheet."""


def make_table(*, compares: bool) -> Table:
    """Return the table of the rows. The column of the change is only in that which ``compares`` two
    runs.

    >>> len(make_table(compares=True).columns) - len(make_table(compares=False).columns)
    1
    """
    columns = [column for column in COLUMNS if compares or column.name != "change"]
    return Table("findings", None, (), tuple(columns))


def list_findings(result: RunRecord, report: str = REPORT) -> Iterator[FindingRow]:
    """Yield a row for each finding of a record. Its address is one of the ``report``."""
    for position, finding in enumerate(result.extraction.findings):
        yield _make_row(result, position, finding, None, report)


class OlderRun:
    """An older run whose findings are compared with those of a ``newer`` one. Records are paired by
    their ids; two single records are a pair whatever their ids.

    Attributes:
        results: Its results.
        newer: Those of the newer run.
        only_old: The records that the newer run does not have, in alphabetical order.
        only_new: Those that this run does not have.
    """

    def __init__(self, results: Results, newer: Results) -> None:
        self.results = results
        self.newer = newer
        self._single: str | None = None
        old_ids = results.record_ids
        new_ids = newer.record_ids
        if len(old_ids) == len(new_ids) == 1:
            (self._single,) = old_ids
            self.only_old: list[str] = []
            self.only_new: list[str] = []
            return
        self.only_old = sorted(old_ids - new_ids)
        self.only_new = sorted(new_ids - old_ids)

    def read_findings(self, record_id: str) -> Sequence[Finding]:
        """Return the findings that the record of this id had; none without it."""
        old_id = self._single or record_id
        if old_id not in self.results.record_ids:
            return ()
        return self.results.find(old_id).findings


def list_changes(
    result: RunRecord,
    older: OlderRun,
    report: str = REPORT,
    older_report: str = REPORT,
) -> Iterator[FindingRow]:
    """Yield a row for each finding of a record that is new, gone or kept since an older run. What
    is gone has an address of the ``older_report``, the others one of the ``report``.
    """
    before = older.read_findings(result.extraction.record_id)
    after = result.extraction.findings
    for change, position, finding in compare_findings(before, after):
        shown_in = older_report if change is Change.GONE else report
        yield _make_row(result, position, finding, change, shown_in)


def compare_findings(
    old: Sequence[Finding], new: Sequence[Finding]
) -> Iterator[tuple[Change, int, Finding]]:
    """Yield the findings of two versions of a record, those of the new one first, each with its
    position in its own version.

    A finding is kept if the other version has one of its kind with the same message, or else with
    the same quotes: a message counts outcomes, and one outcome more changes its number.
    """
    left = dict(enumerate(old))
    kept = set[int]()
    for tell in (_tell_message, _tell_quotes):
        for position, finding in enumerate(new):
            if position in kept:
                continue
            counterpart = _find_counterpart(tell(finding), tell, left)
            if counterpart is None:
                continue
            kept.add(position)
            del left[counterpart]
    for position, finding in enumerate(new):
        change = Change.KEPT if position in kept else Change.NEW
        yield change, position, finding
    for position, finding in left.items():
        yield Change.GONE, position, finding


def _tell_message(finding: Finding) -> tuple[str, ...]:
    """Return what is the same in two findings with one message."""
    return (finding.kind, finding.message)


def _tell_quotes(finding: Finding) -> tuple[str, ...] | None:
    """Return what is the same in two findings with the same quotes; None without quotes."""
    if not finding.citations:
        return None
    quotes = [show_line(citation.quote) for citation in finding.citations]
    return (finding.kind, *quotes)


def _find_counterpart(
    words: tuple[str, ...] | None,
    tell: Callable[[Finding], tuple[str, ...] | None],
    left: Mapping[int, Finding],
) -> int | None:
    """Return the position of the first finding of which ``tell`` returns these words; None if there
    is none.
    """
    if words is None:
        return None
    for position, finding in left.items():
        if tell(finding) == words:
            return position
    return None


def _make_row(
    result: RunRecord,
    position: int,
    finding: Finding,
    change: Change | None,
    report: str,
) -> FindingRow:
    """Return the row of a finding. Its ``position`` is that among the findings of its version."""
    record_id = result.extraction.record_id
    quotes = [show_line(citation.quote) for citation in finding.citations]
    places = [name_section(citation.section) for citation in finding.citations]
    return FindingRow(
        record_id=record_id,
        title=result.title or None,
        change=change,
        contradiction=finding.kind in CONTRADICTIONS,
        kind=finding.kind.value,
        severity=finding.severity,
        message=show_line(finding.message),
        first_quote=next(iter(quotes), None),
        first_place=next(iter(places), None),
        other_quotes=" | ".join(quotes[1:]) or None,
        other_places=" | ".join(places[1:]) or None,
        searched=name_places(finding.sections) or None,
        address=make_address(record_id, f"findings[{position}]", report),
    )
