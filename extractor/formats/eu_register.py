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
    """Yield the trials of a download, and the problem of each block or trial that cannot be read.

    The blocks of a trial stand together: a block with another number begins the next trial.
    """
    blocks: list[Block] = []
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


def _is_too_large(blocks: Sequence[Block]) -> bool:
    """Return whether a trial is too large for a record: a block of it was cut off, or all together
    have too many characters.
    """
    if any(block.is_cut for block in blocks):
        return True
    return exceeds_record(sum(len(block.text) for block in blocks))


def build_register_text(text: str, *, title: str | None = None) -> RecordContent:
    r"""Build the content of the text of one trial, whose blocks become one record.

    A given ``title`` stands in place of the text's own; without one, the text's title stays. Raises
    ``UnreadableSource`` for a text of several trials.

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
    others = [section for section in content.sections if section.name != "title"]
    return replace(content, sections=(*text_section("title", title), *others))


def _build(blocks: Sequence[Block]) -> Found:
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
    count = "1 country block"
    if len(blocks) > 1:
        count = f"{len(blocks)} country blocks"
    notes = content.notes
    odd_bytes = sum(block.odd_bytes for block in blocks)
    if odd_bytes:
        odd = (
            f"{odd_bytes} bytes are not UTF-8 and were read as Windows-1252: compare the text "
            "with the register"
        )
        notes = (*notes, odd)
    return replace(content, place=f"{line}, {count}: {codes}", notes=notes)


class _Trial:
    """Reads the blocks of a trial as one record.

    Attributes:
        number: The EudraCT number.
        blocks: The fields of each block.
        fields: The fields of all blocks, by their number such as ``E.3``.
        notes: What a reader of the record should know, each once, in order.
    """

    def __init__(self, blocks: Sequence[Block]) -> None:
        self.number = blocks[0].number
        self.blocks = [block.list_fields() for block in blocks]
        self.fields: dict[str, list[RegisterField]] = defaultdict(list)
        for fields in self.blocks:
            for field in fields:
                self.fields[field.number].append(field)
        self.notes: dict[str, None] = {}

    def build(self) -> RecordContent:
        """Return the content of the record. Notes come of reading the sections, so these are read
        first.
        """
        sections = take_sections(self._list_sections())
        registry = self._read_registry()
        notes = tuple(self.notes)
        return RecordContent(sections, FORMAT, self.number, registry, notes=notes)

    def _list_sections(self) -> Iterator[Section]:
        """Yield the sections of the record. The description has the secondary objectives, what
        introduces lists of outcomes, and the population.
        """
        # The title for lay people is what other registries call the brief title.
        full = self._choose("A.3")
        lay = self._choose("A.3.1")
        yield from _join("title", [lay or full])
        yield from _join("official_title", [full] if lay else [])
        yield from _join("brief_summary", [self._choose("E.2.1")])
        outcomes: list[Section] = []
        introductions: list[MarkedWords] = []
        for name, numbers in _OUTCOMES.items():
            sections, leads = self._list_outcomes(name, *numbers)
            outcomes += sections
            introductions += leads
        description = [
            self._choose("E.2.2"),
            *introductions,
            *self._list_population(),
        ]
        yield from _join("detailed_description", description)
        condition = self._choose("E.1.1") or self._choose("E.1.1.1")
        yield from _join("conditions", [condition])
        yield from _join("keywords", self._list_terms())
        criteria = [*self._read_criteria("E.3"), *self._read_criteria("E.4")]
        yield from _join("eligibility", criteria)
        yield from self._list_products()
        yield from outcomes

    def _choose(self, number: str) -> MarkedWords | None:
        """Return what most blocks say that have the field in English; None if no block has it.

        If it is marked as another language everywhere, the first block's text is returned with that
        language, and noted. If the countries' English texts of a longer field differ, that is
        noted, too.
        """
        fields = self.fields[number]
        if not fields:
            return None
        unmarked = [field for field in fields if field.language in (None, "en")]
        if not unmarked:
            first = fields[0]
            language = LANGUAGES.get(first.language or "", f'"{first.language}"')
            self._note(
                f"{number} ({first.label}) is given in {language} only, which is not read"
            )
            return first.whole._replace(language=language)
        # Some countries write their own language into the field that is meant for English.
        english = [field for field in unmarked if _is_english(field.text)] or unmarked
        texts = Counter(_fold(field.text) for field in english)
        usual, _ = texts.most_common(1)[0]
        alike: list[RegisterField] = []
        others: list[RegisterField] = []
        for field in english:
            if _fold(field.text) == usual:
                alike.append(field)
            else:
                others.append(field)
        if others and number in _COMPARED:
            self._note_difference(alike[0], others)
        return alike[0].whole

    def _note_difference(
        self, chosen: RegisterField, others: Sequence[RegisterField]
    ) -> None:
        """Note that the English texts of a longer field differ between countries, as versions of
        a protocol do.
        """
        countries = dict.fromkeys(
            field.country or "another country" for field in others
        )
        self._note(
            f"{chosen.number} ({chosen.label}) differs between countries: the text of "
            f"{chosen.country or 'one country'} is read, and not that of {', '.join(countries)}"
        )

    def _note(self, sentence: str) -> None:
        """Add a note, once."""
        self.notes[sentence] = None

    def _read_criteria(self, number: str) -> list[MarkedWords]:
        """Return a list of criteria, behind the label of its field; nothing if no block has it."""
        chosen = self._choose(number)
        if not chosen:
            return []
        same_place = [
            field for field in self.fields[number] if field.place == chosen.place
        ]
        return [same_place[0].heading, chosen]

    def _list_terms(self) -> list[MarkedWords]:
        """Return the terms of MedDRA, each once."""
        terms: dict[str, MarkedWords] = {}
        for field in self.fields["E.1.2"]:
            if field.label.lower() != "term":
                continue
            # Of a term that several countries give, the first one is read, in the last one's order.
            key = _fold(field.text)
            terms[key] = terms.pop(key, field.whole)
        return list(terms.values())

    def _list_population(self) -> list[MarkedWords]:
        """Return the lines of the countries, and the lines of the population that the first block
        with them answers by yes ("Adults (18-64 years): Yes"), each once.
        """
        lines: dict[str, RegisterField] = {}
        for field in self.fields["A.1"]:
            lines[_fold(field.text)] = field
        for fields in self.fields.values():
            if fields and _is_population(fields[0]):
                lines[_fold(fields[0].label)] = fields[0]
        population: list[MarkedWords] = []
        for field in lines.values():
            place = TextRange(field.label_place.start, field.place.end)
            population.append(MarkedWords(field.line, place))
        return population

    def _list_outcomes(
        self, name: str, number: str, times: str
    ) -> tuple[list[Section], list[MarkedWords]]:
        """Return the sections of outcomes, and what introduces them.

        A last line of an outcome that ends with a colon introduces the next ones. An outcome has
        the time frame of its field of times, unless it names one itself, or is one of several and
        states a time.

        Args:
            name: The name of the sections, without a number.
            number: The field of the outcomes.
            times: The field of their time points.
        """
        chosen = self._choose(number)
        when = self._choose(times)
        if when and _ELSEWHERE.fullmatch(when.text):
            when = None
        if not chosen:
            return [], []
        lexed = read_section("text", chosen.text)
        lead, items = split_items(lexed, 0, len(chosen.text), by_line=True)
        frames = self._pair_times(times, when, len(items))
        sections: list[Section] = []
        introductions: list[MarkedWords] = []
        if lead:
            introductions.append(_part(chosen, *lead))
        for item, frame in zip(items, frames, strict=True):
            place, rest = _cut_heading(chosen.text, item)
            if rest:
                introductions.append(_part(chosen, *rest))
            # Among several outcomes, one that states a time is not given the time of all.
            has_own_time = len(items) > 1 and _states_time(lexed, *place)
            given_frame = None if has_own_time else frame
            parts = find_parts(lexed, place, name)
            words = _read_outcome(chosen, parts, place, given_frame)
            sections += _join_parts(f"{name}[{len(sections)}]", words)
        return sections, introductions

    def _pair_times(
        self, number: str, when: MarkedWords | None, count: int
    ) -> list[MarkedWords | None]:
        """Return the time frame of each outcome.

        If the field of times is a list with as many marked items as there are outcomes, each has
        its own; else each has all of the field, which is noted if the field has several items or
        lines.

        Args:
            number: The field of times.
            when: Its words, None if it has none.
            count: The number of outcomes.
        """
        if not when:
            return [None] * count
        if count < 2:
            return [when] * count
        lexed = read_section("text", when.text)
        lead, items = split_items(lexed, 0, len(when.text), by_line=True)
        is_marked = lead is None and MARK.match(when.text) is not None
        if is_marked and len(items) == count:
            return [_part(when, *item) for item in items]
        lines = [line for line in when.text.splitlines() if line.strip()]
        if len(items) > 1 or len(lines) > 1:
            self._note(
                f"{number} names times for several outcomes, and which belongs to which is not "
                "told: each has them all"
            )
        return [when] * count

    def _list_products(self) -> Iterator[Section]:
        """Yield a section for each product of all blocks. Products of the same name are one."""
        products: dict[str, _Product] = {}
        for fields in self.blocks:
            for product in _list_products(fields):
                key = _fold(product.name.text)
                first = products.setdefault(key, product)
                if first is not product:
                    first.add(product)
        for number, product in enumerate(products.values()):
            yield from _join_parts(f"interventions[{number}]", product.list_parts())

    def _read_registry(self) -> RegistryFields:
        """Return the structured fields, as the first block that has each field states it. A sex, a
        phase or a masking has a field of its own, whose answer is yes or no.
        """
        texts: dict[str, str] = {}
        yes: set[str] = set()
        for number, fields in self.fields.items():
            if not fields:
                continue
            texts[number] = fields[0].text
            if fields[0].text.lower() == "yes":
                yes.add(number)
        enrollment = texts.get("F.4.2.2")
        # F.4.1 counts the people of one member state.
        if not enrollment and len(self.blocks) == 1:
            enrollment = texts.get("F.4.1")
        sexes = [sex for number, sex in _SEXES.items() if number in yes]
        phases = [phase for number, phase in _PHASES.items() if number in yes]
        maskings = [masking for number, masking in _MASKING.items() if number in yes]
        return RegistryFields(
            sex=", ".join(sexes) or None,
            healthy_volunteers=texts.get("F.3.1"),
            enrollment=enrollment,
            phases=tuple(phases),
            allocation="Randomised" if _RANDOMISED in yes else None,
            masking=maskings[0] if maskings else None,
            sponsor=texts.get("B.1.1"),
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
_RANDOMISED = "E.8.1.1"
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
        """Return the name, what describes the product, and its other names; no words twice."""
        parts = [("name", self.name)]
        passages = [("description", form) for form in (*self.forms, *self.routes)]
        passages += [("other_names", name) for name in self.others]
        written = {_fold(self.name.text)}
        for part, words in passages:
            if _fold(words.text) in written:
                continue
            parts.append((part, words))
            written.add(_fold(words.text))
        return parts


def _list_products(fields: Sequence[RegisterField]) -> Iterator[_Product]:
    """Yield the products of a block, and one for its placebo. Fields without a name of a product
    are left out.
    """
    groups: list[list[RegisterField]] = [[]]
    for field in fields:
        if not field.number.startswith("D."):
            continue
        # the lines that begin the fields of the next product, and of the placebo
        if field.number in ("D.IMP", "D.8"):
            groups.append([])
        groups[-1].append(field)
    for group in groups:
        names = _list_names(group)
        if not names:
            continue
        forms = [field.whole for field in group if field.number in _FORMS]
        routes: list[MarkedWords] = []
        for field in group:
            if field.number in _ROUTES:
                routes += _list_lines(field)
        yield _Product(names, forms, routes)


def _list_names(group: Sequence[RegisterField]) -> list[MarkedWords]:
    """Return the names of a product, the best one first; none for fields that name no product.

    A placebo has no name of its own: if the block says that there is one (D.8.1), it has the word
    "Placebo" of that field's label.
    """
    names: list[MarkedWords] = []
    for number in _NAMES:
        fields = [field for field in group if field.number == number]
        names += [field.whole for field in fields if field.text]
    if names:
        return names
    for field in group:
        if field.number != "D.8.1" or not field.text.lower().startswith("yes"):
            continue
        at = field.label.find("Placebo")
        if at < 0:
            return []
        start = field.label_place.start + at
        return [MarkedWords("Placebo", TextRange(start, start + len("Placebo")))]
    return []


def _list_lines(field: RegisterField) -> list[MarkedWords]:
    """Return the lines of a field, without those that say that there is nothing."""
    lines: list[MarkedWords] = []
    for line in _LINE.finditer(field.text):
        if NOTHING.fullmatch(line.group().strip()):
            continue
        lines.append(field.cut(*strip_span(field.text, *line.span())))
    return lines


def _read_outcome(
    chosen: MarkedWords,
    parts: Sequence[Part],
    place: tuple[int, int],
    frame: MarkedWords | None,
) -> list[tuple[str, MarkedWords]]:
    """Return the words of an outcome by the names of their parts.

    An outcome that names a time frame has the parts that were found in it. Any other is a measure
    with the time frame of its field, or without one a statement, if that is what was found, or a
    measure.

    Args:
        chosen: The field of all outcomes.
        parts: The parts of this outcome, as offsets from its beginning.
        place: Where it stands in the field.
        frame: The time frame that its own field gives, for an outcome that names none.
    """
    names = {part.name for part in parts}
    if "time_frame" in names:
        offset, _ = place
        named: list[tuple[str, MarkedWords]] = []
        for part in parts:
            words = _part(chosen, offset + part.start, offset + part.end)
            named.append((part.name, words))
        return named
    words = _part(chosen, *place)
    if frame:
        return [("measure", words), ("time_frame", frame)]
    if "statement" in names:
        return [("statement", words)]
    return [("measure", words)]


def _cut_heading(
    text: str, item: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int] | None]:
    """Return an item without its last line if that introduces what follows, as a colon at its end
    shows, and that line; else the item and None.
    """
    start, end = item
    last = text.rfind("\n", start, end)
    if last < 0 or not text[last:end].rstrip().endswith(":"):
        return item, None
    return strip_span(text, start, last), strip_span(text, last, end)


def _states_time(text: LexedSection, start: int, end: int) -> bool:
    """Return whether an outcome among others says by itself when it is measured, with a number:
    "FEV1 at week 12".
    """
    words = text.between(start, end)
    for frame in rule("frame_within").find(words.tokens, words.first, words.end):
        if not rule("moment").search(words.tokens, frame.first, frame.end):
            continue
        # "at the end of treatment" is too common a phrase: a time of its own has a number.
        if any(map(str.isdigit, words.tokens.words[frame.first : frame.end])):
            return True
    return False


def _is_population(field: RegisterField) -> bool:
    """Return whether a field says by "yes" that people of an age or a group take part."""
    return field.number.startswith(("F.1", "F.3")) and field.text.lower() == "yes"


def _is_english(text: str) -> bool:
    return hide_foreign(text) == text


def _fold(text: str) -> str:
    """Return letters and numbers alone, in lower case: countries copy a text with other spaces
    and signs.
    """
    return "".join(filter(str.isalnum, text.casefold()))


def _part(passage: MarkedWords, start: int, end: int) -> MarkedWords:
    """Return ``start:end`` of some words, with their place in the register's text."""
    place = TextRange(passage.place.start + start, passage.place.start + end)
    return MarkedWords(passage.text[start:end], place, passage.language)


def _join(name: str, passages: Iterable[MarkedWords | None]) -> tuple[Section, ...]:
    """Return the section of passages, each on lines of its own; empty if there is none."""
    return _join_parts(name, [("", words) for words in passages if words])


def _join_parts(
    name: str, passages: Sequence[tuple[str, MarkedWords]]
) -> tuple[Section, ...]:
    """Return the section of named passages, each on lines of its own; empty if all are blank.

    A passage whose name is "" is in the section, but is no part of it. ``pieces`` say where each
    passage stands in the register's text, and ``other_languages`` which are not in English.
    """
    lines: list[str] = []
    parts: list[Part] = []
    pieces: list[Piece] = []
    languages: list[OtherLanguage] = []
    start = 0
    for part, words in passages:
        if not words.text.strip():
            continue
        end = start + len(words.text)
        lines.append(words.text)
        pieces.append(Piece(start=start, at=words.place.start))
        if part:
            parts.append(Part(name=part, start=start, end=end))
        if words.language:
            languages.append(
                OtherLanguage(start=start, end=end, language=words.language)
            )
        start = end + len("\n")
    if not lines:
        return ()
    return (
        Section(
            name=name,
            text="\n".join(lines),
            parts=tuple(parts),
            other_languages=tuple(languages),
            pieces=tuple(pieces),
        ),
    )
