"""The results of a run, read one at a time, with the titles of their records."""

import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

from extractor.apps.export import read_results
from extractor.apps.report.overview import read_failures
from extractor.apps.report.record import RunRecord
from extractor.errors import StoreError
from extractor.run.finished import TextState, find_run
from extractor.run.folder import FAILURES
from extractor.schemas import TrialExtraction


class Results:
    """The results in a run's folder, or in a file of extractions, which has no titles.

    ``inputs`` are the records of the run, if they were moved. In memory are only their ids. Raises
    ``StoreError`` if there are no results.
    """

    def __init__(self, path: Path, inputs: Sequence[Path] = ()) -> None:
        if not path.exists():
            raise StoreError(f"{path}: there is no such file or folder; check the path")
        self.path = path
        self.run = find_run(path)
        self._inputs = inputs
        if self.run is None and not path.is_file():
            raise StoreError(
                f"{path}: holds no run; name a folder that extractor run --out wrote, or its "
                "extractions.jsonl"
            )

    def read(self) -> Iterator[RunRecord]:
        """Yield all results in the order of the run, each with its record if its text is the one
        that the run read.

        Raises ``StoreError`` for a result that cannot be read.
        """
        if self.run is None:
            for extraction in read_results(self.path):
                yield RunRecord(extraction, None, TextState.MISSING)
            return
        for reread in self.run.reread(self._inputs):
            extraction = self.run.read_result(reread.record_id, TrialExtraction)
            yield RunRecord(extraction, reread.record, reread.text)

    @cached_property
    def record_ids(self) -> frozenset[str]:
        """The ids of all results."""
        if self.run:
            return frozenset(self.run.record_ids)
        return frozenset(self._places)

    @property
    def count(self) -> int | None:
        """The number of results; None for a file of extractions, which is not read to count it."""
        return len(self.run.record_ids) if self.run else None

    def find(self, record_id: str) -> TrialExtraction:
        """Return the result of a record that has one.

        Raises ``StoreError`` if it cannot be read.
        """
        if self.run:
            return self.run.read_result(record_id, TrialExtraction)
        with self.path.open("rb") as lines:
            lines.seek(self._places[record_id])
            line = lines.readline()
        (extraction,) = read_results(self.path, [line])
        return extraction

    @cached_property
    def _places(self) -> dict[str, int]:
        """Where the line of each record begins in a file of extractions, in bytes."""
        places = {}
        start = 0
        with self.path.open("rb") as lines:
            for line in lines:
                if line.strip():
                    places[_read_id(line, self.path)] = start
                start += len(line)
        return places

    @property
    def folder(self) -> Path:
        """The folder of the run, or that of the file of extractions."""
        return self.run.folder if self.run else self.path.parent

    @property
    def failed(self) -> list[str]:
        """The records that have no result, by id, or by their place in the input if they have no
        id. Empty for a file of extractions, which does not tell.
        """
        if self.run is None:
            return []
        names = []
        for failure in read_failures(self.run.folder / FAILURES):
            places = [failure.get("path"), failure.get("place")]
            place = ", ".join(str(part) for part in places if part)
            names.append(str(failure.get("record_id") or place))
        return names


def _read_id(line: bytes, path: Path) -> str:
    """Return the id of the record of a line. Raises ``StoreError`` if it has none."""
    try:
        return str(json.loads(line)["record_id"])
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path}: holds a line that is no extraction") from error
