"""Keep ``extractions.jsonl`` as the store says: each stored line once, in input order.

Results are appended as they come, so that a person can watch them. The store alone counts: commands
read results from it, and at the begin and the end of a run the file is written from it if the two
differ. A killed run leaves the lines in another order, and perhaps half a line; a power cut, git or
an editor leave anything.
"""

from hashlib import sha256
from pathlib import Path

from extractor.run.store import RunStore


def write_results(path: Path, store: RunStore) -> None:
    """Write the file from the store, unless it is as the store says. Readers see the old file or
    the new one.
    """
    if not _is_as_stored(path, store):
        _write(path, store)


def restore_results(path: Path, store: RunStore) -> str | None:
    """Write the file from the store as ``write_results`` does, after a kill or damage.

    A file that lacks a stored line was damaged: it is kept under another name. Returns what to say
    of that; None after a kill, which loses no line that was stored.
    """
    path.touch()
    store.drop_records_without_line()
    if _is_as_stored(path, store):
        return None
    with path.open("rb") as file:
        lines_there = {sha256(line).digest() for line in file}
    lost = [digest for digest in store.list_digests() if digest not in lines_there]
    if not lost:
        _write(path, store)
        return None
    kept = path.with_name(f"{path.name}.damaged")
    path.replace(kept)
    _write(path, store)
    return (
        f"{path}: {len(lost):,} of its lines were lost or changed; it is written again from the "
        f"store, and the damaged file is kept as {kept}"
    )


def fresh_path(path: Path) -> Path:
    """Return the path of the file that will replace a file."""
    return path.with_name(f".{path.name}.new")


def _is_as_stored(path: Path, store: RunStore) -> bool:
    """Return whether the file has each stored line in its place, and nothing more."""
    with path.open("rb") as file:
        for digest in store.list_digests():
            if sha256(file.readline()).digest() != digest:
                return False
        return file.read(1) == b""


def _write(path: Path, store: RunStore) -> None:
    """Write the file beside the old one, and put it in its place once it is complete."""
    fresh = fresh_path(path)
    with fresh.open("wb") as file:
        file.writelines(store.read_lines())
    fresh.replace(path)
