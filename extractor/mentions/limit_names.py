"""Find the words that name the quantity of a limit."""

from extractor.text.book import rule
from extractor.text.lexer import Range, Tokens
from extractor.text.quantity_names import find_exactly, names_quantity

_PHRASE = 32
"""How many tokens before a limit are searched for its quantity."""
_OPEN, _CLOSED = "([（", ")]）"
_EDGES = " ,:;([-)]<>≤≥="


def find_quantity(tokens: Tokens, floor: int, end: int) -> Range | None:
    """The name of the quantity of a limit that begins at ``end``, searched from token ``floor`` on."""
    first, last = _open_phrase(tokens, floor, end)
    closed = max((tokens.codes.rfind(sign, first, last) for sign in _CLOSED), default=-1)
    if closed >= 0 and "(" not in tokens.codes[first:closed] and _trim_end(tokens, closed + 1, last) > closed + 1:
        first = closed + 1
    last = _trim_end(tokens, first, last)
    breaks = (
        found.end for found in rule("quantity_break").find(tokens, first, last) if not _joins(tokens, found.first)
    )
    first = max([first, *breaks])
    opened = tokens.codes.find("(", first, last)
    front = opened + 1 if opened > first and tokens.codes[last - 1] == ")" else last
    if not _is_pair(tokens, first, last):
        splits = rule("quantity_split").find(tokens, first, front)
        cuts = [found.end for found in splits if not rule("ratio_of").search(tokens, first, found.first)]
        first = max((cut for cut in cuts if _has_words(tokens, cut, last)), default=first)
    leads = (found.end for found in rule("quantity_lead").find(tokens, first, front))
    first = max((lead for lead in leads if lead < last and not tokens.joined(lead)), default=first)
    while first < last and tokens.codes[first] in _EDGES:
        first += 1
    closed = tokens.codes.rfind(")", first, last)
    if closed >= 0 and "(" not in tokens.codes[first:closed] and _has_words(tokens, closed + 1, last):
        first = closed + 1  # the bracket opened before the words: "... disease) BMI"
    first = _take_list(tokens, floor, first, last)
    named = any(word[0].isalpha() for word in tokens.words[first:last])
    return (first, last) if named and (last > first + 1 or len(tokens.words[first]) > 1) else None


def _is_pair(tokens: Tokens, first: int, last: int) -> bool:
    """Whether the words are two quantities of one limit: "AST and ALT", but not "asthma and platelets"."""
    if not rule("joined_quantities").covers(tokens, first, last):
        return False
    joint = next(at for at in range(first, last) if tokens.words[at].lower() in _AND)
    if joint - first > _LONGEST:
        return False
    return names_quantity(tokens.read(first, joint), surely=True) or not names_quantity(tokens.read(joint + 1, last))


def _take_list(tokens: Tokens, floor: int, first: int, last: int) -> int:
    """The start of a list of known quantities that ends with a name: "AST, ALT or GGT"."""
    joint = max((at + 1 for at in range(first, last) if tokens.words[at].lower() in _AND), default=first)
    known = find_exactly(tokens.read(joint, last))
    while first > floor + 1 and known:
        end = first - 1
        while end > floor and (tokens.codes[end - 1] == "," or tokens.words[end - 1].lower() in _AND):
            end -= 1
        if tokens.codes[end] != "," and tokens.words[end].lower() not in _AND:
            break
        start = end
        while start > max(floor, end - _LONGEST) and (
            tokens.words[start - 1].isalnum() and tokens.words[start - 1].lower() not in _AND
        ):
            start -= 1
        other = find_exactly(tokens.read(start, end)) if start < end else None
        if other is None or other.unit != known.unit:
            break
        first, last = start, end
    return first


_AND = frozenset({"and", "or"})
_LONGEST = 5
"""The most words of a quantity in a list."""


def _joins(tokens: Tokens, at: int) -> bool:
    """Whether a sign joins both sides into one name: "CA 19-9", "25-OH", "LH:FSH"."""
    return tokens.codes[at] in "-:" and tokens.joined(at) and tokens.joined(at + 1)


def _open_phrase(tokens: Tokens, floor: int, end: int) -> Range:
    """The tokens before ``end``, or before the bracket if the limit stands alone in one."""
    first, depth = max(floor, end - _PHRASE), 0
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
