"""Trials in the text of the EU Clinical Trials Register, its download of full details, or a copy
of a part of it.

A trial has a block of fields for each country, in which it was authorised. A field is a line with
a number and a label ("E.3 Principal inclusion criteria: ..."), and what follows it up to the next
one. A code of a language in brackets ("(es)") marks a translation. The blocks of a trial are one
record: each field is read once, in English if any block has it in English, and as most blocks
have it.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import BinaryIO

from extractor.formats.eu_blocks import (
    Block,
    MarkedWords,
    RegisterField,
    TextRange,
    list_blocks,
    split_blocks,
)
from extractor.formats.eu_fields import LANGUAGES, NOTHING
from extractor.formats.found import (
    Found,
    RecordContent,
    UnreadableSource,
    build_content,
    take_sections,
    text_section,
)
from extractor.formats.listed import MARK, find_parts, split_items
from extractor.formats.streams import exceeds_record, too_large
from extractor.language.book import rule
from extractor.language.other_languages import hide_foreign
from extractor.language.passage import LexedSection, read_section, strip_span
from extractor.schemas import OtherLanguage, Part, Piece, RegistryFields, Section

FORMAT = "euctr_text"
_LINE = re.compile(r"[^\n]+")
_TRIALS_IN_TEXT = (
    "save it as a file and read that (read_records, extractor run): each trial "
    "becomes a record"
)


def read_register_text(stream: BinaryIO) -> Iterator[Found]:
    """Yield the trials of a download. The blocks of a trial stand together."""
    blocks: list[Block] = []
    for one in list_blocks(stream):
        if isinstance(one, UnreadableSource):
            yield one
            continue
        if blocks and one.number != blocks[0].number:
            yield _build(blocks)
            blocks = []
        if not _is_too_large(blocks):  # one more block shows that a trial is too large
            blocks.append(one)
    if blocks:
        yield _build(blocks)


def _is_too_large(blocks: Sequence[Block]) -> bool:
    if any(block.is_cut for block in blocks):
        return True
    return exceeds_record(sum(len(block.text) for block in blocks))


def build_register_text(text: str, *, title: str | None = None) -> RecordContent:
    r"""Build the content of the text of one trial. Raises ``UnreadableSource`` if it has several.

    >>> text = (
    ...     "E.3 Principal inclusion criteria: Adults\nE.3 Principal inclusion criteria (es): "
    ...     "Adultos"
    ... )
    >>> content = build_register_text("EudraCT Number: 2029-000001-11\n" + text)
    >>> content.trial_id, content.sections[0].text
    ('2029-000001-11', 'Principal inclusion criteria\nAdults')
    """
    blocks = split_blocks(text)
    numbers = {block.number for block in blocks}
    if len(numbers) > 1:
        raise UnreadableSource(
            f"a text of {len(numbers)} trials of the EU Clinical Trials Register",
            _TRIALS_IN_TEXT,
        )
    content = _Trial(blocks).build()
    if title is None:
        return content
    return replace(
        content,
        sections=(
            *text_section("title", title),
            *(one for one in content.sections if one.name != "title"),
        ),
    )


def _build(blocks: Sequence[Block]) -> Found:
    """Build the content of the blocks of one trial. Does not raise."""
    if _is_too_large(blocks):
        return too_large("record", f"line {blocks[0].line}")
    found = build_content(
        lambda trial: _Trial(trial).build(), blocks, f"line {blocks[0].line}"
    )
    if not isinstance(found, RecordContent):
        return found
    codes = ", ".join(block.code or "?" for block in blocks)
    number = f"{len(blocks)} country blocks" if len(blocks) > 1 else "1 country block"
    odd_bytes = sum(block.odd_bytes for block in blocks)
    odd = (
        f"{odd_bytes} bytes are not UTF-8 and were read as Windows-1252: compare the text with "
        "the register"
    )
    notes = (*found.notes, *([odd] if odd_bytes else []))
    return replace(
        found, place=f"line {blocks[0].line}, {number}: {codes}", notes=notes
    )


class _Trial:
    """Reads the blocks of a trial as one record."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        self.number = blocks[0].number
        self.blocks = [block.list_fields() for block in blocks]
        self.fields: dict[str, list[RegisterField]] = defaultdict(list)
        for fields in self.blocks:
            for one in fields:
                self.fields[one.number].append(one)
        self.notes: dict[str, None] = {}

    def build(self) -> RecordContent:
        sections = take_sections(self._list_sections())
        return RecordContent(
            sections,
            FORMAT,
            self.number,
            self._read_registry(),
            notes=tuple(self.notes),
        )

    def _list_sections(self) -> Iterator[Section]:
        full = self._choose("A.3")
        lay = self._choose("A.3.1")
        yield from _join("title", [lay or full])
        yield from _join("official_title", [full] if lay else [])
        yield from _join("brief_summary", [self._choose("E.2.1")])
        outcomes = {
            name: self._list_outcomes(name, *numbers)
            for name, numbers in _OUTCOMES.items()
        }
        introductions = [one for _, found in outcomes.values() for one in found]
        yield from _join(
            "detailed_description",
            [self._choose("E.2.2"), *introductions, *self._list_population()],
        )
        yield from _join(
            "conditions", [self._choose("E.1.1") or self._choose("E.1.1.1")]
        )
        yield from _join("keywords", self._list_terms())
        yield from _join(
            "eligibility",
            [one for number in ("E.3", "E.4") for one in self._read_criteria(number)],
        )
        yield from self._list_products()
        for sections, _ in outcomes.values():
            yield from sections

    def _choose(self, number: str) -> MarkedWords | None:
        """Return what most blocks say that have the field in English, else what the first one
        says.
        """
        given = self.fields[number]
        if not given:
            return None
        unmarked = [one for one in given if one.language in (None, "en")]
        if not unmarked:
            first = given[0]
            language = LANGUAGES.get(first.language or "", f'"{first.language}"')
            self.notes[
                f"{number} ({first.label}) is given in {language} only, which is not read"
            ] = None
            return first.whole._replace(language=language)
        english = [one for one in unmarked if _is_english(one.text)] or unmarked
        usual = Counter(_fold(one.text) for one in english).most_common(1)[0][0]
        self._compare(english, usual)
        return next(one.whole for one in english if _fold(one.text) == usual)

    def _compare(self, given: Sequence[RegisterField], usual: str) -> None:
        """Note that the English texts of a longer field differ between countries, as versions of
        a protocol do.
        """
        others = [one for one in given if _fold(one.text) != usual]
        first = next(one for one in given if _fold(one.text) == usual)
        if others and first.number in _COMPARED:
            left = ", ".join(
                dict.fromkeys(one.country or "another country" for one in others)
            )
            read = first.country or "one country"
            differs = f"{first.number} ({first.label}) differs between countries"
            self.notes[
                f"{differs}: the text of {read} is read, and not that of {left}"
            ] = None

    def _read_criteria(self, number: str) -> list[MarkedWords]:
        """Return a list of criteria, behind its label."""
        chosen = self._choose(number)
        if not chosen:
            return []
        label = next(
            one for one in self.fields[number] if one.place == chosen.place
        ).heading
        return [label, chosen]

    def _list_terms(self) -> list[MarkedWords]:
        """Return the terms of MedDRA, each once."""
        terms = [
            one.whole for one in self.fields["E.1.2"] if one.label.lower() == "term"
        ]
        return list({_fold(term.text): term for term in reversed(terms)}.values())[::-1]

    def _list_population(self) -> list[MarkedWords]:
        """Return the countries, and what of the population is answered by yes."""
        found = [*self.fields["A.1"]]
        found += [
            one
            for number in self.fields
            for one in self.fields[number][:1]
            if _is_population(one)
        ]
        lines = {
            _fold(one.text if one.number == "A.1" else one.label): one for one in found
        }
        return [
            MarkedWords(one.line, TextRange(one.label_place.start, one.place.end))
            for one in lines.values()
        ]

    def _list_outcomes(
        self, name: str, number: str, times: str
    ) -> tuple[list[Section], list[MarkedWords]]:
        """Return the sections of outcomes, and what introduces them."""
        chosen = self._choose(number)
        when = self._choose(times)
        when = None if when and _ELSEWHERE.fullmatch(when.text) else when
        if not chosen:
            return [], []
        lexed = read_section("text", chosen.text)
        lead, items = split_items(lexed, 0, len(chosen.text), by_line=True)
        frames = self._pair_times(times, when, len(items))
        sections: list[Section] = []
        introductions = [_part(chosen, *lead)] if lead else []
        for item, frame in zip(items, frames, strict=True):
            place, rest = _cut_heading(chosen.text, item)
            introductions += [_part(chosen, *rest)] if rest else []
            parts = find_parts(lexed, place, name)
            named = {part.name for part in parts}
            said = [("measure", _part(chosen, *place))]
            if "time_frame" in named:
                said = [
                    (
                        part.name,
                        _part(chosen, place[0] + part.start, place[0] + part.end),
                    )
                    for part in parts
                ]
            elif frame and not (len(items) > 1 and _states_time(lexed, *place)):
                said.append(("time_frame", frame))
            elif "statement" in named:
                said = [("statement", _part(chosen, *place))]
            sections += _join_parts(f"{name}[{len(sections)}]", said)
        return sections, introductions

    def _pair_times(
        self, number: str, when: MarkedWords | None, count: int
    ) -> list[MarkedWords | None]:
        """Return the time frame of each outcome: its own of as many marked ones, else what is
        said of all.
        """
        if not when:
            return [None] * count
        lead, items = split_items(
            read_section("text", when.text), 0, len(when.text), by_line=True
        )
        marked = lead is None and MARK.match(when.text) is not None
        if count > 1 and marked and len(items) == count:
            return [_part(when, *item) for item in items]
        has_lines = len(list(filter(str.strip, when.text.splitlines()))) > 1
        if count > 1 and (len(items) > 1 or has_lines):
            note = (
                f"{number} names times for several outcomes, and which belongs to which is not "
                "told: each has them all"
            )
            self.notes[note] = None
        return [when] * count

    def _list_products(self) -> Iterator[Section]:
        products: dict[str, _Product] = {}
        for fields in self.blocks:
            for product in _list_products(fields):
                key = _fold(product.name.text)
                known = products.setdefault(key, product)
                if known is not product:
                    known.add(product)
        for number, product in enumerate(products.values()):
            yield from _join_parts(f"interventions[{number}]", product.list_parts())

    def _read_registry(self) -> RegistryFields:
        yes = {
            number
            for number, given in self.fields.items()
            if given and given[0].text.lower() == "yes"
        }
        said = {number: given[0].text for number, given in self.fields.items() if given}
        in_one_country = len(self.blocks) == 1
        enrollment = said.get("F.4.2.2") or (
            said.get("F.4.1") if in_one_country else None
        )
        return RegistryFields(
            sex=", ".join(name for number, name in _SEXES.items() if number in yes)
            or None,
            healthy_volunteers=said.get("F.3.1"),
            enrollment=enrollment,
            phases=tuple(phase for number, phase in _PHASES.items() if number in yes),
            allocation=_ALLOCATION[1] if _ALLOCATION[0] in yes else None,
            masking=next(
                (name for number, name in _MASKING.items() if number in yes), None
            ),
            sponsor=said.get("B.1.1"),
        )


_ELSEWHERE = re.compile(
    r"(?:please\s+)?(?:see|refer to|same as|as)\b.{0,80}?"
    r"(?:above|below|E\.5[\d.]*|protocol|section|end ?points?|listed)\W*",
    re.IGNORECASE,
)
"""What is written for time points that stand elsewhere: "see above"."""
_OUTCOMES = {
    "primary_outcomes": ("E.5.1", "E.5.1.1"),
    "secondary_outcomes": ("E.5.2", "E.5.2.1"),
}
_COMPARED = ("E.3", "E.4", "E.5.1", "E.5.1.1", "E.5.2", "E.5.2.1")
_SEXES = {"F.2.1": "Female", "F.2.2": "Male"}
_PHASES = {
    "E.7.1": "Phase I",
    "E.7.2": "Phase II",
    "E.7.3": "Phase III",
    "E.7.4": "Phase IV",
}
_ALLOCATION = ("E.8.1.1", "Randomised")
_MASKING = {"E.8.1.2": "Open", "E.8.1.3": "Single blind", "E.8.1.4": "Double blind"}
_NAMES = ("D.3.1", "D.2.1.1.1", "D.3.8", "D.3.9.3", "D.3.2", "D.3.9.2")
"""The fields that name a product, the best name first: product, trade name, substance, other
name, codes.
"""
_FORMS = ("D.3.4", "D.8.3")
_ROUTES = ("D.3.7", "D.8.4")


class _Product:
    """A product: its names, pharmaceutical forms and routes."""

    def __init__(
        self,
        names: list[MarkedWords],
        forms: list[MarkedWords],
        routes: list[MarkedWords],
    ) -> None:
        self.name = names[0]
        self.others = names[1:]
        self.forms = forms
        self.routes = routes

    def add(self, other: "_Product") -> None:
        """Add what another block says of the same product."""
        self.others += other.others
        self.forms += other.forms
        self.routes += other.routes

    def list_parts(self) -> list[tuple[str, MarkedWords]]:
        given = {_fold(self.name.text)}
        parts = [("name", self.name)]
        for part, passages in (
            ("description", [*self.forms, *self.routes]),
            ("other_names", self.others),
        ):
            for one in passages:
                if _fold(one.text) not in given:
                    parts.append((part, one))
                given.add(_fold(one.text))
        return parts


def _list_products(fields: Sequence[RegisterField]) -> Iterator[_Product]:
    """Yield the products of a block, and one for its placebo."""
    groups: list[list[RegisterField]] = [[]]
    for one in fields:
        if not one.number.startswith("D."):
            continue
        if one.number in ("D.IMP", "D.8"):
            groups.append([])
        groups[-1].append(one)
    for group in groups:
        names = [
            one
            for number in _NAMES
            for one in group
            if one.number == number and one.text
        ]
        placebo = next(
            (
                one
                for one in group
                if one.number == "D.8.1" and one.text.lower().startswith("yes")
            ),
            None,
        )
        words = [one.whole for one in names]
        if placebo and not words:
            place = placebo.label.find("Placebo")
            start = placebo.label_place.start + place
            if place >= 0:
                words = [
                    MarkedWords("Placebo", TextRange(start, start + len("Placebo")))
                ]
            else:
                words = []
        if words:
            forms = [one.whole for one in group if one.number in _FORMS]
            routes = [
                line
                for one in group
                if one.number in _ROUTES
                for line in _list_lines(one)
            ]
            yield _Product(words, forms, routes)


def _list_lines(field: RegisterField) -> list[MarkedWords]:
    return [
        field.cut(*strip_span(field.text, *line.span()))
        for line in _LINE.finditer(field.text)
        if not NOTHING.fullmatch(line.group().strip())
    ]


def _cut_heading(
    text: str, item: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int] | None]:
    """Return an item without its last line if that introduces what follows, and that line."""
    start, end = item
    last = text.rfind("\n", start, end)
    if last < 0 or not text[last:end].rstrip().endswith(":"):
        return item, None
    return strip_span(text, start, last), strip_span(text, last, end)


def _states_time(text: LexedSection, start: int, end: int) -> bool:
    """Return whether an outcome among others says by itself when it is measured: "FEV1 at week
    12".
    """
    words = text.between(start, end)
    frames = rule("frame_within").find(words.tokens, words.first, words.end)
    return any(
        rule("moment").search(words.tokens, one.first, one.end)
        and any(map(str.isdigit, words.tokens.words[one.first : one.end]))
        for one in frames
    )


def _is_population(field: RegisterField) -> bool:
    return field.number.startswith(("F.1", "F.3")) and field.text.lower() == "yes"


def _is_english(text: str) -> bool:
    return hide_foreign(text) == text


def _fold(text: str) -> str:
    """Return letters and numbers alone, in lower case: countries copy a text with other spaces
    and signs.
    """
    return "".join(filter(str.isalnum, text.casefold()))


def _part(passage: MarkedWords, start: int, end: int) -> MarkedWords:
    place = TextRange(passage.place.start + start, passage.place.start + end)
    return MarkedWords(passage.text[start:end], place, passage.language)


def _join(name: str, passages: Iterable[MarkedWords | None]) -> tuple[Section, ...]:
    """Return the section of passages, each on lines of its own; empty if there is none."""
    return _join_parts(name, [("", one) for one in passages if one])


def _join_parts(
    name: str, passages: Sequence[tuple[str, MarkedWords]]
) -> tuple[Section, ...]:
    """Return the section of named passages. What has no name is no part."""
    given = [(part, one) for part, one in passages if one.text.strip()]
    if not given:
        return ()
    starts = list(accumulate((len(one.text) + 1 for _, one in given), initial=0))
    places = list(zip(starts, given, strict=False))
    return (
        Section(
            name=name,
            text="\n".join(one.text for _, one in given),
            parts=tuple(
                Part(name=part, start=at, end=at + len(one.text))
                for at, (part, one) in places
                if part
            ),
            other_languages=tuple(
                OtherLanguage(start=at, end=at + len(one.text), language=one.language)
                for at, (_, one) in places
                if one.language
            ),
            pieces=tuple(
                Piece(start=at, at=one.place.start) for at, (_, one) in places
            ),
        ),
    )
