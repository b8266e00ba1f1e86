"""Decide whose a limit is: the people, the condition and the sex to which it applies.

The grammar (``extractor.measures``) or the answer of a model offers words that may say to whom a
limit applies. ``find_people`` decides, for everyone who asks:

- the reader of limits (``limits.criterion``), which words are the condition of a constraint;
- the proof (``limits.prove``), which condition of an answer the text confirms;
- the facts about a criterion (``assembly.admission``), to which sex a limit applies; ``match``, the
  tables and FHIR take it from there;
- the ages and the sex of a record (``record_ages``, ``sex``), whether they are those of some people
  only.
"""

from bisect import bisect_left
from typing import NamedTuple

from extractor.language.book import rule
from extractor.language.lexer import NUMBER, Range, Tokens, keep
from extractor.schemas import Sex

_SEXED = {"men": Sex.MALE, "women": Sex.FEMALE}
"""The rules that find words for each sex."""
_EXCEPTING = frozenset({"except", "excepting", "unless", "other", "exception"})
"""The first words of a condition that is an exception."""
_BREAKS = (NUMBER, ";", ".")
"""Tokens that end the reach of a word for a sex."""


class People(NamedTuple):
    """The people to whom a limit applies.

    Attributes:
        condition: The tokens that say to whom or when the limit applies, or None if it applies to
            all participants.
        sex: The only sex to which it applies, or None.
        is_between: Whether the condition may be that of the next limit, too.
        is_subject: Whether the condition is the subject of what the line asks: "Women over 60 years
            must have a T-score below -2".
    """

    condition: Range | None = None
    sex: Sex | None = None
    is_between: bool = False
    is_subject: bool = False


def find_people(tokens: Tokens, limit: Range, words: Range | None) -> People:
    """Return the people to whom a limit applies.

    Args:
        tokens: The criterion.
        limit: The tokens of the limit.
        words: The tokens that are offered as its condition, if there are any.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("Hb > 13 g/dL in men")
    >>> find_people(tokens, (0, 6), (6, 8)).sex
    <Sex.MALE: 'male'>
    >>> find_people(read_text("Adults > 18 years"), (1, 4), (0, 1)).condition
    """
    if words is None:
        return People(sex=_find_sex_around(tokens, limit))
    is_subject = rule("subject_verb").starts(tokens, words[1]) is not None
    if not is_subject and _are_everybody(tokens, words):
        return People(sex=_find_sex_around(tokens, limit))
    first, end = words
    # everybody but these people is meant
    if tokens.words[first].lower() in _EXCEPTING:
        sex = None
    else:
        sex = _find_sex_within(tokens, words) or _find_sex_around(tokens, limit)
    # "Hb > 9 g/dL, unless transfused, platelets > 100 x 10^9/L"
    is_between = tokens.codes[first - 1] == tokens.code_at(end) == ","
    return People(words, sex, is_between, is_subject)


def _are_everybody(tokens: Tokens, words: Range) -> bool:
    """Return whether words only name people, and no sex: the "Adults" in "Adults > 18 years"."""
    if rule("only_persons").covers(tokens, *words) is None:
        return False
    return not find_sex_words(tokens, *words)


def _find_sex_within(tokens: Tokens, words: Range) -> Sex | None:
    """Return the only sex that the words of a condition name, or None."""
    sexes = set(find_sex_words(tokens, *words).values())
    if len(sexes) == 1:
        return sexes.pop()
    return None


def _find_sex_around(tokens: Tokens, limit: Range) -> Sex | None:
    """Return the only sex that is named within a limit ("haemoglobin in men > 13 g/dL") or, failing
    that, before it in its clause. Return None in a line that is about both ("men and women").
    """
    places, sexes = _list_sexes(tokens)
    first, end = limit
    before = bisect_left(places, first)
    inside = {*sexes[before : bisect_left(places, end)]}
    if len(inside) == 1:
        return inside.pop()
    if not before:
        return None
    # a number between the two is another limit: "men > 13 g/dL, others > 12 g/dL"
    for sign in _BREAKS:
        if tokens.codes.find(sign, places[before - 1], first) >= 0:
            return None
    return sexes[before - 1]


@keep
def _list_sexes(tokens: Tokens) -> tuple[list[int], list[Sex]]:
    """Return the tokens that name a sex, from left to right, and the sex that each names. There are
    none in a line about both sexes.
    """
    words = find_sex_words(tokens)
    if not words or rule("all_sexes").occurs(tokens):
        return [], []
    places = sorted(words)
    return places, [words[at] for at in places]


def find_sex_words(
    tokens: Tokens, first: int = 0, end: int | None = None
) -> dict[int, Sex]:
    """Map the token of each word that names a sex to that sex. "MEN 1" and "male condom" do not
    name a sex.
    """
    return {
        match.first: sex
        for name, sex in _SEXED.items()
        for match in rule(name).find(tokens, first, end)
        if not rule("not_sex").starts(tokens, match.first, end)
    }


def is_only_sex(tokens: Tokens) -> bool:
    """Return whether the words of a condition only name a sex: "for men", but not "for men over
    60".
    """
    return rule("sex_condition").covers(tokens) is not None
