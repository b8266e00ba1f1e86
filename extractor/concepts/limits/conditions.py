"""Find to whom, or when, each limit of a line applies: "for men", "if liver metastases", "Cohort
B".
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from extractor.concepts.limits.bounds import LOWER, UPPER, Limit
from extractor.concepts.limits.quantity_names import name_quantity, names_quantity
from extractor.language.book import read_text, rule
from extractor.language.lexer import NUMBER, Range, Tokens
from extractor.language.units import convert, read_unit
from extractor.schemas import Sex

_SEXED = {"men": Sex.MALE, "women": Sex.FEMALE}
"""Rules that find words for a sex."""
_NUMBER_REACH = 8
"""How many tokens before a condition the number may stand that it belongs to."""
_CLAUSE_REACH = 6
"""How many tokens behind an "if" the quantity of a limit may begin that is part of the
condition.
"""
_LONGEST = 20
"""The most tokens of a condition."""
_LONGEST_NAME = 3
"""The most words of a name between a word for a sex and its limit."""
_NORMAL = frozenset({"ULN", "UNL", "normal", "Normal"})
_EXCEPTING = frozenset({"except", "excepting", "unless", "other", "with", "exception"})
_BRACKETED = re.compile(r"\([^()]*\)")
_CLAUSE_ENDS = frozenset(";.")
_SEPARATORS = frozenset(",;.:(")
_BEFORE_CLAUSE = frozenset({"or", "and", "but", ",", ";", "(", ".", ":"})
"""What stands before a phrase that begins a clause."""


class _Phrase(NamedTuple):
    """Words that may say when a limit applies: ``first:end``, in tokens of the criterion.

    ``plain``: they may do so for any limit ("if on therapy"). Otherwise they do so only for a
    further multiple of normal on the same quantity: "<= 5 x ULN with liver metastases". ``reach``:
    the token before which the limits begin to which words in front of them all apply: "Cohort B:
    ...", "If liver metastases, ...". It is 0 for other phrases.
    """

    first: int
    end: int
    plain: bool = True
    reach: int = 0


def find_sexes(
    tokens: Tokens, places: Mapping[int, Range]
) -> dict[int, tuple[Sex, int]]:
    """Return the sex for which each limit holds, and the token of the word that says so.

    ``places`` has the first and the end token of each limit, by a key of the caller's; the result
    has the same keys. A key is missing if no word, or no single sex, belongs to the limit.

    A word inside a limit ("50 kg (men)") belongs to it. All other words stand on one side of their
    limits, in the same clause. They stand in front if a word is before the end of the first limit,
    or directly before any limit: "men < 13 g/dL, women < 12 g/dL". Otherwise they stand behind:
    "Hb < 13 g/dL in men and < 12 g/dL in women".
    """
    starts = {start for start, _ in places.values()}
    named = _find_separating_sexes(tokens, starts)
    sexes = _take_sexes_inside(tokens, places, named)
    words = sorted(named)
    if not places or not words:
        return sexes
    ends = sorted(end for _, end in places.values())
    # In "(male; 92 cm, female; 86 cm)" a semicolon stands for a colon: the first sex stands before
    # all limits.
    signs = ":;" if words[0] < min(starts) else ":"
    stand_in_front = words[0] < ends[0]
    if not stand_in_front:
        stand_in_front = any(
            _stands_before_limit(tokens, word, starts, signs) for word in words
        )
    for key, (_, end) in places.items():
        if key in sexes:
            continue
        if stand_in_front:
            word = _find_sex_before(named, ends, end)
        else:
            word = _find_sex_behind(tokens, words, ends, end)
        if word is not None and _is_in_clause(tokens, word, end, signs=signs):
            sexes[key] = named[word], word
    return sexes


def _find_separating_sexes(tokens: Tokens, starts: Collection[int]) -> dict[int, Sex]:
    """Return the words for a sex by their token, if they can tell limits apart; an empty dictionary
    if they cannot, since the text names both sexes as one group: "men and women".

    ``starts`` are the first tokens of the limits.
    """
    both = rule("all_sexes").search(tokens)
    if both is None:
        return find_sex_words(tokens)
    # "men aged 40 to 70 or women aged 45 to 75": a limit between the two words and another one
    # behind them make two groups
    has_inside = any(both.first < start < both.end for start in starts)
    has_behind = any(both.end <= start <= both.end + 1 for start in starts)
    return find_sex_words(tokens) if has_inside and has_behind else {}


def _take_sexes_inside(
    tokens: Tokens, places: Mapping[int, Range], named: dict[int, Sex]
) -> dict[int, tuple[Sex, int]]:
    """Return the sex and the word of each limit that has exactly one such word inside, behind its
    last number: "50 kg (men)". These words are removed from ``named``, so that they belong to no
    other limit.
    """
    sexes = dict[int, tuple[Sex, int]]()
    for key, (first, end) in places.items():
        words_inside = []
        for word in named:
            is_inside = first <= word < end
            # as in "Waist of at least 94 cm (men) / 80 cm (women)"
            if is_inside and NUMBER not in tokens.codes[word:end]:
                words_inside.append(word)
        if len(words_inside) == 1:
            word = words_inside[0]
            sexes[key] = named.pop(word), word
    return sexes


def _stands_before_limit(
    tokens: Tokens, word: int, starts: Collection[int], signs: str
) -> bool:
    """Return whether a limit begins directly behind a word ("men > 13"), or behind one of ``signs``
    that follows the word ("men: > 13"). ``word`` and ``starts`` are tokens.
    """
    # as in "Hb >= 13 g/dL in males; females >= 12 g/dL"
    if word + 1 in starts:
        return True
    # "ALT < 3 x ULN, in men Hb > 13 g/dL"
    if _opens_named_limit(tokens, word, starts):
        return True
    return word + 2 in starts and tokens.codes[word + 1] in signs


def _opens_named_limit(tokens: Tokens, word: int, starts: Collection[int]) -> bool:
    """Return whether a word for a sex with its opening begins a clause, and nothing but a name
    parts it from a limit: "ALT < 3 x ULN, in men Hb > 13 g/dL".
    """
    opening, end = _extend_sex(tokens, word)
    # "in men" at the start of the line is read elsewhere
    if opening in (word, 0):
        return False
    if tokens.words[opening - 1].lower() not in (",", ";", "and"):
        return False
    start = min((other for other in starts if other > end), default=end)
    name = tokens.words[end:start]
    if not name or len(name) > _LONGEST_NAME:
        return False
    return all(part.isalnum() and part.lower() not in _BEFORE_CLAUSE for part in name)


def _find_sex_before(
    named: Mapping[int, Sex], ends: Sequence[int], end: int
) -> int | None:
    """Return the last word for a sex before ``end``, the end of a limit. It may also stand before
    earlier limits, which then share it.

    None if there is no word before, or if it stands beside a word for the other sex, with no limit
    between the two: "women (not pregnant) and men of".
    """
    before = sorted(word for word in named if word < end)
    if not before:
        return None
    last = before[-1]
    limit_end = max((other for other in ends if other <= last), default=0)
    neighbours = {named[word] for word in before if word >= limit_end}
    return last if len(neighbours) == 1 else None


def _find_sex_behind(
    tokens: Tokens, words: Sequence[int], ends: Sequence[int], end: int
) -> int | None:
    """Return the first word for a sex behind ``end``, the end of a limit; None if it is not the
    word of this limit.

    It is not if the next limit ends before it, or if a number, a colon or a bracket that stays open
    stands between the limit and the opening of the word ("in", "for adult").
    """
    at = bisect_left(words, end)
    if at == len(words):
        return None
    word = words[at]
    next_end = [*ends, len(tokens)][bisect_right(ends, end)]
    # "Waist > 40 inches in men, 35 inches in women": the women are those of the next limit
    if word >= next_end:
        return None
    opening, _ = _extend_sex(tokens, word)
    # "102 cm (40 inches) in men": a number in a closed bracket does not count
    between = _BRACKETED.sub("", tokens.codes[end : max(end, opening)])
    # as in "Clearance >= 60 mL/min by an equation: for men, weight / creatinine"
    if NUMBER in between or ":" in between:
        return None
    # "450 ms (men)": a bracket that opens directly before the word is its own
    return None if "(" in between[:-1] else word


def _is_in_clause(tokens: Tokens, word: int, end: int, *, signs: str) -> bool:
    """Return whether the word for a sex and the limit that ends at ``end`` stand in one clause: no
    semicolon and no full stop is between them. A semicolon directly behind the word does not count
    if it is one of ``signs``: "male; 92 cm".
    """
    first = min(word, end)
    last = max(word, end - 1)
    if ";" in signs and tokens.codes[word + 1 : word + 2] == ";":
        first = max(first, word + 2)
    return _CLAUSE_ENDS.isdisjoint(tokens.codes[first:last])


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
    if tokens.words and tokens.words[0].lower() in _EXCEPTING - {"with"}:
        return None
    named = {*find_sex_words(tokens).values()}
    return named.pop() if len(named) == 1 else around


def find_conditions(tokens: Tokens, limits: Sequence[Limit]) -> list[Range | None]:
    """Return the words that say to whom or when each limit applies, as tokens; None for a limit
    that applies to all.

    A limit has one condition at most. Words directly behind a limit go before others, and a phrase
    goes before a word for a sex. At last, the two bounds of one statement share the condition
    behind them.

    >>> from extractor.language.book import read_text
    >>> from extractor.concepts.limits.read import find_limits
    >>> tokens = read_text("ALT <= 3 x ULN (<= 5 x ULN with liver metastases)")
    >>> [
    ...     place and tokens.read(*place)
    ...     for place in find_conditions(tokens, find_limits(tokens, None))
    ... ]
    [None, 'with liver metastases']
    """
    conditions: list[Range | None] = [None] * len(limits)
    ends = {limit.end for limit in limits}
    phrases = list(_find_phrases(tokens, limits))
    # what stands directly behind a limit is the surest
    beside = [phrase for phrase in phrases if phrase.first in ends]
    apart = [phrase for phrase in phrases if phrase.first not in ends]
    for phrase in (*beside, *apart):
        for at in _choose_limits(tokens, phrase, limits):
            if conditions[at] is None:
                conditions[at] = phrase.first, phrase.end
    _add_sexes(tokens, limits, conditions)
    _share_conditions(tokens, limits, conditions)
    return conditions


def _add_sexes(
    tokens: Tokens, limits: Sequence[Limit], conditions: list[Range | None]
) -> None:
    """Write into ``conditions`` the words for a sex, for each limit that has a sex and no condition
    yet.

    A limit gets none if the sex is the subject of an earlier limit, a sign parts the two, and the
    limit begins something else: "Women: Hb > 12 g/dL, ferritin > 20 ug/L" has a ferritin for all.
    """
    places = {at: (limit.first, limit.end) for at, limit in enumerate(limits)}
    used_words = set[int]()
    for at, (_, word) in sorted(find_sexes(tokens, places).items()):
        between = tokens.codes[limits[at - 1].end : limits[at].first]
        is_parted = word in used_words and not _SEPARATORS.isdisjoint(between)
        used_words.add(word)
        if conditions[at] is not None:
            continue
        begins_another = is_parted and not _continues_previous(tokens, limits, at)
        # "Women between 19 and 64, BMI 20-29": the women are said of the ages
        if begins_another and _is_subject(tokens, word):
            continue
        conditions[at] = _extend_sex(tokens, word)


def _share_conditions(
    tokens: Tokens, limits: Sequence[Limit], conditions: list[Range | None]
) -> None:
    """Write the condition behind a limit also to the limit before it, if that has none and both are
    one statement: "above 30 kg and below 120 kg in men".
    """
    # from the last limit to the first, so that a condition is handed on along a row
    for at in range(len(limits) - 2, -1, -1):
        condition = conditions[at + 1]
        if conditions[at] is not None or condition is None:
            continue
        limit = limits[at]
        other = limits[at + 1]
        stands_behind = condition[1] > other.end
        # as in "Waist over 40 inches (102 cm) in men"
        if stands_behind and _is_one_statement(tokens, limit, other):
            conditions[at] = condition


def stands_between(tokens: Tokens, words: Range, limits: Sequence[Limit]) -> bool:
    """Return whether a condition may belong to the limit before it or to the one behind it: it
    stands between two limits of one sentence, with a comma on either side.

    It does not if "and" or "or" follows the second comma, since they would open the next limit with
    its condition. Without the first comma, the condition is that of the limit before it.

    >>> from extractor.language.book import read_text
    >>> from extractor.concepts.limits.read import find_limits
    >>> for line in (
    ...     "Hb > 9 g/dL, unless transfused, ALT < 50 U/L",
    ...     "Hb > 9 g/dL, unless transfused, and ALT < 50 U/L",
    ... ):
    ...     tokens = read_text(line)
    ...     limits = find_limits(tokens, None)
    ...     (place, _) = find_conditions(tokens, limits)
    ...     print(tokens.read(*place), stands_between(tokens, place, limits))
    unless transfused True
    unless transfused False
    """
    first, end = words
    has_comma_before = first > 0 and tokens.codes[first - 1] == ","
    has_comma_behind = tokens.codes[end : end + 1] == ","
    if not has_comma_before or not has_comma_behind:
        return False
    if rule("condition_joint").starts(tokens, end + 1):
        return False
    before = [limit.end for limit in limits if limit.end <= first]
    behind = [limit.first for limit in limits if limit.first >= end]
    if not before or not behind:
        return False
    around = tokens.codes[max(before) : min(behind)]
    return _CLAUSE_ENDS.isdisjoint(around)


def is_of_another(
    tokens: Tokens, words: Range, own: Limit, limits: Sequence[Limit]
) -> bool:
    """Return whether words that may be a condition are not those of the limit ``own``: they belong
    to another one of the ``limits`` of the line, or stand in an unrelated clause.

    ``words`` are tokens. Two bounds of one statement share a condition, so words that belong to
    the second are not of another for the first.

    >>> from extractor.language.book import read_text
    >>> from extractor.concepts.limits.read import find_limits
    >>> tokens = read_text("HbA1c over 9 % on tablets or over 10 % on insulin")
    >>> limits = find_limits(tokens, None)
    >>> [is_of_another(tokens, (12, 14), limit, limits) for limit in limits]
    [True, False]
    """
    first, end = words
    own_at = limits.index(own)
    chosen = _choose_limits(tokens, _Phrase(first, end), limits)
    # "older than 65" of "< 8.5 % in those older than 65" is a limit itself
    holds_limit = False
    for at in chosen:
        if first <= limits[at].first and limits[at].end <= end:
            holds_limit = True
    if holds_limit and own.end <= first:
        return False
    if own_at in chosen:
        return False
    if chosen:
        # "above 30 kg and below 120 kg in men": chosen for 120 kg, and of 30 kg as well
        row = limits[own_at : chosen[0] + 1]
        is_shared = len(row) > 1 and all(
            _is_one_statement(tokens, limit, other) for limit, other in pairwise(row)
        )
        return not is_shared
    between = tokens.codes[min(own.end, end) : max(own.first, first)]
    if _CLAUSE_ENDS.isdisjoint(between):
        return False
    if end <= own.first:
        return True
    # the words stand in a clause behind the limit: of another, if a further limit is near them
    return any(own.end <= limit.first < end + _LONGEST for limit in limits)


def _is_subject(tokens: Tokens, word: int) -> bool:
    """Return whether the word for a sex at token ``word`` is the subject of what follows, as in
    "Women: ..." and "of all men". It is not behind "for", "in" or "if".
    """
    opening = rule("sex_opening").ends(tokens, word)
    if opening is None:
        return True
    if opening.first == word:
        return True
    return tokens.words[opening.first].lower() not in ("for", "in", "if")


def _continues_previous(tokens: Tokens, limits: Sequence[Limit], at: int) -> bool:
    """Return whether the limit at index ``at`` may be on the quantity of the limit before it, with
    no semicolon between the two. The first limit never is.
    """
    if at == 0:
        return False
    last = limits[at - 1]
    limit = limits[at]
    if ";" in tokens.codes[last.end : limit.first]:
        return False
    return _may_share_quantity(tokens, last, limit)


def _may_share_quantity(tokens: Tokens, limit: Limit, other: Limit) -> bool:
    """Return whether a limit and a later one, ``other``, may be on the same quantity: they have one
    name, or one of them has none.
    """
    # as in "Age 18 to 65 years (up to 70 years if fit)"
    if limit.quantity is None or other.quantity is None:
        return True
    # "Hb > 13 g/dL for men and > 12 g/dL": "for men and" names people and no quantity
    if rule("names_nobody").covers(tokens, *other.quantity):
        return True
    name = tokens.read(*limit.quantity).lower()
    return name == tokens.read(*other.quantity).lower()


def _is_one_statement(tokens: Tokens, limit: Limit, other: Limit) -> bool:
    """Return whether two limits beside each other are one statement on one quantity: a lower and an
    upper bound ("above 30 kg and below 120 kg"), or one value in two units. The units must convert
    into each other, or the second value stands in a bracket ("1.5 mg/dL (132 umol/L)").
    """
    between = tokens.codes[limit.end : other.first]
    is_beside = between in ("", "(")
    # "Aged at least 18 years; 16 or over if a parent consents"
    if not is_beside and not rule("fills_range").covers(tokens, limit.end, other.first):
        return False
    if not _may_share_quantity(tokens, limit, other):
        return False
    for side, opposite in ((LOWER, UPPER), (UPPER, LOWER)):
        if limit.comparator in side and other.comparator not in side:
            return other.comparator in opposite
    code = _read_unit_of(tokens, limit)
    other_code = _read_unit_of(tokens, other)
    if not code or not other_code:
        return False
    # "< 5 x ULN (< 3 x ULN": one unit, so two values and two statements
    if code == other_code:
        return False
    return between == "(" or convert(1, code, other_code) is not None


def _read_unit_of(tokens: Tokens, limit: Limit) -> str | None:
    """Return the UCUM code of a limit's unit, without what stands in brackets behind it: "kg (M)".
    None if the limit has no unit, or one that is not known.
    """
    if limit.unit is None:
        return None
    return read_unit(tokens.read(*limit.unit).partition("(")[0])


def is_ratio(tokens: Tokens, limit: Limit) -> bool:
    """Return whether a limit is a multiple of the normal value: "3 x ULN"."""
    if limit.unit is None:
        return False
    # "ALT > 3 x ULN"
    if not _NORMAL.isdisjoint(tokens.words[slice(*limit.unit)]):
        return True
    # "xULN"
    return read_unit(tokens.read(*limit.unit)) == "{ULN}"


def _is_further_multiple(tokens: Tokens, limit: Limit, other: Limit) -> bool:
    """Return whether ``other`` is a further multiple of the normal value on the quantity of
    ``limit``: "<= 3 x ULN or <= 5 x ULN".
    """
    return is_ratio(tokens, other) and _may_share_quantity(tokens, limit, other)


def _names_limit(tokens: Tokens, phrase: _Phrase, limit: Limit) -> bool:
    """Return whether a phrase holds the name of a limit's quantity, and so is no condition of it:
    "with transferrin saturation" ("< 20 %").

    The name must be known and fit the unit. A multiple of the normal value is never named so: in
    "with liver metastases < 5 x ULN", the words are a condition.
    """
    if limit.quantity is None:
        return False
    # as in "For patients with bone metastases, ALP <= 5 x ULN"
    if is_ratio(tokens, limit):
        return False
    if not phrase.first <= limit.quantity[0] < phrase.end:
        return False
    unit = read_unit(tokens.read(*limit.unit)) if limit.unit else None
    known = name_quantity(tokens.read(*limit.quantity), unit)
    return known is not None and (unit is None or known.fits(unit))


def _extend_sex(tokens: Tokens, word: int) -> Range:
    """Return the tokens of a word for a sex with its opening and its people: "for women", "in male
    patients".
    """
    opening = rule("sex_opening").ends(tokens, word, word - 8)
    people = rule("trial_person").starts(tokens, word + 1)
    first = opening.first if opening else word
    end = people.end if people else word + 1
    return first, end


def _find_phrases(tokens: Tokens, limits: Sequence[Limit]) -> Iterator[_Phrase]:
    """Yield the phrases that may be conditions.

    First come the prefixes, the parts in front of a colon: "Cohort B: ...". Each reaches up to the
    next prefix. Then come, from left to right, the phrases that a rule opens: "if", "in patients",
    "with". A phrase does not begin inside a limit, a prefix or the phrase before it, and one that
    says nothing is left out.
    """
    prefixes = _find_prefixes(tokens)
    for at, (first, end) in enumerate(prefixes):
        is_last = at + 1 == len(prefixes)
        reach = len(tokens) if is_last else prefixes[at + 1][0]
        yield _Phrase(first, end, plain=True, reach=reach)
    asides = {match.first for match in rule("condition_aside").find(tokens)}
    openings = {match.first for match in rule("condition_opening").find(tokens)}
    starts = asides | openings
    taken = set[int]()
    for limit in limits:
        taken.update(range(limit.first, limit.end))
    for prefix in prefixes:
        taken.update(range(*prefix))
    last_end = 0
    for first in sorted(starts):
        if first < last_end or first in taken:
            continue
        end, holds_limits = _find_phrase_end(tokens, first, limits)
        if not _says_something(tokens, first, end):
            continue
        yield _Phrase(
            first,
            end,
            plain=first in openings or holds_limits,
            reach=_find_reach(tokens, first, end, starts),
        )
        last_end = end


def _find_prefixes(tokens: Tokens) -> list[Range]:
    """Return the tokens of the parts in front of a colon that say for whom the limits behind it
    hold ("Cohort B:"), and of donors that are the subject of a line ("Donors must"), sorted.
    """
    prefixes = {match.place("words") for match in rule("condition_prefix").find(tokens)}
    for match in rule("donors_first").find(tokens):
        prefixes.add((match.first, match.end))
    return sorted(prefixes)


def _find_phrase_end(
    tokens: Tokens, first: int, limits: Sequence[Limit]
) -> tuple[int, bool]:
    """Return the end token of a phrase that begins at token ``first``, and whether it holds limits
    of its own: "if albumin is < 30 g/L".

    It ends at the first of these: a word that stops conditions, a limit that is not its own, the
    name of that limit, the most tokens of a condition. Words that belong to what follows ("and",
    "the") are cut off its end.
    """
    firsts = [limit.first for limit in limits]
    reach = first + _LONGEST
    near = limits[bisect_right(firsts, first) : bisect_right(firsts, reach)]
    marks = rule("condition_stop").find(tokens, first + 1, reach)
    stops = [match.first for match in marks]
    first_stop = min(stops, default=len(tokens))
    own = _find_own_limits(tokens, first, near, first_stop)
    if own:
        stops = [stop for stop in stops if stop >= own[-1].end]
    for other in near[len(own) :]:
        stops.append(other.first)
        if other.quantity and _begins_limit(tokens, first, other.quantity):
            stops.append(other.quantity[0])
    end = min([*stops, reach, len(tokens)])
    while end > first + 1 and rule("condition_tail").ends(tokens, end, end - 1):
        end -= 1
    return end, bool(own)


def _says_something(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether a phrase has more than its opening ("in the setting"), and does not name both
    sexes, which is everybody.
    """
    if end <= first + 1:
        return False
    # "ALP > 210 U/L for women and men"
    if rule("men_and_women").search(tokens, first, end):
        return False
    return rule("condition_empty").covers(tokens, first, end) is None


def _find_reach(tokens: Tokens, first: int, end: int, starts: Collection[int]) -> int:
    """Return the token before which the limits begin to which a phrase in front of a comma applies:
    "If liver metastases, ALT < 5 x ULN and AST < 5 x ULN". It is the end of the sentence, or where
    the next phrase begins. ``starts`` are the first tokens of all phrases.

    It is 0 for a phrase that opens no clause or has no comma behind it.
    """
    opens_clause = first == 0 or tokens.codes[first - 1] in ";.:("
    if not opens_clause or tokens.codes[end : end + 1] != ",":
        return 0
    sentence_end = rule("sentence_break").search(tokens, end)
    reach = sentence_end.first if sentence_end else len(tokens)
    for start in starts:
        if start > end:
            reach = min(reach, start)
    return reach


def _find_own_limits(
    tokens: Tokens, first: int, behind: Sequence[Limit], stop: int
) -> Sequence[Limit]:
    """Return the limits that are a part of a condition: the albumin of "if albumin is < 30 g/L,
    calcium must be < 2.6"; none for most conditions.

    ``first`` is the token at which the condition begins, ``behind`` are the limits behind it, and
    ``stop`` is the first token that ends conditions. The condition must open with an "if". The
    first limit is a part of it if its known name begins close behind the "if" and before ``stop``,
    or if the limit itself does. Further limits are, as long as each has a name and only a joint
    stands before it: "if QTcF exceeds 450 ms or QRS exceeds 120 ms".
    """
    opening = rule("condition_if").starts(tokens, first)
    if opening is None or not behind:
        return ()
    nearest = behind[0]
    if NUMBER in tokens.codes[opening.end : nearest.first]:
        return ()
    name = nearest.quantity or (nearest.first, nearest.first)
    is_near = first <= name[0] <= min(stop, opening.end + _CLAUSE_REACH)
    is_named = is_near and names_quantity(tokens.read(*name))
    # "if < 60 years of age"
    stands_beside = nearest.first <= opening.end + 1
    # "Patients are eligible if they are 18 years or older"
    if not is_named and not stands_beside:
        return ()
    count = 1
    for last, other in pairwise(behind):
        if other.quantity is None:
            break
        if not rule("condition_joint").covers(tokens, last.end, other.quantity[0]):
            break
        count += 1
    return behind[:count]


def _begins_limit(tokens: Tokens, first: int, name: Range) -> bool:
    """Return whether the name of the limit behind a condition begins that limit, and so ends the
    condition. It is a part of the condition if it is no known quantity, or stands directly behind
    its opening or a linking word: "in patients with" ("liver metastases"). ``first`` is the token
    at which the condition begins.
    """
    if name[0] <= first + 1 or not names_quantity(tokens.read(*name)):
        return False
    return rule("condition_link").ends(tokens, name[0], name[0] - 1) is None


def _choose_limits(
    tokens: Tokens, phrase: _Phrase, limits: Sequence[Limit]
) -> list[int]:
    """Return the indexes of the limits to which a phrase applies; none if it applies to no limit.

    The first of these cases decides:

    1. It is a part of a limit: "16 kg (F)". It applies to that limit.
    2. It is a prefix, as in "Cohort B: ...". It applies to all limits behind it up to its reach.
    3. It can apply to the limit behind it, and it opens a clause, excepts people, or has no limit
       that it can apply to before it and no number close before it. It applies to that limit and
       to those that share the phrase with it.
    4. It can apply to the limit before it: to that limit.
    """
    around_at = _find_around(phrase, limits)
    if around_at is not None:
        return [around_at]
    next_at = bisect_left([limit.first for limit in limits], phrase.end)
    has_comma = tokens.codes[phrase.end : phrase.end + 1] == ","
    # as in "Mild group: AHI 5-15; severe group: AHI > 30"
    if phrase.reach and not has_comma:
        behind = range(next_at, len(limits))
        return [at for at in behind if limits[at].first < phrase.reach]
    before = limits[: bisect_left([limit.end for limit in limits], phrase.first + 1)]
    suits_last = _suits_limit_before(tokens, phrase, before)
    last = before[-1] if before else None
    has_next = next_at < len(limits)
    if has_next and _suits_limit_behind(tokens, phrase, last, limits[next_at]):
        # the phrase of "If liver metastases, ALT <= 5 x ULN" opens a clause
        stays = _stays_behind(tokens, phrase, last, limits[next_at])
        begins = not stays and _begins_statement(tokens, phrase)
        near = tokens.codes[max(0, phrase.first - _NUMBER_REACH) : phrase.first]
        stands_free = not suits_last and NUMBER not in near
        if begins or stands_free:
            return _list_limits_sharing(tokens, phrase, limits, next_at)
    return [len(before) - 1] if suits_last else []


def _find_around(phrase: _Phrase, limits: Sequence[Limit]) -> int | None:
    """Return the index of the limit that a phrase is a part of; None if there is none."""
    for at, limit in enumerate(limits):
        if limit.first <= phrase.first and phrase.end <= limit.end:
            return at
    return None


def _excepts(tokens: Tokens, phrase: _Phrase) -> bool:
    """Return whether a phrase excepts people from a limit: "unless", "with"."""
    return phrase.plain and tokens.words[phrase.first].lower() in _EXCEPTING


def _opens_clause(tokens: Tokens, phrase: _Phrase) -> bool:
    # as in "For patients with bone metastases, ALP <= 5 x ULN"
    if phrase.first == 0:
        return True
    return tokens.words[phrase.first - 1].lower() in _BEFORE_CLAUSE


def _stays_behind(
    tokens: Tokens, phrase: _Phrase, last: Limit | None, following: Limit
) -> bool:
    """Return whether a phrase behind the limit ``last`` is no condition of the ``following`` one:
    nothing but a comma parts it from the first, a comma closes it, and the other is on something
    else, as in "albumin > 3 g/dL unless ascites, INR < 1.5".
    """
    if last is None or tokens.codes[last.end : phrase.first] not in ("", ","):
        return False
    if tokens.codes[phrase.end : phrase.end + 1] != ",":
        return False
    return not _may_share_quantity(tokens, last, following)


def _begins_statement(tokens: Tokens, phrase: _Phrase) -> bool:
    """Return whether a phrase opens a clause, or excepts people from what follows."""
    return _opens_clause(tokens, phrase) or _excepts(tokens, phrase)


def _suits_limit_before(
    tokens: Tokens, phrase: _Phrase, before: Sequence[Limit]
) -> bool:
    """Return whether a phrase can apply to the last one of the limits ``before`` it.

    Nothing but the rest of its unit may stand between ("upper limit of normal"); before a plain
    phrase also words in front of a bracket ("copies" "RNA/mL (" "if on therapy"). A phrase that is
    not plain needs two limits before it, of which the last is a further multiple of normal.
    """
    if not before:
        return False
    is_bracketed = phrase.first > 0 and tokens.words[phrase.first - 1] == "("
    has_comma = tokens.codes[phrase.end : phrase.end + 1] == ","
    # "ALT < 3 x ULN (if elevated, retest)": the bracket is a sentence of its own
    if is_bracketed and has_comma and not _excepts(tokens, phrase):
        return False
    last = before[-1]
    gaps = ["condition_gap", "condition_bracket"] if phrase.plain else ["condition_gap"]
    if not any(rule(gap).covers(tokens, last.end, phrase.first) for gap in gaps):
        return False
    if phrase.plain:
        return True
    # the bracket in "ALT <= 3 x ULN (<= 5 x ULN with liver metastases)"
    return len(before) > 1 and _is_further_multiple(tokens, before[-2], last)


def _suits_limit_behind(
    tokens: Tokens, phrase: _Phrase, last: Limit | None, following: Limit
) -> bool:
    """Return whether a phrase can apply to ``following``, the limit behind it.

    It cannot if it has a number and no sign closes it, if the two are too far apart or in two
    sentences, or if it holds the name of that limit and does not except people. A phrase that is
    not plain also needs ``last``, a limit before it, on the same quantity as the multiple of normal
    behind it.
    """
    is_closed = tokens.codes[phrase.end : phrase.end + 1] in (",", ")", ":")
    if not is_closed and NUMBER in tokens.codes[phrase.first : phrase.end]:
        return False
    if not rule("condition_front_gap").covers(tokens, phrase.end, following.first):
        return False
    if not phrase.plain:
        if last is None:
            return False
        if not _is_further_multiple(tokens, last, following):
            return False
    return _excepts(tokens, phrase) or not _names_limit(tokens, phrase, following)


def _list_limits_sharing(
    tokens: Tokens, phrase: _Phrase, limits: Sequence[Limit], first_at: int
) -> list[int]:
    """Return the indexes of the limits behind a phrase to which it applies: ``first_at`` and the
    next ones without a gap, while they begin before the reach of the phrase, or, behind a phrase at
    the start of the line, go on with the quantity of the limit before them.
    """
    chosen = [first_at]
    for at in range(first_at + 1, len(limits)):
        is_in_reach = limits[at].first < phrase.reach
        goes_on = phrase.first == 0 and _continues_previous(tokens, limits, at)
        if not is_in_reach and not goes_on:
            break
        chosen.append(at)
    return chosen
