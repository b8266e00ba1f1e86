"""Custom fields from TOML files, and the catalogue of those that come with the product."""

import tomllib
from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path

from pydantic import BaseModel, ValidationError

from extractor.errors import FieldError
from extractor.suggestions import suggest

from .declaration import TAKEN, CustomField
from .models import Declared, declare, describe
from .rules import check_rules

_CATALOGUE = files(__package__) / "catalogue"


def read_fields(given: Iterable[Declared] | Declared) -> tuple[CustomField, ...]:
    """The declarations of fields, in order, with their rules checked.

    Args:
        given: Pydantic models, TOML files, names of the catalogue, or declarations; one, or several.

    Raises:
        FieldError: A field is wrong, or two have one name. The message says where, and how to write it.

    >>> [field.name for field in read_fields("blinding")]
    ['blinding']
    """
    several = [given] if isinstance(given, BaseModel | str | Path | type) else given
    if not isinstance(several, Iterable):
        raise FieldError(f"{given!r}: give pydantic models, TOML files, or names of the catalogue")
    found: dict[str, CustomField] = {}
    for one in several:
        place = f"{one}, field " if isinstance(one, str | Path) else ""
        for field in _read_one(one):
            if field.name in TAKEN:
                raise FieldError(f"{place}{field.name}: the guideline has a field or key of that name; take another")
            if field.name in found:
                raise FieldError(f"{place}{field.name}: two fields have this name; rename one of them")
            check_rules(field, place)
            found[field.name] = field
    return tuple(found.values())


def _read_one(given: Declared) -> Iterator[CustomField]:
    if isinstance(given, CustomField):
        yield given
    elif isinstance(given, str | Path):
        yield from _read_file(str(given))
    else:
        yield declare(given)


def list_catalogue() -> tuple[str, ...]:
    """The names of the fields that come with the product."""
    return tuple(
        sorted(file.name.removesuffix(".toml") for file in _CATALOGUE.iterdir() if file.name.endswith(".toml"))
    )


def _explain_unknown(name: str) -> str:
    """Why a name is none of the catalogue, and what to write instead."""
    known = list_catalogue()
    if "," in name:
        return "one name or file at a time; repeat --fields, or give a list in Python"
    homes = [file for file in known if f'name = "{name}"' in (_CATALOGUE / f"{file}.toml").read_text("utf-8")]
    if homes:
        return f"this field is one of the file {homes[0]}; name that"
    return f"no such field{suggest(name, known)}; give a file, or one of {', '.join(known)}"


def _read_file(name: str) -> Iterator[CustomField]:
    if name.endswith(".py"):
        raise FieldError(f"{name}: a file of fields is TOML; give a pydantic model to Extractor(fields=...) in Python")
    if name in list_catalogue():
        text = (_CATALOGUE / f"{name}.toml").read_text("utf-8")
    else:
        try:
            text = Path(name).read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            if "/" in name or name.endswith(".toml") or Path(name).exists():
                reason = getattr(error, "strerror", None) or error
                raise FieldError(
                    f"{name}: cannot be read ({reason}); give a TOML file with [[field]] tables"
                ) from error
            raise FieldError(f"{name}: {_explain_unknown(name)}") from error
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FieldError(f"{name}: {error}; TOML is described at https://toml.io") from error
    unknown = tables.keys() - {"field"}
    if unknown or not isinstance(tables.get("field"), list):
        wrong = f"{', '.join(sorted(unknown))} is unknown" if unknown else "there is no list of fields"
        raise FieldError(f"{name}: {wrong}; write each field as a table [[field]], with two brackets")
    for number, table in enumerate(tables["field"], start=1):
        try:
            yield CustomField.model_validate(table)
        except ValidationError as error:
            given = table if isinstance(table, dict) else {}
            attributes = given.get("attributes", {"": given})
            message = describe(error, list(attributes) if isinstance(attributes, dict) else ())
            raise FieldError(f"{name}, field {given.get('name', number)}: {message}") from error
