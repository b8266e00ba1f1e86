"""Read one record, and look for a quote. Worker processes do it: no text takes the server's memory
or time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import islice

from extractor.apps.mcp.answers import QuoteAnswer, QuoteConflict
from extractor.errors import RecordError
from extractor.evidence.quotes import QuoteCheck, QuoteStatus, verify_quote
from extractor.formats import make_record, read_stream
from extractor.formats.free_text import GivenSection
from extractor.schemas import Source, TrialRecord
from extractor.schemas.record_limits import limit_time

_NAMED = 10
"""Most records named in a message."""
_BEST_FIRST = tuple(QuoteStatus)


@dataclass(frozen=True, slots=True)
class GivenText:
    """A text of a client, with the id and the title of its record, and the section that it is."""

    text: str
    record_id: str | None = None
    title: str | None = None
    section: GivenSection | None = None

    @property
    def source(self) -> Source:
        """Where it comes from."""
        return Source(path=self.record_id or "text", format="unknown")


@dataclass(frozen=True, slots=True)
class GivenFile:
    """A file that a client names, with the record to take of several."""

    name: str
    body: bytes
    record_id: str | None = None

    @property
    def source(self) -> Source:
        """Where it comes from."""
        return Source(path=self.name, format="unknown")


def read_text(given: GivenText) -> TrialRecord:
    """Return the record of a text. Raises ``RecordError``."""
    with limit_time(given.source):
        return make_record(
            given.text,
            title=given.title,
            record_id=given.record_id,
            section=given.section,
        )


def read_file(given: GivenFile) -> TrialRecord:
    r"""Return the record of a file, or the one with the wanted id. Raises ``RecordError`` if there
    is none, or if there are several.

    >>> read_file(GivenFile("a.txt", b"Inclusion criteria:\n- Adults")).record_id
    'a'
    """
    with limit_time(given.source):
        # A large file is not read to its end only to say that it has several records.
        records = list(islice(_read_wanted(given), _NAMED + 1))
    if not records:
        problem = f"no record {given.record_id!r}" if given.record_id else "no record"
        raise RecordError(given.name, problem, "name another file or record_id")
    if len(records) > 1:
        names = ", ".join(record.record_id for record in records[:_NAMED])
        if len(records) > _NAMED:
            names += " and more"
        raise RecordError(
            given.name, f"several records: {names}", "choose one by record_id"
        )
    return records[0]


def _read_wanted(given: GivenFile) -> Iterator[TrialRecord]:
    """Yield the records of a file that have the wanted id, all if none is wanted."""
    for record in read_stream(given.name, BytesIO(given.body)):
        if given.record_id is None or record.record_id == given.record_id:
            yield record


def check_text(given: GivenText, quote: str) -> QuoteAnswer:
    """Return whether a text has a quote."""
    with limit_time(given.source):
        return _describe(verify_quote(quote, given.text), given.text, None)


def check_record(record: TrialRecord, quote: str) -> QuoteAnswer:
    """Return whether a section of a record has a quote: the answer of the section that agrees best,
    of several the first; "absent" if none has it.
    """
    best = QuoteAnswer(status=QuoteStatus.ABSENT)
    with limit_time(record.source):
        for section in record.sections:
            text = record.raw_text(section.name) or ""
            answer = _describe(verify_quote(quote, text), text, section.name)
            # no section can agree better
            if answer.status is QuoteStatus.EXACT:
                return answer
            if _BEST_FIRST.index(answer.status) < _BEST_FIRST.index(best.status):
                best = answer
    return best


def _describe(check: QuoteCheck, text: str, section: str | None) -> QuoteAnswer:
    """Return the answer for a checked quote, with the words of the text at its place and the
    section. Both are None for a quote that the text does not have.
    """
    conflicts = []
    for conflict in check.conflicts:
        difference = QuoteConflict(
            kind=conflict.kind, quoted=conflict.quoted, stated=conflict.stated
        )
        conflicts.append(difference)
    answer = QuoteAnswer(
        status=check.status, start=check.start, end=check.end, conflicts=conflicts
    )
    if check.start is not None and check.end is not None:
        answer.section = section
        answer.words = text[check.start : check.end]
    return answer
