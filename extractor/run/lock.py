"""One run at a time in a folder."""

import os
from pathlib import Path

from extractor.errors import StoreError

__all__ = ["FolderLock"]


class FolderLock:
    """A file ``.lock`` with the number of the process that writes into the folder.

    What a dead process left is taken over. Raises ``StoreError`` if a living one holds it, ``OSError`` if
    the file cannot be made.
    """

    NAME = ".lock"

    def __init__(self, folder: Path) -> None:
        self._path = folder / self.NAME
        try:
            self._take()
        except FileExistsError:
            self._refuse_living()
            self._path.unlink(missing_ok=True)
            self._take()

    def release(self) -> None:
        """Let other runs in."""
        self._path.unlink(missing_ok=True)

    def _take(self) -> None:
        handle = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        try:
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(str(os.getpid()))
        except OSError:
            self.release()  # without a number it would look held for ever
            raise

    @classmethod
    def is_held(cls, folder: Path) -> bool:
        """Whether a living process writes into the folder."""
        return _find_owner(folder / cls.NAME) is not None

    def _refuse_living(self) -> None:
        if (owner := _find_owner(self._path)) is not None:
            who = f"process {owner}" if owner > 0 else "another process"
            raise StoreError(
                f"{self._path.parent}: {who} writes into it; wait for it, choose another --out, "
                f"or delete {self._path} if that is no run"
            )


def _find_owner(path: Path) -> int | None:
    """The living process that holds a lock: its number, 0 if that cannot be read, None if there is none."""
    try:
        owner = int(path.read_text("ascii"))
    except FileNotFoundError:
        return None
    except ValueError:
        return 0  # being written at this moment, or torn
    if owner == os.getpid():  # of a dead process: a restarted container repeats its numbers
        return None
    return max(owner, 0) if owner <= 0 or _is_alive(owner) else None


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True  # it is another user's
    return True
