"""Find to whom, or when, each limit of a line applies: "for men", "if liver metastases", "Cohort
B".
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
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
    both = rule("all_sexes").search(tokens)
    # but "men aged 40 to 70 or women aged 45 to 75" are two groups
    apart = (
        both
        and any(both.first < one < both.end for one, _ in places.values())
        and any(both.end <= one <= both.end + 1 for one, _ in places.values())
    )
    named = find_sex_words(tokens) if places and (not both or apart) else {}
    sexes = dict[int, tuple[Sex, int]]()
    for key, (first, end) in places.items():
        inside = [
            at
            for at in named
            if first <= at < end and NUMBER not in tokens.codes[at:end]
        ]
        if len(inside) == 1:  # "50 kg (men)"
            sexes[key] = named.pop(inside[0]), inside[0]
    words = sorted(named)
    ends = sorted(end for _, end in places.values())
    starts = {one for one, _ in places.values()}
    # In "(male; 92 cm, female; 86 cm)" a semicolon stands for a colon: the first sex stands before
    # all limits.
    signs = ":;" if words and ends and words[0] < min(starts) else ":"
    leads = any(
        at + 1 in starts or (at + 2 in starts and tokens.codes[at + 1] in signs)
        for at in words
    ) or (bool(words) and words[0] < ends[0])
    for key, (_, end) in places.items():
        number = bisect_left(words, end)
        others = bisect_right(ends, end)
        if key in sexes or not words:
            continue
        if leads:
            floor = max(
                (one for one in ends if number and one <= words[number - 1]), default=0
            )
            # "women (not pregnant) and men of" are both
            beside = words[bisect_left(words, floor) : number]
            at = beside[-1] if len({named[one] for one in beside}) == 1 else None
        else:
            if number < len(words) and words[number] < [*ends, len(tokens)][others]:
                at = words[number]
            else:
                at = None
            opening = end if at is None else max(end, _extend_sex(tokens, at)[0])
            # Such as "102 cm (40 inches) in men"
            between = _BRACKETED.sub("", tokens.codes[end:opening])
            at = (
                None
                if not {NUMBER, ":"}.isdisjoint(between) or "(" in between[:-1]
                else at
            )
        if at is not None and _is_in_clause(tokens, at, end, signs=signs):
            sexes[key] = named[at], at
    return sexes


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
    found = (
        (one.first, sex)
        for name, sex in _SEXED.items()
        for one in rule(name).find(tokens)
    )
    return {at: sex for at, sex in found if not rule("not_sex").starts(tokens, at)}


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
    found: list[Range | None] = [None] * len(limits)
    ends = {one.end for one in limits}
    # directly behind first
    for phrase in sorted(
        _find_phrases(tokens, limits), key=lambda one: one.first not in ends
    ):
        for at in _choose_limits(tokens, phrase, limits):
            found[at] = found[at] or (phrase.first, phrase.end)
    sexes = find_sexes(
        tokens, {at: (one.first, one.end) for at, one in enumerate(limits)}
    )
    done = set[int]()
    for at, (_, word) in sorted(sexes.items()):
        apart = word in done and not _APART.isdisjoint(
            tokens.codes[limits[at - 1].end : limits[at].first]
        )
        if found[at] is None and not (
            apart and _is_subject(tokens, word) and not _goes_on(tokens, limits, at)
        ):
            found[at] = _extend_sex(tokens, word)
        done.add(word)
    for at in range(len(limits) - 2, -1, -1):  # "above 30 kg and below 120 kg in men"
        place = found[at + 1]
        if (
            found[at] is None
            and place
            and place[1] > limits[at + 1].end
            and _joins(tokens, *limits[at : at + 2])
        ):
            found[at] = place
    return found


def is_of_another(
    tokens: Tokens, words: Range, own: Limit, limits: Sequence[Limit]
) -> bool:
    """Return whether words that may be a condition belong to another limit of a line, or stand in
    an unrelated clause.

    >>> from extractor.language.book import read_text
    >>> from extractor.concepts.limits.read import find_limits
    >>> tokens = read_text("HbA1c over 9 % on tablets or over 10 % on insulin")
    >>> limits = find_limits(tokens, None)
    >>> [is_of_another(tokens, (12, 14), one, limits) for one in limits]
    [True, False]
    """
    place = limits.index(own)
    chosen = [*_choose_limits(tokens, _Phrase(*words), limits)]
    # "older than 65" of "< 8.5 % in those older than 65" is a limit itself
    within = [at for at in chosen if _is_inside(limits[at], words)]
    if within and own.end <= words[0]:
        return False
    if chosen:
        run = range(place, max(place, chosen[0]))
        if place in chosen:
            return False
        return not (run and all(_joins(tokens, *limits[at : at + 2]) for at in run))
    first, end = words
    parted = not _ENDS.isdisjoint(
        tokens.codes[min(own.end, end) : max(own.first, first)]
    )
    if not parted:
        return False
    return end <= own.first or any(
        own.end <= one.first < end + _LONGEST for one in limits
    )


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
    clause = tokens.codes[limits[at - 1].end : limits[at].first] if at else ""
    return at > 0 and ";" not in clause and _is_same(tokens, limits[at - 1], limits[at])


def _is_same(tokens: Tokens, one: Limit, other: Limit) -> bool:
    if one.quantity is None:
        return True
    if other.quantity is None:
        return True
    if rule("names_nobody").covers(tokens, *other.quantity):
        return True
    return tokens.read(*one.quantity).lower() == tokens.read(*other.quantity).lower()


def _joins(tokens: Tokens, one: Limit, other: Limit) -> bool:
    """Return whether two limits are one statement: both sides of a range, or one value in two
    units.
    """
    between = tokens.codes[one.end : other.first]
    joined = between in ("", "(") or rule("fills_range").covers(
        tokens, one.end, other.first
    )
    if not joined or not _is_same(tokens, one, other):
        return False
    if any(
        one.comparator in side and other.comparator not in side
        for side in (LOWER, UPPER)
    ):
        return {one.comparator, other.comparator} <= {*LOWER, *UPPER}
    codes = [
        each.unit and read_unit(tokens.read(*each.unit).partition("(")[0])
        for each in (one, other)
    ]
    one_code, other_code = codes
    alike = (
        one_code
        and other_code
        and (between == "(" or convert(1, one_code, other_code) is not None)
    )
    return bool(alike) and one_code != other_code


def is_ratio(tokens: Tokens, limit: Limit) -> bool:
    """Return whether a limit is a multiple of the normal value: "3 x ULN"."""
    if limit.unit is None:
        return False
    words = tokens.words[slice(*limit.unit)]
    # "xULN"
    return (
        not _NORMAL.isdisjoint(words) or read_unit(tokens.read(*limit.unit)) == "{ULN}"
    )


def _is_further(tokens: Tokens, one: Limit, other: Limit) -> bool:
    """Return whether a limit is a further ratio to the normal value of one quantity: "<= 3 x ULN
    or <= 5 x ULN".
    """
    return is_ratio(tokens, other) and _is_same(tokens, one, other)


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
    opening = rule("sex_opening").ends(tokens, word, word - 8)
    people = rule("trial_person").starts(tokens, word + 1)
    return (opening.first if opening else word), (people.end if people else word + 1)


def _find_phrases(tokens: Tokens, limits: Sequence[Limit]) -> Iterator[_Phrase]:
    """Yield the words that may be conditions: parts in front of a colon, then others, up to the
    limit behind them.
    """
    prefixes = [found.place("words") for found in rule("condition_prefix").find(tokens)]
    prefixes = sorted(
        {
            *prefixes,
            *((found.first, found.end) for found in rule("donors_first").find(tokens)),
        }
    )
    ends = [*(first for first, _ in prefixes[1:]), len(tokens)]
    yield from (
        _Phrase(*place, plain=True, reach=end)
        for place, end in zip(prefixes, ends, strict=False)
    )
    starts = {found.first: False for found in rule("condition_aside").find(tokens)}
    starts |= {found.first: True for found in rule("condition_opening").find(tokens)}
    taken = [*((one.first, one.end) for one in limits), *prefixes]
    done = 0
    covered = {at for place in taken for at in range(*place)}
    firsts = [one.first for one in limits]
    for first, plain in sorted(starts.items()):
        if first < done or first in covered:
            continue
        near = limits[
            bisect_right(firsts, first) : bisect_right(firsts, first + _LONGEST)
        ]
        stops = [
            found.first
            for found in rule("condition_stop").find(
                tokens, first + 1, first + _LONGEST
            )
        ]
        own = _find_own_limits(tokens, first, near, min(stops, default=len(tokens)))
        others = near[len(own) :]
        stops = [one for one in stops if not own or one >= own[-1].end] + [
            one.first for one in others
        ]
        stops += [
            one.quantity[0]
            for one in others
            if one.quantity and _begins_limit(tokens, first, one.quantity)
        ]
        end = min([*stops, first + _LONGEST, len(tokens)])
        while end > first + 1 and rule("condition_tail").ends(tokens, end, end - 1):
            end -= 1
        is_of_all = rule("men_and_women").search(tokens, first, end)
        if (
            end > first + 1
            and not is_of_all
            and not rule("condition_empty").covers(tokens, first, end)
        ):
            fronted = tokens.codes[end : end + 1] == "," and (
                not first or tokens.codes[first - 1] in ";.:("
            )
            clause = rule("sentence_break").search(tokens, end) if fronted else None
            bounds = [
                *(at for at in starts if at > end),
                clause.first if clause else len(tokens),
            ]
            yield _Phrase(first, end, plain or bool(own), min(bounds) if fronted else 0)
            done = end


def _find_own_limits(
    tokens: Tokens, first: int, behind: Sequence[Limit], stop: int
) -> Sequence[Limit]:
    """Return the limits that are part of a condition: the first one of "if albumin is < 30 g/L,
    calcium must be".
    """
    clause = rule("condition_if").starts(tokens, first)
    if (
        clause is None
        or not behind
        or NUMBER in tokens.codes[clause.end : behind[0].first]
    ):
        return ()
    name = behind[0].quantity or (behind[0].first, behind[0].first)
    near = first <= name[0] <= min(stop, clause.end + _CLAUSE_REACH) and names_quantity(
        tokens.read(*name)
    )
    if not near and behind[0].first > clause.end + 1:  # "if < 60 years of age"
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
) -> Iterator[int]:
    """Yield the places of the limits to which a phrase applies: the one that it follows, or
    those behind it.
    """
    count = bisect_left([one.end for one in limits], phrase.first + 1)
    behind = range(bisect_left([one.first for one in limits], phrase.end), len(limits))
    within = next(
        (
            at
            for at, one in enumerate(limits)
            if one.first <= phrase.first and phrase.end <= one.end
        ),
        None,
    )
    if within is not None:  # "16 kg (F)"
        yield within
        return
    behind_it = tokens.codes[phrase.end : phrase.end + 1]
    if phrase.reach and behind_it != ",":
        yield from (at for at in behind if limits[at].first < phrase.reach)
        return
    last = count - 1 if count else None
    excepts = tokens.words[phrase.first].lower() in _EXCEPTING and phrase.plain
    front = tokens.words[phrase.first - 1].lower() if phrase.first else ";"
    opens = behind_it == "," and front == "(" and not excepts  # "(if ill, retest)"
    gaps = (
        ("condition_gap", "condition_bracket") if phrase.plain else ("condition_gap",)
    )
    follows = (
        last is not None
        and not opens
        and any(
            rule(name).covers(tokens, limits[last].end, phrase.first) for name in gaps
        )
        and (
            phrase.plain
            or (last > 0 and _is_further(tokens, limits[last - 1], limits[last]))
        )
    )
    following = behind[0] if behind else None
    leads = (
        following is not None
        and (
            behind_it in (",", ")", ":")
            or NUMBER not in tokens.codes[phrase.first : phrase.end]
        )
        and rule("condition_front_gap").covers(
            tokens, phrase.end, limits[following].first
        )
        is not None
        and (
            phrase.plain
            or (
                last is not None
                and _is_further(tokens, limits[last], limits[following])
            )
        )
        and (excepts or not _names_limit(tokens, phrase, limits[following]))
    )
    apart = front in ("or", "and", "but", ",", ";", "(", ".", ":")
    numbered = (
        not apart
        and NUMBER in tokens.codes[max(0, phrase.first - _NEAR) : phrase.first]
    )
    if (
        leads
        and following is not None
        and ((not follows and not numbered) or apart or excepts)
    ):
        yield following
        while following + 1 in behind and (
            limits[following + 1].first < phrase.reach
            or (phrase.first == 0 and _goes_on(tokens, limits, following + 1))
        ):
            following += 1
            yield following
    elif follows and last is not None:
        yield last
