"""Read one record, or look for a quote, in a worker process, so that a text cannot exhaust the
server's memory or time.
"""

from dataclasses import dataclass
from io import BytesIO
from itertools import islice

from extractor.apps.mcp.answers import QuoteAnswer
from extractor.errors import RecordError
from extractor.evidence.quotes import QuoteStatus, verify_quote
from extractor.formats import make_record, read_stream
from extractor.formats.free_text import GivenSection
from extractor.schemas import Source, TrialRecord
from extractor.schemas.record_limits import limit_time

_NAMED = 10
"""Maximum number of records listed in a message."""
_BEST_FIRST = tuple(QuoteStatus)


@dataclass(frozen=True, slots=True)
class Given:
    """A client's text, or the bytes of a file, with the id of the record to use."""

    name: str
    body: str | bytes
    record_id: str | None = None
    title: str | None = None
    section: GivenSection | None = None

    @property
    def source(self) -> Source:
        """The source of the text or file."""
        return Source(path=self.name, format="unknown")


def read_given(given: Given) -> TrialRecord:
    r"""Return the record in a text, or, from a file, the record with the requested id. Raises
    ``RecordError`` if there is no such record, or if there are several.

    >>> read_given(Given("a.txt", b"Inclusion criteria:\n- Adults")).record_id
    'a'
    """
    with limit_time(given.source):
        if isinstance(given.body, str):
            return make_record(
                given.body,
                title=given.title,
                record_id=given.record_id,
                section=given.section,
            )
        wanted = (
            record
            for record in read_stream(given.name, BytesIO(given.body))
            if given.record_id in (None, record.record_id)
        )
        # A large file is not read completely just to find that it contains several records.
        records = list(islice(wanted, _NAMED))
    if not records:
        raise RecordError(
            given.name, f"no record {given.record_id or ''}", "use another record_id"
        )
    if len(records) > 1:
        names = ", ".join(record.record_id for record in records)
        raise RecordError(
            given.name, f"several records: {names}", "choose one by record_id"
        )
    return records[0]


def check_quote(given: TrialRecord | Given, quote: str) -> QuoteAnswer:
    """Return whether a text, or a section of a record, contains a quote. If several sections
    match, the result is for the section with the best match. If there is no match, the status is
    "absent".
    """
    texts: dict[str | None, str] = {}
    if isinstance(given, Given):
        texts[None] = str(given.body)
    else:
        texts |= {section.name: section.text for section in given.sections}
    best = QuoteAnswer(status=QuoteStatus.ABSENT)
    with limit_time(given.source):
        for section, text in texts.items():
            check = verify_quote(quote, text)
            if _BEST_FIRST.index(check.status) < _BEST_FIRST.index(best.status):
                best = QuoteAnswer(
                    status=check.status,
                    section=section,
                    start=check.start,
                    end=check.end,
                    words=text[check.start : check.end],
                    conflicts=check.conflicts,
                )
    return best
