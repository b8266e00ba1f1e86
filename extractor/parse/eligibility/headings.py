"""Headings of an eligibility section, lines that only introduce others, and remarks that state no condition."""

import re
from collections.abc import Iterator

from extractor.schemas import CriterionKind
from extractor.text.book import rule
from extractor.text.lexer import NUMBER, Tokens

_LONGEST = 45
"""How many tokens a heading may have."""


def count_words(tokens: Tokens) -> int:
    """How many words and numbers there are."""
    return sum(word[0].isalnum() for word in tokens.words)


def ends_with_colon(tokens: Tokens) -> bool:
    """Whether a line ends with a colon, signs of emphasis apart."""
    return tokens.codes.rstrip("*_-").endswith(":")


def find_headings(tokens: Tokens, first: int, end: int, *, wrapped: bool = False) -> Iterator[tuple[int, int]]:
    """The headings of lists in one line, each with the name of a cohort in front of it.

    Not where a ``wrapped`` sentence names a list.

    >>> tokens = read_text("Inclusion Criteria: adults. Exclusion Criteria: none")
    >>> [tokens.read(*place) for place in find_headings(tokens, 0, len(tokens))]
    ['Inclusion Criteria:', 'Exclusion Criteria:']
    """
    done = first
    opening = rule("opening_list").starts(tokens, first, end)
    if opening and not (wrapped and tokens.words[first][0].islower()):
        yield first, opening.end
        done = opening.end
    for found in rule("run_on_list").find(tokens, done, end):
        if wrapped and found.first == first and tokens.words[first][0].islower():
            continue
        named = rule("cohort_name").covers(tokens, done, found.first)
        yield done if named else found.first, found.end
        done = found.end


def read_list_heading(tokens: Tokens, *, bulleted: bool) -> tuple[bool, CriterionKind | None]:
    """Whether a line is the heading of a list, and of which one; the kind is None where both are meant.

    >>> read_list_heading(read_text("Key Exclusion Criteria"), bulleted=False)
    (True, <CriterionKind.EXCLUSION: 'exclusion'>)
    >>> read_list_heading(read_text("Meets all inclusion criteria of the main study"), bulleted=True)
    (False, None)
    """
    if not tokens.words or len(tokens) > _LONGEST:
        return False, None
    colon, generic = ends_with_colon(tokens), is_generic(tokens)
    if named := rule("named_list").search(tokens) or rule("bare_list").covers(tokens, 0, len(tokens)):
        words, title = count_words(tokens), rule("list_title").covers(tokens, 0, len(tokens))
        if tokens.words[0][0].islower() and not (colon or bulleted or title):
            return False, None  # the rest of a sentence that names a list
        general = rule("opening_words").covers(tokens, 0, named.first) if named.first else None
        opens = colon and (words <= 14 or generic or (general and not carries_condition(tokens)))
        short = words <= 8 if not bulleted else words <= 4 and not rule("denies_criteria").starts(tokens, 0)
        if opens or short or title or (not bulleted and generic):
            name = (named.read("list") or "").lower()
            refuses = "exclu" in name or "non" in name or name.startswith("inelig")
            admits = re.search(r"(?<!non)(?<!non[- ])inclu", name)
            both = refuses and admits
            return True, None if both else CriterionKind.EXCLUSION if refuses else CriterionKind.INCLUSION
    if generic and (colon or "following" in map(str.lower, tokens.words)):
        if rule("refused").search(tokens):
            return True, CriterionKind.EXCLUSION
        if rule("admitted").search(tokens):
            return True, CriterionKind.INCLUSION
    return False, None


def opens_list(tokens: Tokens) -> bool:
    """Whether a heading says no more than that those to whom the list applies may, or may not, take part.

    >>> opens_list(read_text("A volunteer will not be eligible for the study if any of the following apply:"))
    True
    """
    return is_generic(tokens) or bool(rule("takes_part").search(tokens) and not rule("for_some").search(tokens))


def is_withdrawal(tokens: Tokens) -> bool:
    """The heading of a list that says when participants leave the trial: it decides nothing about who may enter."""
    return len(tokens) < 16 and rule("withdrawal_list").search(tokens) is not None


def names_people(tokens: Tokens) -> bool:
    """The heading of a list that holds for some of those who take part.

    >>> headings = ("Exclusion criteria for healthy subjects:", "Exclusion criteria for all subjects:")
    >>> [names_people(read_text(heading)) for heading in headings]
    [True, False]
    """
    return not is_generic(tokens) and rule("list_for_some").search(tokens) is not None


def is_generic(tokens: Tokens) -> bool:
    """A line that opens a list and says nothing of its own ("Patients must meet all of the following:")."""
    if not rule("opening_words").covers(tokens, 0, len(tokens)):
        return False
    return not any(
        code == NUMBER and word.isalpha() and word.lower() != "one"
        for word, code in zip(tokens.words, tokens.codes, strict=True)
    )


def is_topic(tokens: Tokens) -> bool:
    """A short name of a subject ("Laboratory parameters"), not a condition."""
    if len(tokens) > 8 or count_words(tokens) > 5 or not rule("topic").ends(tokens, len(tokens)):
        return False
    return rule("states").search(tokens) is None


def introduces(tokens: Tokens) -> bool:
    """A line after which its parts must follow.

    >>> introduces(read_text("Adequate organ function, defined as:"))
    True
    """
    return rule("introduction").ends(tokens, len(tokens)) is not None or is_topic(tokens)


def continues(tokens: Tokens, part: Tokens) -> bool:
    """Whether a sub-item goes on with the sentence of its item, or the item names what its parts spell out.

    >>> [continues(read_text(line), read_text("≥ 30 kg/m2")) for line in ("Have a BMI", "Have a BMI.")]
    [True, False]
    """
    if tokens.codes.endswith(".") or not part.words:
        return False
    return part.words[0][0].islower() or part.words[0] in "<>≤≥" or rule("spelt_out").search(tokens) is not None


def carries_condition(tokens: Tokens) -> bool:
    """Whether a line with sub-items states a condition of its own as well.

    >>> lines = ("Age 18-75 with one of the following:", "Any of the following:")
    >>> [carries_condition(read_text(line)) for line in lines]
    [True, False]
    """
    if is_generic(tokens):
        return False
    if not introduces(tokens):
        return not is_topic(tokens)
    stops = (at for at, code in enumerate(tokens.codes[:-1]) if code == "." and at > 0)
    if rule("condition_too").search(tokens) or any(
        tokens.words[at + 1][0].isupper() and not tokens.joined(at + 1) and tokens.words[at - 1] not in ("g", "e")
        for at in stops  # of a first sentence
    ):
        return True
    counted = [(found.first, found.end) for found in rule("count_of_parts").find(tokens)]
    limits = (found.first for found in rule("own_limit").find(tokens))
    limited = any(not any(first <= at < end for first, end in counted) for at in limits)
    return limited and not rule("laboratory").covers(tokens, 0, len(tokens))


def is_no_criterion(tokens: Tokens) -> bool:
    """Remarks ("See Disease Characteristics") and placeholders; a letter with a number may be a stage ("T3")."""
    staged = any(tokens.joined(at) and tokens.words[at].isdecimal() for at in range(1, len(tokens)))
    if not staged and not any(len(word) > 1 and word.isalnum() for word in tokens.words):
        return True
    if rule("remark").covers(tokens, 0, len(tokens)):
        return True
    earlier = any(word.lower() in ("prior", "previous", "earlier") for word in tokens.words)
    return count_words(tokens) > 4 and not earlier and is_generic(tokens)


def needs_heading(tokens: Tokens, heading: Tokens) -> bool:
    """An item that says nothing without its heading, whose words it does not repeat ("At least 6 months")."""
    words = {word.lower() for word in tokens.words}
    if not rule("headless").starts(tokens, 0) or count_words(tokens) > 12 or "since" in words:
        return False
    return not any(len(word) > 5 and word.lower() in words for word in heading.words)


def opens_paragraph(tokens: Tokens, following: Tokens) -> bool:
    """An item that introduces the unmarked text behind it ("Adequate organ function:")."""
    if not tokens.codes.endswith(":") or carries_condition(tokens):
        return False
    return not read_list_heading(following, bulleted=False)[0] and not following.codes.endswith(":")


def opens_flat_list(tokens: Tokens, following: Tokens) -> bool:
    """An item that introduces the items behind it, which stand at its own level.

    Also a title in capitals, where the next item is not in capitals too.
    """
    if tokens.codes.endswith(":"):
        return not carries_condition(tokens)
    words = [word for word in tokens.words if word.isalpha()]
    shouted = all(map(str.isupper, words)) and any(len(word) > 4 for word in words)
    plain = not any(word.isdecimal() or word in "<>≤≥=" for word in tokens.words)
    return shouted and plain and 2 <= len(words) <= 14 and any(word.islower() for word in following.words)


def is_part(opening: Tokens, tokens: Tokens) -> bool:
    """Whether an item is alike enough to be a part of the list that an item at its own level opened.

    Levels under "Adequate organ function:", short names under "One of the following diagnoses:".

    >>> opening = read_text("Adequate organ function:")
    >>> is_part(opening, read_text("Bilirubin < 2 mg/dL")), is_part(opening, read_text("Consent"))
    (True, False)
    """
    if rule("levels").search(opening):
        stated = any(word[0].isdecimal() or word.lower() == "normal" for word in tokens.words)
        return stated and rule("level").search(tokens) is not None and not rule("no_level").search(tokens)
    return bool(rule("kinds").search(opening)) and count_words(tokens) <= 7 and not rule("no_kind").search(tokens)


def states_too(tokens: Tokens) -> bool:
    """Whether a heading states a condition too ("Adults aged 18-40 years with:")."""
    if not tokens.codes.endswith(":") or count_words(tokens) <= 4 or not carries_condition(tokens):
        return False
    about_list = rule("about_list").search(tokens) or tokens.words[0].lower() in ("for", "if", "in")
    named = read_list_heading(tokens, bulleted=False)[0]
    return not named and not (about_list and not rule("states_age").search(tokens))
