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
_NEAR = 8
"""How many tokens before a condition the number may stand that it belongs to."""
_CLAUSE_REACH = 6
"""How many tokens behind an "if" the quantity of a limit may begin that is part of the
condition.
"""
_LONGEST = 20
"""The most tokens of a condition."""
_NORMAL = frozenset({"ULN", "UNL", "normal", "Normal"})
_EXCEPTING = frozenset({"except", "excepting", "unless", "other", "with", "exception"})
_BRACKETED = re.compile(r"\([^()]*\)")
_ENDS = frozenset(";.")
_APART = frozenset(",;.:(")
_BEFORE_CLAUSE = frozenset({"or", "and", "but", ",", ";", "(", ".", ":"})
"""What stands before a phrase that begins a clause."""


class _Phrase(NamedTuple):
    """Words that may say when a limit applies.

    ``plain``: they do so of any limit, not only of a further one on the same quantity. ``reach``:
    where the limits end of which they are said, if they stand in front of all of them: "Cohort B:
    ...", "If liver metastases, ...".
    """

    first: int
    end: int
    plain: bool = True
    reach: int = 0


def find_sexes(
    tokens: Tokens, places: Mapping[int, Range]
) -> dict[int, tuple[Sex, int]]:
    """Return the sex that the words name for each limit, and its word; none if they name none, or
    both together.

    The sexes stand before the limits or behind them, in the same clause. The first one shows which:
    "Hb < 13 g/dL in men and < 12 g/dL in women".
    """
    starts = {start for start, _ in places.values()}
    named = _find_telling_sexes(tokens, starts)
    sexes = _take_sexes_inside(tokens, places, named)
    words = sorted(named)
    if not places or not words:
        return sexes
    ends = sorted(end for _, end in places.values())
    # In "(male; 92 cm, female; 86 cm)" a semicolon stands for a colon: the first sex stands before
    # all limits.
    signs = ":;" if words[0] < min(starts) else ":"
    leads = words[0] < ends[0] or any(
        _opens_limit(tokens, word, starts, signs) for word in words
    )
    for key, (_, end) in places.items():
        if key in sexes:
            continue
        if leads:
            word = _find_sex_before(named, ends, end)
        else:
            word = _find_sex_behind(tokens, words, ends, end)
        if word is not None and _is_in_clause(tokens, word, end, signs=signs):
            sexes[key] = named[word], word
    return sexes


def _find_telling_sexes(tokens: Tokens, starts: Collection[int]) -> dict[int, Sex]:
    """Return the words for a sex that may tell limits apart, which begin at ``starts``; none if
    the text names both sexes together.
    """
    both = rule("all_sexes").search(tokens)
    if both is None:
        return find_sex_words(tokens)
    # but "men aged 40 to 70 or women aged 45 to 75" are two groups
    has_inside = any(both.first < start < both.end for start in starts)
    has_behind = any(both.end <= start <= both.end + 1 for start in starts)
    return find_sex_words(tokens) if has_inside and has_behind else {}


def _take_sexes_inside(
    tokens: Tokens, places: Mapping[int, Range], named: dict[int, Sex]
) -> dict[int, tuple[Sex, int]]:
    """Return the sex of each limit that has its word inside ("50 kg (men)"), and remove these words
    from ``named``.
    """
    sexes = dict[int, tuple[Sex, int]]()
    for key, (first, end) in places.items():
        inside = [
            word
            for word in named
            if first <= word < end and NUMBER not in tokens.codes[word:end]
        ]
        if len(inside) == 1:
            sexes[key] = named.pop(inside[0]), inside[0]
    return sexes


def _opens_limit(
    tokens: Tokens, word: int, starts: Collection[int], signs: str
) -> bool:
    """Return whether a limit begins directly behind a word, or behind a sign that follows it."""
    if word + 1 in starts:
        return True
    return word + 2 in starts and tokens.codes[word + 1] in signs


def _find_sex_before(
    named: Mapping[int, Sex], ends: Sequence[int], end: int
) -> int | None:
    """Return the last word for a sex before the end of a limit; None if the words behind the limit
    before it name both.
    """
    before = sorted(word for word in named if word < end)
    if not before:
        return None
    floor = max((other for other in ends if other <= before[-1]), default=0)
    beside = [word for word in before if word >= floor]
    # "women (not pregnant) and men of" are both
    sexes = {named[word] for word in beside}
    return beside[-1] if len(sexes) == 1 else None


def _find_sex_behind(
    tokens: Tokens, words: Sequence[int], ends: Sequence[int], end: int
) -> int | None:
    """Return the first word for a sex behind a limit, before the next limit and the next number."""
    at = bisect_left(words, end)
    if at == len(words):
        return None
    word = words[at]
    stop = [*ends, len(tokens)][bisect_right(ends, end)]
    if word >= stop:
        return None
    opening = max(end, _extend_sex(tokens, word)[0])
    # Such as "102 cm (40 inches) in men"
    between = _BRACKETED.sub("", tokens.codes[end:opening])
    if NUMBER in between or ":" in between:
        return None
    return None if "(" in between[:-1] else word


def _is_in_clause(tokens: Tokens, word: int, end: int, *, signs: str) -> bool:
    """Return whether the word for a sex and a limit stand in one clause; one of ``signs`` may
    follow the word.
    """
    first = min(word, end)
    last = max(word, end - 1)
    if ";" in signs and tokens.codes[word + 1 : word + 2] == ";":
        first = max(first, word + 2)
    return _ENDS.isdisjoint(tokens.codes[first:last])


def find_sex_words(tokens: Tokens) -> dict[int, Sex]:
    """Return the sex that each word names: "men", but not that of "MEN 1" or "male condom"."""
    named = {}
    for name, sex in _SEXED.items():
        for match in rule(name).find(tokens):
            if not rule("not_sex").starts(tokens, match.first):
                named[match.first] = sex
    return named


def name_sex(condition: str | None, around: Sex | None) -> Sex | None:
    """Return the sex of a limit: the one in its condition, else the one that the words ``around``
    it name.

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
    """Return the words that say to whom or when each limit applies; None for a limit that is
    general.

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
    # what stands directly behind a limit is the surest
    phrases = sorted(
        _find_phrases(tokens, limits), key=lambda phrase: phrase.first not in ends
    )
    for phrase in phrases:
        for at in _choose_limits(tokens, phrase, limits):
            conditions[at] = conditions[at] or (phrase.first, phrase.end)
    _add_sexes(tokens, limits, conditions)
    _share_conditions(tokens, limits, conditions)
    return conditions


def _add_sexes(
    tokens: Tokens, limits: Sequence[Limit], conditions: list[Range | None]
) -> None:
    """Make its sex the condition of each limit that has none, unless the sex is the subject of
    other limits.
    """
    places = {at: (limit.first, limit.end) for at, limit in enumerate(limits)}
    done = set[int]()
    for at, (_, word) in sorted(find_sexes(tokens, places).items()):
        between = tokens.codes[limits[at - 1].end : limits[at].first]
        is_apart = word in done and not _APART.isdisjoint(between)
        done.add(word)
        if conditions[at] is not None:
            continue
        if is_apart and _is_subject(tokens, word) and not _goes_on(tokens, limits, at):
            continue
        conditions[at] = _extend_sex(tokens, word)


def _share_conditions(
    tokens: Tokens, limits: Sequence[Limit], conditions: list[Range | None]
) -> None:
    """Give the condition behind a limit also to the one that it forms one statement with: "above 30
    kg and below 120 kg in men".
    """
    for at in range(len(limits) - 2, -1, -1):
        condition = conditions[at + 1]
        if conditions[at] is not None or condition is None:
            continue
        limit = limits[at]
        other = limits[at + 1]
        if condition[1] > other.end and _joins(tokens, limit, other):
            conditions[at] = condition


def is_of_another(
    tokens: Tokens, words: Range, own: Limit, limits: Sequence[Limit]
) -> bool:
    """Return whether words that may be a condition belong to another limit of a line, or stand in
    an unrelated clause.

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
    is_limit = any(_is_inside(limits[at], words) for at in chosen)
    if is_limit and own.end <= first:
        return False
    if own_at in chosen:
        return False
    if chosen:
        return not _join_up(tokens, limits[own_at : chosen[0] + 1])
    between = tokens.codes[min(own.end, end) : max(own.first, first)]
    if _ENDS.isdisjoint(between):
        return False
    if end <= own.first:
        return True
    return any(own.end <= limit.first < end + _LONGEST for limit in limits)


def _join_up(tokens: Tokens, limits: Sequence[Limit]) -> bool:
    """Return whether limits, of which there are several, are one statement."""
    if len(limits) < 2:
        return False
    return all(_joins(tokens, limit, other) for limit, other in pairwise(limits))


def _is_inside(limit: Limit, words: Range) -> bool:
    return words[0] <= limit.first and limit.end <= words[1]


def _is_subject(tokens: Tokens, word: int) -> bool:
    """Return whether a sex applies to the whole criterion: its word stands first, and not behind
    "for" or "in".
    """
    opening = rule("sex_opening").ends(tokens, word)
    if opening is None:
        return True
    if opening.first == word:
        return True
    return tokens.words[opening.first].lower() not in ("for", "in", "if")


def _goes_on(tokens: Tokens, limits: Sequence[Limit], at: int) -> bool:
    """Return whether a limit is on the quantity of the one before it, in the same clause."""
    if at == 0:
        return False
    last = limits[at - 1]
    limit = limits[at]
    if ";" in tokens.codes[last.end : limit.first]:
        return False
    return _is_same(tokens, last, limit)


def _is_same(tokens: Tokens, limit: Limit, other: Limit) -> bool:
    """Return whether a limit and a later one may be on the same quantity: they have one name, or
    one of them names no quantity.
    """
    if limit.quantity is None:
        return True
    if other.quantity is None:
        return True
    if rule("names_nobody").covers(tokens, *other.quantity):
        return True
    name = tokens.read(*limit.quantity).lower()
    return name == tokens.read(*other.quantity).lower()


def _joins(tokens: Tokens, limit: Limit, other: Limit) -> bool:
    """Return whether two limits are one statement on one quantity: a lower and an upper bound, or
    one value in two units that convert or stand in a bracket.
    """
    between = tokens.codes[limit.end : other.first]
    is_beside = between in ("", "(")
    if not is_beside and not rule("fills_range").covers(tokens, limit.end, other.first):
        return False
    if not _is_same(tokens, limit, other):
        return False
    for side, opposite in ((LOWER, UPPER), (UPPER, LOWER)):
        if limit.comparator in side and other.comparator not in side:
            return other.comparator in opposite
    code = _read_unit_of(tokens, limit)
    other_code = _read_unit_of(tokens, other)
    if not code or not other_code:
        return False
    if code == other_code:
        return False
    return between == "(" or convert(1, code, other_code) is not None


def _read_unit_of(tokens: Tokens, limit: Limit) -> str | None:
    """Return the UCUM unit of a limit, without what stands in brackets behind it."""
    if limit.unit is None:
        return None
    return read_unit(tokens.read(*limit.unit).partition("(")[0])


def is_ratio(tokens: Tokens, limit: Limit) -> bool:
    """Return whether a limit is a multiple of the normal value: "3 x ULN"."""
    if limit.unit is None:
        return False
    if not _NORMAL.isdisjoint(tokens.words[slice(*limit.unit)]):
        return True
    # "xULN"
    return read_unit(tokens.read(*limit.unit)) == "{ULN}"


def _is_further(tokens: Tokens, limit: Limit, other: Limit) -> bool:
    """Return whether ``other`` is a further ratio to the normal value of one quantity: "<= 3 x ULN
    or <= 5 x ULN".
    """
    return is_ratio(tokens, other) and _is_same(tokens, limit, other)


def _names_limit(tokens: Tokens, phrase: _Phrase, limit: Limit) -> bool:
    """Return whether a phrase has the name of a limit itself: "with transferrin saturation" ("<
    20 %").
    """
    if limit.quantity is None:
        return False
    if is_ratio(tokens, limit):
        return False
    if not phrase.first <= limit.quantity[0] < phrase.end:
        return False
    unit = read_unit(tokens.read(*limit.unit)) if limit.unit else None
    known = name_quantity(tokens.read(*limit.quantity), unit)
    return known is not None and (unit is None or known.fits(unit))


def _extend_sex(tokens: Tokens, word: int) -> Range:
    """Return a word for a sex with its opening and its people: "for women", "in male patients"."""
    opening = rule("sex_opening").ends(tokens, word, word - 8)
    people = rule("trial_person").starts(tokens, word + 1)
    first = opening.first if opening else word
    end = people.end if people else word + 1
    return first, end


def _find_phrases(tokens: Tokens, limits: Sequence[Limit]) -> Iterator[_Phrase]:
    """Yield the words that may be conditions: first the parts in front of a colon, then those that
    a rule opens, up to the next limit. Words of limits and of earlier phrases open none.
    """
    prefixes = _find_prefixes(tokens)
    reaches = [*(first for first, _ in prefixes[1:]), len(tokens)]
    for (first, end), reach in zip(prefixes, reaches, strict=False):
        yield _Phrase(first, end, plain=True, reach=reach)
    starts = {match.first: False for match in rule("condition_aside").find(tokens)}
    starts |= {match.first: True for match in rule("condition_opening").find(tokens)}
    covered = set[int]()
    for place in (*((limit.first, limit.end) for limit in limits), *prefixes):
        covered.update(range(*place))
    done = 0
    for first, is_plain in sorted(starts.items()):
        if first < done or first in covered:
            continue
        end, has_own = _find_phrase_end(tokens, first, limits)
        if not _says_something(tokens, first, end):
            continue
        reach = _find_reach(tokens, first, end, starts)
        yield _Phrase(first, end, is_plain or has_own, reach)
        done = end


def _find_prefixes(tokens: Tokens) -> list[Range]:
    """Return the parts in front of a colon that say of whom the limits behind it are."""
    prefixes = {match.place("words") for match in rule("condition_prefix").find(tokens)}
    for match in rule("donors_first").find(tokens):
        prefixes.add((match.first, match.end))
    return sorted(prefixes)


def _find_phrase_end(
    tokens: Tokens, first: int, limits: Sequence[Limit]
) -> tuple[int, bool]:
    """Return where a phrase that begins at ``first`` ends, and whether it has limits of its own.

    It ends at the next word that stops conditions, at the next limit that is not its own, at the
    name of that limit, or after the most tokens of a condition, whichever is first, and without
    idle words at its end.
    """
    firsts = [limit.first for limit in limits]
    reach = first + _LONGEST
    near = limits[bisect_right(firsts, first) : bisect_right(firsts, reach)]
    marks = rule("condition_stop").find(tokens, first + 1, reach)
    stops = [match.first for match in marks]
    own = _find_own_limits(tokens, first, near, min(stops, default=len(tokens)))
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
    """Return whether a phrase has more than its opening, and does not say "all"."""
    if end <= first + 1:
        return False
    if rule("men_and_women").search(tokens, first, end):
        return False
    return rule("condition_empty").covers(tokens, first, end) is None


def _find_reach(tokens: Tokens, first: int, end: int, starts: Collection[int]) -> int:
    """Return where the limits end of which a phrase in front of a comma is said; 0 for another
    phrase. ``starts`` are those of all phrases.
    """
    opens_clause = first == 0 or tokens.codes[first - 1] in ";.:("
    if not opens_clause or tokens.codes[end : end + 1] != ",":
        return 0
    clause = rule("sentence_break").search(tokens, end)
    stop = clause.first if clause else len(tokens)
    return min([stop, *(start for start in starts if start > end)])


def _find_own_limits(
    tokens: Tokens, first: int, behind: Sequence[Limit], stop: int
) -> Sequence[Limit]:
    """Return the limits that are part of a condition: the first one of "if albumin is < 30 g/L,
    calcium must be". The condition must open with an "if", and name the quantity near it or go on
    with the limit. Further limits belong to it while a joint and a name follow.
    """
    clause = rule("condition_if").starts(tokens, first)
    if clause is None or not behind:
        return ()
    nearest = behind[0]
    if NUMBER in tokens.codes[clause.end : nearest.first]:
        return ()
    name = nearest.quantity or (nearest.first, nearest.first)
    is_near = first <= name[0] <= min(stop, clause.end + _CLAUSE_REACH)
    is_named = is_near and names_quantity(tokens.read(*name))
    # "if < 60 years of age"
    stands_beside = nearest.first <= clause.end + 1
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
    """Return whether a name behind a condition is that of its limit, and no part of it: "with
    metastases".
    """
    if name[0] <= first + 1 or not names_quantity(tokens.read(*name)):
        return False
    return rule("condition_link").ends(tokens, name[0], name[0] - 1) is None


def _choose_limits(
    tokens: Tokens, phrase: _Phrase, limits: Sequence[Limit]
) -> list[int]:
    """Return the places of the limits to which a phrase applies.

    They are the limit that it is a part of; those behind a prefix, up to its reach; those behind
    it, if it opens a clause, excepts people, or follows no limit and no number; else the one that
    it follows.
    """
    around = _find_around(phrase, limits)
    if around is not None:
        return [around]
    following = bisect_left([limit.first for limit in limits], phrase.end)
    behind = range(following, len(limits))
    if phrase.reach and tokens.codes[phrase.end : phrase.end + 1] != ",":
        return [at for at in behind if limits[at].first < phrase.reach]
    before = limits[: bisect_left([limit.end for limit in limits], phrase.first + 1)]
    follows = _follows(tokens, phrase, before)
    last = before[-1] if before else None
    if behind and _leads(tokens, phrase, last, limits[following]):
        opens = _opens_clause(tokens, phrase) or _excepts(tokens, phrase)
        near = tokens.codes[max(0, phrase.first - _NEAR) : phrase.first]
        if opens or (not follows and NUMBER not in near):
            return _list_led(tokens, phrase, limits, following)
    return [len(before) - 1] if follows else []


def _find_around(phrase: _Phrase, limits: Sequence[Limit]) -> int | None:
    """Return the place of the limit that a phrase is a part of: "16 kg (F)"."""
    for at, limit in enumerate(limits):
        if limit.first <= phrase.first and phrase.end <= limit.end:
            return at
    return None


def _excepts(tokens: Tokens, phrase: _Phrase) -> bool:
    """Return whether a phrase excepts people from a limit: "unless", "with"."""
    return phrase.plain and tokens.words[phrase.first].lower() in _EXCEPTING


def _opens_clause(tokens: Tokens, phrase: _Phrase) -> bool:
    if phrase.first == 0:
        return True
    return tokens.words[phrase.first - 1].lower() in _BEFORE_CLAUSE


def _follows(tokens: Tokens, phrase: _Phrase, before: Sequence[Limit]) -> bool:
    """Return whether a phrase may be said of the last one of the limits before it."""
    if not before:
        return False
    is_bracketed = phrase.first > 0 and tokens.words[phrase.first - 1] == "("
    has_comma = tokens.codes[phrase.end : phrase.end + 1] == ","
    # Such as "(if ill, retest)"
    if is_bracketed and has_comma and not _excepts(tokens, phrase):
        return False
    last = before[-1]
    gaps = ["condition_gap", "condition_bracket"] if phrase.plain else ["condition_gap"]
    if not any(rule(gap).covers(tokens, last.end, phrase.first) for gap in gaps):
        return False
    if phrase.plain:
        return True
    return len(before) > 1 and _is_further(tokens, before[-2], last)


def _leads(
    tokens: Tokens, phrase: _Phrase, last: Limit | None, following: Limit
) -> bool:
    """Return whether a phrase may be said of the limit behind it. ``last`` is the one before it."""
    is_closed = tokens.codes[phrase.end : phrase.end + 1] in (",", ")", ":")
    if not is_closed and NUMBER in tokens.codes[phrase.first : phrase.end]:
        return False
    if not rule("condition_front_gap").covers(tokens, phrase.end, following.first):
        return False
    if not phrase.plain:
        if last is None:
            return False
        if not _is_further(tokens, last, following):
            return False
    return _excepts(tokens, phrase) or not _names_limit(tokens, phrase, following)


def _list_led(
    tokens: Tokens, phrase: _Phrase, limits: Sequence[Limit], following: int
) -> list[int]:
    """Return the places of the limits to which a phrase in front of ``following`` applies."""
    chosen = [following]
    for at in range(following + 1, len(limits)):
        is_in_reach = limits[at].first < phrase.reach
        goes_on = phrase.first == 0 and _goes_on(tokens, limits, at)
        if not is_in_reach and not goes_on:
            break
        chosen.append(at)
    return chosen
