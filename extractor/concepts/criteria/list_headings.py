"""Headings of lists of criteria: which list a line opens, and how sure that is."""

from collections.abc import Iterator
from dataclasses import dataclass

from extractor.concepts.criteria.headings import (
    carries_condition,
    count_words,
    ends_with_colon,
    is_generic,
)
from extractor.concepts.criteria.list_names import mend_names
from extractor.language.book import rule
from extractor.language.lexer import Tokens
from extractor.language.patterns import Found
from extractor.schemas import CriterionKind

_LONGEST_HEADING = 45
"""The most tokens of a heading."""
_FEW_WORDS = 8
_FEW_BULLETED = 4
"""The most words of a heading that has no colon, without and with a bullet before it."""
_MANY_WORDS = 14
"""The most words of a heading before a colon."""
_KNOWN = 1.0
_MISSPELT = 0.78
"""How sure it is that a line is a heading whose name is misspelt. Judged; below what counts as
sure.
"""
_BORDERS = frozenset(".;|•")
"""Signs behind which a bare name of a list may open it within a line."""
_LED = 0.72
"""How sure it is for words before the name of a list, such as "Medical exclusion", before what
stands around it.
"""
_COLON = 0.1
_PLURAL = 0.06
_ABOVE_ITEMS = 0.09
"""What a colon, a plural or the word "criteria", and items below add to that."""


@dataclass(frozen=True, slots=True)
class ListHeading:
    """The heading of a list of ``kind``, None for both lists together.

    ``confidence`` says how sure it is that it is a heading of this list, ``doubt`` why it is not
    certain.
    """

    kind: CriterionKind | None
    confidence: float = _KNOWN
    doubt: str = ""


def find_headings(
    tokens: Tokens, first: int, end: int, *, wrapped: bool = False
) -> Iterator[tuple[int, int]]:
    """Yield the headings of lists in one line, each with the name of a cohort before it.

    A ``wrapped`` line continues a sentence, which may name a list.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("Inclusion Criteria: adults. Exclusion Criteria: none")
    >>> [tokens.read(*place) for place in find_headings(tokens, 0, len(tokens))]
    ['Inclusion Criteria:', 'Exclusion Criteria:']
    """
    is_sentence = wrapped and tokens.words[first][0].islower()
    done = first
    opening = rule("opening_list").starts(tokens, first, end) or rule(
        "list_opening_items"
    ).starts(tokens, first, end)
    if opening and not is_sentence:
        yield first, opening.end
        done = opening.end
    if _is_led(tokens, first, end):
        yield first, end
        return
    within = list(rule("run_on_list").find(tokens, done, end))
    within += rule("list_before_item").find(tokens, done, end)
    if not is_sentence:
        within += _find_unmarked(tokens, done, end)
    for heading in sorted(within, key=lambda heading: heading.first):
        if heading.first < done:
            continue
        if is_sentence and heading.first == first:
            continue
        start = heading.first
        if rule("cohort_name").covers(tokens, done, start):
            start = done
        yield start, heading.end
        done = heading.end
    if is_sentence:
        return
    last = rule("list_at_end").search(tokens, done, end)
    if last and _ends_item(tokens, done, last.first):
        yield last.first, last.end


def _is_led(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether a whole line is words that lead to the name of a list, and no item of the list
    above.
    """
    led = rule("led_criteria").starts(tokens, first, end)
    if led is None or led.end != end:
        return False
    return not _ends_item(tokens, first, _name_of_list(tokens, first, end))


def _find_unmarked(tokens: Tokens, first: int, end: int) -> list[Found]:
    """Return headings without a sign between sentences, and those that are bare names of lists."""
    return [*_find_plain(tokens, first, end), *_find_bare(tokens, first, end)]


def _find_plain(tokens: Tokens, first: int, end: int) -> list[Found]:
    """Return headings without a sign between sentences: "Asthma. Exclusion Criteria Life expectancy
    below 8 weeks".

    Only capitals show them: those of their own words, and that of the sentence behind them. The
    first of a line needs another one in the line, for "Inclusion Criteria Cohort A" is a heading as
    a whole.
    """
    found: list[Found] = []
    for heading in rule("plain_list").find(tokens, first, end):
        words = tokens.words[heading.first : heading.end]
        is_in_capitals = all(word[0].isupper() for word in words)
        if is_in_capitals and _begins_sentence(tokens, heading.end, end):
            found.append(heading)
    if len(found) > 1 and found[0].first == first:
        return found
    return [
        heading
        for heading in found
        if heading.first > first and tokens.words[heading.first - 1] == "."
    ]


def _find_bare(tokens: Tokens, first: int, end: int) -> list[Found]:
    """Return the bare names of lists with a colon: "INCL: adults; EXCL: smokers".

    A line that opens with one list and names the other one behind it has headings for sure, also
    by "In:" and "Out:". Elsewhere only an unmistakable name counts, behind a border or at the
    start of a line, and no bullet stands before the line: an item keeps its own exclusion.
    """
    named = list(rule("bare_heading").find(tokens, first, end))
    if not named:
        return []
    front = rule("edges").covers(tokens, first, named[0].first)
    opens_line = named[0].first == first or front is not None
    lists = {_refuses_by_name(heading.read("list")) for heading in named}
    if opens_line and len(lists) > 1:
        return named
    if not tokens.words[first][0].isalpha():
        return []
    certain: list[Found] = []
    for heading in named:
        is_at_border = (
            heading.first == first or tokens.words[heading.first - 1] in _BORDERS
        )
        if not is_at_border:
            continue
        if rule("certain_bare_heading").covers(tokens, heading.first, heading.end):
            certain.append(heading)
    return certain


def _refuses_by_name(name: str | None) -> bool:
    """Return whether the name of a list is one of exclusions."""
    words = (name or "").lower()
    return (
        "exc" in words
        or "non" in words
        or words in ("ec", "out")
        or words.startswith(("inelig", "contra", "reject"))
    )


def _begins_sentence(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether words begin with a capital, and go on in small letters."""
    words = tokens.words[first:end]
    return (
        len(words) > 1
        and words[0][0].isupper()
        and any(word[0].islower() for word in words[1:])
    )


def _name_of_list(tokens: Tokens, first: int, end: int) -> int:
    """Return the token that names the list of a heading."""
    named = rule("named_list").search(tokens, first, end)
    return named.first if named else end - 1


def _ends_item(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether words before the heading at the end of a line are an item of the list above.

    "Donor" and "Dose Escalation Phase" belong to the heading itself: its name stands in capitals
    behind small letters.
    """
    if (
        end <= first
        or not tokens.words[end][0].isupper()
        or tokens.words[end].isupper()
    ):
        return False
    words = [
        word for word in tokens.words[first:end] if len(word) > 3 and word.isalpha()
    ]
    return any(word.islower() for word in words) and not is_generic(
        tokens.cut(first, end)
    )


def read_list_heading(
    tokens: Tokens, *, bulleted: bool, above_items: bool = False
) -> ListHeading | None:
    """Return the heading of a list that a line is; None if it is none.

    ``bulleted``: a bullet stands before the line. ``above_items``: items or an empty line follow,
    without which words before the name of a list are less likely a heading.

    >>> from extractor.language.book import read_text
    >>> read_list_heading(read_text("Key Exclusion Criteria"), bulleted=False)
    ListHeading(kind=<CriterionKind.EXCLUSION: 'exclusion'>, confidence=1.0, doubt='')
    >>> read_list_heading(
    ...     read_text("Meets all inclusion criteria of the main study"), bulleted=True
    ... )
    >>> read_list_heading(read_text("Exclsuion critera"), bulleted=False).confidence
    0.78
    """
    if not tokens.words or len(tokens) > _LONGEST_HEADING:
        return None
    names = mend_names(tokens)
    found = _read_names(names, bulleted=bulleted, above_items=above_items)
    if found and names is not tokens:
        return ListHeading(
            found.kind,
            min(found.confidence, _MISSPELT),
            "the name of a list is misspelt",
        )
    return found


def _read_names(
    tokens: Tokens, *, bulleted: bool, above_items: bool
) -> ListHeading | None:
    """Return the heading that a line is by the names of lists in it, else by what it asks for."""
    colon = ends_with_colon(tokens)
    generic = is_generic(tokens)
    named = rule("named_list").search(tokens) or rule("bare_list").covers(
        tokens, 0, len(tokens)
    )
    if named:
        is_title = rule("list_title").covers(tokens, 0, len(tokens)) is not None
        is_marked = colon or bulleted or is_title
        if tokens.words[0][0].islower() and not is_marked:
            return None  # the rest of a sentence that names a list
        is_plain = generic and not bulleted
        if (
            is_title
            or is_plain
            or _opens(tokens, named, colon=colon, generic=generic)
            or _is_short(tokens, count_words(tokens), bulleted=bulleted)
        ):
            return ListHeading(_read_kind(tokens, named))
    elif colon or not bulleted:
        led = rule("led_list").covers(tokens, 0, len(tokens))
        if led:
            return _judge_led(led, colon=colon, above_items=above_items)
    return _read_generic(tokens, colon=colon) if generic else None


def _read_generic(tokens: Tokens, *, colon: bool) -> ListHeading | None:
    """Return the heading that a line is by its verb: "Patients are excluded if any of the
    following:".
    """
    is_question = tokens.codes.endswith("?")
    announces = "following" in map(str.lower, tokens.words)
    if not (colon or is_question or announces):
        return None
    if rule("refused").search(tokens):
        return ListHeading(CriterionKind.EXCLUSION)
    if rule("admitted").search(tokens):
        return ListHeading(CriterionKind.INCLUSION)
    return None


def _opens(tokens: Tokens, named: Found, *, colon: bool, generic: bool) -> bool:
    """Return whether a line with a colon opens the list that it names."""
    if not colon:
        return False
    if count_words(tokens) <= _MANY_WORDS or generic:
        return True
    general = (
        rule("opening_words").covers(tokens, 0, named.first) if named.first else None
    )
    return general is not None and not carries_condition(tokens)


def _is_short(tokens: Tokens, words: int, *, bulleted: bool) -> bool:
    if not bulleted:
        return words <= _FEW_WORDS
    return words <= _FEW_BULLETED and not rule("denies_criteria").starts(tokens, 0)


def _read_kind(tokens: Tokens, named: Found) -> CriterionKind | None:
    """Return the list that a heading names; None if it names both."""
    if not _refuses_by_name(named.read("list")):
        # as in "Those who do not meet the inclusion criteria are excluded"
        denied = rule("denies").search(tokens, 0, named.first)
        return CriterionKind.EXCLUSION if denied else CriterionKind.INCLUSION
    both = rule("both_lists").covers(tokens, *named.place("list"))
    return None if both else CriterionKind.EXCLUSION


def _judge_led(led: Found, *, colon: bool, above_items: bool) -> ListHeading:
    """Judge words that end with the name of a list: "Medical exclusion:", "Safety exclusions"."""
    name = (led.read("list") or "").lower()
    kind = (
        CriterionKind.INCLUSION if name.startswith("inc") else CriterionKind.EXCLUSION
    )
    sure = (
        _LED
        + _COLON * colon
        + _ABOVE_ITEMS * above_items
        + _PLURAL * name.endswith("s")
    )
    return ListHeading(kind, round(sure, 2), "words stand before the name of a list")
