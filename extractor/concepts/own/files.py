"""Load the pydantic models of a user's file or module. The user's code is executed."""

import runpy
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import get_args

from pydantic import BaseModel

from extractor.errors import FieldError
from extractor.schemas.arguments import suggest

_FORM = "write my_fields.py:Washout or my_package.fields:Washout"


def load_models(location: str) -> list[type[BaseModel]]:
    """Return the models at a location: the named models or, if no names are given, all models that
    are not nested in another one. The user's code is executed.

    Raises ``FieldError`` if the location cannot be loaded, or if any of the named models is
    missing there.

    >>> [
    ...     model.__name__
    ...     for model in load_models("extractor.catalogue:Washout,Blinding")
    ... ]
    ['Washout', 'Blinding']
    """
    source, colon, names = location.rpartition(":")
    if not colon or names.endswith(".py"):  # "C:\\my_fields.py"
        source = location
        names = ""
    models = _import_models(source)
    wanted = [name.strip() for name in names.split(",") if name]
    for name in wanted:
        if name not in models:
            guess = suggest(name, models)
            listed = ", ".join(models)
            raise FieldError(f"{source}: no model named {name}{guess}; it has {listed}")
    if wanted:
        return [models[name] for name in wanted]
    nested: list[object] = []
    for model in models.values():
        for info in model.model_fields.values():
            nested += _list_types(info.annotation)
    outer = [model for model in models.values() if model not in nested]
    # models that contain each other are rejected later, with a message
    return outer or list(models.values())


def _list_types(annotation: object) -> Iterator[object]:
    """Yield a type such as ``list[Method] | None`` and the types inside it."""
    yield annotation
    for argument in get_args(annotation):
        yield from _list_types(argument)


def _import_models(source: str) -> dict[str, type[BaseModel]]:
    """Return the models that a file or module itself defines, keyed by name, excluding those that
    it imports.
    """
    is_file = source.endswith(".py")
    if is_file and not Path(source).is_file():
        raise FieldError(f"{source}: the file does not exist; check the path")
    # importing "notes.txt" would run notes.py
    is_module = source.replace(".", "").isidentifier() and not Path(source).exists()
    if not is_file and not is_module:
        raise FieldError(f"{source}: not a Python file or module; {_FORM}")
    remedy = _FORM
    if is_file:
        remedy = "correct the file"
    try:
        module = runpy.run_path(source) if is_file else vars(import_module(source))
    # the user's code may fail in any way
    except Exception as error:
        raise FieldError(
            f"{source}: {type(error).__name__}: {error}; {remedy}"
        ) from error
    models: dict[str, type[BaseModel]] = {}
    for name, defined in module.items():
        if not isinstance(defined, type) or not issubclass(defined, BaseModel):
            continue
        # not one that it imports
        if defined.__module__ == module["__name__"]:
            models[name] = defined
    if not models:
        raise FieldError(f"{source}: contains no pydantic model; {_FORM}")
    for model in models.values():
        # a model may name one that is defined below it
        model.model_rebuild(raise_errors=False, _types_namespace=module)
    return models
