"""One process at a time in a folder, however the one before it ended."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

from extractor.errors import StoreError

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["hold"]

_LOOK_S = 0.05


@contextmanager
def hold(folder: Path, patience_s: float) -> Iterator[None]:
    """Hold a folder inside the block. The system lets go of it when the process ends, even by ``kill -9``.

    Raises ``StoreError`` if another process holds it for longer than that.
    """
    handle = os.open(folder / ".held", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        _wait(handle, folder, monotonic() + patience_s)
        yield
    finally:
        os.close(handle)


def _wait(handle: int, folder: Path, until: float) -> None:
    while fcntl is not None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if monotonic() > until:
                raise StoreError(f"{folder}: another process works in it; wait for its end") from None
            sleep(_LOOK_S)
        else:
            return
