"""Free text: a note, a synopsis, a copy of a registry's page, or a text that is all of one section.

The outline (``extractor.outline``) finds headings, items and page furniture, and joins wrapped
lines; ``headings`` says which section each heading opens, ``listed`` what the items of a section
are. A section has the characters of the text, with blanks for the breaks of wrapped lines.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Literal, get_args

from extractor.concepts.limits.read import find_limits
from extractor.formats.cells import undo_breaks
from extractor.formats.found import (
    RecordContent,
    UnreadableSource,
    find_trial_id,
    take_sections,
    text_section,
)
from extractor.formats.headings import (
    ARMS,
    DESCRIPTION,
    ELIGIBILITY,
    INTERVENTIONS,
    ITEMS,
    OUTCOMES,
    RANKS,
    STATES,
    TITLE,
    VOCABULARY,
    name_section,
)
from extractor.formats.layout import LINE, Span, join_lines, lay_out
from extractor.formats.listed import LABELS, Entry, Part, find_parts, list_items
from extractor.language.book import read_text, rule
from extractor.language.other_languages import hide_foreign
from extractor.language.passage import read_section, strip_span
from extractor.language.wrapping import runs_on
from extractor.outline import Block, BlockKind, read_outline
from extractor.schemas import Part as SectionPart
from extractor.schemas import Piece, Section
from extractor.schemas.record_limits import MAX_CHARACTERS, MAX_LINES

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
_ORDER = (
    *_TITLES,
    "brief_summary",
    DESCRIPTION,
    "conditions",
    "keywords",
    ELIGIBILITY,
)
_EDGES = dict.fromkeys((ELIGIBILITY, DESCRIPTION, "brief_summary"), "\n")
"""The signs at the edges of sections that keep their layout."""
_IN_CRITERIA = ("conditions", "label", "treatment")
"""Kinds of headings that may be labels of criteria: "Sex: female"."""
_LONGEST_TITLE = 300
_TABLE_LINES = 4
_FEW = 3
_WORD = re.compile(r"[^\W\d_]{2}")
_TABLE_ROW = re.compile(r"[^,;\t]*(?:[,;\t](?! )[^,;\t]*)+")
_RANK = re.compile(
    r"\n[ \t]*Type[ \t]*[:：][ \t]*(?P<rank>primary|secondary)\b", re.IGNORECASE
)
_SENTENCES = re.compile(r"[.!?] +[A-Z]")
_PROSE_END = re.compile(r"[.;,:!?]\W{0,3}\Z")
_BEGIN = re.compile(r"^[ \t:：]+(?:/[ \t]*)?", re.MULTILINE)
"""What is left before the English half of a line in two languages; no indent of its line."""
_NO_SIGN = "\u200b"
_STYLE = re.compile(
    r"[ \t>]*(?P<sign>[*_]*(?:#{1,6}|={2,6}|(?:[A-Z]\.)?\d{1,2}(?:\.\d{1,2})*[.)]?"
    r"|[A-HIVX]{1,4}[.)]))[ \t]"
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


def _check_size(text: str, remedy: str) -> None:
    if len(text) > MAX_CHARACTERS:
        problem = f"text of more than {MAX_CHARACTERS:,} characters"
        raise UnreadableSource(problem, remedy)


def _refuse_other(text: str, *, named: bool) -> None:
    """Raise ``UnreadableSource`` for a text without usual headings that is a table or JSON, that
    has no word, or that the user did not name (``named``).
    """
    lines = (line[0] for line in LINE.finditer(text) if line[0].strip())
    first = list(islice(lines, _TABLE_LINES))
    is_table = len(first) > 1 and all(map(_TABLE_ROW.fullmatch, first))
    has_word = _WORD.search(text) is not None
    is_json = text.lstrip()[:1] in ("{", '"')
    if is_table or is_json or (text.strip() and not has_word):
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


class TextReader:
    """Reads the sections of a text from its blocks: ``read`` (all or some of them), then ``build``.

    ``ranks`` has the places of lines that a document shows as headings, with their ranks.
    """

    def __init__(self, text: str, ranks: Mapping[int, int] | None = None) -> None:
        self.laid = lay_out(text)
        english = hide_foreign(self.laid.text)
        self._is_hidden = english != self.laid.text
        self._english = english
        if self._is_hidden:
            english = _BEGIN.sub(lambda found: _NO_SIGN * len(found[0]), english)
        self.blocks = read_outline(read_section("text", english), VOCABULARY)
        self._text = join_lines(undo_breaks(self.laid.text), self.blocks)
        self._ranks = ranks or {}
        self._openings: Mapping[int, str] = {}
        self._spans: dict[str, list[Span]] = defaultdict(list)
        self._groups: list[tuple[str, list[Entry]]] = []
        self._front: list[Entry] = []
        self._section = ""
        self._style = ""
        self._styles: set[str] = set()
        self._end = 0
        self._is_cut = False
        self._has_criteria = False

    @property
    def has_usual_headings(self) -> bool:
        """Whether a heading of criteria, arms, interventions or outcomes was read."""
        return self._has_criteria or bool(self._groups)

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
        for entry in self._list_entries(blocks):
            section = self._find_section(entry)
            if section:
                self._open(section, entry)
            else:
                self._add(entry)
        self._place_front()
        if self._is_hidden:
            self._place_foreign()

    def read_as(self, section: str) -> None:
        """Take the whole text for one section, whose headings open nothing."""
        self._section = section
        if section in ITEMS:
            self._groups.append((section, []))
        for entry in self._list_entries(self.blocks):
            self._add(entry)

    # From blocks to the lines of sections.

    def _list_entries(self, blocks: Sequence[Block]) -> Iterator[Entry]:
        """Yield the lines that blocks are, without the edges of pages."""
        for block in blocks:
            begin = self._text.rfind("\n", 0, block.start) + 1
            is_edge = block.kind is BlockKind.FURNITURE
            is_edge = is_edge or _PAGE_NUMBER.match(self._text, begin) is not None
            if not is_edge:
                yield self._make_entry(block, begin)
            self._is_cut = is_edge
            self._end = block.end

    def _make_entry(self, block: Block, begin: int) -> Entry:
        is_behind = begin <= self._end and self._end > 0
        sign = _STYLE.match(self._text, begin)
        style = re.sub(r"\d+", "1", sign["sign"]) if sign else block.style
        rank = self._ranks.get(self.laid.find_place(begin)) if self._ranks else None
        is_marked = block.mark != "" and block.kind is BlockKind.HEADING
        return Entry(
            start=block.start if is_behind else begin,
            words=block.start,
            end=block.end,
            kind=BlockKind.ITEM if is_marked else block.kind,
            name=block.name,
            style=f"rank {rank}" if rank else style,
            column=block.column,
            gap=block.gap,
            is_behind=is_behind,
        )

    def _find_section(self, entry: Entry) -> str | None:
        """Return the section that a line opens; None for one that is content."""
        opening = self._openings.get(entry.words)
        if entry.start in self.laid.labels:
            return DESCRIPTION
        if opening and (entry.name is None or opening == ELIGIBILITY):
            is_part = opening == self._section and entry.name != "criteria"
            return None if is_part else opening
        if entry.name:
            is_content = self._is_content(entry, entry.name)
            return None if is_content else name_section(entry.name)
        # a line marked like the heading of the section, and unlike the items in it
        is_next = entry.style == self._style and entry.style not in self._styles
        return DESCRIPTION if self._style and is_next and not entry.is_behind else None

    def _is_content(self, entry: Entry, name: str) -> bool:
        """Return whether words of a heading are content of the section that is open."""
        is_group = self._section in (ARMS, INTERVENTIONS)
        if name in RANKS and self._section not in OUTCOMES:
            return True
        if name in STATES and self._has_criteria and not is_group:
            return True
        if self._is_in_sentence(entry):
            return True
        has_text = self._text[entry.end : entry.end + 80].split("\n")[0].strip() != ""
        is_label = LABELS.match(self._text, entry.words, entry.end + 1) is not None
        if self._section in ITEMS and is_label:
            return has_text or not entry.gap
        if entry.kind is BlockKind.ITEM and entry.style in self._styles - {self._style}:
            return True
        return self._section == ELIGIBILITY and name in _IN_CRITERIA and has_text

    def _is_in_sentence(self, entry: Entry) -> bool:
        """Return whether a line that begins with the words of a heading is within a sentence."""
        words = self._read(entry)
        if words.endswith((",", ";")):
            return True
        if not words[0].islower():
            return False
        above = self._text[max(0, entry.start - 40) : entry.start].rstrip()
        is_open = above[-1:] not in ("", ".", ":", ";") and words[-1] != ":"
        return runs_on(above) or (is_open and not entry.gap)

    def _open(self, section: str, entry: Entry) -> None:
        is_item = entry.name in STATES
        if not (is_item and self._section == section):
            self._is_cut = True
            self._section = section
            self._style = entry.style if re.search(r"[\w#=]", entry.style) else ""
            self._styles = set()
            if section in ITEMS:
                self._groups.append((section, []))
        self._has_criteria = self._has_criteria or section == ELIGIBILITY
        if section == DESCRIPTION or name_section(entry.name) == ELIGIBILITY:
            self._add(replace(entry, start=entry.words, kind=BlockKind.HEADING))
        elif is_item:
            self._add(entry)

    def _add(self, entry: Entry) -> None:
        """Add a line to the section that is open, or words behind others to their line."""
        if entry.kind is BlockKind.ITEM:
            self._styles.add(entry.style)
        spans = self._spans[self._section]
        if self._section in ITEMS:
            self._add_to_items(entry, self._groups[-1][1])
        elif not self._section:
            self._front.append(entry)
        elif self._section in (*_TITLES, _ID) and spans:
            self._section = DESCRIPTION if self._section in _TITLES else ""
            self._add(entry)
        else:
            start = spans.pop()[0] if spans and not self._is_cut else entry.start
            spans.append((start, entry.end))

    def _add_to_items(self, entry: Entry, entries: list[Entry]) -> None:
        """Add a line to those of items; the words behind others, and the cells of a row, go on
        their line.
        """
        is_row = bool(entries) and "\t" in self._text[entries[-1].start : entry.end]
        is_part = entry.is_behind and (is_row or entry.kind is not BlockKind.ITEM)
        if is_part and entries and not self._is_cut:
            entries[-1].end = entry.end
        else:
            entries.append(entry)

    # What has no heading.

    def _place_front(self) -> None:
        """Place the lines before the first heading: a number, a title, and a description, or a list
        of criteria if the text has no heading.
        """
        lines = self._front
        while lines and find_trial_id(self._read(lines[0])):
            self._spans[_ID].append((lines[0].words, lines[0].end))
            lines = lines[1:]
        is_list = not self._section and self._holds_list(lines)
        if lines and not is_list and self._is_title(lines[0]):
            self._spans[TITLE].append((lines[0].words, lines[0].end))
            lines = lines[1:]
            is_list = not self._section and self._holds_list(lines)
        if lines:
            name = ELIGIBILITY if is_list else DESCRIPTION
            self._spans[name].insert(0, (lines[0].start, lines[-1].end))

    def _place_foreign(self) -> None:
        """Place the lines in other languages that no section has: below criteria, or in the
        description.
        """
        ends = [(end, name) for name in _ORDER for _, end in self._spans[name]]
        spans = (span for name in _ORDER for span in self._spans[name])
        places = {at for span in spans for at in range(*span)}
        for line in LINE.finditer(self.laid.text):
            is_hidden = not self._english[slice(*line.span())].strip()
            if is_hidden and line[0].strip() and line.start() not in places:
                above = max(
                    (one for one in ends if one[0] <= line.start()), default=None
                )
                is_below = above is not None and above[1] == ELIGIBILITY
                name = ELIGIBILITY if is_below else DESCRIPTION
                self._spans[name].append(line.span())
        self._spans[ELIGIBILITY].sort()

    def _is_title(self, entry: Entry) -> bool:
        words = self._read(entry)
        if len(words) > _LONGEST_TITLE or _PROSE_END.search(words):
            return False
        if entry.kind is BlockKind.ITEM or self._spans[TITLE]:
            return False
        behind = self._text[entry.end :][:200].lstrip(" *_")
        return bool(self._section) or behind.startswith(("\n\n", "\n-", "\n*"))

    def _holds_list(self, entries: Sequence[Entry]) -> bool:
        """Return whether lines are a list of criteria: items, or phrases most of which state a
        limit or deny something.
        """
        if len(entries) > 1 and all(one.kind is BlockKind.ITEM for one in entries):
            return True
        lines = [self._read(entry) for entry in entries]
        if len(lines) < _FEW or any(map(_SENTENCES.search, lines)):
            return False
        return 2 * sum(map(_states_criterion, lines)) > len(lines)

    def _read(self, entry: Entry) -> str:
        return self._text[entry.words : entry.end]

    # From lines to sections.

    def find_id(self) -> str | None:
        """Return the registry's number of the trial; None without one."""
        numbers = (find_trial_id(self._text[slice(*span)]) for span in self._spans[_ID])
        return next(filter(None, numbers), None)

    def build(self, title: str | None) -> tuple[Section, ...]:
        """Return the sections; ``title`` in place of one in the text."""
        sections = list(text_section(TITLE, title))
        for name in _ORDER:
            spans = self._spans[name][: 1 if name in _TITLES else None]
            if not (title and name == TITLE):
                sections += self._make_section(name, [("", span) for span in spans])
        items: dict[str, list[Section]] = defaultdict(list)
        for section, entries in self._groups:
            for item in list_items(self._text, section, entries):
                rank = _RANK.search(self._text, item[0].end, item[-1].end)
                name = RANKS[rank["rank"].lower()] if rank else section
                if section == INTERVENTIONS and self._is_arm(item[0]):
                    name = ARMS
                parts = find_parts(self._text, name, item)
                items[name] += self._make_section(f"{name}[{len(items[name])}]", parts)
        for name in ITEMS:
            sections += items[name]
        return take_sections(sections)

    def _is_arm(self, entry: Entry) -> bool:
        """Return whether an item begins as an arm does: "Group A receives"."""
        return rule("group_name").starts(read_text(self._read(entry)), 0) is not None

    def _make_section(self, name: str, parts: Sequence[Part]) -> list[Section]:
        """Return the section of parts, each on lines of its own; none without words."""
        lines: list[str] = []
        named: list[SectionPart] = []
        pieces: list[Piece] = []
        at = 0
        for part, span in parts:
            start, end = strip_span(self._text, *span, _EDGES.get(name, " \n*_|"))
            words = self._text[start:end]
            if not words.strip():
                continue
            pieces += self.laid.list_pieces(start, end, at)
            if part:
                named.append(SectionPart(name=part, start=at, end=at + len(words)))
            lines.append(words)
            at += len(words) + 1
        text = "\n".join(lines)
        made = Section(name=name, text=text, parts=tuple(named), pieces=tuple(pieces))
        return [made] if lines else []


def _states_criterion(line: str) -> bool:
    """Return whether a phrase states a limit or denies something, as most criteria do."""
    tokens = read_text(line)
    denies = rule("negated_statement").starts(tokens, 0, len(tokens))
    return bool(denies or find_limits(tokens, None))
