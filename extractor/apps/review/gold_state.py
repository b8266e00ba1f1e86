"""Whether a gold file is what a review finished: there, whole, and not changed by others."""

from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from extractor.apps.pages.view import Json
from extractor.apps.review.draft import ReviewDraft
from extractor.apps.review.gold import digest_gold
from extractor.schemas import TrialExtraction


class _Version(NamedTuple):
    """What differs after a change of a file."""

    changed_ns: int
    size: int


class GoldFolder:
    """The gold files of a review. A file is read again only when it has changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, tuple[_Version, str | None, str | None]] = {}

    def list_names(self) -> set[str]:
        """Return the names of all gold files."""
        return {path.name for path in self._folder.glob("*.json")}

    def find_fault(self, name: str, record_id: str) -> str | None:
        """Return why a file is no gold of the record; None if it is."""
        return self._read(name, record_id)[0]

    def complete(self, draft: ReviewDraft, name: str, record_id: str) -> Json:
        """Return the progress of a draft; ``broken``, with the ``problem``, if its gold file is not
        the one that was written.
        """
        progress = draft.describe_progress()
        if draft.written is None:
            return progress
        fault, digest = self._read(name, record_id)
        if fault is None and digest != draft.gold_sha256:
            fault = "was changed by another program"
        if fault is None:
            return progress
        return progress | {"state": "broken", "problem": f"its gold file {fault}"}

    def _read(self, name: str, record_id: str) -> tuple[str | None, str | None]:
        """Return the fault of a file, None if it is gold of the record, and its SHA-256, None if
        it is missing.
        """
        path = self._folder / name
        try:
            status = path.stat()
        except OSError:
            return "is missing", None
        # The queue asks for all files again and again; a digest needs the whole file.
        version = _Version(status.st_mtime_ns, status.st_size)
        kept = self._known.get(name)
        if kept is None or kept[0] != version:
            kept = (version, _find_fault(path, record_id), digest_gold(path))
            self._known[name] = kept
        _, fault, digest = kept
        return fault, digest


def _find_fault(path: Path, record_id: str) -> str | None:
    """Return why a file is no gold of the record; None if it is."""
    try:
        gold = TrialExtraction.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        problem = first["msg"]
        place = ".".join(map(str, first["loc"]))
        if place:
            problem = f"{place}: {problem}"
        return f"cannot be read ({problem})"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if gold.record_id != record_id:
        return f"is gold of another record ({gold.record_id})"
    return None
