"""Check gold of the user's own fields: report every value that is no value of its field, or stands on nothing."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from extractor.fields.attributes import Attribute, AttributeType
from extractor.fields.declaration import CustomField, Of
from extractor.fields.value_forms import show_value
from extractor.ground.claims import find_claimed
from extractor.schemas import CustomItem, Task, TrialRecord
from extractor.suggestions import suggest
from extractor.text.passage import Passage, read_section

from .gold_files import Flaw
from .text import fold_quote

_EMPTY: tuple[Any, ...] = (None, "", [], ())


def check_custom(data: Mapping[str, Any], record: TrialRecord | None, fields: Sequence[CustomField]) -> Iterator[Flaw]:
    """Yield every flaw of ``custom`` in one annotation. Entries that the schema refuses are left out.

    >>> from extractor.fields import read_fields
    >>> gold = {"custom": {"blinding": [{"values": {"value": "doubl"}}]}}
    >>> [flaw.path for flaw in check_custom(gold, None, read_fields("blinding"))]
    ['custom.blinding[0].values.value']
    """
    texts = record.sections if record and data.get("custom") else ()
    passages = [read_section(section.name, section.text).whole for section in texts]
    alone = not any(data.get(task) for task in Task)
    custom, known = data.get("custom"), {field.name: field for field in fields}
    for name, listed in custom.items() if isinstance(custom, dict) else ():
        field = known.get(name)
        if field is None:
            remedy = f"name its file with --fields{suggest(name, known)}"
            yield Flaw(f"custom.{name}", "no field has this name", remedy, warns=True)
        homes: set[str | None] = set()
        for number, entry in enumerate(listed if field and isinstance(listed, list) else ()):
            path = f"custom.{name}[{number}]"
            try:
                item = CustomItem.model_validate(entry)
            except ValidationError:
                continue
            if field and item.of in homes and not field.many and (item.of or field.of is Of.RECORD):
                yield Flaw(path, "is stated twice", "leave one out, or declare many = true")
            homes.add(item.of)
            if field and item.of is not None and not _has_item(None if alone else data, item.of, field):
                group = "" if field.of is Of.RECORD else field.of.fields[0].group
                remedy = f"write one such as {group}[0]" if group else "leave it out: the field is one of the record"
                yield Flaw(f"{path}.of", f"there is no item {item.of!r}", remedy)
            yield from _check_values(path, field, item.values, passages) if field else ()


def _has_item(data: Mapping[str, Any] | None, path: str, field: CustomField) -> bool:
    """Whether gold has the item of a field; of gold of custom fields alone (None), whether it may."""
    group, _, number = path.removesuffix("]").rpartition("[")
    if field.of is Of.RECORD or group != field.of.fields[0].group:
        return False
    if data is None:
        return number.isdecimal()
    found: Any = data
    for part in group.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return isinstance(found, list) and number.isdecimal() and int(number) < len(found)


def _check_values(
    path: str, field: CustomField, values: Mapping[str, Any], passages: Sequence[Passage]
) -> Iterator[Flaw]:
    if all(value in _EMPTY for value in values.values()) and not any(one.required for one in field.attributes):
        yield Flaw(path, "has no value", "fill one in, or leave the entry out")
    known = {one.name: one for one in field.attributes}
    if unknown := sorted(values.keys() - known.keys()):
        yield Flaw(f"{path}.values.{unknown[0]}", "the field has no such attribute", f"write one of {', '.join(known)}")
        return
    for name, attribute in known.items():
        place, value = f"{path}.values.{name}", values.get(name)
        if value in _EMPTY:
            if attribute.required:
                yield Flaw(place, "is empty", "fill it in, or leave the entry out")
            continue
        try:
            read = attribute.restore(value)
        except ValueError as error:
            yield Flaw(place, str(error), "correct it")
            continue
        for member in (read if isinstance(read, tuple) else (read,)) if passages else ():
            yield from _check_words(place, attribute, member, passages)


def _check_words(place: str, attribute: Attribute, value: Any, passages: Sequence[Passage]) -> Iterator[Flaw]:
    """Whether the record states a value: words as they are, numbers in any form that an answer's check accepts."""
    if attribute.type is AttributeType.QUOTE:
        if not any(fold_quote(str(value)) in fold_quote(passage.raw) for passage in passages):
            yield Flaw(place, "does not stand in the record", "copy it from the text")
    elif not attribute.type.is_concluded and not any(find_claimed(value, passage) for passage in passages):
        problem = f"nothing in the record states {show_value(value)}"
        yield Flaw(
            place, problem, "correct the number or its unit, if the text does not say it in other words", warns=True
        )
