"""Read plain text, one record per file. Flattened text has one line per field in a fixed order;
fields may be missing.

::

    title
    brief summary
    condition|condition
    TYPE: name|TYPE: name
    primary outcomes      (measure, description, time frame|measure, ...)
    secondary outcomes    (may be missing)
    detailed description  (may be missing)

Blank lines are ignored, and list items belong to the preceding line. Interventions are recognised
by their types. A list of outcomes consists of ``measure, description, time frame`` items separated
by vertical bars. The list ends with a time frame: a short phrase that follows a comma, names a
time and is not a sentence. Any other text is divided into sections by its headings
(``free_text``).
"""

import re
from collections.abc import Iterable, Sequence
from itertools import groupby

from extractor.formats.cells import is_intervention_list, list_interventions
from extractor.formats.found import RecordContent, take_sections, text_section
from extractor.formats.free_text import build_text, check_text_size
from extractor.formats.layout import LINE, CharRange
from extractor.language.clean import unify_line_ends
from extractor.schemas import Piece, Section

_LIST_ITEM = re.compile(r"\s*(?:[*•·-]|\d{1,2}[.)]|[a-z][.)])\s")
_MOST_BEFORE = 10
"""Maximum number of lines up to and including the interventions: title, summary paragraphs and
conditions. A text in which the first intervention type appears after these lines is not treated as
a flattened record.
"""
_REGISTER_TEXT = re.compile(
    r"^(?:(?:A\.2[ \t]+)?EudraCT number:[ \t]*\d{4}-"
    r"|E\.[34][ \t]+Principal (?:in|ex)clusion criteria)",
    re.IGNORECASE | re.MULTILINE,
)
"""The first line of a trial's text or, because a copied page may lack that line, a criteria field.
"""
_FIELD = re.compile(r"^(?:A\.[1-8]|D\.[1-8]|E\.[1-8])[\d.]*[ \t]+[A-Z]\w", re.M)
_OUTCOMES = ("primary_outcomes", "secondary_outcomes")
_LONGEST = 300
"""Maximum number of characters in a time frame, or in outcomes without bars."""
_TIME = re.compile(
    r"""
      (?:second|minute|min|hour|hr|day|week|wk|month|mo|year|yr|cycle|visit|time|season|phase|period|course)s?\b
    | \b(?:baseline|follow[- ]?up|complet\w+|discharge|end|admission|surgery|treatment|study)\b
    | \b(?:delivery|birth|immediately|during|through|throughout|after|before|until|within)\b
    | \b(?:at|up\ to|on|post|pre|peri|intra)\b
    | \b\d+\s*[dwmyh]\b | \b[dwmy]\s?\d | \b(?:19|20)\d\d\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
_SENTENCES = re.compile(r"[a-z)]\. +[A-Z]")
_PROSE = re.compile(r"[a-z)]\. +[A-Z]|[.;:]\s*$")
_PROSE_END = re.compile(r"[.;:]\s*$")


def is_register_text(text: str) -> bool:
    r"""Return whether a text, or its beginning, is in the format of the EU Clinical Trials
    Register.

    >>> is_register_text(
    ...     "EudraCT Number: 2029-000001-11\nA.3 Full title of the trial: A trial of fictumab\n"
    ... )
    True
    """
    return bool(_REGISTER_TEXT.search(text) and _FIELD.search(text))


def build_plain(
    text: str, *, title: str | None = None, remedy: str | None = None
) -> RecordContent:
    """Build the content of plain text: a text from the EU register, a flattened record or, if it
    is neither, free text.

    ``title`` and ``remedy`` are passed to ``build_text`` if the text is free text;
    otherwise, they are ignored. Raises ``UnreadableSource`` if the text is too long or if
    ``build_text`` raises it.
    """
    if is_register_text(text):
        from extractor.formats.eu_register import build_register_text  # noqa: PLC0415 - rarely needed

        return build_register_text(text)
    check_text_size(text)
    fields = _find_fields(text)
    names = _name_fields([text[start:end] for start, end in fields])
    if fields and not names:
        return build_text(text, title=title, remedy=remedy)
    unified = unify_line_ends(text)
    sections: list[Section] = []
    # adjacent fields of one name, such as the paragraphs of a summary, are one section
    for name, group in groupby(zip(names, fields, strict=True), lambda pair: pair[0]):
        spans = [span for _, span in group]
        start = spans[0][0]
        end = spans[-1][1]
        written = unified[start:end]
        sections_of_name: Iterable[Section] = text_section(name, written)
        if name == "interventions":
            sections_of_name = list_interventions(written)
        for section in sections_of_name:
            start = unified.index(section.text, start)
            pieces = (Piece(start=0, at=start),)
            sections.append(section.model_copy(update={"pieces": pieces}))
            start += len(section.text)
    return RecordContent(take_sections(sections), "flat", given=text)


def _find_fields(text: str) -> list[CharRange]:
    """Return the fields of a flattened record: each is a line with the list items below it."""
    fields: list[CharRange] = []
    for line in LINE.finditer(text):
        if _LIST_ITEM.match(line[0]) and _may_have_items(text, fields):
            start, _ = fields[-1]
            fields[-1] = (start, line.end())
        elif not line[0].isspace():
            fields.append(line.span())
    return fields


def _may_have_items(text: str, fields: Sequence[CharRange]) -> bool:
    """Return whether a list item may continue the last field, which is neither the title nor a list
    of outcomes.
    """
    if len(fields) < 2:
        return False
    start, end = fields[-1]
    return not _ends_outcomes(text[start:end])


def _name_fields(fields: Sequence[str]) -> list[str]:
    """Return the section name of each field in a flattened record. Return an empty list if the
    first lines do not contain interventions, because such a text is not a flattened record.
    """
    are_interventions = list(map(is_intervention_list, fields[:_MOST_BEFORE]))
    # the first line is the title, whatever it looks like
    if True not in are_interventions[1:]:
        return []
    before = are_interventions.index(True, 1)
    names = ["title", *["brief_summary"] * (before - 2)]
    if before > 1:
        names.append("conditions")
    names.append("interventions")
    first = len(names)
    # either list may be missing, and the description may begin in its place
    for name, field in zip(_OUTCOMES, fields[first:], strict=False):
        are_outcomes = "|" in field or _ends_outcomes(field)
        is_prose = len(field) > _LONGEST or _PROSE.search(field)
        # nearly every record has primary outcomes, and secondary outcomes may be a single name
        may_be_name = first == len(names) or len(names) + 1 < len(fields)
        if not are_outcomes and (is_prose or not may_be_name):
            break
        names.append(name)
    return names + ["detailed_description"] * (len(fields) - len(names))


def _ends_outcomes(field: str) -> bool:
    """Return whether a field ends like a list of outcomes: with a comma and a short phrase that
    names a time and is not a sentence.

    >>> _ends_outcomes("Overall survival, From infusion to death., 2 years")
    True
    >>> _ends_outcomes(
    ...     "Fictumab was safe in mice, rats and dogs. It is now given to patients for 2 years."
    ... )
    False
    """
    text, _, time_frame = field.rpartition("|")[2].rstrip().rpartition(", ")
    if not text:
        return False
    if len(time_frame) > _LONGEST:
        return False
    if not _TIME.search(time_frame):
        return False
    if _SENTENCES.search(time_frame):
        return False
    # A full stop ends a sentence of prose, unless a sentence also ended before the time frame.
    if not _PROSE_END.search(time_frame):
        return True
    if text.endswith("."):
        return True
    return "|" in field
