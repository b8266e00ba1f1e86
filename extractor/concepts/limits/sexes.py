"""Find the sex to which each limit in a line applies."""

from collections.abc import Mapping

from extractor.language.book import read_words, rule
from extractor.language.lexer import NUMBER, Range, Tokens
from extractor.schemas import Sex

_SEXED = {"men": Sex.MALE, "women": Sex.FEMALE}
"""The rules that find words for each sex."""
_EXCEPTING = frozenset({"except", "excepting", "unless", "other", "exception"})


def find_sexes(tokens: Tokens, places: Mapping[int, Range]) -> dict[int, Sex]:
    """Return the sex to which each limit applies, keyed by the key of its tokens in ``places``.

    A word for a sex inside a limit ("haemoglobin in men > 13 g/dL") belongs to that limit; any
    other word for a sex belongs to the limit that follows it in its clause. A key is missing if
    the limit does not apply to a single sex.
    """
    sex_words = {} if rule("all_sexes").search(tokens) else find_sex_words(tokens)
    sexes = {}
    for key, (first, end) in places.items():
        inside = {sex_words[at] for at in range(first, end) if at in sex_words}
        if len(inside) == 1:
            sexes[key] = inside.pop()
            continue
        before = [at for at in sex_words if at < first]
        if not before:
            continue
        word = max(before)
        # a number between the two is another limit: "men > 13 g/dL, others > 12 g/dL"
        between = tokens.codes[word:first]
        if NUMBER not in between and not {";", "."} & {*between}:
            sexes[key] = sex_words[word]
    return sexes


def find_sex_words(tokens: Tokens) -> dict[int, Sex]:
    """Map the token of each word that names a sex to that sex. "MEN 1" and "male condom" do not
    name a sex.
    """
    sex_words = {}
    for name, sex in _SEXED.items():
        for match in rule(name).find(tokens):
            if not rule("not_sex").starts(tokens, match.first):
                sex_words[match.first] = sex
    return sex_words


def name_sex(condition: str | None, line_sex: Sex | None) -> Sex | None:
    """Return the sex to which a limit applies.

    This is the sex that the limit's ``condition`` names or, if the condition does not name a single
    sex, ``line_sex``, the sex that other words in the line name. If the condition is an exception,
    return None, because the limit then applies to everybody else.

    >>> (
    ...     name_sex("for women", Sex.MALE),
    ...     name_sex("if liver metastases", Sex.MALE),
    ...     name_sex("except in men", None),
    ... )
    (<Sex.FEMALE: 'female'>, <Sex.MALE: 'male'>, None)
    """
    tokens = read_words(condition or "")
    if tokens.words and tokens.words[0].lower() in _EXCEPTING:
        return None
    sexes = {*find_sex_words(tokens).values()}
    return sexes.pop() if len(sexes) == 1 else line_sex
