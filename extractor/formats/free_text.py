"""Free text: a note, a synopsis, a copy of a registry's page, or a text that is all of one section.

The outline (``extractor.outline``) finds headings, items and page furniture, and joins wrapped
lines; ``headings`` says which section each heading opens, ``listed`` what the items of a section
are. A section has the characters of the text, with blanks for the breaks of wrapped lines.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Literal, get_args

from extractor.concepts.limits.read import find_limits
from extractor.formats.found import RecordContent, UnreadableSource, find_trial_id
from extractor.formats.headings import (
    ARMS,
    DESCRIPTION,
    ELIGIBILITY,
    INTERVENTIONS,
    ITEMS,
    OUTCOMES,
    RANKS,
    SHOWN,
    STATES,
    TITLE,
    VOCABULARY,
    name_section,
)
from extractor.formats.layout import LINE, LaidOut, Span, join_lines, lay_out
from extractor.formats.listed import (
    LABELS,
    Entry,
    Part,
    find_parts,
    group_items,
    split_line,
)
from extractor.language.book import read_text, rule
from extractor.language.other_languages import hide_foreign
from extractor.language.passage import read_section, strip_span
from extractor.language.wrapping import runs_on
from extractor.outline import Block, BlockKind, read_outline
from extractor.outline.headings import find_heading
from extractor.schemas import Part as SectionPart
from extractor.schemas import Section
from extractor.schemas.record_limits import MAX_CHARACTERS, MAX_LINES, MAX_SECTIONS

GivenSection = Literal[
    "eligibility",
    "arms",
    "interventions",
    "primary_outcomes",
    "secondary_outcomes",
    "other_outcomes",
]
"""A section that a user can name for a text without headings."""
_ID = "trial_id"
_TITLES = (TITLE, "official_title")
_ORDER = (*_TITLES, "brief_summary", DESCRIPTION, "conditions", "keywords")
_IN_CRITERIA = ("conditions", "label", "treatment")
"""Kinds of headings that may be labels of criteria: "Sex: female"."""
_LONGEST_TITLE = 300
_TABLE_LINES = 4
_FEW = 3
_TWO_WORDS = re.compile(r"\b[^\W\d_]{2,}\W+[^\W\d_]{2}")
_TABLE_ROW = re.compile(r"[^,;\t]*(?:[,;\t](?! )[^,;\t]*)+")
_RANK = re.compile(
    r"\n[ \t]*Type[ \t]*[:：][ \t]*(?P<rank>primary|secondary)\b", re.IGNORECASE
)
_PROSE_END = re.compile(r"[.;,:!?]\W{0,3}\Z")
_STYLE = re.compile(
    r"[ \t>]*(?P<sign>[*_]*(?:#{1,6}|={2,6}|(?:[A-Z]\.)?\d{1,2}(?:\.\d{1,2})*[.)]?|[A-HIVX]{1,4}[.)])"
    r")[ \t]"
)
_PAGE_NUMBER = re.compile(r"[ \t]*[-–—] ?\d{1,4} ?[-–—][ \t]*$", re.MULTILINE)


def build_text(
    text: str, *, title: str | None = None, named: bool = True
) -> RecordContent:
    r"""Build the content of a free text, whose headings show what follows.

    Raises ``UnreadableSource`` for a text that is too long, and for one without usual headings that
    is a table or data, has no words, or was not named by the user.

    Args:
        text: The text.
        title: The trial's title, in place of one in the text.
        named: Whether the user named this very text. Only then a text without usual headings is a
            record.

    >>> content = build_text(
    ...     "A Trial of Fictumab\n\nKey inclusion criteria:\n- Adults\n\nPrimary endpoint: Survival"
    ... )
    >>> [(section.name, section.text) for section in content.sections][1:]
    [('eligibility', 'Key inclusion criteria:\n- Adults'), ('primary_outcomes[0]', 'Survival')]
    """
    _check_size(text, "give one record a file")
    reader = TextReader(text)
    reader.read(reader.blocks)
    if not reader.has_usual_headings:
        _refuse_other(text, named=named)
    return RecordContent(reader.build(title), "text", reader.find_id(), given=text)


def build_given(
    text: str, section: GivenSection, *, title: str | None = None
) -> RecordContent:
    r"""Build the content of a text that is all of one section, such as a cell of a column of
    criteria. It needs no heading; a list becomes a section for each item.

    Raises ``UnreadableSource`` for an unknown section, and for too many characters or lines.

    >>> outcomes = build_given("- Pain\n- Sleep at 2 weeks", "secondary_outcomes")
    >>> [section.text for section in outcomes.sections]
    ['Pain', 'Sleep at 2 weeks']
    """
    if section not in get_args(GivenSection):
        known = ", ".join(get_args(GivenSection))
        raise UnreadableSource(
            f"there is no section {section!r}", f"choose from {known}"
        )
    _check_size(text, "give one record a text")
    if text.count("\n") >= MAX_LINES:
        problem = f"text of more than {MAX_LINES:,} lines"
        raise UnreadableSource(problem, "give one record a text")
    reader = TextReader(text)
    reader.read_as(section)
    return RecordContent(reader.build(title), "text", given=text)


def list_items(
    text: str, section: str
) -> tuple[list[Span], list[tuple[Span, list[Part]]]]:
    r"""Return what introduces the items of a text that is all of one section, and where each item
    is, with its parts.

    >>> list_items("- Pain\n- Sleep at 2 weeks", "primary_outcomes")[1][0]
    ((2, 6), [('statement', (2, 6))])
    """
    reader = TextReader(text)
    reader.read_as(section)
    return reader.list_items()


def has_headings(text: str) -> bool:
    r"""Return whether a line of a text is a heading that no description has, such as "Inclusion
    Criteria".

    >>> texts = (
    ...     "A Trial\nInclusion criteria\nAdults",
    ...     "The inclusion criteria are strict.",
    ... )
    >>> [has_headings(text) for text in texts]
    [True, False]
    """
    for line in read_section("text", text).lines():
        heading = find_heading(line, VOCABULARY)
        section = name_section(heading.name) if heading else None
        if section and section not in (DESCRIPTION, "brief_summary"):
            return True
    return False


def _check_size(text: str, remedy: str) -> None:
    if len(text) > MAX_CHARACTERS:
        problem = f"text of more than {MAX_CHARACTERS:,} characters"
        raise UnreadableSource(problem, remedy)


def _refuse_other(text: str, *, named: bool) -> None:
    """Raise ``UnreadableSource`` for a text without usual headings that is a table or JSON, that
    has no words, or that the user did not name (``named``).
    """
    lines = (line.group() for line in LINE.finditer(text) if line.group().strip())
    first = list(islice(lines, _TABLE_LINES))
    is_table = len(first) > 1 and all(map(_TABLE_ROW.fullmatch, first))
    is_json = text.lstrip()[:1] in ("{", '"')
    if is_table or is_json or _is_wordless(text):
        raise UnreadableSource(
            "an unknown format",
            'give a text with headings such as "Inclusion Criteria", or say that its section is '
            "eligibility (in Python, in JSON, and on the page to try texts), or a download of a "
            "registry (docs/reference/formats.md), plain, in gzip or in zip",
        )
    if not named:
        problem = 'a text without a heading such as "Inclusion Criteria"'
        remedy = (
            "name the file itself to read it as one description, or give it headings"
        )
        raise UnreadableSource(problem, remedy)


def _is_wordless(text: str) -> bool:
    """Return whether a text that is not blank has no two words beside each other and no limit."""
    if not text.strip() or _TWO_WORDS.search(text):
        return False
    # Chinese and Japanese are written without spaces between words.
    if hide_foreign(text) != text:
        return False
    # "HbA1c < 7 %" has no two words, and is a criterion.
    is_long = len(text) > _LONGEST_TITLE
    return is_long or not find_limits(read_text(text), None)


class TextReader:
    """Reads the sections of a text from its blocks: ``read`` (all or some of them), then ``build``.

    ``ranks`` has the places of lines that a document shows as headings, with their ranks.
    """

    def __init__(self, text: str, ranks: Mapping[int, int] | None = None) -> None:
        self.laid: LaidOut = lay_out(text)
        section = read_section("text", self.laid.text)
        self.blocks: list[Block] = read_outline(section, VOCABULARY)
        self.has_usual_headings = False
        self._text = join_lines(self.laid.text, self.blocks)
        self._ranks = ranks or {}
        self._spans: dict[str, list[Span]] = defaultdict(list)
        self._groups: list[tuple[str, list[Entry]]] = []
        self._front: list[Entry] = []
        self._section = ""
        self._style = ""
        self._styles: set[str] = set()
        self._end = 0
        self._is_cut = False
        self._has_criteria = False
        self._openings: Mapping[int, str] = {}

    def find_line(self, block: Block) -> int:
        """Return where the line of a block begins."""
        return self.laid.text.rfind("\n", 0, block.start) + 1

    def restore(self, given: str) -> str:
        """Return the text that was given, with blanks for the breaks of wrapped lines."""
        return self.laid.restore(self._text, given)

    def read(
        self, blocks: Sequence[Block], openings: Mapping[int, str] | None = None
    ) -> None:
        """Sort blocks into sections, by the headings among them; ``openings`` has the sections of
        other blocks that are headings, by where they begin.
        """
        self._openings = openings or {}
        for block in blocks:
            if self._is_furniture(block):
                self._end = block.end
                self._is_cut = True
                continue
            is_behind = self._is_behind(block)
            entry = self._make_entry(block)
            section = self._find_section(entry, is_behind=is_behind)
            if section:
                self._open(section, entry)
            else:
                self._add(entry, is_behind=is_behind)
            self._end = block.end
            self._is_cut = False
        self._place_front()

    def read_as(self, section: str) -> None:
        """Take all blocks for one section, whose headings open nothing."""
        self._section = section
        if section in ITEMS:
            self._groups.append((section, []))
        for block in self.blocks:
            self._is_cut = self._is_furniture(block)
            if not self._is_cut:
                self._add(self._make_entry(block), is_behind=self._is_behind(block))
            self._end = block.end

    def _is_furniture(self, block: Block) -> bool:
        begin = self._text.rfind("\n", 0, block.start) + 1
        is_page = _PAGE_NUMBER.match(self._text, begin) is not None
        return is_page or block.kind is BlockKind.FURNITURE

    def _is_behind(self, block: Block) -> bool:
        """Return whether a block begins on the line on which the one before it ends."""
        return "\n" not in self._text[self._end : block.start] and self._end > 0

    def _make_entry(self, block: Block) -> Entry:
        begin = self._text.rfind("\n", 0, block.start) + 1
        sign = _STYLE.match(self._text, begin)
        style = re.sub(r"\d+", "1", sign["sign"]) if sign else block.style
        if self._ranks:
            rank = self._ranks.get(self.laid.find_place(begin))
            style = f"rank {rank}" if rank else style
        is_marked = block.mark != "" and block.kind is BlockKind.HEADING
        return Entry(
            start=block.start if self._is_behind(block) else max(begin, self._end),
            words=block.start,
            end=block.end,
            kind=BlockKind.ITEM if is_marked else block.kind,
            name=block.name,
            style=style,
            column=block.column,
            gap=block.gap,
            goes_on=self._is_cut and self._text[block.start].islower(),
        )

    def _find_section(self, entry: Entry, *, is_behind: bool) -> str | None:
        """Return the section that a line opens; None for one that is content."""
        name = entry.name
        if entry.start in self.laid.labels:
            return DESCRIPTION
        opening = self._openings.get(entry.words)
        if opening == ELIGIBILITY == self._section and name != "criteria":
            return None
        if opening and (name is None or opening == ELIGIBILITY):
            return opening
        if name is None:
            is_next = entry.style == self._style and entry.style not in self._styles
            return DESCRIPTION if is_next and not is_behind and self._style else None
        words = self._text[entry.words : entry.end]
        above = self._text[max(0, entry.start - 40) : entry.start].rstrip()
        is_open = bool(above) and above[-1] not in ".:;" and words[-1] != ":"
        is_wrapped = runs_on(above) or (is_open and not entry.gap)
        if (words[0].islower() and is_wrapped) or words.endswith((",", ";")):
            return None
        is_label = LABELS.match(self._text, entry.words, entry.end + 1) is not None
        if self._section in ITEMS and is_label:
            return DESCRIPTION if entry.gap and not self._is_label(entry) else None
        is_item = entry.kind is BlockKind.ITEM and entry.style != self._style
        if is_item and entry.style in self._styles:
            return None
        if name in RANKS:
            return RANKS[name] if self._section in OUTCOMES else None
        if self._section == ELIGIBILITY and self._is_criterion(entry):
            return None
        if name in STATES:
            in_list = self._section in (ARMS, INTERVENTIONS)
            return name_section(name) if in_list or not self._has_criteria else None
        return name_section(name)

    def _is_label(self, entry: Entry) -> bool:
        """Return whether words are behind a heading on its line."""
        return self._text[entry.end : entry.end + 80].split("\n")[0].strip() != ""

    def _is_criterion(self, entry: Entry) -> bool:
        """Return whether a heading within criteria is one of them: "2. Gender: transition"."""
        return entry.name in _IN_CRITERIA and self._is_label(entry)

    def _open(self, section: str, entry: Entry) -> None:
        is_item = entry.name in STATES
        self.has_usual_headings = self.has_usual_headings or section in (
            ELIGIBILITY,
            *ITEMS,
        )
        self._has_criteria = self._has_criteria or section == ELIGIBILITY
        if not (is_item and self._section == section):
            self._section = section
            self._style = entry.style if re.search(r"[\w#=]", entry.style) else ""
            self._styles = set()
            self._is_cut = True
            if section in ITEMS:
                self._groups.append((section, []))
        if section == DESCRIPTION or name_section(entry.name) == ELIGIBILITY:
            shown = Entry(entry.words, entry.words, entry.end)
            self._add(shown, is_behind=False)
        elif is_item:
            self._add(entry, is_behind=False)

    def _add(self, entry: Entry, *, is_behind: bool) -> None:
        """Add a line to the section that is open, or words behind others to their line."""
        if entry.kind is BlockKind.ITEM:
            self._styles.add(entry.style)
        entries = self._front
        if self._section in ITEMS:
            entries = self._groups[-1][1]
        elif self._section:
            if self._section in _TITLES and self._spans[self._section]:
                self._section = DESCRIPTION
            spans = self._spans[self._section]
            if spans and not self._is_cut:
                entry.start = spans.pop()[0]
            spans.append((entry.start, entry.end))
            return
        is_row = bool(entries) and "\t" in self._text[entries[-1].start : entry.end]
        is_part = is_behind and (is_row or entry.kind is not BlockKind.ITEM)
        is_part = bool(entries) and is_part and not self._is_cut
        for line in LINE.finditer(self._text, entry.words, entry.end):
            if is_part:
                entries[-1].end = line.end()
            elif line.start() == entry.words:
                entries.append(replace(entry, end=line.end()))
            else:
                entries.append(
                    Entry(line.start(), line.start(), line.end(), goes_on=True)
                )
            is_part = False

    def _place_front(self) -> None:
        """Place the lines before the first heading: a number, a title, and a description, or a list
        of criteria if the text has no heading.
        """
        lines = self._front
        while lines and find_trial_id(self._read(lines[0])):
            self._spans[_ID].append((lines[0].words, lines[0].end))
            lines = lines[1:]
        if (
            lines
            and not self._section
            and _holds_list([*map(self._read, lines)], lines)
        ):
            self._spans[ELIGIBILITY].append((lines[0].start, lines[-1].end))
            return
        if lines and self._is_title(lines):
            self._spans[TITLE].append((lines[0].words, lines[0].end))
            lines = lines[1:]
            if lines and not self._section:
                if _holds_list([*map(self._read, lines)], lines):
                    self._spans[ELIGIBILITY].append((lines[0].start, lines[-1].end))
                    return
        if lines:
            span = (lines[0].start, lines[-1].end)
            self._spans[DESCRIPTION].insert(0, span)

    def _is_title(self, lines: Sequence[Entry]) -> bool:
        words = self._read(lines[0])
        if len(words) > _LONGEST_TITLE or _PROSE_END.search(words):
            return False
        if lines[0].kind is BlockKind.ITEM or self._spans[TITLE]:
            return False
        behind = self._text[lines[0].end :][:200].lstrip(" *_")
        return bool(self._section) or behind.startswith(("\n\n", "\n-", "\n*"))

    def _read(self, entry: Entry) -> str:
        return self._text[entry.words : entry.end]

    def find_id(self) -> str | None:
        """Return the registry's number of the trial; None without one."""
        numbers = (find_trial_id(self._text[slice(*span)]) for span in self._spans[_ID])
        return next(filter(None, numbers), None)

    def build(self, title: str | None) -> tuple[Section, ...]:
        """Return the sections; ``title`` in place of one in the text."""
        sections: list[Section] = []
        if title:
            sections.append(Section(name=TITLE, text=title))
        for name in (*_ORDER, ELIGIBILITY):
            spans = self._spans[name][: 1 if name in _TITLES else None]
            if not (title and name == TITLE):
                sections += self._make_section(name, [("", span) for span in spans])
        numbers: dict[str, int] = defaultdict(int)
        items: dict[str, list[Section]] = defaultdict(list)
        for section, entries in self._groups:
            _, found = group_items(self._text, section, entries)
            for item in found:
                is_line = section in OUTCOMES and len(found) == 1
                pieces = split_line(self._text, item) if is_line else [item]
                for piece in pieces:
                    parts = find_parts(self._text, section, piece)
                    name = self._find_rank(section, piece)
                    made = self._make_section(f"{name}[{numbers[name]}]", parts)
                    numbers[name] += len(made)
                    items[name] += made
        for name in ITEMS:
            sections += items[name]
        return tuple(sections[: MAX_SECTIONS + 1])

    def list_items(self) -> tuple[list[Span], list[tuple[Span, list[Part]]]]:
        """Return the introductions and the items of the section that all of the text is."""
        section, entries = self._groups[0]
        lead, found = group_items(self._text, section, entries)
        introductions = [self._place(one.words, one.end) for one in lead]
        items = []
        for item in found:
            parts = find_parts(self._text, section, item)
            placed = [(name, self._place(*span)) for name, span in parts]
            items.append((self._place(item[0].words, item[-1].end), placed))
        return introductions, items

    def _place(self, start: int, end: int) -> Span:
        return self.laid.find_place(start), self.laid.find_place(end - 1) + 1

    def _find_rank(self, section: str, item: Sequence[Entry]) -> str:
        """Return the section of an item, whose fields may say that it is another outcome."""
        if section not in OUTCOMES:
            return section
        found = _RANK.search(self._text, item[0].end, item[-1].end)
        return RANKS[found["rank"].lower()] if found else section

    def _make_section(self, name: str, parts: Sequence[Part]) -> list[Section]:
        """Return the section of parts, each on lines of its own; none without words."""
        lines: list[str] = []
        named: list[SectionPart] = []
        pieces = []
        at = 0
        for part, span in parts:
            signs = "\n" if name in SHOWN else " \n*_|"
            start, end = strip_span(self._text, *span, signs)
            words = self._text[start:end]
            if not words.strip():
                continue
            pieces += self.laid.list_pieces(start, end, at)
            if part:
                named.append(SectionPart(name=part, start=at, end=at + len(words)))
            lines.append(words)
            at += len(words) + 1
        if not lines:
            return []
        text = "\n".join(lines)
        return [Section(name=name, text=text, parts=tuple(named), pieces=tuple(pieces))]


def _holds_list(lines: Sequence[str], entries: Sequence[Entry]) -> bool:
    """Return whether lines are a list of criteria: items, or phrases most of which state a limit or
    deny something.
    """
    if len(lines) > 1 and all(one.kind is BlockKind.ITEM for one in entries):
        return True
    if len(lines) < _FEW or any(re.search(r"[.!?] +[A-Z]", line) for line in lines):
        return False
    count = 0
    for line in lines:
        tokens = read_text(line)
        denies = rule("negated_statement").starts(tokens, 0, len(tokens))
        count += bool(denies or find_limits(tokens, None))
    return 2 * count > len(lines)
