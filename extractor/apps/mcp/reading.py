"""Read one record, or look for a quote, in a worker process, so that a text cannot exhaust the
server's memory or time.
"""

from dataclasses import dataclass
from io import BytesIO
from itertools import islice

from extractor.apps.mcp.answers import QuoteAnswer
from extractor.errors import RecordError
from extractor.face import (
    GivenSection,
    QuoteStatus,
    make_record,
    read_stream,
    verify_quote,
)
from extractor.schemas import Source, TrialRecord
from extractor.schemas.record_limits import limit_time

_NAMED = 10
"""Maximum number of records listed in a message."""
_BEST_FIRST = tuple(QuoteStatus)
"""The statuses from "exact" to "absent"."""


@dataclass(frozen=True, slots=True)
class ClientInput:
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


def read_input(client_input: ClientInput) -> TrialRecord:
    r"""Return the record in a text or a file. The ``record_id`` of a text is the id of its record;
    the ``record_id`` of a file selects one of its records. Raises ``RecordError`` if no record in
    a file matches, or if several records match.

    >>> read_input(ClientInput("a.txt", b"Inclusion criteria:\n- Adults")).record_id
    'a'
    """
    with limit_time(client_input.source):
        if isinstance(client_input.body, str):
            return make_record(
                client_input.body,
                title=client_input.title,
                record_id=client_input.record_id,
                section=client_input.section,
            )
        wanted = (
            record
            for record in read_stream(client_input.name, BytesIO(client_input.body))
            if client_input.record_id in (None, record.record_id)
        )
        # a large file need not be read completely to find that it contains several records
        records = list(islice(wanted, _NAMED))
    if not records:
        raise RecordError(
            client_input.name,
            f"no record {client_input.record_id or ''}",
            "use another record_id",
        )
    if len(records) > 1:
        names = ", ".join(record.record_id for record in records)
        raise RecordError(
            client_input.name, f"several records: {names}", "choose one by record_id"
        )
    return records[0]


def check_quote(searched: TrialRecord | ClientInput, quote: str) -> QuoteAnswer:
    """Return whether a text, or a section of a record, contains a quote. If several sections share
    the best match, the result is for the first of these sections. If there is no match, the status
    is "absent".
    """
    # a client's text has no section
    texts: dict[str | None, str] = {}
    if isinstance(searched, ClientInput):
        texts[None] = str(searched.body)
    else:
        texts |= {section.name: section.text for section in searched.sections}
    best = QuoteAnswer(status=QuoteStatus.ABSENT)
    with limit_time(searched.source):
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
