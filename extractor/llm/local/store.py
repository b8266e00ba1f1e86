"""Where weights are kept on this machine, and whether what lies there is what the catalogue pins.

::

    <cache>/models/<name>/<file>            the weights, moved here only after their hash was right
    <cache>/models/<name>/<file>.partial    what an interrupted pull has so far
    <cache>/models/<name>/<file>.verified   size, time and hash of the weights when last hashed

A gigabyte takes seconds to hash; the ``.verified`` note saves that on each start, and is void as soon as
the weights' size or time of change differ. Weights copied here by hand are hashed once and noted.
"""

import contextlib
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from os import getpid
from pathlib import Path

import platformdirs

from extractor.errors import ModelUnavailable

from .catalogue import LocalModel, default_model, find_model, load_catalogue

__all__ = [
    "ModelRow",
    "Progress",
    "default_cache",
    "hash_file",
    "install_weights",
    "list_models",
    "locate_model",
    "partial_path",
    "verified_path",
    "weights_path",
]

Progress = Callable[[int, int], None]
"""Called with the bytes had so far and the bytes in all."""


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model of the catalogue. ``path``, its weights, is None until they are pulled."""

    model: LocalModel
    path: Path | None
    is_default: bool


def default_cache() -> Path:
    """The folder for this program's files in the user's cache."""
    return platformdirs.user_cache_path("trial-extractor", appauthor=False)


def weights_path(model: LocalModel, cache_dir: Path) -> Path:
    return cache_dir / "models" / model.name / model.file


def partial_path(model: LocalModel, cache_dir: Path) -> Path:
    return _beside(weights_path(model, cache_dir), ".partial")


def list_models(cache_dir: Path | None = None) -> list[ModelRow]:
    """All models of the catalogue and which of them are here.

    >>> [(row.model.name, row.path) for row in list_models(Path("/nowhere"))]
    [('qwen2.5-coder-1.5b', None), ('smollm2-135m', None)]
    """
    cache_dir = cache_dir or default_cache()
    default = default_model()
    return [ModelRow(model, verified_path(model, cache_dir), model == default) for model in load_catalogue().values()]


def locate_model(name_or_path: str = "", *, cache_dir: Path | None = None) -> Path:
    """The weights of a model that is here already. Never uses the network.

    Raises ``ValueError`` for an unknown name, ``ModelUnavailable`` for a model that was not pulled yet.
    """
    found = find_model(name_or_path)
    if isinstance(found, Path):
        return found
    path = verified_path(found, cache_dir or default_cache())
    if path is None:
        size = f"{found.bytes / 1e6:,.0f} MB"
        raise ModelUnavailable(
            f"{found.name} is not on this machine yet; `extractor model pull {found.name}` gets it ({size})"
        )
    return path


def verified_path(model: LocalModel, cache_dir: Path) -> Path | None:
    """The model's weights if they are here and are the pinned ones, else None."""
    path = weights_path(model, cache_dir)
    if not path.is_file() or path.stat().st_size != model.bytes:
        return None
    if _read_note(path) == _note(path, model.sha256):
        return path
    if hash_file(path) != model.sha256:
        return None
    _write_note(path, model.sha256)
    return path


def install_weights(model: LocalModel, cache_dir: Path) -> Path:
    """Move a complete ``.partial`` file into place, in one step.

    Raises ``ModelUnavailable`` if it is not the pinned file; it is removed then, so that the next pull starts anew.
    """
    partial = partial_path(model, cache_dir)
    sha256 = hash_file(partial)
    if sha256 != model.sha256:
        partial.unlink()
        raise ModelUnavailable(f"the file has SHA-256 {sha256}, not {model.sha256}: refused and removed")
    path = weights_path(model, cache_dir)
    partial.replace(path)
    _write_note(path, sha256)
    return path


def hash_file(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _note(path: Path, sha256: str) -> dict[str, str | int]:
    stat = path.stat()
    return {"sha256": sha256, "bytes": stat.st_size, "mtime_ns": stat.st_mtime_ns}


def _read_note(path: Path) -> object:
    try:
        return json.loads(_beside(path, ".verified").read_text("utf-8"))
    except (OSError, ValueError):  # no note, or a broken one: the file is hashed again
        return None


def _write_note(path: Path, sha256: str) -> None:
    # A cache that only an administrator may write to still serves; its files are hashed at each start.
    with contextlib.suppress(OSError):
        fresh = _beside(path, f".verified.{getpid()}")
        fresh.write_text(json.dumps(_note(path, sha256)), "utf-8")
        fresh.replace(_beside(path, ".verified"))


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)
