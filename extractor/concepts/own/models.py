"""Read the fields that a user declares as pydantic models, as files or modules that contain models,
or as JSON Schemas.
"""

import importlib
import re
import runpy
import warnings
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic.errors import PydanticUserError

from extractor.concepts.own.attributes import CLASSES
from extractor.concepts.own.declaration import TAKEN, CustomField, Declared
from extractor.concepts.own.json_schema import read_json_schema
from extractor.concepts.own.patterns import check_patterns
from extractor.errors import FieldError
from extractor.schemas import TrialExtraction
from extractor.schemas.arguments import suggest

ModelT = TypeVar("ModelT", bound=BaseModel)
_MODULE = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_FORM = "write my_fields.py:Washout or my_package.fields:Washout"


def read_fields(declared: Iterable[Declared] | Declared) -> tuple[CustomField, ...]:
    """Return the declarations of fields, in order, after checking their patterns and examples.

    Args:
        declared: One or more declarations: pydantic models, JSON Schemas as produced by
            ``model_json_schema()``, or the locations of models: ``my_fields.py:Washout`` or
            ``my_package.fields:Washout,Visits``. If a file or module is given without names, all
            its models are used, except those that are nested in another one.

    Raises:
        FieldError: A field is invalid, or two fields have the same name. The message states the
            location of the problem and a remedy.

    >>> from extractor.catalogue import Blinding
    >>> [field.name for field in read_fields(["extractor.catalogue:Washout", Blinding])]
    ['washout', 'blinding']
    """
    declarations: Any = declared
    if isinstance(declared, BaseModel | str | Path | type | Mapping):
        declarations = [declared]
    if not isinstance(declarations, Iterable):
        raise FieldError(
            f"{declared!r}: pass pydantic models or their locations, such as my_fields.py:Washout"
        )
    fields: dict[str, CustomField] = {}
    for declaration in declarations:
        for field in _declare_all(declaration):
            if field.name in TAKEN:
                raise FieldError(
                    f"{field.name}: the guideline has a field or key with this name; rename the "
                    "class, or set another name in its json_schema_extra"
                )
            if field.name in fields:
                raise FieldError(f"{field.name}: two fields have this name; rename one")
            check_patterns(field)
            _check_examples(field)
            for other in fields.values():
                for table in {*field.table_names}.intersection(other.table_names):
                    raise FieldError(
                        f"{field.name}: the field {other.name} also has a table custom_{table}; "
                        "rename one"
                    )
            fields[field.name] = field
    return tuple(fields.values())


def _check_examples(field: CustomField) -> None:
    """Raise ``FieldError`` with the first reason why the answer of an example cannot be read."""
    for example in field.examples:
        _, faults = field.read(field.complete_answers(example))
        for _, reason in faults:
            raise FieldError(f"{field.name}: in the example {example.text!r}: {reason}")


def _declare_all(declared: Declared) -> Iterator[CustomField]:
    """Yield the fields of one declaration; a file or module may contain several models."""
    if isinstance(declared, CustomField):
        yield declared
    elif isinstance(declared, Mapping):
        yield read_json_schema(declared)
    elif isinstance(declared, str | Path):
        yield from map(declare, load_models(str(declared)))
    else:
        yield declare(declared)


def declare(model: type[BaseModel]) -> CustomField:
    """Return the declaration of a pydantic model. Raises a ``FieldError`` that states the location
    of the problem, the problem itself, and a remedy.

    >>> class BrainMetastases(BaseModel):
    ...     "May participants with brain metastases take part?"
    ...
    ...     status: bool
    >>> declare(BrainMetastases).name, declare(BrainMetastases).attributes[0].type
    ('brain_metastases', 'boolean')
    """
    model_class: Any = model
    name = getattr(model_class, "__name__", f"{type(model_class).__name__}(...)")
    is_model = isinstance(model_class, type) and issubclass(model_class, BaseModel)
    if not is_model or model_class is BaseModel:
        raise FieldError(f"{name}: pass a subclass of pydantic.BaseModel")
    try:
        with warnings.catch_warnings():
            # a default that JSON cannot represent is not part of the field
            warnings.simplefilter("ignore")
            schema = model.model_json_schema(by_alias=False)
    except PydanticUserError as error:
        raise FieldError(f"{name}: {error.message}; use another type") from error
    return read_json_schema(schema | {"title": name})


def find_values(extraction: TrialExtraction, model: type[ModelT]) -> tuple[ModelT, ...]:
    """Return the values of a field in an extraction as instances of its model, in order. Their
    evidence remains in ``extraction.custom``. The model's defaults, constraints and validators are
    applied here, so a value that the text states but the model does not allow raises pydantic's
    ``ValidationError``.

    >>> from extractor import Extractor
    >>> from extractor.catalogue import Blinding
    >>> extraction = Extractor(fields=Blinding).extract_text(
    ...     "A double-blind trial of examplumab in 40 adults."
    ... )
    >>> find_values(extraction, Blinding)
    (Blinding(level='double'),)
    """
    items = extraction.custom.get(declare(model).name, ())
    return tuple(
        _restore(model, item.model_dump(mode="json")["values"]) for item in items
    )


def _restore(model: type[ModelT], values: dict[str, Any]) -> ModelT:
    """Return an instance of the user's model. A required attribute that the text does not state is
    None, because pydantic requires "time: Period | None".
    """
    read = partial(model.model_validate, by_alias=False, by_name=True)
    try:
        return read(values)
    except ValidationError as error:
        faults = error.errors(include_url=False)
    for fault in faults:
        place: Any = values
        for step in fault["loc"][:-1]:
            place = place[step]
        if fault["type"] == "missing":
            place[fault["loc"][-1]] = None
    return read(values)


def _find_models(model: type[BaseModel]) -> list[type[BaseModel] | None]:
    """Return the nested model of each attribute, or None."""
    return [_find_model(info.annotation) for info in model.model_fields.values()]


def _find_model(annotation: Any) -> type[BaseModel] | None:
    """Return the nested model in a type such as ``list[Method] | None``, if any."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return None if annotation in CLASSES else annotation
    return next(filter(None, map(_find_model, get_args(annotation))), None)


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
    models = _load(source)
    wanted = [name.strip() for name in names.split(",") if name]
    if not wanted:
        inner = [_find_models(model) for model in models.values()]
        outer = [name for name in models if models[name] not in chain(*inner)]
        # models that contain each other are rejected later, with a message
        wanted = outer or list(models)
    for name in wanted:
        if name not in models:
            guess = suggest(name, models)
            listed = ", ".join(models)
            raise FieldError(f"{source}: no model named {name}{guess}; it has {listed}")
    return [models[name] for name in wanted]


def _load(source: str) -> dict[str, type[BaseModel]]:
    """Return the models that a file or module itself defines, keyed by name, excluding those that
    it imports.
    """
    is_file = source.endswith(".py")
    if is_file and not Path(source).is_file():
        raise FieldError(f"{source}: the file does not exist; check the path")
    # importing "notes.txt" would run notes.py
    if not is_file and (Path(source).exists() or not _MODULE.fullmatch(source)):
        raise FieldError(f"{source}: not a Python file or module; {_FORM}")
    try:
        if is_file:
            module = runpy.run_path(source)
        else:
            module = vars(importlib.import_module(source))
    except Exception as error:
        remedy = "correct the file" if is_file else _FORM
        raise FieldError(
            f"{source}: {type(error).__name__}: {error}; {remedy}"
        ) from error
    models = {}
    for name, defined in module.items():
        is_class = isinstance(defined, type) and issubclass(defined, BaseModel)
        if is_class and defined.__module__ == module["__name__"]:
            # a model may name one that is defined below it
            defined.model_rebuild(raise_errors=False, _types_namespace=module)
            models[name] = defined
    if not models:
        raise FieldError(f"{source}: contains no pydantic model; {_FORM}")
    return models
