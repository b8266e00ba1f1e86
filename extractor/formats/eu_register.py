"""Trials in the text of the EU Clinical Trials Register, its download of full details, or a copy
of a part of it.

A trial has a block of fields for each country, in which it was authorised. A field is a line with
a number and a label ("E.3 Principal inclusion criteria: ..."), and what follows it up to the next
one. A code of a language in brackets ("(es)") marks a translation. The blocks of a trial are one
record: each field is read once, in English if any block has it in English, and as most blocks
have it.
"""

import io
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, BinaryIO

from extractor.formats.eu_blocks import (
    LINE,
    NOTHING,
    PRODUCTS,
    EuBlock,
    EuField,
    list_blocks,
)
from extractor.formats.found import (
    Found,
    RecordContent,
    UnreadableSource,
    Words,
    build_content,
    join_parts,
    join_texts,
    take_sections,
    text_section,
)
from extractor.formats.free_text import list_items
from extractor.formats.registers import load_tables, name_language
from extractor.formats.streams import exceeds_record, too_large
from extractor.language.book import rule
from extractor.language.other_languages import hide_foreign
from extractor.language.passage import LexedSection, read_section, strip_span
from extractor.schemas import RegistryFields, Section

_ELSEWHERE = re.compile(
    r"(?:please\s+)?(?:see|refer to|same as|as)\b.{0,80}?"
    r"(?:above|below|E\.5[\d.]*|protocol|section|end ?points?|listed)\W*",
    re.IGNORECASE,
)
"""What is written for time points that are elsewhere: "see above"."""
_MARK = re.compile(r"\s*(?:[-*•]|\(?\w{1,3}[.)])\s")
_OUTCOMES = {"primary_outcomes": "E.5.1", "secondary_outcomes": "E.5.2"}
_COMPARED = ("E.3", "E.4", "E.5.1", "E.5.1.1", "E.5.2", "E.5.2.1")
"""Longer texts, of which it is noted if they differ between countries."""


def read_register_text(stream: BinaryIO) -> Iterator[Found]:
    """Yield the trials of a download, and the problem of each block or trial that cannot be read.

    A block with another number than the one before begins the next trial.
    """
    blocks: list[EuBlock] = []
    for block in list_blocks(stream):
        if isinstance(block, UnreadableSource):
            yield block
            continue
        if blocks and block.number != blocks[0].number:
            yield _build(blocks)
            blocks = []
        # Blocks of a trial that is too large already are not kept: it becomes a problem anyway.
        if not _is_too_large(blocks):
            blocks.append(block)
    if blocks:
        yield _build(blocks)


def _is_too_large(blocks: Sequence[EuBlock]) -> bool:
    return exceeds_record(sum(block.size for block in blocks))


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
    blocks: list[EuBlock] = []
    for block in list_blocks(io.BytesIO(text.encode())):
        if isinstance(block, UnreadableSource):
            raise block
        blocks.append(block)
    numbers = {block.number for block in blocks}
    if len(numbers) > 1:
        raise UnreadableSource(
            f"a text of {len(numbers)} trials of the EU Clinical Trials Register",
            "save it as a file and read that (read_records, extractor run): each trial becomes a "
            "record",
        )
    content = _Trial(blocks).build()
    if title is None:
        return content
    others = [section for section in content.sections if section.name != "title"]
    return replace(content, sections=(*text_section("title", title), *others))


def _build(blocks: Sequence[EuBlock]) -> Found:
    """Build the content of the blocks of one trial, with its place and notes; a problem if it is
    too large or cannot be read. Does not raise.
    """
    line = f"line {blocks[0].line}"
    if _is_too_large(blocks):
        return too_large("record", line)
    content = build_content(lambda trial: _Trial(trial).build(), blocks, line)
    if not isinstance(content, RecordContent):
        return content
    codes = ", ".join(block.code or "?" for block in blocks)
    ending = "" if len(blocks) == 1 else "s"
    place = f"{line}, {len(blocks)} country block{ending}: {codes}"
    odd_bytes = sum(block.odd_bytes for block in blocks)
    if not odd_bytes:
        return replace(content, place=place)
    note = (
        f"{odd_bytes} bytes are not UTF-8 and were read as Windows-1252: compare the text "
        "with the register"
    )
    return replace(content, place=place, notes=(*content.notes, note))


class _Trial:
    """Reads the blocks of a trial as one record."""

    def __init__(self, blocks: Sequence[EuBlock]) -> None:
        self._number = blocks[0].number
        self._blocks = [block.list_fields() for block in blocks]
        self._table = load_tables()["eu_register"]
        self._fields: dict[str, list[EuField]] = defaultdict(list)
        for fields in self._blocks:
            for field in fields:
                self._fields[field.number].append(field)
        # each once, in order
        self._notes: dict[str, None] = {}

    def build(self) -> RecordContent:
        """Return the content of the record. Notes come of reading the sections, so these are read
        first.
        """
        sections = take_sections(self._list_sections())
        return RecordContent(
            sections,
            self._table["formats"]["text"],
            self._number,
            self._read_registry(),
            notes=tuple(self._notes),
        )

    def _list_sections(self) -> Iterator[Section]:
        """Yield the sections of the record. The description has the secondary objectives, what
        introduces lists of outcomes, and the population.
        """
        # The title for lay people is what other registries call the brief title.
        full = self._choose("A.3")
        lay = self._choose("A.3.1")
        yield from join_texts("title", [lay or full])
        yield from join_texts("official_title", [full if lay else None])
        yield from join_texts("brief_summary", [self._choose("E.2.1")])
        outcomes: list[Section] = []
        description = [self._choose("E.2.2")]
        for name, number in _OUTCOMES.items():
            sections, introductions = self._list_outcomes(name, number)
            outcomes += sections
            description += introductions
        description += self._list_population()
        yield from join_texts("detailed_description", description)
        condition = self._choose("E.1.1") or self._choose("E.1.1.1")
        yield from join_texts("conditions", [condition])
        yield from join_texts("keywords", self._list_terms())
        criteria: list[Words] = []
        for number in ("E.3", "E.4"):
            chosen = self._choose(number)
            for field in self._fields[number] if chosen else ():
                if chosen and field.text.at == chosen.at:
                    criteria += [field.label, chosen]
        yield from join_texts("eligibility", criteria)
        yield from self._list_products()
        yield from outcomes

    def _choose(self, number: str) -> Words | None:
        """Return what most blocks say that have the field in English; None if no block has it.

        If it is marked as another language everywhere, the first block's text is returned with that
        language, and noted. If the countries' English texts of a longer field differ, that is
        noted, too.
        """
        fields = self._fields[number]
        if not fields:
            return None
        unmarked = [field for field in fields if field.language in (None, "en")]
        name = f"{number} ({fields[0].label})"
        if not unmarked:
            language = name_language(fields[0].language)
            self._notes[f"{name} is given in {language} only, which is not read"] = None
            return Words(fields[0].text, at=fields[0].text.at, language=language)
        # Some countries write their own language into the field that is meant for English.
        english = [one for one in unmarked if hide_foreign(one.text) == one.text]
        by_text: dict[str, list[EuField]] = defaultdict(list)
        for field in english or unmarked:
            by_text[_fold(field.text)].append(field)
        usual = max(by_text.values(), key=len)[0]
        others = [
            one for one in english or unmarked if _fold(one.text) != _fold(usual.text)
        ]
        if others and number in _COMPARED:
            self._note_difference(usual, others)
        return usual.text

    def _note_difference(self, chosen: EuField, others: Sequence[EuField]) -> None:
        countries = dict.fromkeys(one.country or "another country" for one in others)
        note = (
            f"{chosen.number} ({chosen.label}) differs between countries: the text of "
            f"{chosen.country or 'one country'} is read, and not that of {', '.join(countries)}"
        )
        self._notes[note] = None

    def _list_terms(self) -> list[Words]:
        """Return the terms of MedDRA, each once."""
        terms: dict[str, Words] = {}
        for field in self._fields["E.1.2"]:
            if field.label.lower() == "term":
                # Of a term that several countries give, the first one is read, in the last
                # one's order.
                key = _fold(field.text)
                terms[key] = terms.pop(key, field.text)
        return list(terms.values())

    def _list_population(self) -> list[Words]:
        """Return the lines of the countries, and the lines of the population that the first block
        with them answers by yes ("Adults (18-64 years): Yes"), each once.
        """
        lines = {_fold(field.text): field for field in self._fields["A.1"]}
        for number, fields in self._fields.items():
            is_population = number.startswith(("F.1", "F.3"))
            if is_population and fields and fields[0].text.lower() == "yes":
                lines[_fold(fields[0].label)] = fields[0]
        return [field.line for field in lines.values()]

    def _list_outcomes(
        self, name: str, number: str
    ) -> tuple[list[Section], list[Words]]:
        """Return the sections of outcomes, and what introduces them.

        A last line of an outcome that ends with a colon introduces the next ones. An outcome has
        the time frame of its field of times (``number`` with ".1"), unless it names one itself, or
        is one of several and states a time.
        """
        chosen = self._choose(number)
        when = self._choose(f"{number}.1")
        if not chosen:
            return [], []
        lexed = read_section("text", chosen)
        lead, items = list_items(chosen, name)
        introductions = [_cut(chosen, *span) for span in lead]
        frames = self._pair_times(f"{number}.1", when, len(items))
        sections: list[Section] = []
        for (span, found), frame in zip(items, frames, strict=True):
            start, end = span
            last = chosen.rfind("\n", start, end)
            if last >= 0 and chosen[last:end].rstrip().endswith(":"):
                introductions.append(_cut(chosen, *strip_span(chosen, last, end)))
                start, end = strip_span(chosen, start, last)
            parts = [
                (part, _cut(chosen, *place)) for part, place in found if place[1] <= end
            ]
            names = {part for part, _ in parts}
            # Among several outcomes, one that states a time is not given the time of all.
            has_own_time = len(items) > 1 and _states_time(lexed, start, end)
            if "time_frame" not in names:
                is_statement = "statement" in names and (has_own_time or not frame)
                whole = "statement" if is_statement else "measure"
                parts = [(whole, _cut(chosen, start, end))]
                if frame and not has_own_time:
                    parts.append(("time_frame", frame))
            sections += join_parts(f"{name}[{len(sections)}]", parts)
        return sections, introductions

    def _pair_times(
        self, number: str, when: Words | None, count: int
    ) -> list[Words] | list[None]:
        """Return the time frame of each of ``count`` outcomes.

        If the field of times is a list with as many marked items, each has its own; else each has
        all of the field, which is noted if the field has several items or lines.
        """
        if not when or _ELSEWHERE.fullmatch(when):
            return [None] * count
        if count < 2:
            return [when] * count
        lead, items = list_items(when, "primary_outcomes")
        if not lead and _MARK.match(when) and len(items) == count:
            return [_cut(when, *span) for span, _ in items]
        lines = [line for line in when.splitlines() if line.strip()]
        if max(len(items), len(lines)) > 1:
            note = (
                f"{number} names times for several outcomes, and which belongs to which is not "
                "told: each has them all"
            )
            self._notes[note] = None
        return [when] * count

    def _list_products(self) -> Iterator[Section]:
        """Yield a section for each product of all blocks: its name, form and routes, other names;
        no words twice. Products of one name are one.
        """
        products: dict[str, dict[str, tuple[int, str, Words]]] = {}
        for fields in self._blocks:
            groups: list[list[EuField]] = [[]]
            for field in fields:
                if field.number in PRODUCTS:
                    groups.append([])
                if field.number.startswith("D."):
                    groups[-1].append(field)
            for parts in map(self._list_parts, groups):
                own = products.setdefault(_fold(parts[0][2]), {}) if parts else {}
                for part in parts:
                    own.setdefault(_fold(part[2]), part)
        for number, own in enumerate(products.values()):
            ordered = sorted(own.values(), key=lambda part: part[0])
            named = [(name, words) for _, name, words in ordered]
            yield from join_parts(f"interventions[{number}]", named)

    def _list_parts(self, group: Sequence[EuField]) -> list[tuple[int, str, Words]]:
        """Return the parts of a product, each with its rank; none for fields that name no
        product.
        """
        texts: dict[str, list[Words]] = defaultdict(list)
        for field in group:
            texts[field.number].append(field.text)
        found = {
            kind: [words for number in numbers for words in texts[number] if words]
            for kind, numbers in self._table["products"].items()
        }
        names = found["names"] or _find_placebo(group)
        if not names:
            return []
        parts = [(1, "description", form) for form in found["forms"]]
        for route in found["routes"]:
            for line in LINE.finditer(route):
                if not NOTHING.fullmatch(line[0].strip()):
                    words = _cut(route, *strip_span(route, *line.span()))
                    parts.append((2, "description", words))
        others = [(3, "other_names", name) for name in names[1:]]
        return [(0, "name", names[0]), *parts, *others]

    def _read_registry(self) -> RegistryFields:
        """Return the structured fields, as the first block that has each field states it. Some have
        a field for each word, whose answer is yes or no.
        """
        texts = {
            number: found[0].text for number, found in self._fields.items() if found
        }
        values: dict[str, Any] = {}
        for name, row in self._table["registry"].items():
            if isinstance(row, str):
                values[name] = texts.get(row)
                continue
            words = [
                row[number] for number in row if texts.get(number, "").lower() == "yes"
            ]
            if name == "phases":
                values[name] = words
            elif words:
                values[name] = ", ".join(words) if name == "sex" else words[0]
        # F.4.1 counts the people of one member state.
        enrollment = texts.get("F.4.2.2")
        if not enrollment and len(self._blocks) == 1:
            enrollment = texts.get("F.4.1")
        return RegistryFields(**values, enrollment=enrollment)


def _find_placebo(group: Sequence[EuField]) -> list[Words]:
    """Return the name of a placebo, the word of the label of the field that there is one."""
    for field in group:
        at = field.label.find("Placebo")
        if field.number == "D.8.1" and field.text.lower()[:3] == "yes" and at >= 0:
            return [_cut(field.label, at, at + len("Placebo"))]
    return []


def _states_time(text: LexedSection, start: int, end: int) -> bool:
    """Return whether an outcome among others says by itself when it is measured, with a number:
    "FEV1 at week 12". "At the end of treatment" is too common a phrase.
    """
    words = text.between(start, end)
    for frame in rule("frame_within").find(words.tokens, words.first, words.end):
        is_moment = rule("moment").search(words.tokens, frame.first, frame.end)
        written = words.tokens.words[frame.first : frame.end]
        if is_moment and any(map(str.isdigit, written)):
            return True
    return False


def _fold(text: str) -> str:
    """Return letters and numbers alone, in lower case: countries copy a text with other spaces
    and signs.
    """
    return "".join(filter(str.isalnum, text.casefold()))


def _cut(words: Words, start: int, end: int) -> Words:
    """Return ``start:end`` of some words, with their place in the register's text."""
    at = None if words.at is None else words.at + start
    return Words(words[start:end], at=at, language=words.language)
