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
    sentence = wrapped and tokens.words[first][0].islower()
    done = first
    opening = rule("opening_list").starts(tokens, first, end) or rule(
        "list_opening_items"
    ).starts(tokens, first, end)
    if opening and not sentence:
        yield first, opening.end
        done = opening.end
    led = rule("led_criteria").starts(tokens, first, end)
    if (
        led
        and led.end == end
        and not _ends_item(tokens, first, _name_of_list(tokens, first, end))
    ):
        yield first, end
        return
    plain = _find_plain(tokens, done, end) if not sentence else []
    within = [
        *rule("run_on_list").find(tokens, done, end),
        *rule("list_before_item").find(tokens, done, end),
        *plain,
    ]
    for found in sorted(within, key=lambda found: found.first):
        if found.first < done or (sentence and found.first == first):
            continue
        yield (
            done
            if rule("cohort_name").covers(tokens, done, found.first)
            else found.first,
            found.end,
        )
        done = found.end
    last = rule("list_at_end").search(tokens, done, end)
    if last and not sentence and _ends_item(tokens, done, last.first):
        yield last.first, last.end


def _find_plain(tokens: Tokens, first: int, end: int) -> list[Found]:
    """Return headings without a sign between sentences: "Asthma. Exclusion Criteria Life expectancy
    below 8 weeks".

    Only capitals show them: those of their own words, and that of the sentence behind them. The
    first of a line needs another one in the line, for "Inclusion Criteria Cohort A" is a heading as
    a whole.
    """
    found = [
        one
        for one in rule("plain_list").find(tokens, first, end)
        if all(word[0].isupper() for word in tokens.words[one.first : one.end])
        if _begins_sentence(tokens, one.end, end)
    ]
    leads = bool(found) and found[0].first == first
    if leads and len(found) > 1:
        return found
    return [
        one for one in found if one.first > first and tokens.words[one.first - 1] == "."
    ]


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
    colon = ends_with_colon(tokens)
    generic = is_generic(tokens)
    named = rule("named_list").search(tokens) or rule("bare_list").covers(
        tokens, 0, len(tokens)
    )
    if named:
        words = count_words(tokens)
        title = rule("list_title").covers(tokens, 0, len(tokens)) is not None
        if tokens.words[0][0].islower() and not (colon or bulleted or title):
            return None  # the rest of a sentence that names a list
        if _opens(tokens, named, colon=colon, generic=generic) or _is_short(
            tokens, words, bulleted=bulleted
        ):
            return ListHeading(_read_kind(tokens, named))
        if title or (not bulleted and generic):
            return ListHeading(_read_kind(tokens, named))
    led = rule("led_list").covers(tokens, 0, len(tokens)) if not named else None
    if led and (not bulleted or colon):
        return _judge_led(led, colon=colon, above_items=above_items)
    if generic and (
        colon
        or tokens.codes.endswith("?")
        or "following" in map(str.lower, tokens.words)
    ):
        for name, kind in (
            ("refused", CriterionKind.EXCLUSION),
            ("admitted", CriterionKind.INCLUSION),
        ):
            if rule(name).search(tokens):
                return ListHeading(kind)
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
    name = (named.read("list") or "").lower()
    refuses = (
        "exc" in name
        or "non" in name
        or name == "ec"
        or name.startswith(("inelig", "contra", "reject"))
    )
    if not refuses:
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
