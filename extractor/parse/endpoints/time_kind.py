"""How a time frame relates to its time points: at, up to, from-to, per, unspecified.

Rules give a first answer. It is one feature among others of a learned scorer (``time_kinds``), which decides and says
how sure it is. The rules read a skeleton of the time frame in which each length of time ("4 weeks") is ``#``, each
named moment ("week 4") is ``@``, a list of either is doubled and a range is ``#-#``. Words count as features as
themselves and as members of a class, by where they stand: in front of the first sign of a moment, between signs,
behind the last.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from extractor.parse.scoring import load_scorer
from extractor.schemas import TimeKind, TimeUnit
from extractor.text.book import rule
from extractor.text.lexer import LEXICON, NUMBER, Tokens

from .times import Moment, MomentGroup, TimeFrame

__all__ = ["Guess", "choose_kind", "describe_kind", "guess_kind"]

_MOST_WORDS = 60
_MOST_TOKENS = 150
"""A skeleton is read so far; no real time frame is longer."""
_CLASSES = {
    "LIMIT": "up upto until till through throughout thru within no maximum max over during for"
    " assessed followed lasting",
    "BEGIN": "baseline screening randomization randomisation enrollment enrolment inclusion entry start beginning"
    " initiation first birth registration consent admission",
    "AFTER": "after post following since from",
    "BEFORE": "before prior pre predose",
    "EACH": "every each per daily weekly monthly yearly annually quarterly once twice times intervals",
    "SPAN": "period duration length time season study whole entire total course average median mean approximately",
    "AT": "at on visit visits timepoint timepoints",
    "END": "completion end discharge death progression discontinuation last final termination",
    "AND": "and or",
    "TO": "to",
    "BETWEEN": "between",
    "THEN": "then thereafter",
}
_CLASS_OF = {word: name for name, words in _CLASSES.items() for word in words.split()}
_SIGNS = frozenset(",;:(/+-")


@dataclass(frozen=True, slots=True)
class Guess:
    """The kind that the rules give, the rule that did, and the words of the skeleton that it read."""

    kind: TimeKind
    rule: str
    words: tuple[str, ...]


def guess_kind(frame: TimeFrame) -> Guess:
    """What the rules say.

    >>> from extractor.text.book import read_text
    >>> from extractor.parse.endpoints.times import read_time_frame
    >>> guess_kind(read_time_frame(read_text("Up to 2 years")))
    Guess(kind=<TimeKind.UP_TO: 'up_to'>, rule='limit', words=('up', 'to', '#'))
    """
    skeleton, words = _make_skeleton(frame.kept, frame.groups)
    kind, name = _guess_with_points(skeleton, frame.points) if frame.points else _guess_without_points(frame)
    return Guess(kind, name, words)


def _make_skeleton(tokens: Tokens, groups: Sequence[MomentGroup]) -> tuple[Tokens, tuple[str, ...]]:
    """The tokens with a sign for each group, and the same as words, where a group is one word."""
    codes: list[str] = []
    words: list[str] = []
    done = 0
    for group in (*groups, None):
        stop = group.first if group else len(tokens)
        codes += tokens.codes[done:stop]
        words += (word.lower() for word in tokens.words[done:stop])
        if group:
            shown = _show(group)
            codes += shown.replace(" to ", LEXICON["to"]).replace("0", NUMBER)
            words += shown.split()
            done = group.end
    codes = codes[:_MOST_TOKENS]
    places = list(range(len(codes)))
    return Tokens("", [""] * len(codes), places, places, "".join(codes)), tuple(words)


def _show(group: MomentGroup) -> str:
    moments = group.moments
    sign = "@" if moments[0].named else "#"
    if len(moments) == 2 and moments[1].after_range:
        return f"0 to {sign}" if _is_beginning(moments[0]) else f"{sign}-{sign}"
    return sign * min(2, len(moments))


def _is_beginning(moment: Moment) -> bool:
    return moment.value <= 0 or (moment.named and moment.value == 1 and moment.unit is not TimeUnit.CYCLE)


def _guess_without_points(frame: TimeFrame) -> tuple[TimeKind, str]:
    place = (frame.tokens, frame.first, frame.end)
    vague = rule("vague_time").search(*place)
    if rule("each_time").search(*place) and not vague:
        return TimeKind.PER, "each"
    if rule("named_moment").search(*place) and not vague:
        return TimeKind.AT, "named"
    return TimeKind.UNSPECIFIED, "vague" if vague else "nothing"


def _guess_with_points(skeleton: Tokens, points: Sequence[Moment]) -> tuple[TimeKind, str]:
    """A range is a span from a later moment, a bare length of time one from the start; what is left names moments."""
    alone = len(points) == 1
    listed = sum(point.named for point in points) >= 3 and "#" not in skeleton.codes
    checks = (
        (True, "before_and_after", TimeKind.AT, "before and after"),
        (len(points) == 2, "range_of_moments", None, "range"),
        (not listed, "limit", TimeKind.UP_TO, "limit"),
        (not listed, "from_beginning", TimeKind.UP_TO, "from beginning"),
        (alone and "##" not in skeleton.codes, "bare_length", TimeKind.UP_TO, "bare"),
        (True, "length_explained", TimeKind.UP_TO, "bare"),
        (True, "counted_from", TimeKind.UP_TO, "loose limit"),
        (alone, "loose_limit", TimeKind.UP_TO, "loose limit"),
    )
    for applies, name, kind, shown in checks:
        if applies and rule(name).search(skeleton):
            return (kind, shown) if kind else _guess_range(skeleton)
    return TimeKind.AT, "moments"


def _guess_range(skeleton: Tokens) -> tuple[TimeKind, str]:
    """A range is a span, unless it says when something is done or ends."""
    if rule("limit_is_range").search(skeleton):
        return TimeKind.UP_TO, "limit is a range"
    if rule("opens_span").search(skeleton):
        return TimeKind.FROM_TO, "span"
    before = rule("moments_before").search(skeleton, 0, skeleton.codes.find("-") % (len(skeleton) + 1))
    return (TimeKind.AT, "moment is a range") if before else (TimeKind.FROM_TO, "range")


def describe_kind(frame: TimeFrame, guess: Guess) -> list[str]:
    """The features of a time frame, in a fixed order.

    >>> from extractor.text.book import read_text
    >>> from extractor.parse.endpoints.times import read_time_frame
    >>> frame = read_time_frame(read_text("Up to 2 years"))
    >>> describe_kind(frame, guess_kind(frame))[:3]
    ['rule up_to', 'rule up_to limit', 'up_to 1 points']
    """
    known = (word if word[0].isalpha() or word[0] in "#@" or word in _SIGNS else "0" for word in guess.words
             if word[0].isalnum() or word[0] in "#@" or word in _SIGNS)  # fmt: skip
    words = list(known)[:_MOST_WORDS]
    classes = [_CLASS_OF.get(word, "WORD") if word[0].isalpha() else word for word in words]
    features = {f"rule {guess.kind}": None, f"rule {guess.kind} {guess.rule}": None}
    features |= dict.fromkeys(_count(guess.kind, len(words), frame))
    features |= dict.fromkeys(f"word {word}" for word in words)
    features |= dict.fromkeys(f"{guess.kind} with {name}" for name in classes)
    features |= dict.fromkeys(f"pair {one} {other}" for one, other in pairwise(["^", *classes, "$"]))
    features |= dict.fromkeys(_place(words, classes))
    return list(features)


def _count(kind: TimeKind, words: int, frame: TimeFrame) -> list[str]:
    groups, points = frame.groups, frame.points
    has_zero = any(moment.value <= 0 for group in groups for moment in group.moments)
    return [
        f"{kind} {min(len(points), 3)} points",
        f"points {min(len(points), 4)}",
        f"named {min(sum(point.named for point in points), 3)}",
        f"groups {min(len(groups), 4)}",
        f"units {min(len({point.unit for point in points}), 3)}",
        f"length {min(words // 3, 6)}",
        *(["zero"] if has_zero else []),
    ]


def _place(words: Sequence[str], classes: Sequence[str]) -> list[str]:
    """Features of the words around the signs of moments."""
    signs = [number for number, word in enumerate(words) if word[0] in "#@"]
    if not signs:
        return []
    first, last = signs[0], signs[-1]
    around = ["^", *words, "$"]
    return [
        "signs " + " ".join(words[number] for number in signs[:3]),
        f"beside first: {around[first]}",
        f"beside last: {around[last]}",
        f"behind first: {around[first + 2]}",
        f"behind last: {around[last + 2]}",
        *(f"before {name}" for name in classes[:first]),
        *(f"between {name}" for name in classes[first + 1 : last]),
        *(f"behind {name}" for name in classes[last + 1 :]),
    ]


def choose_kind(features: Sequence[str]) -> tuple[TimeKind, float]:
    """The most probable kind and its probability.

    >>> choose_kind(["rule up_to", "rule up_to limit"])[0]
    <TimeKind.UP_TO: 'up_to'>
    """
    choice = load_scorer("time_kinds").choose([features])[0]
    return TimeKind(choice.value), choice.confidence
