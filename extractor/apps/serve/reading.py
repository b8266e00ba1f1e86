"""Read a record from a request's body in a worker process, so that a body cannot exhaust the
service's memory or time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from itertools import islice

from extractor.errors import RecordError, RecordTooSlow
from extractor.face import read_stream
from extractor.schemas import Source, TrialRecord
from extractor.schemas.record_limits import check_unicode, limit_time


@dataclass(frozen=True, slots=True)
class PostedRecord:
    """A body with one record. ``name`` is the body's file name, or the id to use for a record
    without an id, and ``columns`` the caller's names of a table's columns.
    """

    name: str
    body: bytes
    columns: Mapping[str, str]

    @property
    def source(self) -> Source:
        """The record's source. The record's format is not known until the record is read."""
        return Source(path=self.name, format="unknown")


def read_posted(posted: PostedRecord) -> TrialRecord | RecordError:
    r"""Return the record in a body, or an error if the body does not contain exactly one record.
    Raises ``RecordTooSlow``.

    >>> read_posted(
    ...     PostedRecord(
    ...         "b.txt", b"A Trial\nA summary.\nAsthma\nDRUG: A\nSurvival\n", {}
    ...     )
    ... ).record_id
    'b'
    """
    try:
        with limit_time(posted.source):
            records = read_stream(
                posted.name, BytesIO(posted.body), columns=posted.columns
            )
            record, *extra_records = islice(records, 2)
            check_unicode(record)
    except RecordTooSlow:
        raise
    except RecordError as error:
        return error
    if extra_records:
        return RecordError(
            posted.name,
            "the body has more than one record",
            "send several records to POST /v1/jobs",
        )
    return record
