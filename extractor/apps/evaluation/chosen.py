"""Tell the names of fields to score from the places of a user's own fields."""

import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from pydantic import BaseModel

from extractor.concepts.own.declaration import Declared


def split_fields(
    given: Iterable[Declared] | Declared,
) -> tuple[tuple[str, ...], tuple[Declared, ...]]:
    """Return the names of fields to score, and the declarations of a user's own fields.

    A place is ``my_fields.py``, ``my_package.fields:Washout``, or a module that can be imported;
    any other text is names, with commas between.

    >>> split_fields(["minimum_age,constraints", "extractor.catalogue:Washout"])
    (('minimum_age', 'constraints'), ('extractor.catalogue:Washout',))
    """
    entries = given
    if isinstance(entries, BaseModel | str | Path | type):
        entries = [entries]
    names: list[str] = []
    declared: list[Declared] = []
    for entry in entries:
        if isinstance(entry, str) and not _is_place(entry):
            names += filter(None, map(str.strip, entry.split(",")))
        else:
            declared.append(entry)
    return tuple(names), tuple(declared)


def _is_place(text: str) -> bool:
    """Return whether a text is a place of fields: a file, or a module that can be imported."""
    if ":" in text or text.endswith(".py"):
        return True
    if not all(map(str.isidentifier, text.split("."))):
        return False
    # A module in the current folder, where an installed command does not look.
    sys.path.insert(0, str(Path.cwd()))
    try:
        return find_spec(text) is not None
    except (ImportError, ValueError):
        return False
    finally:
        sys.path.pop(0)
