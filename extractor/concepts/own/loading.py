"""Load the pydantic models that a command names: ``my_fields.py:Washout`` or
``my_package.fields:Washout``.

The code is the user's own, and runs as such.
"""

import importlib
import re
import runpy
import sys
import traceback
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from extractor.errors import FieldError
from extractor.schemas.arguments import suggest

_MODULE = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_FORM = "write my_fields.py:Washout or my_package.fields:Washout"


def load_models(place: str) -> list[type[BaseModel]]:
    """Return the models at a place; without names all, but for those that are parts of others.

    Raises ``FieldError`` if it cannot be loaded, or has no such model.

    >>> [
    ...     model.__name__
    ...     for model in load_models("extractor.catalogue:Washout,Blinding")
    ... ]
    ['Washout', 'Blinding']
    """
    place = place.removesuffix(":")
    source, colon, names = place.rpartition(":")
    if not colon or names.endswith(".py"):
        return _list_whole(_load(place), place)
    models = _load(source)
    wanted = [name.strip() for name in names.split(",")]
    for name in wanted:
        if name in models:
            continue
        guess = suggest(name, models)
        listed = ", ".join(models) or "none"
        raise FieldError(f"{source}: there is no model {name}{guess}; it has {listed}")
    return [models[name] for name in wanted]


def _load(source: str) -> dict[str, type[BaseModel]]:
    """Return the models that a file or a module defines itself, by name."""
    is_file = source.endswith(".py")
    if is_file and not Path(source).is_file():
        raise FieldError(f"{source}: there is no such file; check the path")
    # importing notes.txt would run notes.py
    if not is_file and (Path(source).exists() or not _MODULE.fullmatch(source)):
        raise FieldError(f"{source}: is no Python file or module; {_FORM}")
    try:
        module = runpy.run_path(source) if is_file else _import(source)
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"
        for call in reversed(traceback.extract_tb(error.__traceback__)):
            if call.filename == source:
                problem = f"line {call.lineno}: {problem}"
                break
        raise FieldError(f"{source}: {problem}; {_FORM}") from error
    models = {}
    for name, defined in module.items():
        if not _is_model(defined):
            continue
        is_imported = defined.__module__ != module["__name__"]
        if not is_imported:
            models[name] = defined
    return models


def _list_whole(
    models: dict[str, type[BaseModel]], source: str
) -> list[type[BaseModel]]:
    """Return the models that are no part of another one."""
    if not models:
        raise FieldError(f"{source}: has no pydantic model; {_FORM}")
    parts: set[int] = set()
    for model in models.values():
        for info in model.model_fields.values():
            parts |= {id(part) for part in _flatten(info.annotation)}
    return [model for model in models.values() if id(model) not in parts]


def _import(name: str) -> dict[str, Any]:
    """Import a module, also one in the current folder, where an installed command does not look."""
    sys.path.insert(0, str(Path.cwd()))
    try:
        return vars(importlib.import_module(name))
    finally:
        sys.path.pop(0)


def _is_model(defined: Any) -> bool:
    return isinstance(defined, type) and issubclass(defined, BaseModel)


def _flatten(annotation: Any) -> list[Any]:
    """Return a type and all types within it."""
    types = [annotation]
    for part in get_args(annotation):
        types += _flatten(part)
    return types
