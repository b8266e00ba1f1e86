"""The text of the EU Clinical Trials Register: numbered fields, a block of them for each country.

The blocks of a trial become one tree: each field as the first country has it in English.
``registers/eu_register.toml`` has the fields and the sections that they become.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from io import BytesIO
from itertools import chain, pairwise
from typing import Any, BinaryIO, NamedTuple

from extractor.formats.cells import cut
from extractor.formats.fields import name_language
from extractor.formats.found import (
    Found,
    RecordContent,
    UnreadableSource,
    Words,
    build_content,
    text_section,
)
from extractor.formats.record import read_record
from extractor.formats.registers import list_registers
from extractor.formats.streams import check_size, read_lines, replace_odd_bytes
from extractor.language.other_languages import hide_foreign

_BEGINS = re.compile(
    r"^(?P<again>A\.2[ \t]+)?EudraCT number:[ \t]*(?P<number>\d{4}-\d{6}-\d{2})\b",
    re.IGNORECASE | re.MULTILINE,
)
"""The first line of a block; field A.2 repeats it."""
_COUNTRY = re.compile(r"/ctr-search/trial/[\d-]{14}/(\w{2,3})\b")
_FIELD = re.compile(
    r"^(?P<number>[A-Z]\.(?:IMP\b|\d[\d.]*\d|\d)?)(?:[ \t]+(?:and|to)[ \t]+[A-Z]\.[\d.]+)?[:. \t]+"
    r"(?P<label>[^:?\n]*?)[ \t]*(?:\((?P<language>[a-z]{2})\))?(?P<end>[:?]|$)[ \t]*",
    re.MULTILINE,
)
_FIRST_SHORT = ("E", [6])
"""From here on, fields are short, and need no known label."""
_Order = tuple[str, list[int]]


_ENGLISH = (None, "en")


class _Field(NamedTuple):
    """A numbered field: its label and text, and the language behind the label."""

    number: str
    label: Words
    text: Words
    language: str | None

    @property
    def line(self) -> Words:
        """The label and the text, as they are written."""
        return Words(f"{self.label}: {self.text}", at=self.label.at)


[_REGISTER] = list_registers("text")
_SETTINGS = _REGISTER.settings


def read_register_text(stream: BinaryIO) -> Iterator[Found]:
    """Yield the trials of a download, and the problem of each that cannot be read.

    A block with another number than the one before begins the next trial.
    """
    lines: list[str] = []
    trial = ""
    first = at = 0
    for number, text in read_lines(stream):
        begins = _BEGINS.match(text)
        if begins and begins["number"] != trial:
            if trial:
                yield _build(trial, Words("".join(lines), at=at), first)
            at += sum(map(len, lines))
            lines = []
            trial = begins["number"]
            first = number
        lines.append(text)
    if trial:
        yield _build(trial, Words("".join(lines), at=at), first)


def _build(trial: str, text: Words, line: int) -> Found:
    countries = ", ".join(dict.fromkeys(_COUNTRY.findall(text)))
    place = f"line {line}, countries: {countries}" if countries else f"line {line}"
    return build_content(partial(_read_trial, trial), text, place)


def build_register_text(text: str, *, title: str | None = None) -> RecordContent:
    r"""Build the content of the text of one trial, whose blocks become one record.

    A given ``title`` takes the place of the text's own. Raises ``UnreadableSource`` for a text of
    several trials.

    >>> text = (
    ...     "E.3 Principal inclusion criteria: Adults\nE.3 Principal inclusion criteria (es): "
    ...     "Adultos"
    ... )
    >>> content = build_register_text("EudraCT Number: 2029-000001-11\n" + text)
    >>> content.trial_id, content.sections[0].text
    ('2029-000001-11', 'Principal inclusion criteria\nAdults')
    """
    trials = list(read_register_text(BytesIO(text.encode())))
    if len(trials) > 1:
        raise UnreadableSource(
            f"a text of {len(trials)} trials of the EU Clinical Trials Register",
            "save it as a file and read that (read_records, extractor run): each trial becomes a "
            "record",
        )
    [content] = trials
    if isinstance(content, UnreadableSource):
        raise content
    if title is None:
        return content
    others = [section for section in content.sections if section.name != "title"]
    return replace(content, sections=(*text_section("title", title), *others))


def _list_blocks(text: Words) -> list[list[_Field]]:
    """Return the fields of each country's block of a trial."""
    begins = [found.start() for found in _BEGINS.finditer(text) if not found["again"]]
    bounds = [0, *begins[1:], len(text)]
    return [_list_fields(cut(text, *block)) for block in pairwise(bounds)]


def _list_fields(text: Words) -> list[_Field]:
    """Return the fields of a block. Their letters only rise, and from E on their numbers: what goes
    back is a line in the text of a field.
    """
    marks: list[re.Match[str]] = []
    last: _Order = ("A", [])
    for found in _FIELD.finditer(text):
        number = found["number"]
        order = (number[0], [int(digits) for digits in re.findall(r"\d+", number)])
        if _is_field(number, found["label"], order, last):
            marks.append(found)
            last = order
    fields: list[_Field] = []
    for found, end in zip(
        marks, [*(mark.start() for mark in marks[1:]), len(text)], strict=True
    ):
        label = cut(text, *found.span("label"))
        words = cut(text, found.end(), end)
        fields.append(_Field(found["number"], label, words, found["language"]))
    return fields


def _is_field(number: str, label: str, order: _Order, last: _Order) -> bool:
    """Return whether a line that begins with a field's number is a field, and no line of a text."""
    is_late = number >= "E"
    if order < last if is_late else order[0] < last[0]:
        return False
    known = _SETTINGS["labels"].get(number)
    if known:
        return label.lower().startswith(tuple(known))
    return not is_late or (
        order >= _FIRST_SHORT and number[0] in "EF" and label[:1].isupper()
    )


def _read_trial(trial: str, written: Words) -> RecordContent:
    """Return the content of a trial: each field as the first country has it in English."""
    check_size(len(written))
    text, odd_bytes = replace_odd_bytes(written)
    blocks = _list_blocks(Words(text, at=written.at))
    fields = list(chain.from_iterable(blocks))
    by_number: dict[str, list[_Field]] = defaultdict(list)
    for field in fields:
        by_number[field.number].append(field)
    tree: dict[str, Any] = {"number": trial}
    for number, found in by_number.items():
        chosen = min(found, key=_is_foreign)
        is_marked = chosen.language not in _ENGLISH
        language = name_language(chosen.language or "") if is_marked else None
        tree[number] = Words(chosen.text, at=chosen.text.at, language=language)
        tree[f"{number} label"] = chosen.label
    tree["countries"] = _list_once(field.line for field in by_number["A.1"])
    tree["terms"] = _list_once(
        field.text for field in by_number["E.1.2"] if field.label.lower() == "term"
    )
    tree["population"] = _list_once(
        field.line
        for field in fields
        if field.number[:3] in ("F.1", "F.3") and field.text.lower() == "yes"
    )
    tree["products"] = _list_products(blocks)
    if "A.3.1" not in tree:  # the title for lay people
        tree["A.3.1"] = tree.pop("A.3", None)
    if len(blocks) > 1:  # the people of one member state
        tree.pop("F.4.1", None)
    content = read_record(_REGISTER, tree, "text")
    note = (
        f"{odd_bytes} bytes are not UTF-8 and were read as Windows-1252: compare the text "
        "with the register"
    )
    return replace(content, notes=(*content.notes, *[note] * (odd_bytes > 0)))


def _is_foreign(field: _Field) -> tuple[bool, bool]:
    """Return whether a field is marked as in another language, and whether it is in one: some
    countries write their own language into the field that is meant for English.
    """
    is_marked = field.language not in _ENGLISH
    return is_marked, hide_foreign(field.text) != field.text


def _list_products(blocks: Sequence[Sequence[_Field]]) -> list[dict[str, Any]]:
    """Return the products of all blocks: names, then forms and routes; no words twice. Products of
    one name are one.
    """
    products: dict[str, dict[str, list[Words]]] = {}
    for block in blocks:
        groups: list[list[_Field]] = [[]]
        for field in block:
            if field.number in ("D.IMP", "D.8"):
                groups.append([])
            groups[-1].append(field)
        for group in groups:
            names = _list_texts(group, "names")
            if any(
                one.number == "D.8.1" and one.text[:3].lower() == "yes" for one in group
            ):
                names = [one.label for one in group if one.label == "Placebo"][:1]
            if names:
                product = products.setdefault(_fold(names[0]), defaultdict(list))
                product["name"] = product["name"] or names[:1]
                product["description"] += _list_texts(group, "forms")
                product["other_names"] += names[1:]
    return [
        {part: _list_once(words) for part, words in product.items()}
        for product in products.values()
    ]


def _list_texts(group: Sequence[_Field], kind: str) -> list[Words]:
    """Return the lines of the fields of a product that have one of the numbers, in their order."""
    found: list[Words] = []
    for number in _SETTINGS["products"][kind]:
        for field in group:
            if field.number == number:
                lines = re.finditer(r"[^\n]+", field.text)
                found += [cut(field.text, *line.span()) for line in lines]
    return [words for words in found if words.lower() not in _SETTINGS["nothing"]]


def _list_once(texts: Iterable[Words]) -> list[Words]:
    """Return texts that differ."""
    return list({_fold(text): text for text in reversed(list(texts))}.values())[::-1]


def _fold(text: str) -> str:
    """Return letters and numbers alone, in lower case: countries copy a text with other spaces
    and signs.
    """
    return "".join(filter(str.isalnum, text.casefold()))
