"""What training added to a model: a LoRA adapter, which ships inside this package and is pinned like weights."""

import hashlib
from importlib.resources import files
from pathlib import Path

from extractor.errors import ModelUnavailable

from .catalogue import Adapter

__all__ = ["adapter_path", "locate_adapter"]


def adapter_path(adapter: Adapter) -> Path:
    """Where the adapter lies, if it is there.

    >>> adapter_path(Adapter("smollm2-135m", "mine.gguf", 4, "0" * 64)).parts[-2:]
    ('adapters', 'mine.gguf')
    """
    return Path(str(files(__package__) / "adapters" / adapter.file))


def locate_adapter(adapter: Adapter) -> Path:
    """The adapter's file, hashed each time: it is small, and a folder of packages is no place for notes.

    Raises ``ModelUnavailable`` if it is missing or not the pinned one.
    """
    path = adapter_path(adapter)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelUnavailable(f"{path}: {error.strerror}; {_REMEDY}") from error
    found, pinned = (len(content), hashlib.sha256(content).hexdigest()), (adapter.bytes, adapter.sha256)
    if found != pinned:
        raise ModelUnavailable(
            f"{path}: has {found[0]} bytes and SHA-256 {found[1]}, not {pinned[0]} and {pinned[1]}: refused; {_REMEDY}"
        )
    return path


_REMEDY = (
    "this file is part of the package, so install that anew "
    "(`pip install --force-reinstall --no-deps` from where it came; in a checkout `git checkout` the file)"
)
