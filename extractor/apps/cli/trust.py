"""Remember which files of options the user trusts, and with what.

A file is trusted with the options that it had: if it later names another model, it is asked for
anew.
"""

import json
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from extractor.apps.cli.config import FileOption, OptionsFile
from extractor.errors import StoreError


def is_trusted(file: OptionsFile, options: Iterable[FileOption]) -> bool:
    """Return whether the user named the file, or trusts it with these options."""
    return file.is_named or _read_all().get(_key(file)) == _digest(options)


def trust(file: OptionsFile, options: Iterable[FileOption]) -> None:
    """Trust a file with its options from now on. Raises ``StoreError`` if that cannot be kept."""
    _write(_read_all() | {_key(file): _digest(options)})


def forget(file: OptionsFile) -> None:
    """Trust a file no more. Raises ``StoreError`` if that cannot be kept."""
    known = _read_all()
    known.pop(_key(file), None)
    _write(known)


def _key(file: OptionsFile) -> str:
    """Return the name under which a file is remembered: its path, with links resolved."""
    return str(file.path.resolve())


def _digest(options: Iterable[FileOption]) -> str:
    """Return a digest of the options that need trust; others may change freely."""
    risky = sorted((option.place, option.value) for option in options if option.risk)
    return sha256(json.dumps(risky).encode()).hexdigest()


def _path() -> Path:
    import platformdirs

    settings = platformdirs.user_config_path("trial-extractor", appauthor=False)
    return settings / "trusted.json"


def _read_all() -> dict[str, Any]:
    """Return the digests of the trusted files, by path. A damaged list trusts nothing."""
    with suppress(OSError, ValueError):
        known = json.loads(_path().read_text("utf-8"))
        if isinstance(known, dict):
            return known
    return {}


def _write(known: dict[str, Any]) -> None:
    path = _path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text(json.dumps(known, indent=2), "utf-8")
    except OSError as error:
        raise StoreError(
            f"{path}: {error.strerror}; name the file with --config instead"
        ) from error
