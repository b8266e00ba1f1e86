"""The words that name what a limit limits."""

from extractor.text.book import rule
from extractor.text.lexer import Tokens

__all__ = ["find_counted", "find_quantity", "find_substance"]

_Place = tuple[int, int]
_REACH = 32
"""How many tokens in front of a limit are searched for its quantity."""
_OPEN, _CLOSED = "([（", ")]）"
_EDGES = " ,:;([-)]<>≤≥="


def find_quantity(tokens: Tokens, floor: int, end: int) -> _Place | None:
    """Where, from token ``floor`` on, the quantity of a limit that begins at ``end`` is named; None if nowhere.

    >>> from extractor.text.book import read_text
    >>> tokens = read_text("Patients must have adequate function: ANC (absolute) of at least 1,500")
    >>> tokens.read(*find_quantity(tokens, 0, tokens.words.index("at")))
    'ANC (absolute)'
    """
    first, last = _open_phrase(tokens, floor, end)
    closed = max((tokens.codes.rfind(sign, first, last) for sign in _CLOSED), default=-1)
    if closed >= 0 and "(" not in tokens.codes[first:closed] and _trim_end(tokens, closed + 1, last) > closed + 1:
        first = closed + 1
    last = _trim_end(tokens, first, last)
    first = max([first, *(found.end for found in rule("quantity_break").find(tokens, first, last))])
    opened = tokens.codes.find("(", first, last)
    front = opened + 1 if opened > first and tokens.codes[last - 1] == ")" else last
    if not rule("joined_quantities").covers(tokens, first, last):
        cuts = [found.end for found in rule("quantity_split").find(tokens, first, front)]
        first = max((cut for cut in cuts if _has_words(tokens, cut, last)), default=first)
    leads = (found.end for found in rule("quantity_lead").find(tokens, first, front))
    first = max((lead for lead in leads if lead < last and not tokens.joined(lead)), default=first)
    while first < last and tokens.codes[first] in _EDGES:
        first += 1
    named = any(word[0].isalpha() for word in tokens.words[first:last])
    return (first, last) if named and (last > first + 1 or len(tokens.words[first]) > 1) else None


def find_counted(tokens: Tokens, end: int) -> _Place | None:
    """The counted noun behind a bare number ("at least one measurable lesion")."""
    found = rule("counted_noun").starts(tokens, end)
    return found.part("noun") if found else None


def find_substance(tokens: Tokens, end: int) -> _Place | None:
    """The substance behind a dose ("> 10 mg/day of prednisone")."""
    found = rule("substance").starts(tokens, end)
    return found.part("name") if found and max(map(len, found.text.split())) > 4 else None


def _open_phrase(tokens: Tokens, floor: int, end: int) -> _Place:
    """The tokens before ``end``; out of a bracket that holds the limit alone, the words in front of the bracket."""
    first, depth = max(floor, end - _REACH), 0
    for at in range(end - 1, first - 1, -1):
        code = tokens.codes[at]
        if code in _CLOSED:
            depth += 1
        elif code in _OPEN:
            if depth == 0:
                return (at + 1, end) if _has_words(tokens, at + 1, end) else _open_phrase(tokens, floor, at)
            depth -= 1
    return first, end


def _has_words(tokens: Tokens, first: int, end: int) -> bool:
    last = _trim_end(tokens, first, end)
    return any(len(word) > 1 and word.isalpha() for word in tokens.words[first:last])


def _trim_end(tokens: Tokens, first: int, end: int) -> int:
    found = rule("quantity_tail").ends(tokens, end, first)
    return found.first if found else end
