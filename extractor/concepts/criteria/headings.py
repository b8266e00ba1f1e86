"""Recognise lines that only introduce others, names of groups, and remarks without a condition."""

from extractor.concepts.criteria.list_names import mend_names
from extractor.language.book import rule
from extractor.language.lexer import NUMBER, Tokens
from extractor.schemas import CriterionKind

_LONGEST_TITLE = 5
"""The most words of the title of some items."""


def _has(name: str, tokens: Tokens) -> bool:
    """Return whether a rule matches in a line."""
    return rule(name).search(tokens) is not None


def _is(name: str, tokens: Tokens) -> bool:
    """Return whether a rule covers a whole line."""
    return rule(name).covers(tokens, 0, len(tokens)) is not None


def count_words(tokens: Tokens) -> int:
    """Return the number of words and numbers."""
    return sum(word[0].isalnum() for word in tokens.words)


def ends_with_colon(tokens: Tokens) -> bool:
    """Return whether a line ends with a colon, ignoring signs of emphasis."""
    return tokens.codes.rstrip("*_-").endswith(":")


def opens_list(tokens: Tokens) -> bool:
    """Return whether a heading only says that the people in the list may, or may not, take part."""
    return is_generic(tokens) or (
        _has("takes_part", tokens) and not _has("for_some", tokens)
    )


def turns_list(tokens: Tokens) -> bool:
    """Return whether a line that opens a list refuses what is in it ("Must not have any of the
    following:").
    """
    names_list = _has("named_list", tokens) or _is("bare_list", tokens)
    return not names_list and is_generic(tokens) and _has("refused", tokens)


def chooses(tokens: Tokens, kind: CriterionKind | None) -> bool:
    """Return whether an introducing line says how many of its parts must hold, and not as usual for
    the list.

    All of the inclusion criteria must hold, and any of the exclusion criteria excludes.

    >>> lines = read_text("One of the following:"), read_text("All of the following:")
    >>> [[chooses(line, kind) for line in lines] for kind in CriterionKind]
    [[True, False], [False, True]]
    """
    chosen = "all_parts" if kind is CriterionKind.EXCLUSION else "some_parts"
    return ends_with_colon(tokens) and is_generic(tokens) and _has(chosen, tokens)


def is_withdrawal(tokens: Tokens) -> bool:
    """Return whether a line heads a list of reasons to leave the trial, which are not criteria
    for entry.
    """
    return len(tokens) < 16 and _has("withdrawal_list", tokens)


def is_generic(tokens: Tokens) -> bool:
    """Return whether a line opens a list and states nothing itself ("Patients must meet all of
    the following:").
    """
    tokens = mend_names(tokens)
    counts = (
        word.lower()
        for word, code in zip(tokens.words, tokens.codes, strict=True)
        if code == NUMBER
    )
    if not _is("opening_words", tokens):
        return False
    return not any(word.isalpha() and word != "one" for word in counts)


def is_topic(tokens: Tokens) -> bool:
    """Return whether a line is a short name of a subject ("Laboratory parameters"), not a
    condition.
    """
    short = len(tokens) <= 8 and count_words(tokens) <= 5
    if not short:
        return False
    if rule("topic").ends(tokens, len(tokens)) is None:
        return False
    return not _has("states", tokens)


def is_title(tokens: Tokens, *, in_series: bool) -> bool:
    """Return whether a line with sub-items only names their subject: a few words that say nothing
    of anybody.

    In a series of such lines any name does ("Blood pressure"); else each word begins with a capital
    ("Renal Disease").

    >>> [
    ...     is_title(read_text(line), in_series=False)
    ...     for line in ("Renal Disease", "Renal disease", "Has Renal Disease")
    ... ]
    [True, False, False]
    """
    named = [
        word
        for word in tokens.words
        if len(word) > 3 and word.isalpha() and not word.isupper()
    ]
    titled = in_series or (len(named) > 1 and all(word[0].isupper() for word in named))
    plain = not any(code in f".;<>≤≥={NUMBER}" for code in tokens.codes) and not _has(
        "says_of_people", tokens
    )
    return titled and plain and count_words(tokens) <= _LONGEST_TITLE


def names_group(tokens: Tokens) -> bool:
    """Return whether a line is the name of a group of participants ("Surgical cohort"), not a
    condition.
    """
    if not (count_words(tokens) <= 6):
        return False
    return _is("group_title", tokens) or _is("eligibility_of_some", tokens)


def introduces(tokens: Tokens) -> bool:
    """Return whether the parts of a line must follow it ("Adequate organ function, defined
    as:").
    """
    if rule("introduction").ends(tokens, len(tokens)) is not None:
        return True
    if is_topic(tokens):
        return True
    return names_group(tokens)


def continues(tokens: Tokens, part: Tokens) -> bool:
    """Whether a sub-item continues the sentence of its item ("Have a BMI"), or spells out what
    the item names.
    """
    if tokens.codes.endswith(".") or not part.words:
        return False
    return (
        part.words[0][0].islower()
        or part.words[0] in "<>≤≥"
        or _has("spelt_out", tokens)
    )


def carries_condition(tokens: Tokens) -> bool:
    """Return whether a line with sub-items also states a condition itself.

    >>> lines = ("Age 18-75 with one of the following:", "Any of the following:")
    >>> [carries_condition(read_text(line)) for line in lines]
    [True, False]
    """
    if is_generic(tokens):
        return False
    if not introduces(tokens):
        return not is_topic(tokens)
    if names_group(tokens):
        return False
    if states_and_introduces(tokens) or _has("condition_too", tokens):
        return True
    if _has_second_sentence(tokens):
        return True
    return _has_own_limit(tokens) and not _is("laboratory", tokens)


def _has_second_sentence(tokens: Tokens) -> bool:
    """Return whether a sentence ends within a line, and another one begins with a capital."""
    for at, code in enumerate(tokens.codes[:-1]):
        if code != "." or at == 0:
            continue
        if tokens.words[at - 1] in "eg":
            continue  # a dot of "e.g."
        behind = at + 1
        if tokens.words[behind][0].isupper() and not tokens.joined(behind):
            return True
    return False


def _has_own_limit(tokens: Tokens) -> bool:
    """Return whether a line has a limit that does not count its parts ("at least 2 of these")."""
    counting: set[int] = set()
    for count in rule("count_of_parts").find(tokens):
        counting.update(range(count.first, count.end))
    return any(limit.first not in counting for limit in rule("own_limit").find(tokens))


def states_and_introduces(tokens: Tokens) -> bool:
    """Return whether a line states a condition and introduces what adds to it, or examples of it.

    >>> from extractor.language.book import read_text
    >>> lines = (
    ...     "Type 2 diabetes with any of the following:",
    ...     "Recent heart disease, including:",
    ...     "Patients with:",
    ... )
    >>> [states_and_introduces(read_text(line)) for line in lines]
    [True, True, False]
    """
    return _adds_parts(tokens) or _names_examples(tokens)


def _adds_parts(tokens: Tokens) -> bool:
    """Return whether a line adds its parts to a condition: "Type 2 diabetes with any of the
    following:".
    """
    found = rule("joins_parts").search(tokens)
    if not found or not found.first:
        return False
    if rule("runs_into_parts").ends(tokens, found.first) or _has("takes_part", tokens):
        return False
    if rule("idle_front").covers(tokens, 0, found.first) is not None:
        return False
    return not _is("laboratory", tokens)


def _names_examples(tokens: Tokens) -> bool:
    """Return whether the parts of a line are examples of a condition: "Recent heart disease,
    including:".
    """
    end = len(tokens) - (len(tokens.codes) - len(tokens.codes.rstrip(":*_-")))
    if not _has("takes_part", tokens):
        found = rule("examples_below").search(tokens, 0, end)
    else:
        found = None
    if (
        not found
        or not found.first
        or _has("levels", tokens)
        or _has("good_values", tokens)
    ):
        return False
    front = tokens.cut(0, found.first)
    return rule("idle_front").covers(front, 0, len(front)) is None and not is_topic(
        front
    )


def is_no_criterion(tokens: Tokens) -> bool:
    """Return whether a line is a remark ("See Disease Characteristics") or a placeholder."""
    # "T3"
    staged = any(
        tokens.joined(at) and tokens.words[at].isdecimal()
        for at in range(1, len(tokens))
    )
    if not staged and not any(
        len(word) > 1 and word.isalnum() for word in tokens.words
    ):
        return True
    states = _has("does_not", tokens) or not {
        "prior",
        "previous",
        "earlier",
    }.isdisjoint(map(str.lower, tokens.words))
    return _is("remark", tokens) or (
        count_words(tokens) > 4 and not states and is_generic(tokens)
    )


def needs_heading(tokens: Tokens, heading: Tokens) -> bool:
    """Return whether an item needs its heading to be understood and does not repeat it ("At
    least 6 months").
    """
    words = {word.lower() for word in tokens.words}
    if (
        not rule("headless").starts(tokens, 0)
        or count_words(tokens) > 12
        or "since" in words
    ):
        return False
    return not any(len(word) > 5 and word.lower() in words for word in heading.words)


def is_part(opening: Tokens, first: Tokens, tokens: Tokens) -> bool:
    """Whether an item fits the list that ``opening``, an item at its own level, introduces. Its
    ``first`` item does.

    Levels fit "Adequate organ function:", short names fit "One of the following diagnoses:". A line
    that states something by itself ends other lists of names.
    """
    if tokens is first:
        return True
    if _has("levels", opening):
        stated = any(
            word[0].isdecimal() or word.lower() == "normal" for word in tokens.words
        )
        return stated and _has("level", tokens) and not _has("no_level", tokens)
    if _has("kinds", opening):
        return count_words(tokens) <= 7 and not _has("no_kind", tokens)
    says = _has("says_of_people", tokens)
    if says and not _has("says_of_people", first):
        return False
    if _has("ends_list", tokens) and not _has("ends_list", first):
        return False
    if not ends_with_colon(opening):
        return False
    return not says or names_group(opening) or _has("some_parts", opening)
