"""Shared by the tests of reading: sample records, and reading with collected errors."""

import os
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import pytest

from extractor.errors import RecordError
from extractor.formats import read_records
from extractor.schemas import TrialRecord

RECORDS = Path(__file__).parents[1] / "records"


class Reading(NamedTuple):
    """The result of reading: records and errors."""

    records: list[TrialRecord]
    errors: list[RecordError]

    @property
    def ids(self) -> list[str]:
        return [record.record_id for record in self.records]


def read_all(*inputs: str | os.PathLike[str], stdin: bytes = b"") -> Reading:
    errors: list[RecordError] = []
    return Reading(
        list(read_records(*inputs, on_error=errors.append, stdin=BytesIO(stdin))),
        errors,
    )


@pytest.fixture
def read_bytes(tmp_path):
    """Writes bytes to a file whose name does not show their format, and reads it."""

    def read(content: bytes, name: str = "download.bin") -> Reading:
        path = tmp_path / name
        path.write_bytes(content)
        return read_all(path)

    return read
