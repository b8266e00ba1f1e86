"""Recognise lines that only introduce others, names of groups, and remarks without a condition."""

from extractor.concepts.criteria.list_names import mend_names
from extractor.language.book import rule
from extractor.language.lexer import NUMBER, Tokens
from extractor.schemas import CriterionKind

_LONGEST_TITLE = 5
"""The most words of the title of some items."""
_EARLIER = frozenset({"prior", "previous", "earlier"})
"""Words by which a line about a list speaks of what people had: "Prior participation"."""


def _has(rule_name: str, tokens: Tokens) -> bool:
    """Return whether a rule matches somewhere in a line."""
    return rule(rule_name).search(tokens) is not None


def _is(rule_name: str, tokens: Tokens) -> bool:
    """Return whether a rule covers a whole line."""
    return rule(rule_name).covers(tokens, 0, len(tokens)) is not None


def count_words(tokens: Tokens) -> int:
    """Return the number of words and numbers."""
    return sum(word[0].isalnum() for word in tokens.words)


def ends_with_colon(tokens: Tokens) -> bool:
    """Return whether a line ends with a colon, ignoring signs of emphasis."""
    return tokens.codes.rstrip("*_-").endswith(":")


def opens_list(tokens: Tokens) -> bool:
    """Return whether a heading only says that the people in the list may, or may not, take part.

    A heading that says so of some people alone does not.
    """
    if is_generic(tokens):
        return True
    # as in "will not be eligible for the study if any of the following apply:"
    if not _has("takes_part", tokens):
        return False
    # as in "eligible for cohort A if"
    return not _has("for_some", tokens)


def turns_list(tokens: Tokens) -> bool:
    """Return whether a line opens a list, refuses what is in it, and does not name a list.

    "Must not have any of the following:" does; "Exclusion criteria:" names a list.
    """
    if _has("named_list", tokens) or _is("bare_list", tokens):
        return False
    return is_generic(tokens) and _has("refused", tokens)


def chooses(tokens: Tokens, kind: CriterionKind | None) -> bool:
    """Return whether an introducing line says how many of its parts must hold, and not as usual for
    the list of this ``kind``. A list of unknown kind is taken for inclusions.

    All of the inclusion criteria must hold, and any of the exclusion criteria excludes.

    >>> lines = read_text("One of the following:"), read_text("All of the following:")
    >>> [[chooses(line, kind) for line in lines] for kind in CriterionKind]
    [[True, False], [False, True]]
    """
    if not ends_with_colon(tokens) or not is_generic(tokens):
        return False
    if kind is CriterionKind.EXCLUSION:
        return _has("all_parts", tokens)
    return _has("some_parts", tokens)


def is_withdrawal(tokens: Tokens) -> bool:
    """Return whether a line heads a list of reasons to leave the trial, which are not criteria
    for entry.
    """
    return len(tokens) < 16 and _has("withdrawal_list", tokens)


def is_generic(tokens: Tokens) -> bool:
    """Return whether a line opens a list and states nothing itself.

    "Patients must meet all of the following:" does so. Names of lists may be misspelt. A number in
    words other than "one" states something.
    """
    tokens = mend_names(tokens)
    if not _is("opening_words", tokens):
        return False
    for word, code in zip(tokens.words, tokens.codes, strict=True):
        is_number_word = code == NUMBER and word.isalpha()
        # "Any two of the following:" asks for a count, and not for all
        if is_number_word and word.lower() != "one":
            return False
    return True


def is_topic(tokens: Tokens) -> bool:
    """Return whether a line is a short name of a subject, not a condition.

    It has at most 8 tokens and 5 words, and its last words name a subject, such as "Laboratory
    parameters".
    """
    if len(tokens) > 8 or count_words(tokens) > 5:
        return False
    if rule("topic").ends(tokens, len(tokens)) is None:
        return False
    # "abnormal liver function" is a condition
    return not _has("states", tokens)


def is_title(tokens: Tokens, *, in_series: bool) -> bool:
    """Return whether a line with sub-items only names their subject: at most five words, without a
    number, a limit or a full stop, that say nothing of anybody.

    In a series of such lines any name does ("Blood pressure"). Elsewhere it needs two longer words,
    and each begins with a capital ("Renal Disease"); abbreviations do not count.

    >>> [
    ...     is_title(read_text(line), in_series=False)
    ...     for line in ("Renal Disease", "Renal disease", "Has Renal Disease")
    ... ]
    [True, False, False]
    """
    if not in_series:
        longer_words = [
            word
            for word in tokens.words
            if len(word) > 3 and word.isalpha() and not word.isupper()
        ]
        if len(longer_words) < 2:
            return False
        if not all(word[0].isupper() for word in longer_words):
            return False
    if any(code in f".;<>≤≥={NUMBER}" for code in tokens.codes):
        return False
    if _has("says_of_people", tokens):
        return False
    return count_words(tokens) <= _LONGEST_TITLE


def names_group(tokens: Tokens) -> bool:
    """Return whether a line of at most six words is the name of a group of participants, not a
    condition.

    "Surgical cohort", "Donor eligibility:".
    """
    if count_words(tokens) > 6:
        return False
    return _is("group_title", tokens) or _is("eligibility_of_some", tokens)


def introduces(tokens: Tokens) -> bool:
    """Return whether a line says nothing whole without the parts below it.

    Its last words introduce parts ("Adequate organ function, defined as:"), or it names a subject
    ("Laboratory parameters") or a group ("Surgical cohort").
    """
    if rule("introduction").ends(tokens, len(tokens)) is not None:
        return True
    if is_topic(tokens):
        return True
    return names_group(tokens)


def names_length(tokens: Tokens, part: Tokens) -> bool:
    """Return whether a line only says of what the bare length of time below it is, ``part``: "Time
    since first symptom" above "< 10 years".
    """
    if not _has("only_ages", part) or _has_own_limit(tokens):
        return False
    return _has("names_course", tokens)


def continues(tokens: Tokens, part: Tokens) -> bool:
    """Return whether a sub-item, ``part``, continues the sentence of its item, or spells out what
    the item names. Behind a full stop it does not.
    """
    if tokens.codes.endswith(".") or not part.words:
        return False
    first_word = part.words[0]
    if first_word[0].islower() or first_word in "<>≤≥":
        return True
    # "5 to 20 years" below "History of diabetes"
    if _has("only_ages", part):
        return True
    # as in "Diabetes as defined by the WHO criteria"
    return _has("spelt_out", tokens)


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
    # as in "Adults with asthma and one of the following:"
    if states_and_introduces(tokens) or _has("condition_too", tokens):
        return True
    if _has_second_sentence(tokens):
        return True
    # "Adequate bone marrow function within 14 days:": the time is that of the values below
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
    joining = rule("joins_parts").search(tokens)
    if joining is None or joining.first == 0:
        return False
    # "used in patients" with any of the following: the parts end its statement
    if rule("runs_into_parts").ends(tokens, joining.first):
        return False
    # "Patients with asthma are eligible with any of the following:" says who takes part
    if _has("takes_part", tokens):
        return False
    # "Patients with any of the following:" has no condition before the parts
    if rule("idle_front").covers(tokens, 0, joining.first) is not None:
        return False
    # limits follow in "Adequate organ function with all of the following:"
    return not _is("laboratory", tokens)


def _names_examples(tokens: Tokens) -> bool:
    """Return whether the parts of a line are examples of a condition: "Recent heart disease,
    including:".

    Parts that are levels ("Adequate organ function:") are no examples.
    """
    if _has("takes_part", tokens):
        return False
    signs_at_end = len(tokens.codes) - len(tokens.codes.rstrip(":*_-"))
    examples = rule("examples_below").search(tokens, 0, len(tokens) - signs_at_end)
    if not examples or not examples.first:
        return False
    if _has("levels", tokens) or _has("good_values", tokens):
        return False
    # "Patients, including:" and "History of treatment, including:" name no condition
    front = tokens.cut(0, examples.first)
    if _is("idle_front", front):
        return False
    return not is_topic(front)


def is_no_criterion(tokens: Tokens) -> bool:
    """Return whether a line is a placeholder without a word, a remark ("See Disease
    Characteristics"), or only opens a list in more than four words.
    """
    # "T3" has two tokens of one sign each, and is a criterion all the same
    has_stage = any(
        tokens.joined(at) and tokens.words[at].isdecimal()
        for at in range(1, len(tokens))
    )
    has_word = any(len(word) > 1 and word.isalnum() for word in tokens.words)
    if not has_stage and not has_word:
        return True
    if _is("remark", tokens):
        return True
    if count_words(tokens) <= 4:
        return False
    # as in "Women who do not meet the inclusion criteria"
    if _has("does_not", tokens):
        return False
    if any(word.lower() in _EARLIER for word in tokens.words):
        return False
    return is_generic(tokens)


def needs_heading(tokens: Tokens, heading: Tokens) -> bool:
    """Return whether an item of at most 12 words needs its heading to be understood ("At least
    6 months"), and does not repeat a long word of it.
    """
    if not rule("headless").starts(tokens, 0) or count_words(tokens) > 12:
        return False
    words = {word.lower() for word in tokens.words}
    # "At least 6 months since diagnosis" says itself of what
    if "since" in words:
        return False
    return not any(len(word) > 5 and word.lower() in words for word in heading.words)


def is_part(opening: Tokens, first: Tokens, tokens: Tokens) -> bool:
    """Return whether an item belongs to the list that an item at its own level opens.

    ``opening`` is the item that opens the list, ``first`` its first part, which always belongs to
    it.
    """
    if tokens is first:
        return True
    # below "Adequate organ function:" belongs "Bilirubin < 2 mg/dL"
    if _has("levels", opening):
        has_level = any(
            word[0].isdecimal() or word.lower() == "normal" for word in tokens.words
        )
        if not has_level:
            return False
        return _has("level", tokens) and not _has("no_level", tokens)
    # below "One of the following diagnoses:" belong short names
    if _has("kinds", opening):
        return count_words(tokens) <= 7 and not _has("no_kind", tokens)
    # Other lists end where a line, unlike the first part, states something by itself: "has lupus".
    says_of_people = _has("says_of_people", tokens)
    if says_of_people and not _has("says_of_people", first):
        return False
    # as in "Life expectancy of 3 months"
    if _has("ends_list", tokens) and not _has("ends_list", first):
        return False
    if not ends_with_colon(opening):
        return False
    if not says_of_people:
        return True
    return names_group(opening) or _has("some_parts", opening)
