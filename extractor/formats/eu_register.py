"""Read the text format of the EU Clinical Trials Register, which has a block of numbered fields
for each country. The blocks of a trial become one tree. Each field is taken from the first country
that has it in English, and the products are taken from the first country.
``registers/eu_register.toml`` maps the fields to sections.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import BytesIO
from typing import BinaryIO, NamedTuple

from extractor.formats.fields import name_language
from extractor.formats.found import (
    FoundText,
    ReadResult,
    RecordContent,
    UnreadableSource,
    build_content,
)
from extractor.formats.record import read_record
from extractor.formats.registers import list_registers
from extractor.formats.streams import (
    MAX_RECORD_BYTES,
    check_source_size,
    read_numbered_lines,
    replace_odd_bytes,
)
from extractor.language.other_languages import name_language_of
from extractor.schemas.base import JsonObject

_BEGINS = re.compile(
    r"(?:A\.2[ \t]+)?EudraCT number:[ \t]*(?P<number>\d{4}-\d{6}-\d{2})\b",
    re.IGNORECASE,
)
"""The first line of a block, or field A.2, which repeats the number."""
_FIELD = re.compile(
    r"^(?:(?P<block>EudraCT Number:)|(?P<number>[A-Z]\.(?:IMP\b|\d[\d.]*\d|\d)?)"
    r"(?:[ \t]+(?:and|to)[ \t]+[A-Z]\.[\d.]+)?[:. \t]+"
    r"(?P<label>[^:?\n]*?)[ \t]*(?:\((?P<language>[a-z]{2})\))?(?:[:?]|$)[ \t]*)",
    re.MULTILINE,
)
_FIRST_SHORT = "E.6"
"""The first of the short fields, such as "E.8.1 Controlled: Yes", whose labels are not in the
table. Section F is the last section that contains such fields.
"""
_ENGLISH = (None, "en")
[_REGISTER] = list_registers("text")
_SETTINGS = _REGISTER.settings


class _Field(NamedTuple):
    """A numbered field: its label, its text, the language stated after the label (or None), and
    the number of its block.
    """

    number: str
    label: str
    text: str
    language: str | None
    block: int


def read_register_text(stream: BinaryIO) -> Iterator[ReadResult]:
    """Yield the trials of a download, and a problem for each trial that cannot be read.

    A block whose number differs from that of the previous block begins the next trial. A copied
    page may lack the line with the number.
    """
    lines: list[str] = []
    size = 0
    trial = ""
    first = 1
    for number, line in read_numbered_lines(stream):
        begins = _BEGINS.match(line)
        if begins and begins["number"] != trial:
            # the lines above the first number belong to its trial
            if trial:
                yield build_content(_read_trial, "".join(lines), f"line {first}")
                lines = []
                size = 0
            trial = begins["number"]
            first = number
        # A trial that is too long is refused as a whole, so the rest of it is not kept.
        if size <= MAX_RECORD_BYTES:
            lines.append(line)
            size += len(line)
    yield build_content(_read_trial, "".join(lines), f"line {first}")


def build_register_text(text: str) -> RecordContent:
    r"""Build the content of a text from the blocks of a single trial.

    Raises ``UnreadableSource`` if the text contains several trials.

    >>> text = (
    ...     "E.3 Principal inclusion criteria: Adults\nE.3 Principal inclusion criteria (es): "
    ...     "Adultos"
    ... )
    >>> content = build_register_text("EudraCT Number: 2029-000001-11\n" + text)
    >>> content.trial_id, content.sections[0].text
    ('2029-000001-11', 'Principal inclusion criteria\nAdults')
    """
    content, *further = read_register_text(BytesIO(text.encode()))
    if further:
        raise UnreadableSource(
            f"a text with {len(further) + 1} trials from the EU Clinical Trials Register",
            "save the text as a file and read the file (read_records, extractor run): each trial "
            "becomes a record",
        )
    if isinstance(content, UnreadableSource):
        raise content
    return content


def _list_fields(text: str) -> list[_Field]:
    """Return the fields of a trial. Within a block, letters are in ascending order and, from E on,
    so are numbers; a line out of order is part of the text of a field.
    """
    marks: list[re.Match[str]] = []
    last = ""
    for mark in _FIELD.finditer(text):
        number = mark["number"] or ""
        if mark["block"] or _is_field(number, mark["label"], last):
            marks.append(mark)
            last = number  # "" at the beginning of a block, where numbers begin again
    fields: list[_Field] = []
    block = 0
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    for mark, end in zip(marks, ends, strict=True):
        words = text[mark.end() : end].strip()
        if mark["block"]:
            block += 1
        else:
            number = mark["number"]
            fields.append(_Field(number, mark["label"], words, mark["language"], block))
    return fields


def _is_field(number: str, label: str, last: str) -> bool:
    """Return whether a line that begins with a field number is a field rather than running text.
    ``last`` is the number of the previous field, or "" at the beginning of a block.

    From section E on, texts are long and may contain field numbers, so the label must be one that
    the register uses. The short fields, from E.6 to the end of section F, have many different
    labels, so any label that begins with a capital letter is accepted for them.

    >>> (
    ...     _is_field("E.4", "Principal exclusion criteria", last="E.3"),
    ...     _is_field("E.4", "of the protocol applies", last="E.3"),
    ...     _is_field("E.8.1", "Controlled", last="E.7.3"),
    ... )
    (True, False, True)
    """
    if number < "E":
        # The numbers of section D begin again with each product, so only letters are compared.
        return number[0] >= last[:1]
    # No number in later sections has a part of two digits, so the numbers sort as text.
    if number < last:
        return False
    labels = _SETTINGS["labels"].get(number)
    if labels:
        return label.lower().startswith(tuple(labels))
    if not (_FIRST_SHORT <= number < "G"):
        return False
    return label[:1].isupper()


def _read_trial(written: str) -> RecordContent:
    """Return the content of a trial. Each field is taken from the first country that has it in
    English or, if no country does, from the first country.
    """
    check_source_size(len(written))
    text, notes = replace_odd_bytes(written)
    fields = _list_fields(text)
    tree: JsonObject = {"number": "".join(_BEGINS.findall(text)[:1])}
    languages = [_find_language(field) for field in fields]
    # English comes first, in the order of the countries, and the first text of a field is kept
    in_order = sorted(
        zip(fields, languages, strict=True), key=lambda pair: pair[1] is not None
    )
    for field, language in in_order:
        tree.setdefault(field.number, FoundText(field.text, language=language))
        tree.setdefault(f"{field.number} label", field.label)
    tree["products"] = _list_products(fields)
    content = read_record(_REGISTER, tree, "text")
    return replace(content, notes=(*content.notes, *notes))


def _find_language(field: _Field) -> str | None:
    """Return the language of a field, or None for English. The texts of a first country often
    state none, although they are in its own language.
    """
    if field.language is None:
        return name_language_of(field.text)
    if field.language in _ENGLISH:
        return None
    return name_language(field.language)


def _list_products(fields: Sequence[_Field]) -> list[JsonObject]:
    """Return the products of the first country, omitting duplicate names. The description of a
    product consists of its forms and routes.
    """
    # the texts of each product by the number of their field
    groups: list[defaultdict[str, list[str]]] = []
    for field in fields:
        if field.block > 1:
            break
        if field.number == "D.IMP":
            groups.append(defaultdict(list))
        elif groups and field.text.lower() not in _SETTINGS["nothing"]:
            groups[-1][field.number].append(field.text)
    products: dict[str, JsonObject] = {}
    rows = _SETTINGS["products"]
    for group in groups:
        names = [text for number in rows["names"] for text in group[number]]
        forms = [text for number in rows["forms"] for text in group[number]]
        if names:
            name, *others = names
            products.setdefault(
                name.casefold(),
                {"name": name, "description": forms, "other_names": others},
            )
    return list(products.values())
