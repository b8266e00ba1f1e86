"""Headings of lists of criteria: which list a line opens, and how sure that is."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from extractor.concepts.criteria.headings import (
    carries_condition,
    count_words,
    ends_with_colon,
    is_generic,
)
from extractor.concepts.criteria.list_names import mend_names
from extractor.language.book import rule
from extractor.language.lexer import Range, Tokens
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
) -> Iterator[Range]:
    """Yield the headings of lists in the line ``tokens.words[first:end]``, from left to right.

    Each is the range of its tokens, with the name of a cohort before it. A ``wrapped`` line that
    begins in small letters continues a sentence: a name at its start or end is no heading, and only
    a heading with a colon or before an item counts within it.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("Inclusion Criteria: adults. Exclusion Criteria: none")
    >>> [tokens.read(*place) for place in find_headings(tokens, 0, len(tokens))]
    ['Inclusion Criteria:', 'Exclusion Criteria:']
    """
    is_sentence = wrapped and tokens.words[first][0].islower()
    done = first
    opening = rule("opening_list").starts(tokens, first, end)
    if not opening:
        # as in "Inclusion criteria for healthy people 1) Consent"
        opening = rule("list_opening_items").starts(tokens, first, end)
    if opening and not is_sentence:
        yield first, opening.end
        done = opening.end
    if _is_led(tokens, first, end):
        yield first, end
        return
    # as in "Adults. Exclusion criteria: none"
    within = list(rule("run_on_list").find(tokens, done, end))
    # as in "Asthma. Exclusion criteria - Asthma"
    within += rule("list_before_item").find(tokens, done, end)
    if not is_sentence:
        within += _find_plain(tokens, done, end)
        within += _find_bare(tokens, done, end)
    for heading in sorted(within, key=lambda heading: heading.first):
        if heading.first < done:
            continue
        if is_sentence and heading.first == first:
            continue
        start = _find_start_of_both(tokens, done, heading.first)
        # as in "Cohort A (adults) - Inclusion Criteria:"
        if rule("cohort_name").covers(tokens, done, start):
            start = done
        yield start, heading.end
        done = heading.end
    if is_sentence:
        return
    # "Age 18 to 65 years Exclusion Criteria": the line break before it is lost
    last = rule("list_at_end").search(tokens, done, end)
    if last and _is_end_of_item(tokens, done, last.first):
        yield last.first, last.end


def _find_start_of_both(tokens: Tokens, first: int, name: int) -> int:
    """Return where a heading begins that has the name of a list at ``name``: at the name of the
    other list before it, as in "Inclusion/exclusion criteria:", if that is not before ``first``.
    """
    for opening in rule("opens_both_lists").find(tokens, first, name):
        if opening.end == name:
            return opening.first
    return name


def _is_led(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether a whole line is a heading of one to four words before the name of a list.

    "MRI exclusion criteria:" is; in "Severe asthma Exclusion Criteria" the words are an item of the
    list above.
    """
    led = rule("led_criteria").starts(tokens, first, end)
    if led is None or led.end != end:
        return False
    named = rule("named_list").search(tokens, first, end)
    name_of_list = named.first if named else end - 1
    return not _is_end_of_item(tokens, first, name_of_list)


def _find_plain(tokens: Tokens, first: int, end: int) -> list[Found]:
    """Return headings without a sign between sentences: "Asthma. Exclusion Criteria Life expectancy
    below 8 weeks".

    Only capitals show them: those of their own words, and that of the sentence behind them. The
    first of a line needs another one in the line, for "Inclusion Criteria Cohort A" is a heading as
    a whole; without one, only headings behind a full stop count.
    """
    in_capitals: list[Found] = []
    for heading in rule("plain_list").find(tokens, first, end):
        words = tokens.words[heading.first : heading.end]
        if not all(word[0].isupper() for word in words):
            continue
        if _begins_sentence(tokens, heading.end, end):
            in_capitals.append(heading)
    if len(in_capitals) > 1 and in_capitals[0].first == first:
        return in_capitals
    return [
        heading
        for heading in in_capitals
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
    opens_line = named[0].first == first
    # "- *" before the first name
    if rule("edges").covers(tokens, first, named[0].first) is not None:
        opens_line = True
    refusals = {_refuses_by_name(heading.read("list")) for heading in named}
    names_both_lists = len(refusals) > 1
    if opens_line and names_both_lists:
        return named
    starts_with_bullet = not tokens.words[first][0].isalpha()
    if starts_with_bullet:
        return []
    certain: list[Found] = []
    for heading in named:
        is_at_start = heading.first == first
        if not is_at_start and tokens.words[heading.first - 1] not in _BORDERS:
            continue
        if rule("certain_bare_heading").covers(tokens, heading.first, heading.end):
            certain.append(heading)
    return certain


def _refuses_by_name(name: str | None) -> bool:
    """Return whether the name of a list, such as "non-inclusion" or "EC", is one of exclusions."""
    words = (name or "").lower()
    if "exc" in words or "non" in words:
        return True
    if words in ("ec", "out"):
        return True
    return words.startswith(("inelig", "contra", "reject"))


def _begins_sentence(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether two or more words begin with a capital, and one behind it is in small letters.

    ``first`` and ``end`` are tokens.
    """
    words = tokens.words[first:end]
    if len(words) < 2 or not words[0][0].isupper():
        return False
    return any(word[0].islower() for word in words[1:])


def _is_end_of_item(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether the words ``tokens.words[first:end]`` before the name of a list are an item of
    the list above.

    "Donor" and "Dose Escalation Phase" belong to the heading itself: an item has small letters, and
    the name behind it begins with one capital.
    """
    if end <= first:
        return False
    name = tokens.words[end]
    if not name[0].isupper() or name.isupper():
        return False
    longer_words = [
        word for word in tokens.words[first:end] if len(word) > 3 and word.isalpha()
    ]
    if not any(word.islower() for word in longer_words):
        return False
    return not is_generic(tokens.cut(first, end))


def read_list_heading(
    tokens: Tokens, *, bulleted: bool, above_items: bool = False
) -> ListHeading | None:
    """Return the heading of a list that a line is; None if it is none, or has over 45 tokens.

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
    heading = _read_names(names, bulleted=bulleted, above_items=above_items)
    if heading and _names_both(names):
        heading = replace(heading, kind=None)
    is_misspelt = names is not tokens
    if heading and is_misspelt:
        sure = min(heading.confidence, _MISSPELT)
        return ListHeading(heading.kind, sure, "the name of a list is misspelt")
    return heading


def _read_names(
    tokens: Tokens, *, bulleted: bool, above_items: bool
) -> ListHeading | None:
    """Return the heading that a line is by the names of lists in it, else by what it asks for;
    None if it is none.
    """
    has_colon = ends_with_colon(tokens)
    named = rule("named_list").search(tokens)
    if not named:
        named = rule("bare_list").covers(tokens, 0, len(tokens))
    if named:
        is_title = rule("list_title").covers(tokens, 0, len(tokens)) is not None
        if tokens.words[0][0].islower():
            is_marked = has_colon or bulleted or is_title
            if not is_marked:
                return None  # the rest of a sentence that names a list
        if is_title or _opens_named_list(tokens, named, bulleted=bulleted):
            return ListHeading(_read_kind(tokens, named))
    elif has_colon or not bulleted:
        led = rule("led_list").covers(tokens, 0, len(tokens))
        if led:
            return _judge_led(led, has_colon=has_colon, above_items=above_items)
    if not is_generic(tokens):
        return None
    asks = not bulleted and _asks_or_stays_open(tokens)
    return _read_generic(tokens, announces=has_colon or asks)


def _names_both(tokens: Tokens) -> bool:
    """Return whether a heading names inclusions and exclusions together, and denies neither."""
    both = rule("names_both_lists").search(tokens)
    if both is None:
        return False
    return rule("denies").search(tokens, 0, both.first) is None


def _asks_or_stays_open(tokens: Tokens) -> bool:
    """Return whether a line is a question whose sign is missing ("Who cannot take part"), or ends
    with a word that others follow ("You can join if").
    """
    words = [word.lower() for word in tokens.words]
    return words[0] == "who" or words[-1] in ("if", "when", "who")


def _opens_named_list(tokens: Tokens, named: Found, *, bulleted: bool) -> bool:
    """Return whether a line opens the list that it names (``named``).

    - Up to eight words without a bullet do so.
    - Up to four words behind a bullet do so, unless they begin as an item about criteria.
    - A longer line that states nothing itself does so; behind a bullet only with a colon.
    - Of the other lines only those with a colon at the end can: with up to 14 words, or, if more,
      with words of headings before the name and no condition in the line.
    """
    words = count_words(tokens)
    if bulleted:
        # "- Meets all inclusion criteria" is an item
        is_item = rule("opens_item_on_criteria").starts(tokens, 0)
        if words <= _FEW_BULLETED and not is_item:
            return True
    elif words <= _FEW_WORDS:
        return True
    has_colon = ends_with_colon(tokens)
    # "All of the following inclusion criteria must be met by the patients"
    if is_generic(tokens):
        return has_colon or not bulleted
    if not has_colon:
        return False
    if words <= _MANY_WORDS:
        return True
    if not named.first:
        return False
    if rule("opening_words").covers(tokens, 0, named.first) is None:
        return False
    return not carries_condition(tokens)


def _read_generic(tokens: Tokens, *, announces: bool) -> ListHeading | None:
    """Return the heading that a line is by its verb: "Patients are excluded if any of the
    following:". None if nothing in it announces a list, or its verb says neither.

    ``announces``: its form announces a list, whatever its words.
    """
    is_question = tokens.codes.endswith("?")
    names_following = "following" in map(str.lower, tokens.words)
    if not (announces or is_question or names_following):
        return None
    if rule("refused").search(tokens):
        return ListHeading(CriterionKind.EXCLUSION)
    if rule("admitted").search(tokens):
        return ListHeading(CriterionKind.INCLUSION)
    return None


def _read_kind(tokens: Tokens, named: Found) -> CriterionKind | None:
    """Return the list that a heading names; None if it names both."""
    if not _refuses_by_name(named.read("list")):
        # as in "Those who do not meet the inclusion criteria are excluded"
        if rule("denies").search(tokens, 0, named.first):
            return CriterionKind.EXCLUSION
        return CriterionKind.INCLUSION
    # as in "inclusion and exclusion"
    if rule("both_lists").covers(tokens, *named.place("list")):
        return None
    return CriterionKind.EXCLUSION


def _judge_led(led: Found, *, has_colon: bool, above_items: bool) -> ListHeading:
    """Return the doubtful heading that words before the name of a list make: "Medical exclusion:",
    "Safety exclusions". A colon, items below and a plural make it surer.
    """
    name = (led.read("list") or "").lower()
    kind = CriterionKind.EXCLUSION
    if name.startswith("inc"):
        kind = CriterionKind.INCLUSION
    sure = _LED
    if has_colon:
        sure += _COLON
    if above_items:
        sure += _ABOVE_ITEMS
    if name.endswith("s"):
        sure += _PLURAL
    return ListHeading(kind, round(sure, 2), "words stand before the name of a list")
