"""The rows of a run in ``run.sqlite``: finished records with their compressed lines, and
failures.
"""

import zlib
from collections.abc import Iterator
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extractor.errors import StoreError
from extractor.model.database import open_run, open_run_to_read
from extractor.schemas import RegistryFields, TrialRecord

if TYPE_CHECKING:
    from extractor.model.cost.prices import Price
    from extractor.model.store import CallStore
    from extractor.run.tally import ExtractedLine


def digest_record(record: TrialRecord) -> str:
    """Return the SHA-256 digest of a record's sections and registry fields, which determine its
    extraction.
    """
    text = record.model_dump_json(
        include={"sections", "registry"},
        exclude={"registry": set(RegistryFields.beside)},
    )
    return sha256(text.encode("utf-8")).hexdigest()


class RunStore:
    """The file ``run.sqlite`` in a run's folder. The file is created if it does not exist; with
    ``reading``, an existing file is opened read-only.

    ``price`` is None if the price of the model is unknown. Raises ``StoreError`` if the file cannot
    be used.
    """

    def __init__(
        self,
        folder: Path,
        *,
        reading: bool = False,
        price: "Price | None" = None,
    ) -> None:
        if reading:
            self.database = open_run_to_read(folder)
        else:
            self.database = open_run(folder)
        self._price = price

    def close(self) -> None:
        """Close the file."""
        self.database.close()

    @cached_property
    def calls(self) -> "CallStore":
        """The store of calls to models."""
        from extractor.model.store import CallStore  # noqa: PLC0415 - slow, and readers of results need none

        return CallStore(self.database, self._price)

    @property
    def is_unused(self) -> bool:
        """Whether the run was killed before its first record and its first call."""
        rows = "SELECT id FROM calls UNION ALL SELECT position FROM records"
        return self.database.row(rows) is None

    def find(self, record_id: str) -> tuple[Any, ...] | None:
        """Return the digest of a finished record's text, its position, and whether it lacks an
        answer from a model. Returns None if the record does not have a result.
        """
        return self.database.row(
            "SELECT text_sha256, position, lacking FROM records WHERE record_id = ?",
            (record_id,),
        )

    def move(self, record_id: str, position: int) -> None:
        """Change the position of a record in the input."""
        self.database.execute(
            "UPDATE records SET position = ? WHERE record_id = ?", (position, record_id)
        )

    def add(self, record: TrialRecord, position: int, line: "ExtractedLine") -> None:
        """Store a finished record with its line and its ``position`` in the input. Any earlier
        result is replaced.
        """
        row = (
            record.record_id,
            digest_record(record),
            position,
            line.lacking,
            line.counts,
            zlib.compress(line.line + b"\n"),
        )
        with self.database.transaction():
            self.database.execute(
                "INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?, ?)", row
            )

    def add_failure(self, position: int, line: bytes) -> None:
        """Store a line of ``failures.jsonl`` for this invocation."""
        self.database.execute("INSERT INTO failures VALUES (?, ?)", (position, line))

    def drop_failures(self) -> None:
        """Delete the failures of an earlier pass over the inputs."""
        self.database.execute("DELETE FROM failures")

    def read_failures(self) -> Iterator[bytes]:
        """Yield the lines of ``failures.jsonl`` in input order."""
        sql = "SELECT line FROM failures ORDER BY position, rowid"
        return (line + b"\n" for (line,) in self.database.execute(sql))

    def count_results(self) -> int:
        """Return the number of results."""
        return int(self.database.value("SELECT count(*) FROM records"))

    def count_lacking(self) -> int:
        """Return the number of results that lack an answer from a model."""
        return int(self.database.value("SELECT count(*) FROM records WHERE lacking"))

    def counts(self) -> Iterator[str]:
        """Yield the counts of each record, as JSON."""
        return (row[0] for row in self.database.execute("SELECT counts FROM records"))

    def list_ids(self) -> list[str]:
        """Return the record ids of the results in input order."""
        sql = "SELECT record_id FROM records ORDER BY position, rowid"
        return [record_id for (record_id,) in self.database.execute(sql)]

    def read_lines(self) -> Iterator[bytes]:
        """Yield each line, including its line end, in input order. Raises ``StoreError`` if a line
        is damaged.
        """
        return map(self.read_line, self.list_ids())

    def read_line(self, record_id: str) -> bytes:
        """Return the line of a record, including its line end. Raises ``StoreError`` if it is
        missing or damaged.
        """
        sql = "SELECT packed FROM records WHERE record_id = ?"
        packed = self.database.value(sql, (record_id,))
        try:
            return zlib.decompress(packed or b"")
        except zlib.error:
            raise StoreError(
                f"{self.database.path}: the result of {record_id} is damaged; run the same command "
                "again with this folder as --replay and another --out"
            ) from None
