"""Read fields from TOML files, and from the catalogue that comes with the product."""

import tomllib
from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path

from pydantic import BaseModel

from extractor.concepts.own.declaration import TAKEN, CustomField, read_declaration
from extractor.concepts.own.models import declare
from extractor.concepts.own.rules import check_rules
from extractor.errors import FieldError
from extractor.model.small_files import NotSmallFile, read_small_text
from extractor.schemas.arguments import suggest

Declared = CustomField | type[BaseModel] | str | Path
"""A declaration, a pydantic model, the path of a TOML file, or the name of a file of the
catalogue.
"""
_CATALOGUE = files(__package__) / "catalogue"
_DEEPEST = 20
"""Levels of tables and lists that a field may have; declarations need four."""


def read_fields(given: Iterable[Declared] | Declared) -> tuple[CustomField, ...]:
    """Return the declarations of fields, in order, with their rules checked.

    Args:
        given: Pydantic models, TOML files, names of the catalogue, or declarations; one, or
            several.

    Raises:
        FieldError: A field is wrong, or two have one name. The message says where, and how to write
            it.

    >>> [field.name for field in read_fields("blinding")]
    ['blinding']
    """
    several = [given] if isinstance(given, BaseModel | str | Path | type) else given
    if not isinstance(several, Iterable):
        raise FieldError(f"{given!r}: give pydantic models, TOML files, or names of the catalogue")
    found: dict[str, CustomField] = {}
    for one in several:
        place = f"{one}, field " if isinstance(one, str | Path) else ""
        if isinstance(one, str | Path):
            fields: Iterable[CustomField] = _read_file(str(one))
        else:
            fields = [one if isinstance(one, CustomField) else declare(one)]
        for field in fields:
            if field.name in TAKEN:
                raise FieldError(
                    f"{place}{field.name}: the guideline has a field or key of that name; take "
                    "another"
                )
            if field.name in found:
                raise FieldError(
                    f"{place}{field.name}: two fields have this name; rename one of them"
                )
            check_rules(field, place)
            found[field.name] = field
    return tuple(found.values())


def list_catalogue() -> tuple[str, ...]:
    """Return the names of the files of fields that come with the product."""
    return tuple(
        sorted(Path(file.name).stem for file in _CATALOGUE.iterdir() if file.name.endswith(".toml"))
    )


def _read_file(name: str) -> Iterator[CustomField]:
    try:
        tables = tomllib.loads(_read_text(name))
    except tomllib.TOMLDecodeError as error:
        raise FieldError(f"{name}: {error}; TOML is described at https://toml.io") from error
    except RecursionError as error:
        raise FieldError(
            f"{name}: its tables or lists are too deep; give a TOML file with [[field]] tables"
        ) from error
    unknown = tables.keys() - {"field"}
    if unknown or not isinstance(tables.get("field"), list):
        wrong = (
            f"{', '.join(sorted(unknown))} is unknown" if unknown else "there is no list of fields"
        )
        raise FieldError(
            f"{name}: {wrong}; write each field as a table [[field]], with two brackets"
        )
    for number, table in enumerate(tables["field"], start=1):
        shown = table.get("name", number) if isinstance(table, dict) else number
        if _is_deep(table):
            raise FieldError(
                f"{name}, field {number}: its tables or lists are too deep; a field has at most "
                f"{_DEEPEST}"
            )
        yield read_declaration(table, f"{name}, field {shown}")


def _is_deep(table: object) -> bool:
    """Return whether a value has more levels than any declaration. Messages about it would have
    to show it.
    """
    level = [table]
    for _ in range(_DEEPEST):
        tables = [one for one in level if isinstance(one, dict)]
        lists = [one for one in level if isinstance(one, list)]
        level = [inner for one in tables for inner in one.values()] + [
            inner for one in lists for inner in one
        ]
    return bool(level)


def _read_text(name: str) -> str:
    """Return the text of a file of the catalogue, or of the user. Raises ``FieldError`` with
    what to write instead.
    """
    known = list_catalogue()
    if name.endswith(".py"):
        raise FieldError(
            f"{name}: a file of fields is TOML; give a pydantic model to Extractor(fields=...) in "
            "Python"
        )
    if name in known:
        return (_CATALOGUE / f"{name}.toml").read_text("utf-8")
    try:
        return read_small_text(Path(name))
    except (OSError, ValueError, NotSmallFile) as error:
        if "/" in name or name.endswith(".toml") or Path(name).exists():
            reason = getattr(error, "strerror", None) or error
            remedy = f"cannot be read ({reason}); give a TOML file with [[field]] tables"
        elif "," in name:
            remedy = "one name or file at a time; repeat --fields, or give a list in Python"
        elif homes := [
            one
            for one in known
            if f'name = "{name}"' in (_CATALOGUE / f"{one}.toml").read_text("utf-8")
        ]:
            remedy = f"this field is one of the file {homes[0]}; name that"
        else:
            remedy = (
                f"no such field{suggest(name, known)}; give a file, or one of {', '.join(known)}"
            )
        raise FieldError(f"{name}: {remedy}") from error
