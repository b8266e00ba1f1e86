"""Read free text: a note, a synopsis, a copied registry page, or a text that belongs to a single
section.

The outline (``extractor.outline``) finds headings, items and page furniture. ``layout`` passes
lines, cells and rows to the outline in reading order, ``headings`` defines which section each
heading opens, and ``listed`` splits a section into items. A section contains only characters from
the text.
"""

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, zip_longest
from operator import itemgetter
from typing import Literal, NamedTuple, get_args

from extractor.concepts.outcomes.own_time import find_own_time
from extractor.formats.abstract_labels import break_at_labels
from extractor.formats.cells import undo_breaks
from extractor.formats.chapters import (
    LONG,
    choose_chapters,
    describe_choice,
    find_text_headings,
    list_chapters,
)
from extractor.formats.contents import list_next
from extractor.formats.found import (
    FoundText,
    RecordContent,
    Sections,
    UnreadableSource,
    find_trial_id,
    join_parts,
    take_sections,
    text_section,
)
from extractor.formats.layout import (
    ARMS,
    DESCRIPTION,
    ELIGIBILITY,
    INTERVENTIONS,
    ITEMS,
    OUTCOMES,
    PRODUCT_ROWS,
    RANKS,
    ROW_RANKS,
    STATES,
    TITLE,
    CharRange,
    PlacedBlock,
    join_lines,
    name_section,
    read_entries,
)
from extractor.formats.listed import LABELS, Part, find_parts, list_items
from extractor.formats.page_furniture import find_furniture
from extractor.language.book import read_text, rule
from extractor.language.other_languages import hide_foreign
from extractor.language.passage import read_passage, strip_span
from extractor.outline.enumerations import split_enumeration
from extractor.schemas import Section
from extractor.schemas.record_limits import MAX_CHARACTERS, MAX_LINES

GivenSection = Literal[
    "eligibility",
    "arms",
    "interventions",
    "primary_outcomes",
    "secondary_outcomes",
    "other_outcomes",
]
"""The sections that a user can specify for a text without headings."""
_ID = "trial_id"
_TITLES = (TITLE, "official_title")
_WHOLE = (
    *_TITLES,
    "brief_summary",
    DESCRIPTION,
    "conditions",
    "keywords",
    ELIGIBILITY,
)
"""The unnumbered sections, in output order."""
_EDGES = dict.fromkeys((ELIGIBILITY, DESCRIPTION, "brief_summary"), "\n")
"""Characters to remove from both ends of the sections that keep their layout."""
_IN_CRITERIA = ("conditions", "label", "treatment")
"""Kinds of headings that may be labels in a list of criteria: "Sex: female"."""
_PAGE_AGE = re.compile(
    r"(?:\d+ ?(?:years?|months?|weeks?|days?)|no limit) ?~", re.IGNORECASE
)
"""An age on a page of CRIS: "19Year~75Year"."""
_FIELDS = ("field", "label")
"""Kinds of headings that are fields of a registry's page."""
_TOPICS = (
    "conditions",
    "health_conditions",
    "interventions",
    "treatment",
    "dose_row",
    "length_row",
)
"""Kinds of headings that may be titles above some of the criteria: "Medical conditions"."""
_ENDED_BY_ENDPOINTS = (ELIGIBILITY, ARMS, INTERVENTIONS)
"""Sections that a sentence about endpoints ends."""
_LINE_END = re.compile(r"\n")
_REST_BLANK = re.compile(r"[^\S\n]*+(?:\n|\Z)")
_LONGEST_TITLE = 300
_LOWEST_MARK = "#" * 6
_NEAR = 1_500
"""Maximum number of characters between two items of a list that a heading interrupts."""
_DATA = re.compile(r"\s*+(?:[{\"]|[\W\d_]+\Z)")
"""Matches JSON, and a text of signs without words."""
_INVISIBLE = "\u200b"
_RANKED = re.compile(r"[\w#=]")
"""A character that shows that a heading's mark depends on its rank. Bullets do not contain such
characters.
"""
_RANK = re.compile(
    r"\n[ \t]*Type[ \t]*[:：][ \t]*(?P<rank>primary|secondary)\b", re.IGNORECASE
)
_BRACKETED_RANK = re.compile(
    r"(?<![ \t])[ \t]*+[\[(](?:co-?)?(?P<rank>primary|secondary)"
    r"(?: (?:outcome|end ?-?point)s?(?: measures?)?)?[\])][\s.;,]*\Z",
    re.IGNORECASE,
)
"""The rank behind an outcome: "Sleep at week 8 (secondary)"."""
_PROSE_END = re.compile(r"[.;,:!?]\W{0,3}\Z")
_TITLE_STOP = re.compile(r"[.?]\W{0,3}\Z")
_SENTENCES = re.compile(r"[a-z)\]][.?!]\s+[A-Z]")
_STATES = re.compile(
    r"\b(?:is|was|were|will|has|have|had|must|should|may|can|we|you|our|i)\b(?![^?]*\?\W{0,3}\Z)"
    r"|\A(?:this|these|participants|patients|subjects|people|adults|children)\b"
    r"|\A(?:the|an?|our) (?:study|trial|aim|purpose|goal|objective|drug)\b",
    re.IGNORECASE,
)
"""Words of a sentence, such as "This study tests fictumab.", which a title does not have unless it
is a question.
"""
_ABOVE_TEXT = re.compile(r"[ *_]*\n[ \t]*\n\s*\S")
_BELOW_TITLE = re.compile(r"[ *_]*\n *[\n*-]")
_BETWEEN_LINES = re.compile(r"[\w|\t]|[^\n]\Z")
_BETWEEN_CELLS = " |\t"
_WITHIN_LINE = re.compile(r"[|\t\n]")
"""The patterns for a gap that separates two lines, or two parts of a line, in a section."""


def build_text(
    text: str, *, title: str | None = None, remedy: str | None = None
) -> RecordContent:
    r"""Build the content of free text from its headings.

    Raises ``UnreadableSource`` if the text is too long. A text without any of the usual headings
    also raises ``UnreadableSource`` if it is a table or data, contains no words, or is not meant
    as a record.

    Args:
        text: The text.
        title: The trial's title, which replaces a title in the text.
        remedy: How the user can have a text without any of the usual headings read, if its name
            says that it is no record. If None, it is a description.

    >>> content = build_text(
    ...     "A Trial of Fictumab\n\nKey inclusion criteria:\n- Adults\n\nPrimary endpoint: Survival"
    ... )
    >>> [(section.name, section.text) for section in content.sections][1:]
    [('eligibility', 'Key inclusion criteria:\n- Adults'), ('primary_outcomes[0]', 'Survival')]
    """
    reader = TextReader(break_at_labels(text))
    notes = count_running(reader.furniture.running)
    if len(text) > LONG:
        notes += _keep_chapters(reader)
    reader.read()
    if not reader.has_usual_headings:
        _refuse_unheaded(text, remedy)
    return RecordContent(
        reader.build(title), "text", reader.find_id(), notes=tuple(notes), given=text
    )


def build_given(
    text: str, section: GivenSection, *, title: str | None = None
) -> RecordContent:
    r"""Build the content of a text that belongs to a single section, such as a cell in a criteria
    column. The text does not need a heading. In arms, interventions and outcomes, each item of the
    text becomes a section of its own: in a text without list markers and labels, each line.
    ``title`` becomes the title of the record.

    Raises ``UnreadableSource`` if the section is unknown, or if the text has too many characters
    or lines.

    >>> outcomes = build_given("- Pain\n- Sleep at 2 weeks", "secondary_outcomes")
    >>> [section.text for section in outcomes.sections]
    ['Pain', 'Sleep at 2 weeks']
    """
    if section not in get_args(GivenSection):
        raise UnreadableSource(
            f"unknown section {section!r}",
            f"choose from {', '.join(get_args(GivenSection))}",
        )
    check_text_size(text)
    reader = TextReader(text)
    reader.read_as(section)
    return RecordContent(reader.build(title), "text", given=text)


def check_text_size(text: str) -> None:
    """Raise ``UnreadableSource`` if a text has too many characters or lines."""
    problem = ""
    if len(text) > MAX_CHARACTERS:
        problem = f"text of more than {MAX_CHARACTERS:,} characters"
    elif text.count("\n") >= MAX_LINES:
        problem = f"text of more than {MAX_LINES:,} lines"
    if problem:
        raise UnreadableSource(problem, "put each record in its own file")


def count_running(running: int) -> list[str]:
    """Return the note that counts the lines of page headers and footers; none without them."""
    if not running:
        return []
    return [f"{running} lines of page headers and footers were not read"]


def _keep_chapters(reader: "TextReader") -> list[str]:
    """Drop the chapters of a long text that are not to be read. Return the note that tells which;
    none if the text has no chapter about eligibility.
    """
    text = reader.text
    chapters = list(list_chapters(len(text), find_text_headings(text)))
    if all(chapter.kind != "eligibility" for chapter in chapters):
        return []
    read = choose_chapters(chapters)
    reader.keep([(chapter.start, chapter.end) for chapter in read])
    ends = [line_end.start() for line_end in _LINE_END.finditer(text)]
    return [
        describe_choice(
            chapters, read, "line", lambda offset: bisect_left(ends, offset) + 1
        )
    ]


def _refuse_unheaded(text: str, remedy: str | None) -> None:
    """Raise ``UnreadableSource`` for a text without any of the usual headings if it is a table or
    JSON, contains no words, or is not meant as a record, for which there is a ``remedy``.
    """
    from extractor.formats.tables import is_table  # noqa: PLC0415 - few texts have no headings

    if _DATA.match(text) or is_table(text):
        raise UnreadableSource(
            "an unknown format",
            'pass a text with headings such as "Inclusion Criteria", set its section to '
            "eligibility (in Python, in JSON, or on the page for trying out texts), or pass a "
            "registry download (docs/reference/formats.md), uncompressed or compressed with "
            "gzip or zip",
        )
    if remedy:
        raise UnreadableSource(
            'a text without a heading such as "Inclusion Criteria"', remedy
        )


def _hide_halves(text: str, english: str) -> str:
    """Return a text of the same length in which only the English part of each bilingual line, such
    as "纳入标准 Inclusion criteria", is kept. Invisible characters fill the start of the line, so
    that it is not indented. ``english`` is the text with spaces in place of other languages.
    """
    lines = text.split("\n")
    for number, line in enumerate(english.split("\n")):
        # nothing is English, or everything
        if not line.strip() or line == lines[number]:
            continue
        words = line.lstrip(" \t:：/")
        lines[number] = words.rjust(len(line), _INVISIBLE)
    return "\n".join(lines)


def _names_several(words: str) -> bool:
    """Return whether words behind a label, on its line, are a list: "pain, sleep and mood". Words
    with a label of their own, such as "[Time Frame: week 4]", are the parts of one outcome, and
    those that semicolons divide are read as outcomes anyway.
    """
    if any(sign in words for sign in ":[;"):
        return False
    return len(split_enumeration(read_passage(words))) > 1


def _blank(text: str, spans: Sequence[CharRange]) -> str:
    """Return a text of the same length with spaces in place of some spans."""
    if not spans:
        return text
    parts: list[str] = []
    end_above = 0
    for start, end in spans:
        parts += [text[end_above:start], " " * (end - start)]
        end_above = end
    return "".join([*parts, text[end_above:]])


class _ClosedList(NamedTuple):
    """A list of criteria that a heading interrupted: the style and the number of its last item, the
    end of the heading, and the style and the number of the list's own heading.
    """

    style: str = ""
    item: tuple[int, ...] = ()
    end: int = 0
    heading_style: str = ""
    heading_number: tuple[int, ...] = ()


class TextReader:
    """Reads the sections of a text: call ``read`` or ``read_as``, then ``build``.

    ``entries`` contains the lines in reading order. ``text`` has the same length as the original
    text, with HTML tags blanked and wrapped lines joined.
    """

    def __init__(self, text: str) -> None:
        unified = text.replace("\r\n", " \n").replace("\r", "\n")
        shown = undo_breaks(unified)
        self.furniture = find_furniture(shown)
        english = _blank(hide_foreign(unified), self.furniture.hidden)
        unified = _blank(unified, self.furniture.hidden)
        self._english = undo_breaks(english)
        self.entries = read_entries(_hide_halves(unified, english), shown)
        self.text = join_lines(shown, self.entries)
        # the lines of each unnumbered section ("" for those before the first heading), and those
        # below each heading of a numbered section
        self._lines: dict[str, list[PlacedBlock]] = defaultdict(list)
        self._groups: dict[str, list[list[PlacedBlock]]] = defaultdict(list)
        # the heading above each group of outcomes
        self._headings: dict[str, list[PlacedBlock]] = defaultdict(list)
        # the open section, the style of its heading's mark, and those of its items' marks
        self._section = ""
        self._style = ""
        self._styles: set[str] = set()
        # the mark of the last heading of a section that has hashes
        self._hashes = ""
        # the number of the open section's heading, and that of its last item
        self._number: tuple[int, ...] = ()
        self._item: tuple[int, ...] = ()
        self._closed = _ClosedList()
        # whether the lines belong to the product above a row such as "Dose(s)"
        self._in_row = False
        # the start of the age on a copied page of a register
        self._age_field = -1
        self._has_criteria = False
        # whether the first line of the open criteria is a title above some of them
        self._begins_with_title = False

    @property
    def has_usual_headings(self) -> bool:
        """Whether a heading for criteria, arms, interventions or outcomes was read."""
        return self._has_criteria or bool(self._groups)

    def keep(self, spans: Sequence[CharRange]) -> None:
        """Drop the lines outside these ranges, which are in the order of the text."""
        kept: list[PlacedBlock] = []
        for entry in self.entries:
            place = bisect_right(spans, entry.words_start, key=itemgetter(0)) - 1
            if place >= 0 and entry.words_start < spans[place][1]:
                kept.append(entry)
        self.entries = kept

    def read(self, *, is_below_title: bool = False) -> None:
        """Assign each line to the section that the headings above it opened. A line in another
        language is treated as part of the criteria or the description. If the text begins below
        its title, its first lines are a description, which any heading ends.
        """
        if is_below_title:
            self._section = DESCRIPTION
            self._style = _LOWEST_MARK
        pairs = zip_longest(self.entries, self.entries[1:])
        for entry, below in pairs:
            if self._is_visit(entry):
                self._lines[DESCRIPTION].append(entry)
                continue
            if self._continues_closed(entry):
                self._reopen()
            if self._begins_row(entry):
                self._in_row = True
                self._add(entry)
                continue
            if self._is_page_label(entry, below):
                self._lines[DESCRIPTION].append(entry)
                continue
            section = self._find_opened(entry, below)
            # the fields of a page between the heading of a list and its items
            is_field = entry.block.name in _FIELDS and section == DESCRIPTION
            if is_field and below and self._is_below_heading:
                self._lines[DESCRIPTION] += [entry, below]
                next(pairs)
            elif not self._english[entry.words_start : entry.end].strip():
                is_criterion = self._section == ELIGIBILITY
                name = ELIGIBILITY if is_criterion else DESCRIPTION
                self._lines[name].append(entry)
            elif section:
                self._open(section, entry)
            else:
                self._add(entry)
        self._place_front()
        self._move_prose()

    def _is_page_label(self, entry: PlacedBlock, below: PlacedBlock | None) -> bool:
        """Return whether a line is a label between the heading of a list and its items, on a copied
        page of a register: "Age" above "19Year~75Year", then "Description" (CRIS), or "Number"
        above the numbers of a table (CTIS).
        """
        if below is None or not self._is_alone(entry):
            return False
        match self._read(entry).strip().lower():
            case "age":
                if not self._is_below_heading:
                    return False
                self._age_field = below.start
                return _PAGE_AGE.match(self._read(below)) is not None
            case "description":
                if self._section != ELIGIBILITY:
                    return False
                return self._is_below_heading or self._is_below_age
            case "healthy volunteers":
                return self._read(below).strip().lower() in ("yes", "no")
            case "outcome":
                return self._is_below_outcomes
            case "number":
                return self._is_below_outcomes or self._is_below_heading
        return False

    def _is_alone(self, entry: PlacedBlock) -> bool:
        """Return whether nothing follows an entry on its line."""
        return _REST_BLANK.match(self.text, entry.end) is not None

    @property
    def _is_below_age(self) -> bool:
        """Whether the last line is the age on a copied page of a register."""
        last = self._lines[self._section][-1:]
        return any(line.start == self._age_field for line in last)

    @property
    def _is_below_outcomes(self) -> bool:
        """Whether the last line is the heading of a list of outcomes."""
        return self._section in OUTCOMES and not self._groups[self._section][-1]

    def read_as(self, section: str) -> None:
        """Treat the whole text as one section. Headings do not open other sections."""
        self._section = section
        self._groups[section].append([])
        for entry in self.entries:
            self._add(entry)

    # Which section a line belongs to.

    def _find_opened(self, entry: PlacedBlock, below: PlacedBlock | None) -> str | None:
        """Return the section that a line opens, or None if the line is content.

        A row with an unknown label opens a description. So does an unknown heading whose mark is

        - that of the open section's heading, if no item in the section has it, or
        - a higher heading mark.
        """
        name = entry.block.name
        # "Sponsor | Example Hospital" in a table of labels and texts
        if entry.has_unknown_label:
            return DESCRIPTION
        # below a table of objectives and endpoints
        if entry.ends_columns and self._section in OUTCOMES and not name:
            return DESCRIPTION
        if name:
            if self._is_content(entry) or self._is_topic(name, below):
                return None
            return name_section(name)
        if entry.continues_line:
            return None
        if self._section in _ENDED_BY_ENDPOINTS and self._states_endpoint(entry):
            return DESCRIPTION
        style = entry.style
        # "# Study sites" after "## Inclusion criteria"
        if style.startswith("#") and self._hashes.startswith(style):
            return DESCRIPTION
        if not _RANKED.search(self._style):
            return None
        if self._number and entry.number:
            return DESCRIPTION if self._is_next_chapter(entry) else None
        # "D. Study sites" after "C. Inclusion criteria", whose items have bullets
        if style == self._style and style not in self._styles:
            return DESCRIPTION
        return None

    def _is_next_chapter(self, entry: PlacedBlock) -> bool:
        """Return whether a line with a number is the heading of the next chapter: "5." or "4.3"
        below "4.2 Inclusion criteria". Below the item "4.", "5." is an item.
        """
        if entry.number not in list_next(self._number):
            return False
        return entry.number not in list_next(self._item)

    def _is_visit(self, entry: PlacedBlock) -> bool:
        """Return whether a line is a row of a table of visits."""
        tables = self.furniture.tables
        place = bisect_right(tables, entry.words_start, key=itemgetter(0)) - 1
        return place >= 0 and entry.words_start < tables[place][1]

    def _begins_row(self, entry: PlacedBlock) -> bool:
        """Return whether a heading, such as "Dose(s)", begins a row about the product above it."""
        return (
            entry.block.name in PRODUCT_ROWS
            and self._section == INTERVENTIONS
            and bool(self._groups[INTERVENTIONS][-1])
        )

    def _continues_closed(self, entry: PlacedBlock) -> bool:
        """Return whether a numbered line goes on with the list of criteria that a heading or a
        table closed, such as the name of a sponsor at a page break.
        """
        closed = self._closed
        if self._section != DESCRIPTION or not closed.item or not entry.is_item:
            return False
        if entry.style != closed.style or entry.words_start > closed.end + _NEAR:
            return False
        return entry.number in list_next(closed.item)[-1:]

    def _reopen(self) -> None:
        """Open the closed list of criteria again."""
        closed = self._closed
        self._section = ELIGIBILITY
        self._style, self._number = closed.heading_style, closed.heading_number
        self._styles, self._item = {closed.style}, closed.item

    def _is_content(self, entry: PlacedBlock) -> bool:
        """Return whether a line that contains the words of a heading belongs to the content of the
        open section.

        Each of the signs decides about some headings and returns None for the others. The first one
        that decides wins; a heading about which none decides opens its section.
        """
        signs = (
            self._judge_place,  # "Primary" is a heading only below "Outcomes"
            self._judge_group,  # "Treatment" among criteria begins no intervention
            self._judge_end,  # "Treatment," goes on in the next line
            self._judge_part,  # "Intervention: Fictumab" is a part of an arm
            self._judge_item,  # "- Sex" stands beside "- Age"
            self._judge_label,  # "Sex: female" is a criterion
        )
        for judge in signs:
            verdict = judge(entry)
            if verdict is not None:
                return verdict
        return False

    def _judge_place(self, entry: PlacedBlock) -> bool | None:
        """Headings that are such only below another one are content elsewhere."""
        # "Route of administration" is one only below a product, where ``_begins_row`` reads it
        if entry.block.name == "course_row":
            return True
        if entry.block.name in RANKS and self._section not in OUTCOMES:
            return not self._ranks_endpoints(entry)
        return None

    def _judge_group(self, entry: PlacedBlock) -> bool | None:
        """Below criteria, an arm or intervention opens a section only if it gives a treatment, even
        if the line goes on in the next one.
        """
        if entry.block.name not in STATES or not self._has_criteria:
            return None
        if self._section in (ARMS, INTERVENTIONS):
            return None
        return not self._begins_arms(entry)

    def _judge_end(self, entry: PlacedBlock) -> bool | None:
        """A line that ends within a sentence or a list is content."""
        if self._read(entry).endswith((",", ";")):
            return True
        return None

    def _judge_part(self, entry: PlacedBlock) -> bool | None:
        """The label of a part of an item, with its colon, is content unless it stands alone below a
        blank line. There, it is a heading even if it has the list marker of the items.
        """
        if self._section not in ITEMS:
            return None
        # the colon follows the entry
        if not LABELS.match(self.text, entry.words_start, entry.end + 1):
            return None
        return not (entry.block.gap and self._is_alone(entry))

    def _judge_item(self, entry: PlacedBlock) -> bool | None:
        """An item like those above it is content, even if a heading is all that it says."""
        if self._is_like_items(entry):
            return True
        return None

    def _judge_label(self, entry: PlacedBlock) -> bool | None:
        """Among criteria, some headings are labels: "Sex: female" and, below "## Criteria",
        "### Conditions".
        """
        if self._section != ELIGIBILITY or entry.block.name not in _IN_CRITERIA:
            return None
        is_deeper = entry.style.startswith("#") and entry.style > self._style
        return is_deeper or not self._is_alone(entry)

    def _ranks_endpoints(self, entry: PlacedBlock) -> bool:
        """Return whether "Primary" or "Secondary" below criteria ranks endpoints: in a line without
        the list marker that the criteria have, or before an endpoint with its time: "Primary: ORR
        at 24 months". "Primary: aldosteronism" is a criterion.
        """
        if self._section != ELIGIBILITY or entry.is_item:
            return False
        is_label = self._read(entry).strip(" *_#:|").lower() == entry.block.name
        if not is_label or entry.block.name not in ROW_RANKS:
            return False
        has_marks = any(line.is_item for line in self._lines[ELIGIBILITY])
        line = self.text[entry.end :].split("\n", 1)[0].strip(" :|\t")
        return has_marks or find_own_time(read_passage(line)) is not None

    def _is_like_items(self, entry: PlacedBlock) -> bool:
        """Return whether an item has the same kind of list marker as earlier items of the section.
        Headings have hashes, and a description has numbered parts: "4.2 Inclusion criteria" below
        "4.1 Number of patients".
        """
        if not entry.is_item or entry.style.startswith("#"):
            return False
        opens_criteria = name_section(entry.block.name) == ELIGIBILITY
        is_part = self._section == DESCRIPTION and len(entry.number) > 1
        if is_part and opens_criteria:
            return False
        # "10. Outcome measures" below the item "2."
        if entry.number and self._item and entry.number not in list_next(self._item):
            return False
        return entry.style in self._styles - {self._style}

    def _is_topic(self, name: str, below: PlacedBlock | None) -> bool:
        """Return whether a heading is a title above some of the criteria: in a list that begins
        with a title, or above an item that continues the numbers of the list.
        """
        if name not in _TOPICS or self._section != ELIGIBILITY:
            return False
        if below is None or not below.is_item:
            return False
        return self._begins_with_title or below.block.ordinal > 1

    @property
    def _is_below_heading(self) -> bool:
        """Whether the last line is the heading of a list of criteria."""
        last = self._lines[self._section][-1:]
        return any(name_section(entry.block.name) == ELIGIBILITY for entry in last)

    def _states_endpoint(self, entry: PlacedBlock) -> bool:
        """Return whether a line below criteria or treatments states endpoints: "The primary
        endpoint is pain".
        """
        if entry.is_item:
            return False
        words = read_text(self._read(entry))
        return rule("states_endpoints").starts(words, 0) is not None

    def _begins_arms(self, entry: PlacedBlock) -> bool:
        """Return whether a line below criteria is the first arm, by what it gives: "Arm A:
        Isoniazid 300 mg once daily". "Arm A: adults with asthma" is a criterion.
        """
        if entry.block.name != "arm":
            return False
        words = read_text(self.text[entry.words_start :].split("\n", 1)[0])
        # an item, or a line directly below one, must begin with the treatment
        is_apart = entry.block.gap and not entry.is_item
        name = "gives_treatment" if is_apart else "begins_with_treatment"
        return rule(name).occurs(words)

    def _open(self, section: str, entry: PlacedBlock) -> None:
        """Open a section at its heading. A heading that begins an item ("Arm B: ...") opens the
        section only if it is not open yet, and becomes a line of it, as do headings of criteria and
        unknown headings.
        """
        is_item = entry.block.name in STATES
        if not (is_item and self._section == section):
            self._close(section, entry)
            self._section = section
            self._in_row = False
            self._style = entry.style
            self._number = entry.number
            self._styles = set()
            self._item = ()
            if entry.style.startswith("#"):
                self._hashes = entry.style
            if section in ITEMS:
                self._groups[section].append([])
                self._headings[section].append(entry)
        self._has_criteria = self._has_criteria or section == ELIGIBILITY
        if is_item:
            self._add(entry)
        elif section == DESCRIPTION or name_section(entry.block.name) == ELIGIBILITY:
            self._begins_with_title = section == ELIGIBILITY
            entry.start = entry.words_start
            self._lines[section].append(entry)

    def _close(self, section: str, entry: PlacedBlock) -> None:
        """Remember the list of criteria that a description interrupts. Any other section ends it
        for good.
        """
        if section != DESCRIPTION:
            self._closed = _ClosedList()
        elif self._section == ELIGIBILITY and len(self._item) == 1:
            last = self._lines[ELIGIBILITY][-1]
            self._closed = _ClosedList(
                last.style, self._item, entry.end, self._style, self._number
            )

    def _add(self, entry: PlacedBlock) -> None:
        """Add a line to the open section. A title or a registry number can have only one line.
        Words that have no list marker and continue an item's line are joined to that item.
        """
        if self._is_below_heading:
            self._begins_with_title = not (
                entry.is_item or self._read(entry).endswith(":")
            )
        if entry.is_item:
            self._styles.add(entry.style)
            self._item = entry.number or self._item
        if self._section in (*_TITLES, _ID) and self._lines[self._section]:
            self._section = DESCRIPTION if self._section in _TITLES else ""
        lines = self._lines[self._section]
        if self._section in ITEMS:
            entry.belongs_above = self._in_row
            lines = self._groups[self._section][-1]
            if lines and self._continues_item(lines[-1], entry):
                lines[-1].end = entry.end
                return
        lines.append(entry)

    def _continues_item(self, above: PlacedBlock, entry: PlacedBlock) -> bool:
        """Return whether an entry goes on with the item on its line. The cells of a row describe
        one outcome: "Grip strength | in kilograms | week 12".
        """
        if entry.is_item or not entry.continues_line:
            return False
        if self._follows(above.end, entry):
            return True
        gap = self._english[above.end : entry.start]
        return self._section in OUTCOMES and not gap.strip(_BETWEEN_CELLS)

    def _follows(self, end: int, entry: PlacedBlock) -> bool:
        """Return whether an entry immediately follows the text that ends at ``end``, with only
        spaces, punctuation or a line break in between.
        """
        pattern = _BETWEEN_LINES
        if entry.continues_line:
            pattern = _WITHIN_LINE
        gap = self._english[end : entry.start]
        if end > entry.start:
            return False
        return not pattern.search(gap)

    def _place_front(self) -> None:
        """Assign the lines before the first heading: registry numbers, then a title, then a
        description. If the text consists only of items, without any heading, they are treated as
        criteria.
        """
        front = self._lines.pop("", [])
        while front and find_trial_id(self._read(front[0])):
            self._lines[_ID].append(front.pop(0))
        if front and self._is_title(front[0]):
            # a title begins with its words, without indentation or a heading mark
            front[0].start = front[0].words_start
            self._lines[TITLE].append(front.pop(0))
        are_items = all(entry.is_item for entry in front)
        has_headings = self._section != ""
        name = DESCRIPTION
        if len(front) > 1 and are_items and not has_headings:
            name = ELIGIBILITY
        self._lines[name] = front + self._lines[name]

    def _move_prose(self) -> None:
        """Move sentences that state outcomes to the description, with the heading above them.

        The words of a sentence say what each of its outcomes is: "Outcomes: The primary outcome was
        pain. Secondary outcomes were sleep and mood."
        """
        moved: list[PlacedBlock] = []
        for section in filter(self._groups.__contains__, OUTCOMES):
            kept: list[list[PlacedBlock]] = []
            groups = zip(self._headings[section], self._groups[section], strict=True)
            for heading, lines in groups:
                if self._is_prose(heading, lines):
                    heading.start = heading.words_start
                    moved += [heading, *lines]
                else:
                    kept.append(lines)
            self._groups[section] = kept
        if moved:
            described = [*self._lines[DESCRIPTION], *moved]
            described.sort(key=lambda entry: entry.start)
            self._lines[DESCRIPTION] = described

    def _is_prose(self, heading: PlacedBlock, lines: Sequence[PlacedBlock]) -> bool:
        """Return whether the lines below a heading of outcomes are sentences that state outcomes,
        or a paragraph below a label of an abstract: "MAIN OUTCOME MEASURES: Pain, mood and sleep.".
        """
        if not lines or any(entry.is_item and entry.block.gap for entry in lines):
            return False
        words = [read_text(self._read(entry)) for entry in lines]
        if any(map(rule("states_endpoints").occurs, words)):
            return True
        if len(lines) > 1:
            return False
        [line] = lines
        # "Exploratory:" alone is no label of an abstract
        if heading.block.name in RANKS and heading.block.name not in ROW_RANKS:
            return False
        if line.continues_line and _names_several(self._read(line)):
            return True
        if not self._read(line).endswith("."):
            return False
        is_label = self._read(heading).isupper()
        return is_label or rule("lists_in_sentence").occurs(words[0])

    def _is_title(self, entry: PlacedBlock) -> bool:
        """Return whether the first line before all headings is the title: a short line that is
        neither prose nor an item, in a text with headings or above a blank line or an item. If a
        heading states a title, no other line is one.
        """
        words = self._read(entry)
        if len(words) > _LONGEST_TITLE or entry.is_item or self._lines[TITLE]:
            return False
        if _TITLE_STOP.search(words):
            return self._is_title_with_stop(entry, words)
        if _PROSE_END.search(words):
            return False
        has_headings = self._section != ""
        if has_headings:
            return True
        return _BELOW_TITLE.match(self.text, entry.end) is not None

    def _is_title_with_stop(self, entry: PlacedBlock, words: str) -> bool:
        """Return whether a first line that ends with a full stop or a question mark is a title, as
        in papers: one phrase above a blank line and more text. "This study tests fictumab." is a
        sentence.
        """
        if _SENTENCES.search(words) or _STATES.search(words):
            return False
        return _ABOVE_TEXT.match(self.text, entry.end) is not None

    def _read(self, entry: PlacedBlock) -> str:
        return self.text[entry.words_start : entry.end]

    # From lines to sections.

    def find_id(self) -> str | None:
        """Return the registry number that the text states, or None."""
        numbers = (find_trial_id(self._read(entry)) for entry in self._lines[_ID])
        return next(filter(None, numbers), None)

    def build(self, title: str | None) -> Sections:
        """Return the sections. If ``title`` is given, it replaces a title in the text."""
        sections = list(text_section(TITLE, title))
        for name in _WHOLE:
            if title and name == TITLE:
                continue
            parts = [("", span) for span in self._join_adjacent(name)]
            sections += self._make_section(name, parts)
        items_by_section: dict[str, list[Section]] = defaultdict(list)
        for section, groups in self._groups.items():
            lists = (list_items(self.text, section, entries) for entries in groups)
            for item in chain(*lists):
                name, lines = self._read_rank(section, item)
                parts = find_parts(self.text, name, lines)
                items = items_by_section[name]
                items += self._make_section(f"{name}[{len(items)}]", parts)
        for name in ITEMS:
            sections += items_by_section[name]
        return take_sections(sections)

    def _read_rank(
        self, section: str, item: Sequence[PlacedBlock]
    ) -> tuple[str, Sequence[PlacedBlock]]:
        """Return the section of an item and its lines: of an outcome, by its line "Type:
        secondary", or by the rank in brackets behind it, which is not one of its words.
        """
        rank = _RANK.search(self.text, item[0].end, item[-1].end)
        if rank:
            return RANKS[rank["rank"].lower()], item
        if section not in OUTCOMES:
            return section, item
        first, *others = item
        rank = _BRACKETED_RANK.search(self._read(first))
        if rank is None or rank.start() == 0:
            return section, item
        first = replace(first, end=first.words_start + rank.start())
        return RANKS[rank["rank"].lower()], [first, *others]

    def _join_adjacent(self, name: str) -> list[CharRange]:
        """Return the spans of an unnumbered section, each with successive lines. A title has only
        one.
        """
        spans: list[CharRange] = []
        for entry in self._lines[name]:
            start = entry.start
            if spans and self._follows(spans[-1][1], entry):
                start = spans.pop()[0]
            spans.append((start, entry.end))
        if name in _TITLES:
            return spans[:1]
        return spans

    def _make_section(self, name: str, parts: Sequence[Part]) -> Sections:
        """Return a tuple whose only element is a section with the parts on separate lines. Return
        an empty tuple if all parts are blank.
        """
        edges = _EDGES.get(name, " \n*_|")
        texts: list[tuple[str, FoundText]] = []
        for part, span in parts:
            for shown in self._list_shown(*span):
                start, end = strip_span(self.text, *shown, edges)
                texts.append((part, FoundText(self.text[start:end], at=start)))
        return join_parts(name, texts)

    def _list_shown(self, start: int, end: int) -> Iterator[CharRange]:
        """Yield the parts of a span that are not hidden."""
        hidden = self.furniture.hidden
        first = bisect_right(hidden, (start, start))
        for begin, stop in hidden[first:]:
            if begin >= end:
                break
            yield start, begin
            start = stop
        yield start, end
