"""Plain text, one record per file. Flattened text has a line for each field in a fixed order;
fields may be missing.

::

    title
    brief summary
    condition|condition
    TYPE: name|TYPE: name
    primary outcomes      (measure, description, time frame|measure, ...)
    secondary outcomes    (may be missing)
    detailed description  (may be missing)

A field may contain line breaks and any may be missing, so position alone does not identify a line.
Blank lines and list items belong to the line before them. Interventions are recognised by their
type words. A list of outcomes has items ``measure, description, time frame`` joined by bars, and
ends with a time frame: a short phrase after a comma that names a time and is not a sentence. Prose
has sentences and no bars. Any other text is read by its headings, in ``free_text``.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from typing import NamedTuple

from extractor.formats.found import (
    RecordContent,
    UnreadableSource,
    is_intervention_list,
    list_interventions,
    take_sections,
    text_section,
)
from extractor.formats.free_text import build_text, has_headings
from extractor.formats.layout import LINE
from extractor.formats.listed import NAMES_TIME
from extractor.language.line_ends import unify_line_ends
from extractor.schemas import Piece, Section
from extractor.schemas.record_limits import MAX_LINES

_LIST_ITEM = re.compile(r"\s*(?:[*•·-]|\d{1,2}[.)]|[a-z][.)])\s")
_NAMES = ("primary_outcomes", "secondary_outcomes")

_TRIAL_NUMBER = re.compile(
    r"^(?:A\.2[ \t]+)?EudraCT number:[ \t]*\d{4}-\d{6}-\d{2}\b",
    re.IGNORECASE | re.MULTILINE,
)
_ANY_FIELD = re.compile(
    r"^(?:A\.[1-8]|D\.[1-8]|E\.[1-8])[\d.]*[ \t]+[A-Z]\w", re.MULTILINE
)


def is_register_text(text: str) -> bool:
    r"""Return whether a text, or its beginning, is that of the EU Clinical Trials Register.

    >>> is_register_text(
    ...     "EudraCT Number: 2029-000001-11\nA.3 Full title of the trial: A trial of fictumab\n"
    ... )
    True
    """
    return (
        _TRIAL_NUMBER.search(text) is not None and _ANY_FIELD.search(text) is not None
    )


def build_plain(
    text: str, *, title: str | None = None, named: bool = True
) -> RecordContent:
    """Build the content of a plain text: of the EU register's, else of a flattened record, else of
    a free text.

    ``title`` and ``named`` are those of ``build_text``; a flattened record has its own title.
    Raises ``UnreadableSource`` for too many lines, and as ``build_text`` does.
    """
    if is_register_text(text):
        from extractor.formats.eu_register import build_register_text  # noqa: PLC0415 - few texts are

        return build_register_text(text, title=title)
    # one line more than allowed shows that there are too many
    found = (line for line in LINE.finditer(text) if line[0].strip())
    lines = _Lines(text, [line.span() for line in islice(found, MAX_LINES + 1)])
    if len(lines.spans) > MAX_LINES:
        raise UnreadableSource(
            f"text of more than {MAX_LINES:,} lines", "give one record a file"
        )
    sections = list(_list_sections(lines)) if lines.spans else []
    if lines.spans and not sections:
        return build_text(text, title=title, named=named)
    written = unify_line_ends(text)
    placed: list[Section] = []
    end = 0
    for section in take_sections(sections):
        # They are in the text in this order.
        at = written.index(section.text, end)
        end = at + len(section.text)
        pieces = (Piece(start=0, at=at),)
        placed.append(section.model_copy(update={"pieces": pieces}))
    return RecordContent(tuple(placed), "flat", given=text)


class _Lines(NamedTuple):
    """A text and the spans of its lines that are not blank."""

    text: str
    spans: Sequence[tuple[int, int]]

    def cut(self, start: int, end: int | None = None) -> str:
        """Return line ``start``, or the text from it up to line ``end``."""
        spans = self.spans[start : start + 1 if end is None else end]
        return self.text[spans[0][0] : spans[-1][1]] if spans else ""

    def starts_field(self, number: int) -> bool:
        """Return whether a field may start at this line."""
        if number < 2:
            return True
        before = self.cut(number - 1)
        if is_intervention_list(before):
            return True
        gap = self.text[self.spans[number - 1][1] : self.spans[number][0]]
        if gap.count("\n") > 1:
            return False
        # Behind a list of outcomes, a description may begin with an item.
        is_item = _LIST_ITEM.match(self.cut(number)) is not None
        return not is_item or _ends_outcome_list(before)


def _list_sections(lines: _Lines) -> Iterator[Section]:
    """Yield the sections of a flattened record, whose lines are fields in a fixed order; none of a
    text without interventions whose outcomes are not certain.
    """
    size = len(lines.spans)
    starts = [number for number in range(size) if lines.starts_field(number)]
    interventions = _find_interventions(lines, starts)
    # Without interventions, outcomes follow title, summary and conditions.
    before = starts[3] if len(starts) > 3 else size
    after = before
    if interventions is not None:
        before = interventions
        after = interventions + 1
    outcomes = _find_outcomes(lines, [start for start in starts if start >= after])
    if interventions is None and not _are_certain(lines, outcomes):
        return
    conditions = max(start for start in starts if start < before)
    yield from text_section("title", lines.cut(0))
    yield from text_section("brief_summary", lines.cut(1, conditions))
    if conditions:
        yield from text_section("conditions", lines.cut(conditions))
    if interventions is not None:
        yield from list_interventions("interventions", lines.cut(interventions))
    for name, (start, end) in zip(_NAMES, pairwise(outcomes), strict=False):
        yield from text_section(name, lines.cut(start, end))
    behind = outcomes[-1] if outcomes else after
    yield from text_section("detailed_description", lines.cut(behind, size))


def _find_interventions(lines: _Lines, starts: Sequence[int]) -> int | None:
    """Return the line of interventions, which is never the title; None without one."""
    listed = (at for at in starts[1:] if is_intervention_list(lines.cut(at)))
    return next(listed, None)


def _are_certain(lines: _Lines, outcomes: Sequence[int]) -> bool:
    """Return whether the lists of outcomes in a text without interventions are certain: any text
    may look like one.

    The first list must end as one. Then bars between its items, or the lack of any heading, show
    that the text is a flattened record. ``outcomes`` are the first lines of the lists, and the end
    of the last.
    """
    if not outcomes or not _ends_outcome_list(lines.cut(outcomes[1] - 1)):
        return False
    cell = lines.cut(outcomes[0], outcomes[-1])
    # Bars join outcomes. A bar at the beginning is the border of a table, in a free text.
    has_bars = "|" in cell and not cell.lstrip().startswith("|")
    return has_bars or not has_headings(lines.cut(0, outcomes[1]))


def _find_outcomes(lines: _Lines, starts: Sequence[int]) -> list[int]:
    """Return the first line of each list of outcomes, at most two, followed by the end of the last
    one; empty without a list.

    ``starts`` are the lines at which a field may start. Lists are directly behind each other.
    """
    size = len(lines.spans)
    bounds: list[int] = []
    for start, end in pairwise([*starts, size]):
        if len(bounds) > len(_NAMES) or (bounds and bounds[-1] != start):
            break
        field = [lines.cut(number) for number in range(start, end)]
        length = _count_list_lines(field, first=not bounds, last=end == size)
        if not length:
            break
        bounds = [*(bounds or [start]), start + length]
    return bounds


_MAX_TIME_FRAME = 300
_MAX_MEASURE = 300
_SENTENCES = re.compile(r"[a-z)]\. +[A-Z]")
_SENTENCE_AND_TIME = re.compile(r"[.)], [^,.]{1,80}$")
_PROSE_END = re.compile(r"[.;:]\s*$")


def _ends_outcome_list(line: str) -> bool:
    """Return whether a line ends like a list of outcomes: with a short phrase after a comma that
    names a time and is no sentence.

    >>> _ends_outcome_list("Overall survival, From infusion to death., 2 years")
    True
    >>> _ends_outcome_list(
    ...     "Fictumab was safe in mice, rats and dogs. It is now given to patients for 2 years."
    ... )
    False
    """
    outcome = line.rpartition("|")[2].rstrip()
    text, comma, time_frame = outcome.rpartition(", ")
    if not comma or len(time_frame) > _MAX_TIME_FRAME:
        return False
    if not NAMES_TIME.search(time_frame):
        return False
    if _SENTENCES.search(time_frame):
        return False
    # A full stop ends a sentence of prose, unless a sentence also ended before the time frame.
    if not _PROSE_END.search(time_frame):
        return True
    return text.endswith(".") or "|" in line


def _count_list_lines(lines: Sequence[str], *, first: bool, last: bool) -> int:
    """Count the lines of a field that are a list of outcomes; 0 if it is prose.

    ``first``: the field is the first that may be a list. ``last``: it is the record's last field.
    Nearly every record has a first list; a list before another field is the whole field; the last
    field is prose if in doubt.
    """
    text = " ".join(lines)
    is_prose = len(text) > _MAX_MEASURE or bool(_SENTENCES.search(text))
    ending = 0
    surely_ending = 0
    for number, line in enumerate(lines, 1):
        if "|" in line:
            ending = number
            surely_ending = number
        elif _ends_outcome_list(line):
            ending = number
            # Prose may end like a list by chance. Then sentences precede it, and the last one
            # has no time frame behind it.
            if not is_prose or _SENTENCE_AND_TIME.search(line):
                surely_ending = number
    if last and first:
        return len(lines) if not ending and not is_prose else ending
    if last:
        return surely_ending
    if first or ending:
        return len(lines)
    reads_as_prose = is_prose or _PROSE_END.search(text)
    return 0 if reads_as_prose else len(lines)
