"""Find the sex for which each limit of a line holds."""

from collections.abc import Mapping

from extractor.language.book import read_text, rule
from extractor.language.lexer import NUMBER, Range, Tokens
from extractor.schemas import Sex

_SEXED = {"men": Sex.MALE, "women": Sex.FEMALE}
"""Rules that find words for a sex."""
_EXCEPTING = frozenset({"except", "excepting", "unless", "other", "exception"})


def find_sexes(tokens: Tokens, places: Mapping[int, Range]) -> dict[int, Sex]:
    """Return the sex for which each limit holds, by the key that ``places`` has for its tokens.

    A word inside a limit or directly behind it, "50 kg (men)", belongs to it; any other word to the
    limits behind it in its clause, up to the next word for a sex. A key is missing if no single sex
    belongs to the limit.
    """
    named = {} if rule("all_sexes").search(tokens) else find_sex_words(tokens)
    sexes = {}
    for key, (first, end) in places.items():
        inside = {named[at] for at in range(first, end) if at in named}
        if len(inside) == 1:
            sexes[key] = inside.pop()
            continue
        before = [at for at in named if at < first]
        if not before:
            continue
        word = max(before)
        between = tokens.codes[word:first]
        if NUMBER not in between and not {";", "."} & {*between}:
            sexes[key] = named[word]
    return sexes


def find_sex_words(tokens: Tokens) -> dict[int, Sex]:
    """Return the sex that each word names, by the token of the word: "men", but not that of "MEN 1"
    or "male condom".
    """
    named = {}
    for name, sex in _SEXED.items():
        for match in rule(name).find(tokens):
            if not rule("not_sex").starts(tokens, match.first):
                named[match.first] = sex
    return named


def name_sex(condition: str | None, around: Sex | None) -> Sex | None:
    """Return the sex for which a limit holds.

    It is the sex that the limit's ``condition`` names. If the condition names none or both, it is
    ``around``, the sex that other words of the line name. It is None if the condition excepts
    people, as the limit then holds for all others.

    >>> (
    ...     name_sex("for women", Sex.MALE),
    ...     name_sex("if liver metastases", Sex.MALE),
    ...     name_sex("except in men", None),
    ... )
    (<Sex.FEMALE: 'female'>, <Sex.MALE: 'male'>, None)
    """
    tokens = read_text(condition or "")
    if tokens.words and tokens.words[0].lower() in _EXCEPTING:
        return None
    named = {*find_sex_words(tokens).values()}
    return named.pop() if len(named) == 1 else around
