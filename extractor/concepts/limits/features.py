"""Find the features of a limit: evidence for or against it in its line (``extractor.confidence``).
Those that rules find are listed under ``[limit_feature]`` in ``rules/doubts.toml``.
"""

import re
from collections.abc import Iterator, Sequence

from extractor.concepts.limits.quantity_names import name_quantity, names_measured
from extractor.concepts.limits.read import (
    is_denied,
    is_in_denied_clause,
    is_outside,
    is_refused,
)
from extractor.concepts.people.ages import (
    is_age,
    is_age_at_event,
    is_doubtful_age,
    is_other_age,
)
from extractor.language.book import (
    list_possible,
    read_table,
    read_words,
    rule,
    word_list,
)
from extractor.language.lexer import NUMBER, Tokens, cover
from extractor.language.numbers import find_durations
from extractor.language.units import read_unit
from extractor.measures import Limit
from extractor.schemas import Comparator, Constraint

OTHER_NUMBERS = "other numbers in the line"
# The weights of its feature were fitted with it.
_REACH = 24
"""Number of tokens before a limit that are searched for words of features."""
# The weights of its feature were fitted with it.
_MOST_WORDS = 8
"""Maximum number of words in the name of a quantity."""
_UNEXPLAINED = (
    ("few words unexplained before", "many words unexplained before"),
    ("few words unexplained in its name", "many words unexplained in its name"),
    ("few words unexplained behind", "many words unexplained behind"),
)
_FORMS = {
    "at_bound": "read by at_bound",
    "cases": "read by cases",
    "compared_behind": "read by compared_behind",
    "grades": "read by grades",
    "grades_of_compared_scale": "read by grades_of_compared_scale",
    "pressure": "read by pressure",
    "range": "read by range",
    "restated": "read by restated",
    "shared_unit": "read by shared_unit",
}
"""The productions that make a limit more or less certain, with their features in
``confidence/table.toml``.
"""
# The weights of its feature were fitted with it.
_FEW_LEFT = 2
"""Maximum number of unexplained words that count as few."""
# The weights of its feature were fitted with it.
_LONGEST_SYMBOL = 3
"""Maximum number of letters in a name that may be the symbol of a unit."""
# The weights of its feature were fitted with it.
_FAR_FROM_NAME = 3
"""Minimum number of tokens between a limit and a distant name."""
_YEARS = range(1900, 2100)
_VALUE_IN_NAME = re.compile(
    r"(?<![\w/-])([^\W_][\w/-]*):? \d+(?:\.\d+)?(?![\w.()/-])"
    r"(?! (?:second|minute|hour|day|week|month|year))"
)
"""A word and a number after it within the name of a quantity."""


def list_line_features(
    tokens: Tokens, constraints: Sequence[Limit], limits: Sequence[Limit]
) -> tuple[str, ...]:
    """Return the features that all limits in a line share. ``constraints`` contains the ``limits``
    that state who may take part.
    """
    rules = _read_feature_rules("line")
    possible = list_possible(tuple(rules.values()), tokens)
    features = [
        feature
        for feature, name in rules.items()
        if name in possible and rule(name).occurs(tokens)
    ]
    if _has_unread_numbers(tokens, limits):
        features.append(OTHER_NUMBERS)
    if len(constraints) > 1:
        features.append("one of several limits")
    return tuple(features)


def _read_feature_rules(place: str) -> dict[str, str]:
    """Return the features at a position, each with the name of the rule that finds it."""
    rules: dict[str, str] = read_table("doubts")["limit_feature"][place]
    return rules


def _has_unread_numbers(tokens: Tokens, limits: Sequence[Limit]) -> bool:
    """Return True if a line contains a number that is not part of a limit, a name or a
    duration.
    """
    if NUMBER not in tokens.codes:
        return False
    names = rule("part_of_name").find(tokens)
    covered = cover((*limits, *find_durations(tokens), *names))
    numbers = {at for at, code in enumerate(tokens.codes) if code == NUMBER}
    return not numbers <= covered


def list_limit_features(
    tokens: Tokens, limit: Limit, constraint: Constraint, topic: str
) -> Iterator[str]:
    """Yield the features that come from a limit's quantity, its number and the words around it."""
    if is_age(tokens, limit):
        if is_other_age(tokens, limit) or is_age_at_event(tokens, limit):
            yield "an age of somebody else"
        # "apnoea, for infants under 6 months"; a range is more often that of the participants
        elif limit.value_high is None and rule("for_some").ends(tokens, limit.first):
            yield "an age of some people"
        else:
            yield "an age"
        if is_doubtful_age(tokens, limit, topic):
            yield "a length that may be no age"
    else:
        yield from _describe_quantity(limit, constraint)
    if limit.rule in _FORMS:
        yield _FORMS[limit.rule]
    yield from _describe_number(limit, constraint)
    if constraint.condition:
        yield "a condition of its own"
    # "ALT < 3 x ULN, or < 5 x ULN with liver metastases"
    if limit.inherits:
        yield "the quantity of the limit before"
    if topic:
        yield "below a line that introduces it"
    for count, (few, many) in zip(limit.unexplained, _UNEXPLAINED, strict=True):
        if count > _FEW_LEFT:
            yield many
        elif count:
            yield few
    if _has_unread_denial(tokens, limit):
        yield "a denial that changes nothing"
    if _is_doubtfully_denied(tokens, limit, constraint):
        yield "a denial that may end before it"
    yield from _describe_words(tokens, limit, constraint)
    yield from _describe_word_behind(tokens, limit)


def _describe_number(limit: Limit, constraint: Constraint) -> Iterator[str]:
    """Yield the features of a number and its comparator."""
    # "Age = 18 years" has lost its comparator, unlike a list of grades
    is_measured = constraint.unit and (limit.is_known or limit.time_unit)
    if limit.comparator is Comparator.EQUAL and limit.rule != "grades" and is_measured:
        yield "equal to a measured value"
    if not limit.is_unambiguous:
        yield "a number with two readings"
    if limit.descends:
        yield "a range that descends"
    if not limit.sure:
        yield "a comparator from the kind of list"
    if constraint.unit is None and constraint.value in _YEARS:
        yield "a calendar year"


def _describe_quantity(limit: Limit, constraint: Constraint) -> Iterator[str]:
    """Yield the features of a quantity, which show whether the quantity is known and whether its
    unit and value fit.
    """
    if limit.quantity is None:
        yield "no name in its line"
    unit = constraint.unit
    code = None
    if unit:
        code = read_unit(unit)
    # "20/" is the unit of a visual acuity
    if unit and code is None and not unit.endswith("/") and not limit.time_unit:
        yield "an unknown unit"
    known = None
    # a longer text is no name
    if len(constraint.quantity.split()) <= _MOST_WORDS:
        known = name_quantity(constraint.quantity, code, value=constraint.value)
    # "D" means dioptres beside a name of refraction; elsewhere, it may mean days
    if unit == "D" and known != name_quantity(constraint.quantity, None):
        yield "a unit of another quantity"
    if known is None:
        is_named = limit.is_known and unit
        yield "a unit of another quantity" if is_named else "no known quantity"
    elif known.general:
        yield "only a kind of quantity"
    elif not known.is_usual(
        constraint.value, code or known.infer_unit(constraint.value)
    ):
        yield "an unusual value"


def _describe_words(
    tokens: Tokens, limit: Limit, constraint: Constraint
) -> Iterator[str]:
    """Yield the features found in the name of a quantity, in the words before the name, and around
    the limit.
    """
    name = read_words(constraint.quantity)
    for feature, words in _read_feature_rules("name").items():
        if rule(words).occurs(name):
            yield feature
    for feature, words in _read_feature_rules("before").items():
        if rule(words).ends(tokens, limit.first, limit.first - _REACH):
            yield feature
    # "140-159/90-99"
    if rule("number_beside").starts(tokens, limit.end):
        yield "a number beside it"
    if limit.quantity is None:
        return
    if _has_value_in_name(constraint.quantity):
        yield "name with a value"
    first, end = limit.quantity
    # "> 5 points in MMSE"
    if first >= limit.end:
        yield "named behind its number"
        return
    for feature, words in _read_feature_rules("before_name").items():
        if rule(words).ends(tokens, first):
            yield feature
    if limit.first == end:
        yield "beside its name"
    elif limit.first - end >= _FAR_FROM_NAME:
        yield "far from its name"
    if not tokens.words[first][0].isalnum():
        yield "a name that begins with a sign"


def _has_value_in_name(quantity: str) -> bool:
    """Return whether the name of a quantity contains a number that may be a limit of its own: "ALT
    2.5 or AST".
    """
    before = (match[1].lower() for match in _VALUE_IN_NAME.finditer(quantity))
    # any other word before a number may be the name of what it limits
    others = word_list("numbered_kinds") | word_list("function_words")
    return not others.issuperset(before)


def _has_unread_denial(tokens: Tokens, limit: Limit) -> bool:
    """Return whether a word denies a limit but does not change how the limit is read: "is in no
    case higher than", "hardly ever above".
    """
    first = limit.first
    if is_denied(tokens, first) or is_refused(tokens, limit):
        return False
    if is_outside(tokens, limit):
        return False
    # "Nobody with a BMI above 40": the denial precedes the name
    if limit.quantity and not limit.inherits:
        first = min(first, limit.quantity[0])
    if rule("denying_word").search(tokens, first, limit.first):
        return True
    return rule("denied_person").ends(tokens, first, first - _REACH) is not None


def _is_doubtfully_denied(tokens: Tokens, limit: Limit, constraint: Constraint) -> bool:
    """Return whether what is denied before a limit may not be what it limits: "lifts a weight
    without pain of at least 5 kg".
    """
    if not is_in_denied_clause(tokens, limit):
        return False
    code = None
    if constraint.unit:
        code = read_unit(constraint.unit)
    return not names_measured(constraint.quantity, code)


def _describe_word_behind(tokens: Tokens, limit: Limit) -> Iterator[str]:
    """Yield features for a name behind its number that may go on or be a unit, one for a count that
    is a rate ("at least 8 micturitions per 24 hours"), and one for the word after a limit, or after
    its name if the name follows the limit.
    """
    end = limit.end
    if limit.quantity and limit.quantity[0] >= end:
        end = limit.quantity[1]
        # "3 or more fresh transfer or cryopreservation-quality blastocysts"
        if not limit.unit and rule("or_behind_count").starts(tokens, end):
            yield "a count whose name may go on"
        # "Fluence above 20 kl": the unexplained word may be the name, and "kl" its unit
        is_short = len(tokens.read(*limit.quantity)) <= _LONGEST_SYMBOL
        if is_short and limit.unexplained[0]:
            yield "a name that may be a unit"
    # the unit was read as part of the name in "1 000 to 200 000 asexual parasites/uL"
    has_rate = "/" in tokens.codes[limit.end : end]
    if not limit.unit and (has_rate or rule("rate_of_count").starts(tokens, end)):
        yield "a count that is a rate"
    if end == len(tokens) or rule("limit_ends").starts(tokens, end):
        return
    # the words after "of" name the whole, as in "10 % of patients"
    if limit.unit == "%" and tokens.words[end].lower() == "of":
        return
    if limit.unit:
        yield "a word behind"
    else:
        yield "a word behind, and no unit"
