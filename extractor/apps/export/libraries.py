"""Import libraries that extras install: those of data frames, and those that write files."""

from importlib import import_module
from typing import Any

from extractor.errors import MissingExtra
from extractor.schemas.arguments import refuse_unknown

_DATA_FRAMES = {
    "pandas": ("pandas", "pandas"),
    "polars": ("polars", "polars"),
    "arrow": ("pyarrow", "arrow"),
}
"""For each kind of data frame: the library, and the extra that installs it."""


def open_library(to: str) -> Any:
    """Import the library ``to``: pandas, polars or arrow. Raises ``ValueError`` for an unknown
    library, and ``MissingExtra`` if the library is not installed.
    """
    refuse_unknown("kind of data frame", [to], _DATA_FRAMES)
    library, extra = _DATA_FRAMES[to]
    return import_library(library, to, extra)


def import_library(library: str, kind: str, extra: str) -> Any:
    """Import a library that a table of this kind needs. Raises ``MissingExtra`` with the extra that
    installs it if it is not installed.
    """
    try:
        return import_module(library)
    except ImportError as error:
        raise MissingExtra(f"a table of {kind} needs {library}", extra) from error
