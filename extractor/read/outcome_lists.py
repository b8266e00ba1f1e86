"""Tell a flattened list of outcomes from prose.

A list's items, ``measure, description, time frame``, are joined by bars. A list ends with a time frame: a
short phrase after a comma that names a time and is no sentence. Prose has sentences and no bars.
"""

import re
from collections.abc import Sequence

__all__ = ["count_list_lines", "ends_outcome_list"]

_MAX_TIME_FRAME = 300
_MAX_MEASURE = 300
_TIME = re.compile(
    r"""
      (?:second|minute|min|hour|hr|day|week|wk|month|mo|year|yr|cycle|visit|time|season|phase|period|course)s?\b
    | \b(?:baseline|follow[- ]?up|complet\w+|discharge|end|admission|surgery|treatment|study|delivery|birth)\b
    | \b(?:immediately|during|through|throughout|after|before|until|within|at|up\ to|on|post|pre|peri|intra)\b
    | \b\d+\s*[dwmyh]\b | \b[dwmy]\s?\d | \b(?:19|20)\d\d\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
_SENTENCES = re.compile(r"[a-z)]\. +[A-Z]")
_SENTENCE_AND_TIME = re.compile(r"[.)], [^,.]{1,80}$")
_PROSE_END = re.compile(r"[.;:]\s*$")


def ends_outcome_list(line: str) -> bool:
    """Whether a line ends as a list of outcomes does.

    >>> ends_outcome_list("Overall survival, From infusion to death., 2 years")
    True
    >>> ends_outcome_list("Fictumab was safe in mice, rats and dogs. It is now given to patients for 2 years.")
    False
    """
    text, comma, time_frame = line.rpartition("|")[2].rstrip().rpartition(", ")
    if not comma or len(time_frame) > _MAX_TIME_FRAME or not _TIME.search(time_frame):
        return False
    if _SENTENCES.search(time_frame):
        return False
    # A full stop ends a sentence of prose, unless a sentence ended before the time frame too.
    return not _PROSE_END.search(time_frame) or text.endswith(".") or "|" in line


def count_list_lines(lines: Sequence[str], *, first: bool, last: bool) -> int:
    """How many lines of a field are a list of outcomes; 0 if it is prose.

    The field is the ``first`` that may be a list, and the ``last`` of the record or not. Nearly every record
    has a first list; a list before another field is the whole field; what stands last is prose if in doubt.

    >>> count_list_lines(["Survival, Until death., 2 years|Safety, 1 year"], first=False, last=True)
    1
    >>> count_list_lines(["This study, which is small, is described in prose."], first=False, last=True)
    0
    """
    text = " ".join(lines)
    is_prose = len(text) > _MAX_MEASURE or bool(_SENTENCES.search(text))
    ending = [number for number, line in enumerate(lines, 1) if "|" in line or ends_outcome_list(line)]
    if not last:
        return len(lines) if first or ending or not (is_prose or _PROSE_END.search(text)) else 0
    if first:
        return ending[-1] if ending else len(lines) * (not is_prose)
    # Prose may end like a list by chance; then sentences stand before it without a time frame after the last.
    sure = [
        number
        for number in ending
        if "|" in lines[number - 1] or not is_prose or _SENTENCE_AND_TIME.search(lines[number - 1])
    ]
    return sure[-1] if sure else 0
