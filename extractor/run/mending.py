"""Sort, check and mend the file of a run's results. The store holds each line, and its digest.

A power cut leaves zeros, git changes line ends, an editor adds a mark of the byte order: lines are
then elsewhere than the store says, or are others. What differs is written again from the store, and
told.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO

from extractor.run.store import PlacedLine, RunStore

_SHOWN_IDS = 5
_FIRST_BYTES = b'{"record_id":"'
_AROUND = b"\r\n\0\xef\xbb\xbf"
"""What may stand around a whole line in a damaged file: line ends, zeros, the mark of the byte
order.
"""


@dataclass(frozen=True, slots=True)
class Mended:
    """What was wrong with a file of results, and is mended.

    Attributes:
        path: The file.
        kept: The damaged file, under another name.
        total: The number of results.
        changed: The ids of results whose line was lost or changed, and was written again from the
            store.
        moved: The number of whole lines that stood elsewhere, or ended otherwise.
        lost: The ids of results that neither the file nor the store has. The run extracts these
            records again.
    """

    path: Path
    kept: Path
    total: int
    changed: tuple[str, ...] = ()
    moved: int = 0
    lost: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = []
        if self.changed:
            parts.append(
                f"{name_lines(self.changed, self.total)} lost or changed, and written again from "
                "the store"
            )
        if self.moved:
            parts.append(f"{self.moved:,} stood elsewhere or ended otherwise")
        if self.lost:
            parts.append(
                f"{name_lines(self.lost, self.total)} in no file, and extracted again if the "
                "input has it"
            )
        if not parts:
            parts.append("what stood after the last result is cut off")
        return (
            f"{self.path}: was damaged and is mended: {'; '.join(parts)}. The damaged file is "
            f"kept as {self.kept}"
        )


def name_lines(record_ids: tuple[str, ...], total: int) -> str:
    """Say how many lines there are, and whose.

    >>> name_lines(("NCT1", "NCT2"), 1200)
    '2 of 1,200 lines (NCT1, NCT2)'
    """
    shown = ", ".join(record_ids[:_SHOWN_IDS]) + ", ..." * (len(record_ids) > _SHOWN_IDS)
    return f"{len(record_ids):,} of {total:,} lines ({shown})"


def is_whole(line: bytes, placed: PlacedLine) -> bool:
    """Return whether a line, with its end, is the one that was stored. One of an earlier version
    has no digest.
    """
    if not line.endswith(b"\n"):
        return False
    if placed.sha256:
        return sha256(line[:-1]).digest() == placed.sha256
    with suppress(ValueError, LookupError, TypeError, RecursionError):
        return bool(json.loads(line)["record_id"] == placed.record_id)
    return False


def read_placed(file: IO[bytes], placed: PlacedLine) -> bytes:
    """Read the bytes at the place of a line."""
    file.seek(placed.start)
    return file.read(placed.length)


def sort_results(path: Path, store: RunStore) -> None:
    """Sort the lines by input order. Readers see the old file or the sorted one.

    Writes the sorted lines to a second file, stores the new places, and replaces the first file.
    After a kill in between, ``repair_results`` compares the second file with the store.
    """
    if not store.is_sorted(path.stat().st_size):
        _write_sorted(path, store)
        fresh_path(path).replace(path)


def repair_results(path: Path, store: RunStore) -> Mended | None:
    """Make the file and the store agree again after a kill or damage. Returns what was mended of
    damage.

    Finishes or undoes an interrupted sort, and cuts off lines at the end that a killed run did not
    store.
    """
    if (fresh := fresh_path(path)).exists():
        fresh.replace(path) if store.is_sorted(fresh.stat().st_size) else fresh.unlink()
    path.touch()
    with path.open("rb") as file:
        broken = [
            placed for placed in store.lines() if not is_whole(read_placed(file, placed), placed)
        ]
        end = store.find_end()
        file.seek(end)
        is_damaged = bool(broken) or not _is_of_killed_run(file)
    if is_damaged:
        return _mend(path, store, broken)
    with path.open("r+b") as file:
        file.truncate(end)
    return None


def _is_of_killed_run(rest: IO[bytes]) -> bool:
    """Return whether a killed run wrote the rest of the file: lines of results, the last one
    perhaps cut off.
    """
    for line in rest:
        if not line.startswith(_FIRST_BYTES) and not _FIRST_BYTES.startswith(line):
            return False
        if b"\0" in line:
            return False
    return True


def _mend(path: Path, store: RunStore, broken: list[PlacedLine]) -> Mended:
    """Write all lines again, and keep the damaged file under another name."""
    total = sum(1 for _ in store.lines())
    whole = _digest_lines(path)
    moved = [placed for placed in broken if placed.sha256 in whole]
    gone = [placed for placed in broken if placed.sha256 not in whole]
    lost = _write_sorted(path, store)
    changed = tuple(placed.record_id for placed in gone if placed.record_id not in lost)
    kept = path.with_name(f"{path.name}.damaged")
    path.replace(kept)
    fresh_path(path).replace(path)
    return Mended(path, kept, total, changed, len(moved), lost)


def _digest_lines(path: Path) -> set[bytes]:
    """Return the digests of the lines of a damaged file, without what damage leaves around them."""
    with path.open("rb") as file:
        return {sha256(line.strip(_AROUND)).digest() for line in file}


def _write_sorted(path: Path, store: RunStore) -> tuple[str, ...]:
    """Write the lines in input order to a second file, and store their places. Returns the ids of
    those that are lost.

    A line that differs comes from the store. If the store does not have it, its record has no
    result any more.
    """
    lost = []
    with path.open("rb") as file, fresh_path(path).open("wb") as ordered:
        for placed in store.lines():
            line = read_placed(file, placed)
            if not is_whole(line, placed):
                line = store.read_line(placed.record_id) or b""
            if line:
                ordered.write(line)
            else:
                lost.append(placed.record_id)
    store.note_sorted(lost)
    return tuple(lost)


def fresh_path(path: Path) -> Path:
    """Return the path of the file that will replace a file."""
    return path.with_name(f".{path.name}.new")


def list_damaged(path: Path, lines: Iterator[PlacedLine]) -> tuple[str, ...]:
    """Return the ids of the lines of a file that differ from the stored ones."""
    with path.open("rb") as file:
        return tuple(
            placed.record_id for placed in lines if not is_whole(read_placed(file, placed), placed)
        )
