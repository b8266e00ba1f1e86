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

    def __init__(self, folder: Path) -> None:
        self._path = folder / ".lock"
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

    def _refuse_living(self) -> None:
        try:
            owner = int(self._path.read_text("ascii"))
        except FileNotFoundError:
            return  # just released
        except ValueError:
            owner = 0  # being written at this moment, or torn
        if owner != os.getpid() and (owner <= 0 or _is_alive(owner)):  # a restarted container repeats its numbers
            who = f"process {owner}" if owner > 0 else "another process"
            raise StoreError(
                f"{self._path.parent}: {who} writes into it; wait for it, choose another --out, "
                f"or delete {self._path} if that is no run"
            )


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True  # it is another user's
    return True
