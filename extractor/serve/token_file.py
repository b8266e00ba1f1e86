"""The operator's token in a file of the service's root, for those who set none."""

import os
import secrets
from pathlib import Path

from extractor.errors import StoreError

__all__ = ["read_or_make_token"]


def read_or_make_token(root: Path) -> tuple[str, Path]:
    """The token in ``ROOT/token``, and that file; it is made if it is not there. Only the owner can read it.

    Raises ``StoreError`` if it cannot be read or made.
    """
    path = (root / "token").absolute()
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            path.chmod(0o600)  # it may come from a backup
            return path.read_text("ascii").strip(), path
        with open(handle, "w", encoding="ascii") as file:  # noqa: PTH123 - opened with its mode
            token = secrets.token_hex(32)
            file.write(f"{token}\n")
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise StoreError(f"{path}: {why}; set EXTRACTOR_TOKEN, or choose another --root") from error
    return token, path
