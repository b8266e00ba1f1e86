"""Names that no vocabulary knows, found by what stands around them: "patients receive EX-12", "80 mg zinc oxide"."""

from collections.abc import Iterator, Sequence

from extractor.text.book import rule
from extractor.text.lexer import Tokens

from .names import Place, chunk_end, find_general, is_glued

__all__ = ["find_dosed", "find_introduced", "find_substance", "widen_name"]

_LONGEST, _LONGEST_BEFORE = 5, 3
"""Words of a name behind what introduces it, and of one in front of its dose."""
_HEADS = frozenset({"nab", "peg", "suba"})
_NO_PARTS = ("ed", "ing", "ive", "ant", "ory", "like", "free", "naive", "cell", "cells", "dose", "sparing", "specific")
"""Ends of words that a hyphen joins to a name of which they are no part: "omalizumab-treated"."""
_BEFORE = frozenset([*",;:+(/.\n", "and", "plus", "with", "of", "or"])
"""What parts a name in front of its dose from the words before."""


def find_introduced(tokens: Tokens) -> Iterator[Place]:
    """Names that giving introduces, left to right; words that name nothing ("treatment") are none.

    >>> from extractor.text.book import read_text
    >>> tokens = read_text("Patients receive oral EX-12 on day 1 and undergo treatment")
    >>> [tokens.read(*place) for place in find_introduced(tokens)]
    ['EX-12']
    """
    for lead in rule("name_introduction").find(tokens):
        start = lead.end
        while start < len(tokens) and is_glued(tokens, start):  # the "5" of "5-EX" fills no gap
            start -= 1
        chunks = _read_chunks(tokens, start)
        if not chunks:
            continue
        first, end = chunks[0][0], chunks[-1][1]
        if _is_generic(tokens, *chunks[0]) or not _can_name(tokens, first, end):
            continue
        last = tokens.words[chunks[-1][0]].lower()
        generic = rule("generic_word").ends(tokens, end, chunks[-1][0])
        if not generic or "therapy" in last or "infusion" in last:
            yield first, end


def find_dosed(tokens: Tokens) -> Iterator[Place]:
    """Names beside doses that are weighed: "zinc oxide 80 mg", "400 IU of vitamin E"; none where one dose stands alone.

    >>> from extractor.text.book import read_text
    >>> tokens = read_text("80 mg zinc oxide; vitamin E 400 IU")
    >>> [tokens.read(*place) for place in find_dosed(tokens)]
    ['zinc oxide', 'vitamin E']
    """
    doses = list(rule("weighed_dose").find(tokens))
    for dose in doses if len(doses) > 1 else ():
        gap = rule("dose_gap").starts(tokens, dose.end)
        behind = _read_chunks(tokens, gap.end if gap else dose.end)
        if behind and _names_substance(tokens, behind):
            yield behind[0][0], behind[-1][1]
        elif (ahead := _read_before(tokens, dose.first)) and _names_substance(tokens, ahead):
            yield ahead[0][0], ahead[-1][1]


def find_substance(tokens: Tokens, first: int) -> Place | None:
    """What is given, where it follows the dose that ends before ``first``: "300 mg of oat flour", "300 mg oat protein".

    >>> from extractor.text.book import read_text
    >>> tokens = read_text("300 mg of oat flour daily")
    >>> tokens.read(*find_substance(tokens, 2))
    'oat flour'
    """
    gap = rule("dose_gap").starts(tokens, first)
    chunks = _read_chunks(tokens, gap.end if gap else first)
    if not chunks or _is_generic(tokens, *chunks[0]) or _is_generic(tokens, *chunks[-1]):
        return None
    place = chunks[0][0], chunks[-1][1]
    return place if gap or rule("substance_word").ends(tokens, place[1], place[1] - 1) else None


def widen_name(tokens: Tokens, first: int, end: int) -> Place:
    """The whole of a name of which a vocabulary knows only a part.

    >>> from extractor.text.book import read_text
    >>> tokens = read_text("EMX 121974 and nab-paclitaxel 5 mg")
    >>> [tokens.read(*widen_name(tokens, *place)) for place in ((0, 1), (4, 5))]
    ['EMX 121974', 'nab-paclitaxel']
    """
    head = first
    while head and is_glued(tokens, head) and (tokens.words[head - 1].isalnum() or tokens.words[head - 1] == "-"):
        head -= 1
    words = tokens.words[head:first]
    if words and words[0] != "-" and (words[0].lower() in _HEADS or any(word[0].isdigit() for word in words)):
        first = head
    rest = tokens.words[end : chunk_end(tokens, end - 1)]
    joined = len(rest) == 1 and rest[0].isalpha() and not rest[0].lower().endswith(_NO_PARTS)
    if joined and not find_general(tokens, end, end + 1):  # "trimethoprim-sulfamethoxazole"
        end += 1
    is_code = end - first == 1 and tokens.words[first].isupper() and 1 < len(tokens.words[first]) < _LONGEST + 1
    if is_code and end < len(tokens) and tokens.words[end].isdigit() and 2 < len(tokens.words[end]) < 8:
        end = chunk_end(tokens, end)
    return first, end


def _read_chunks(tokens: Tokens, first: int) -> list[Place]:
    """Words, joined ones as one, from a place on, as far as a name can go."""
    chunks: list[Place] = []
    while first < len(tokens) and len(chunks) < _LONGEST:
        spaced = not chunks or tokens.text[tokens.ends[first - 1] : tokens.starts[first]] == " "
        end = chunk_end(tokens, first)
        if not spaced or not tokens.words[first][0].isalnum() or _is_stop(tokens, first, end):
            break
        chunks.append((first, end))
        first = end
    return chunks


def _read_before(tokens: Tokens, end: int) -> list[Place]:
    """The words in front of a dose that can be a name: what parts them from others stands before them."""
    end -= end > 0 and tokens.words[end - 1] in ":(,-"
    first = end
    while (
        first
        and first > end - 2 * _LONGEST
        and tokens.words[first - 1][0].isalnum()
        and not _is_stop(tokens, first - 1, first)
    ):
        first -= 1
    before = tokens.words[first - 1].lower() if first else ""
    parted = not before or before in _BEFORE or rule("giving_lead").ends(tokens, first, first - 4)
    chunks: list[Place] = []
    while parted and first < end:
        chunks.append((first, chunk_end(tokens, first)))
        first = chunks[-1][1]
    return chunks if len(chunks) <= _LONGEST_BEFORE else []


def _is_stop(tokens: Tokens, first: int, end: int) -> bool:
    """Whether a chunk ends a name: a word such as "daily", a number, a number with its unit."""
    if tokens.words[first][0].isdigit():
        return end == first + 1 or rule("name_dose").covers(tokens, first, end) is not None
    return end == first + 1 and rule("name_stop").covers(tokens, first, end) is not None


def _is_generic(tokens: Tokens, first: int, end: int) -> bool:
    found = rule("generic_word").starts(tokens, first, end)
    return found is not None or (tokens.codes[first] == "n" and not any(map(str.isupper, tokens.read(first, end))))


def _can_name(tokens: Tokens, first: int, end: int) -> bool:
    """Whether words have three letters, or letters and digits: a code."""
    words = tokens.words[first:end]
    return any(len(word) > 2 and word.isalpha() for word in words) or (
        any(word[0].isdigit() for word in words) and any(word[0].isalpha() for word in words)
    )


def _names_substance(tokens: Tokens, chunks: Sequence[Place]) -> bool:
    first, end = chunks[0][0], chunks[-1][1]
    if any(
        rule("generic_word").search(tokens, *chunk) or rule("dose_detail").search(tokens, *chunk) for chunk in chunks
    ):
        return False
    words = tokens.words[first:end]
    if words[0][0].isdigit() or any(word.endswith("ly") for word in words):
        return False
    return any(len(word) > 3 and word.isalpha() for word in words)
