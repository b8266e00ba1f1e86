"""Read a posted record, and show its extraction. Worker processes do it: no body takes the
service's memory or time.
"""

import json
from dataclasses import dataclass
from io import BytesIO
from itertools import islice

from extractor.apps.report.record import RunRecord, show_record
from extractor.concepts.own.declaration import CustomField
from extractor.concepts.own.json_schema import read_json_schema
from extractor.errors import FieldError, RecordError, RecordTooSlow
from extractor.formats import read_stream
from extractor.options import read_own_fields
from extractor.run.finished import TextState
from extractor.schemas import Source, TrialExtraction, TrialRecord
from extractor.schemas.record_limits import limit_time


@dataclass(frozen=True, slots=True)
class Posted:
    """A body with one record. ``name`` is its file name, or the id of a record without one."""

    name: str
    body: bytes

    @property
    def source(self) -> Source:
        """Where it comes from; the format is not known before it is read."""
        return Source(path=self.name, format="unknown")


@dataclass(frozen=True, slots=True)
class PostedSchemas:
    """The JSON Schemas of a request, each of a field of the caller's own."""

    schemas: tuple[str, ...]

    @property
    def source(self) -> Source:
        """Where they come from."""
        return Source(path="schema", format="unknown")


def read_schemas(posted: PostedSchemas) -> tuple[CustomField, ...] | FieldError:
    """Return the fields that a request brings, or what is wrong with them. Raises
    ``RecordTooSlow``.
    """
    with limit_time(posted.source):
        try:
            return read_own_fields(map(read_json_schema, posted.schemas))
        except FieldError as error:
            return error


def read_posted(posted: Posted) -> TrialRecord | RecordError:
    r"""Return the only record in a body, or the reason why it has none, or several. Raises
    ``RecordTooSlow``.

    >>> read_posted(
    ...     Posted("b.txt", b"A Trial\nA summary.\nAsthma\nDRUG: A\nSurvival\n")
    ... ).record_id
    'b'
    """
    try:
        with limit_time(posted.source):
            record, *others = islice(read_stream(posted.name, BytesIO(posted.body)), 2)
    except RecordTooSlow:
        raise
    except RecordError as error:
        return error
    if others:
        return RecordError(
            posted.name,
            "the body has more than one record",
            "send several records to POST /v1/jobs",
        )
    return record


def show_extraction(record: TrialRecord, line: bytes) -> bytes:
    """Return an extraction, given as a line of JSON, with the data of its page: that of a report,
    with every text as it was given.
    """
    extraction = TrialExtraction.model_validate_json(line)
    shown = show_record(RunRecord(extraction, record, TextState.SAME), as_given=True)
    return json.dumps({"shown": shown, "extraction": json.loads(line)}).encode()
