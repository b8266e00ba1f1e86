"""The text of the EU Clinical Trials Register: numbered fields, a block of them for each country.

The blocks of a trial become one tree: each field as the first country has it in English, and the
products of the first country. ``registers/eu_register.toml`` has the fields and the sections that
they become.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from io import BytesIO
from typing import Any, BinaryIO, NamedTuple

from extractor.formats.cells import cut
from extractor.formats.fields import name_language
from extractor.formats.found import (
    Found,
    RecordContent,
    UnreadableSource,
    Words,
    build_content,
)
from extractor.formats.record import read_record
from extractor.formats.registers import list_registers
from extractor.formats.streams import check_size, read_lines, replace_odd_bytes

_BEGINS = re.compile(
    r"(?:A\.2[ \t]+)?EudraCT number:[ \t]*(?P<number>\d{4}-\d{6}-\d{2})\b",
    re.IGNORECASE,
)
"""The first line of a block; field A.2 repeats it."""
_FIELD = re.compile(
    r"^(?:(?P<block>EudraCT Number:)|(?P<number>[A-Z]\.(?:IMP\b|\d[\d.]*\d|\d)?)"
    r"(?:[ \t]+(?:and|to)[ \t]+[A-Z]\.[\d.]+)?[:. \t]+"
    r"(?P<label>[^:?\n]*?)[ \t]*(?:\((?P<language>[a-z]{2})\))?(?:[:?]|$)[ \t]*)",
    re.MULTILINE,
)
_FIRST_SHORT = "E.6"
"""From here on, fields are short, and need no known label."""
_ENGLISH = (None, "en")
[_REGISTER] = list_registers("text")
_SETTINGS = _REGISTER.settings


class _Field(NamedTuple):
    """A numbered field: its label and text, the language after the label, and its block."""

    number: str
    label: Words
    text: Words
    language: str | None
    block: int


def read_register_text(stream: BinaryIO) -> Iterator[Found]:
    """Yield the trials of a download, and the problem of each that cannot be read.

    A block whose number differs from the previous one begins the next trial.
    """
    lines: list[str] = []
    trial = ""
    first = at = 0
    for number, text in read_lines(stream):
        begins = _BEGINS.match(text)
        if begins and begins["number"] != trial:
            if trial:
                yield _read_lines(trial, lines, at, first)
            at += sum(map(len, lines))
            lines = []
            trial = begins["number"]
            first = number
        lines.append(text)
    if trial:
        yield _read_lines(trial, lines, at, first)


def _read_lines(trial: str, lines: Sequence[str], at: int, first: int) -> Found:
    text = Words("".join(lines), at=at)
    return build_content(partial(_read_trial, trial), text, f"line {first}")


def build_register_text(text: str) -> RecordContent:
    r"""Build the content of the text of one trial, whose blocks become one record.

    Raises ``UnreadableSource`` for a text of several trials.

    >>> text = (
    ...     "E.3 Principal inclusion criteria: Adults\nE.3 Principal inclusion criteria (es): "
    ...     "Adultos"
    ... )
    >>> content = build_register_text("EudraCT Number: 2029-000001-11\n" + text)
    >>> content.trial_id, content.sections[0].text
    ('2029-000001-11', 'Principal inclusion criteria\nAdults')
    """
    content, *others = read_register_text(BytesIO(text.encode()))
    if others:
        raise UnreadableSource(
            f"a text of {len(others) + 1} trials of the EU Clinical Trials Register",
            "save it as a file and read that (read_records, extractor run): each trial becomes a "
            "record",
        )
    if isinstance(content, UnreadableSource):
        raise content
    return content


def _list_fields(text: Words) -> list[_Field]:
    """Return the fields of a trial. In a block their letters only rise, and from E on their
    numbers: what goes back is a line in the text of a field.
    """
    marks: list[re.Match[str]] = []
    last = ""
    for found in _FIELD.finditer(text):
        number = found["number"] or ""
        if found["block"] or _is_field(number, found["label"], last):
            marks.append(found)
            last = number
    fields: list[_Field] = []
    block = 0
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    for mark, end in zip(marks, ends, strict=True):
        if mark["block"]:
            block += 1
            continue
        label = cut(text, *mark.span("label"))
        words = cut(text, mark.end(), end)
        fields.append(_Field(mark["number"], label, words, mark["language"], block))
    return fields


def _is_field(number: str, label: str, last: str) -> bool:
    """Return whether a line that begins with a field's number is a field, and no line of a text."""
    if number < "E":
        return number[0] >= last[:1]
    known = _SETTINGS["labels"].get(number)
    is_known = bool(known) and label.lower().startswith(tuple(known))
    is_short = not known and _FIRST_SHORT <= number < "G" and label[:1].isupper()
    return number >= last and (is_known or is_short)


def _read_trial(trial: str, written: Words) -> RecordContent:
    """Return the content of a trial: each field as the first country has it in English."""
    check_size(len(written))
    text, odd_bytes = replace_odd_bytes(written)
    fields = _list_fields(Words(text, at=written.at))
    by_number: dict[str, list[_Field]] = defaultdict(list)
    for field in fields:
        by_number[field.number].append(field)
    tree: dict[str, Any] = {"number": trial}
    for number, found in by_number.items():
        chosen = min(found, key=lambda field: field.language not in _ENGLISH)
        language = None
        if chosen.language not in _ENGLISH:
            language = name_language(chosen.language or "")
        tree[number] = Words(chosen.text, at=chosen.text.at, language=language)
        tree[f"{number} label"] = chosen.label
    tree["products"] = _list_products(fields)
    if "A.3.1" not in tree:  # the title for lay people
        tree["A.3.1"] = tree.pop("A.3", None)
    if fields and fields[-1].block > 1:  # the people of one member state
        tree.pop("F.4.1", None)
    content = read_record(_REGISTER, tree, "text")
    if not odd_bytes:
        return content
    note = (
        f"{odd_bytes} bytes are not UTF-8 and were read as Windows-1252: compare the text "
        "with the register"
    )
    return replace(content, notes=(*content.notes, note))


def _list_products(fields: Sequence[_Field]) -> list[dict[str, Any]]:
    """Return the products of the first country, each name once: names, then forms and routes."""
    groups: list[dict[str, list[Words]]] = []
    for field in fields:
        if field.block > 1:
            break
        if field.number == "D.IMP":
            groups.append(defaultdict(list))
        if groups and field.text.lower() not in _SETTINGS["nothing"]:
            groups[-1][field.number].append(field.text)
    products: dict[str, dict[str, Any]] = {}
    for group in groups:
        rows = _SETTINGS["products"]
        names = [text for number in rows["names"] for text in group[number]]
        forms = [text for number in rows["forms"] for text in group[number]]
        if names:
            parts = {"name": names[0], "description": forms, "other_names": names[1:]}
            products.setdefault(names[0].casefold(), parts)
    return list(products.values())
