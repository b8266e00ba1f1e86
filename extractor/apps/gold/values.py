"""Values as people write them: ``18 year``, ``ANC: >= 1.5 x 10^9 /L``, ``none``; else as JSON."""

import json
from contextlib import suppress
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import to_jsonable_python

from extractor.concepts.own.attributes import CLASSES, Attribute
from extractor.concepts.own.value_forms import read_window, show_value
from extractor.schemas import FieldInfo, TimeWindow
from extractor.schemas.arguments import suggest

_JSON = ("{", "[", '"')
"""How a value begins that is written as JSON, since it has no shorter form."""
_WINDOW = '"words | comparator number unit | of what | counted from"'
_LAST_PARTS = ("of", "anchor")
"""The last two parts of the form of a time window, which may be left out."""
_WINDOW_EXAMPLE = '"within 4 weeks | <= 4 week"'


def describe_form(info: FieldInfo, attribute: Attribute | None = None) -> str:
    """Say how a value of a field is written."""
    if attribute is not None:
        return attribute.form
    if issubclass(info.type, StrEnum):
        return f"one of {', '.join(info.type)}"
    if info.type is TimeWindow:
        return f"{_WINDOW}, such as {_WINDOW_EXAMPLE}"
    if info.type in CLASSES:
        return CLASSES[info.type].form
    if issubclass(info.type, BaseModel):
        return "JSON"
    return "a number"


def read_value(text: str, info: FieldInfo, attribute: Attribute | None = None) -> Any:
    """Return a value as the JSON of gold has it. Raises ``ValueError`` with the form to write.

    >>> from extractor.schemas import list_groups
    >>> infos = {info.name: info for info in list_groups()[0].fields}
    >>> read_value("18 years", infos["minimum_age"]), read_value("Female", infos["sex"])
    ({'value': 18, 'unit': 'year'}, 'female')
    """
    written = text.strip()
    # A value without a shorter form is written as JSON; a text may begin in the same way.
    if written.startswith(_JSON):
        with suppress(json.JSONDecodeError):
            return _read_json(json.loads(written), info, attribute)
    if attribute is not None:
        return to_jsonable_python(attribute.read(written))
    if issubclass(info.type, StrEnum):
        return _read_choice(written, info.type)
    if info.type is TimeWindow:
        window = read_window(written)
        if isinstance(window, str):
            raise ValueError(
                f"{written!r}: write a time window as {_WINDOW}, such as {_WINDOW_EXAMPLE}"
            )
        return window.model_dump(mode="json")
    if info.type in CLASSES:
        return to_jsonable_python(CLASSES[info.type].read(written))
    # In a field without a form of its own, digits are a number.
    if written.isdecimal():
        return _read_json(int(written), info, attribute)
    return _read_json(written, info, attribute)


def list_unsaid(text: str) -> tuple[str, ...]:
    """Return the parts of a time window of which a short form says nothing, not even that there
    is none ("-").

    >>> (
    ...     list_unsaid("within 4 weeks | <= 4 week | steroids"),
    ...     list_unsaid("a | < 1 day | - | -"),
    ... )
    (('anchor',), ())
    """
    if text.strip().startswith(_JSON):
        return ()
    bars = text.count("|")
    return _LAST_PARTS[max(0, bars - 1) :]


def _read_choice(written: str, words: type[StrEnum]) -> str:
    """Return the word of a closed set: by its value, with spaces for underscores, or its name, in
    any case. Raises ``ValueError`` for another word, and suggests the nearest.
    """
    by_value = {word.value.casefold(): word.value for word in words}
    by_name = {word.name.casefold(): word.value for word in words}
    folded = written.casefold()
    joined = folded.replace(" ", "_")
    choice = by_value.get(folded) or by_value.get(joined) or by_name.get(joined)
    if choice is None:
        listed = ", ".join(words)
        suggestion = suggest(written, list(words))
        raise ValueError(f"{written!r} is none of {listed}{suggestion}")
    return choice


def _read_json(data: Any, info: FieldInfo, attribute: Attribute | None) -> Any:
    """Return a value that is written as JSON, as the JSON of gold has it. A text in quotes is read
    in the short form of its field, where it has one. Raises ``ValueError`` for another type than
    the field's, and for a value that its model refuses.
    """
    if attribute is not None:
        return to_jsonable_python(attribute.read(data))
    if isinstance(data, str) and info.type in CLASSES and info.type is not str:
        return read_value(data, info)
    if not issubclass(info.type, BaseModel):
        if type(data) is not info.type:
            raise ValueError(f"{data!r} is no {info.type.__name__}")
        return data
    try:
        value = info.type.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        message = first["msg"].lower()
        path = ".".join(map(str, first["loc"]))
        if path:
            message = f"{path}: {message}"
        raise ValueError(f"{data!r}: {message}") from None
    return value.model_dump(mode="json")


def write_value(value: Any, info: FieldInfo, attribute: Attribute | None = None) -> str:
    """Return a value of gold as people write it, if ``read_value`` reads the same value from that;
    else as JSON.
    """
    written = _write_short(value, info, attribute)
    # A form over several lines would not stay as it is, and "none" would empty the field.
    if written is not None:
        is_one_line = " ".join(written.split()) == written
        if not is_one_line or written.casefold() == "none":
            written = None
    if written is not None:
        with suppress(ValueError):
            if read_value(written, info, attribute) == value:
                return written
    return json.dumps(value, ensure_ascii=False)


def _write_short(
    value: Any, info: FieldInfo, attribute: Attribute | None
) -> str | None:
    """Return a value as people write it; None if its field has no such form."""
    if not isinstance(value, dict):
        return show_value(value)
    if attribute is not None:
        with suppress(ValueError):
            return show_value(attribute.read(value))
        return None
    held: Any = info.type.model_validate(value)
    if isinstance(held, TimeWindow):
        return _write_window(held)
    condition = getattr(held, "condition", None)
    if condition:
        plain = held.model_copy(update={"condition": None})
        return f"{show_value(plain)} @ {condition}"
    version = getattr(held, "version", None)
    if version:
        return f"{held.name} | {version}"
    return show_value(held)


def _write_window(window: TimeWindow) -> str:
    """Return a time window: its words, its limit, what it limits, and from when it counts, with
    bars between; "-" stands for what is not stated.
    """
    unit = window.unit.value
    limit = f"{window.comparator.value} {window.value} {unit}"
    if window.value_high is not None:
        limit = f"{window.value}-{window.value_high} {unit}"
    of = window.of or "-"
    anchor = window.anchor or "-"
    return f"{window.quote} | {limit} | {of} | {anchor}"
