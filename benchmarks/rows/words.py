"""Describe the words around a value: which critical words of its text no value explains, and how
long and how regular the text is.
"""

import re
from collections import Counter
from collections.abc import Sequence

from extractor.language.units import read_unit

Range = tuple[int, int]
"""The first character, and one past the last."""
_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+|[<>=≤≥±]+|[^\w\s]")
_KINDS = {
    "number": r"\d.*|[½¼¾]|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty"
    r"|hundred|half|twice|double|fold",
    "comparator": r"[<>=≤≥±]+|least|most|more|less|than|above|below|under|over|greater|fewer|higher|lower"
    r"|between|within|up|exceed\w*|max\w*|min(?:imum|imal)",
    "percent": r"%|percent|pct",
    "uln": r"uln",
    "lln": r"lln",
    "negation": r"no|not|non|never|neither|nor|without|except|unless|cannot|none",
    "unit": r"(?:minute|hour|day|week|month|year)s?|mins?|hrs?|wks?|mos?|yrs?",
}
_CRITICAL = {
    kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in _KINDS.items()
}
_ENDS_CLAUSE = re.compile(r"[.;:\n](?!\d)")
_BRACKETS = re.compile(r"[(\[][^()\[\]]*[)\]]")
_LIST_MARK = re.compile(
    r"(?m)^\s*(?:[-*•▪~]|\(?\w{1,3}[.)])\s|\s[•▪~*]\s|[;,]\s\(?\w[.)]\s"
)
_SENTENCE = re.compile(r"[.!?]\s+[A-Z]")
_BESIDE = 2
"""Maximum number of words between a value and a word beside it."""
_MOST = 9
"""Larger counts of words are not distinguished."""


def describe_words(
    text: str, own: Range, explained: Sequence[Range]
) -> dict[str, float]:
    """Return the features of a value that come from its text, without those that are 0.

    ``left KIND PLACE`` counts the critical words that are in no value: "beside" the value, "in
    brackets", in its "clause", or "elsewhere". The others describe the whole text.

    Args:
        text: The item, or the line of text, that contains the value.
        own: The place of the value in the text.
        explained: The places of all values in the text.

    >>> text = "Platelets of 100 (or 75 if MDS)"
    >>> found = describe_words(text, (0, 16), [(0, 16)])
    >>> found["left number in brackets"], found["words"]
    (1.0, 7.0)
    """
    found = Counter[str]()
    words = [(match.group(), *match.span()) for match in _WORD.finditer(text)]
    inside = [
        at for at, (_, start, end) in enumerate(words) if _is_in((start, end), own)
    ]
    first, last = (inside[0], inside[-1]) if inside else (0, 0)
    clause = _find_clause(text, own)
    for at, (word, start, end) in enumerate(words):
        if any(_is_in((start, end), place) for place in explained):
            continue
        is_before = clause[0] <= start < own[0]
        is_behind = own[1] <= start < clause[1]
        if word[0].isalpha() and is_before:
            found["words left before"] += 1
        if word[0].isalpha() and is_behind:
            found["words left behind"] += 1
        kind = _find_kind(word, words[at - 1][0] if at else "")
        if kind is None:
            continue
        if first - _BESIDE <= at <= last + _BESIDE:
            found[f"left {kind} beside"] += 1
        elif _is_in_brackets(text, (start, end), own):
            found[f"left {kind} in brackets"] += 1
        elif is_before or is_behind:
            found[f"left {kind} in clause"] += 1
        else:
            found[f"left {kind} elsewhere"] += 1
    found["numbers in its words"] = sum(words[at][0][0].isdigit() for at in inside)
    found["a word right behind"] = (
        last + 1 < len(words) and words[last + 1][0].isalpha()
    )
    features = {name: min(count, _MOST) for name, count in found.items()}
    features["words"] = sum(word[0].isalnum() for word, _, _ in words)
    features["line breaks"] = min(text.strip().count("\n"), _MOST)
    features["list marks"] = min(len(_LIST_MARK.findall(text)), _MOST)
    features["semicolons"] = min(text.count(";"), _MOST)
    features["sentences behind the first"] = min(len(_SENTENCE.findall(text)), _MOST)
    return {name: float(size) for name, size in features.items() if size}


def _is_in(place: Range, outer: Range) -> bool:
    return outer[0] <= place[0] and place[1] <= outer[1]


def _find_clause(text: str, own: Range) -> Range:
    ends = [match.end() for match in _ENDS_CLAUSE.finditer(text)]
    start = max((end for end in ends if end <= own[0]), default=0)
    return start, min((end for end in ends if end > own[1]), default=len(text))


def _find_kind(word: str, before: str) -> str | None:
    """Return the kind of a critical word; a unit of measurement follows a number or a slash."""
    for kind, pattern in _CRITICAL.items():
        if pattern.fullmatch(word):
            return kind
    is_measure = before[:1].isdigit() or before == "/"
    if is_measure and read_unit(word) is not None:
        return "unit"
    return None


def _is_in_brackets(text: str, place: Range, own: Range) -> bool:
    for match in _BRACKETS.finditer(text):
        if _is_in(place, match.span()):
            return not _is_in(own, match.span())
    return False
