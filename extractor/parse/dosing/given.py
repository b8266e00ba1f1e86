"""Whether a sentence of a description tells what participants of this trial are given."""

import re

from extractor.parse.requirements import Guarded

from .facts import Statement

__all__ = ["is_given", "tells_elsewhere"]

# Doses of food challenges, of accidents, of other trials and of labels; aims and limits.
_ELSEWHERE = Guarded(
    r"\b(?:challenges?|DBPCFCs?|OFCs?|tolerat\w+|accidental\w*|approved|previous(?:ly)?|preclinical|reported|shown|"
    r"demonstrated|stud(?:y|ies) (?:have|has)|(?:in|ex) (?:mice|rats|vitro|vivo)|eligible|must (?:have|be)|allowed|"
    r"permitted|prohibited|incidence|response rate|adverse events?|"
    r"(?:be|were|was|is|are) (?:recorded|measured|monitored|collected)|"
    r"(?:more|less|greater|fewer) than)\b"
)
_GIVES = re.compile(
    r"\b(?:receiv|administ|giv(?:en|ing)|infus|inject|treated with|dosed|take|takes|taken|taking|undergo|ingest|"
    r"inhal|apply|applied|starting dose|dose levels?|doses? of)",
    re.IGNORECASE,
)


def tells_elsewhere(text: str, start: int, end: int) -> bool:
    """Whether ``text[start:end]`` tells of doses of tests, of other trials, or of limits.

    >>> tells_elsewhere("The approved dose is 5 mg.", 0, 26)
    True
    """
    return _ELSEWHERE.search(text, start, end) is not None


def is_given(statement: Statement) -> bool:
    """A dose needs a word of giving, and none that it is one of a test, of other trials or a limit."""
    clause = statement.clause
    if tells_elsewhere(clause.text, clause.start, clause.end):
        return False
    timed = statement.route or statement.frequency or statement.days
    return bool(timed or _GIVES.search(clause.text, clause.start, clause.end))
