"""Functions of upper layers that data classes offer as methods, such as ``TrialExtraction.table``.

Data classes do not know the apps that show, export or match them: ``extractor/__init__.py``, which
Python runs before any other module of the package, names them.
"""

from importlib import import_module
from typing import Any

MODULES: dict[str, str] = {}
"""The module of each such function."""


def call(name: str, *values: object, **named: object) -> Any:
    """Import a function of an upper layer, call it, and return its result."""
    return getattr(import_module(MODULES[name]), name)(*values, **named)
