"""Where an item may begin within a block of text.

A log-linear model weighs each gap between two words. Its weights are in
``weights/boundaries.npz`` and are made by ``python -m benchmarks.training.boundaries``, from lists
whose items are known because the registry kept their form. A feature has no name in the file: its
CRC-32 selects its weight. The first stage weighs the words and marks on both sides of a gap, the
second one corrects the result by the other gaps of the block.

The weights are small integers, so that the probability of a gap is the same on all machines.
"""

import bisect
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, NamedTuple
from zlib import crc32

from extractor.confidence import find_probability

_BULLET = (
    r"(?:[~•▪●◦·–*■□✓\uf0b7-]|\\\*)+(?=\s|[A-Z<>≥≤~(]|\d{1,2}[.)]\s)"
    r"(?:\s*\d{1,2}[.)](?=\s))?\s*|~(?=[a-z])|o\s+(?=[A-Z][a-z])"
)
_BULLETS = "~*•▪● \\\uf0b7"
"""Bullets that may precede a number."""
_NUMBER = re.compile(r"(\d{1,2})\D*$")
_LETTERS = re.compile(r"[a-zA-Z]+")
_NAMED = re.compile(
    r"\b(?:types?|grade|stage|class|phase|part|level|visit|cohort|group|arm|score)\s*$",
    re.IGNORECASE,
)
"""Matches words to which a following number or letter belongs."""
_AFTER_CITATION = re.compile(
    r"(?:and|or|of|to|in|is|are|was|were|by|as|at|on|for|with|that|which|but|who)\b"
)
_NO_COUNT = re.compile(
    r"\b(?:to|of|or|and|than|least|day|week|cycle|within|over|under|above|below|aged?)\s*$",
    re.IGNORECASE,
)
"""Matches words to which a number without a full stop or bracket belongs."""
# The weights were trained with it.
_FRONT = 12
"""Number of characters that are searched for these words."""
# The weights were trained with it.
_BRACKET = 80
"""Number of characters that are searched for a bracket that a marker would close."""
_COUNTED = (
    r"(?:\[\d{1,2}\]\s*|(?:[IE]C?-\d{1,2})\s+|\(?(?:(?:\d{1,2}\.){0,3}\d{1,2}"
    r"|(?:[IE]C?|INC|EXC?)[- ]?\d{1,2}|[ivxIVX]{2,5}|[a-zA-Z])"
    r"(?:[.):]{1,2}(?![\d.]|\s+[\[~•]|\s+\(?(?:\d{1,2}|[a-zA-Z]|[ivxIVX]{2,5}|[IE]C?-?\d{1,2})[.):]+\s)|,(?=[A-Z])|\s?-(?=\s))\s*|[①-⑳]\s*)"
)
_GAP = re.compile(
    rf"(?<=\S)(?:(?P<space>\s+)(?P<mark>{_COUNTED}|{_BULLET}|(?P<bare>(?:\d{{1,2}}\.){{0,3}}\d{{1,2}})\s+(?=[A-Z]))?+(?=\S)"
    r"|(?P<tight>(?:(?<=[A-Za-z.;:)\]%])\(?\d{1,2}[.)]\)?|(?<=\d)\(\d{1,2}\))(?!\d|\s+[\[~•])(?:\s+|(?=[A-Z<>≥≤])|(?<=[;:.]\(\d\))(?=[a-z])|(?<=;\d[.)])(?=[a-z]))"
    r"|(?<=\d)\d[.)](?!\d)(?=\s?[A-Z<>≥≤])\s*|(?<=;)\d{1,2},(?=[A-Za-z])"
    r"|(?:(?<!\d)~|[•●▪\uf0b7]|~(?=\s?[*A-Z\\]))[~•●▪\uf0b7]{0,20}[\s\\*-]{0,20}(?:\d{1,2}[.)]\s+)?(?=\S)|\*{1,20}[\s\\*-]{0,20}(?=[A-Z<>≥≤])|(?<=[.;:)\]])[a-z][.)]\s*(?=[A-Z]))"
    r"|(?<=[a-z)][.;])(?=[A-Z][a-z]))"
)
_WORD = re.compile(r"[^\W\d_]+|\d+(?:[.,]\d+)*|[^\w\s]")
_ROMAN_NUMBERS = (
    "i ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi xvii xviii xix xx"
)
_ROMAN = _ROMAN_NUMBERS.split()
_ROMAN_LETTERS = frozenset("ivxIVX")
_DASHES = frozenset("-–")
_ENDS = frozenset(".;:")
_OPENS = frozenset("<>≥≤")
# The weights were trained with it.
_NEAR = 6.0
"""The highest log-odds of a gap that the second stage counts."""
# The weights were trained with it.
_SAME = 5
# Chosen by hand; the weights are stored with it.
SCALE = 64
"""A weight in the file is this many times its value in nats."""


class Gap(NamedTuple):
    """A place where an item may begin: the words before it end at ``end``, and those after it
    begin at ``start``. Between them there may be a list marker, whose number is ``number`` (0 if
    it has none), and whose ``style`` is the marker with its number replaced by 1, "a" or "i".
    """

    end: int
    start: int
    mark: str = ""
    style: str = ""
    number: int = 0
    is_line_end: bool = False

    @property
    def kind(self) -> str:
        """A short name for markers of one kind; empty without a marker."""
        if not self.mark:
            return ""
        if self.style == "1":
            return "bare"
        return self.style[:4]


class Boundary(NamedTuple):
    """A gap, and the probability that an item begins there."""

    gap: Gap
    probability: float


Boundaries = Sequence[Boundary]
"""The boundaries within one text, in order."""


@dataclass(frozen=True, slots=True)
class Around:
    """The other blocks of a text: their number, their median length, and the words that they
    write with a small first letter.
    """

    count: int
    length: int
    small: frozenset[str]

    @classmethod
    def of(cls, texts: Sequence[str]) -> "Around":
        """Describe the blocks of a text."""
        lengths = sorted(map(len, texts))
        small = {word for text in texts for word in re.findall(r"\b[a-z]{3,}\b", text)}
        # the lower one of two medians; of a single block, there are no others
        middle = 0
        if len(lengths) > 1:
            middle = lengths[(len(lengths) - 1) // 2]
        return cls(len(texts), middle, frozenset(small))


class CountedMark(NamedTuple):
    """The style and the number of a list marker: "1." and 12 of "12."; "" and 0 of a bullet."""

    style: str = ""
    number: int = 0


class Stretch(NamedTuple):
    """A stretch of text, in which boundaries are searched: the text of a piece, whether it has a
    list marker of its own, that marker, and the marker of the piece below.
    """

    text: str
    has_mark: bool = False
    own_mark: CountedMark = CountedMark()
    below: CountedMark = CountedMark()


def find_boundaries(block: Stretch, around: Around) -> list[Boundary]:
    """Return all places within a block at which an item may begin, in order.

    >>> block = Stretch("1. Asthma of adults 2. Chronic bronchitis")
    >>> found = find_boundaries(block, Around.of([]))
    >>> [each.gap.mark for each in found if each.probability > 0.5]
    ['2.']
    """
    model = load_model()
    described = list(describe_gaps(block, around, model.small))
    gaps = [gap for gap, _ in described]
    totals = [model.words.add_up(dict.fromkeys(names, 1.0)) for _, names in described]
    corrected = [
        model.block.add_up(signs)
        for signs in describe_block(gaps, totals, len(block.text))
    ]
    return [
        Boundary(*pair)
        for pair in zip(gaps, map(find_probability, corrected), strict=True)
    ]


def find_gaps(text: str) -> Iterator[Gap]:
    """Yield the gaps before a list marker, a capital, a digit or a sign, after a full stop, a
    semicolon or a colon, and at the end of a line.
    """
    for match in _GAP.finditer(text):
        gap = _read_gap(text, match)
        # an item begins with a capital, a number or a comparator: "≥ 18 years"
        begins = text[gap.start].isupper() or text[gap.start] in _OPENS
        begins = begins or text[gap.start].isdigit() or gap.is_line_end
        if gap.mark or begins or text[match.start() - 1] in _ENDS:
            yield gap


def _read_gap(text: str, match: re.Match[str]) -> Gap:
    """Return a gap, whose number or dash is a list marker only if it does not belong to a word."""
    place = (match.start(), match.end())
    is_line_end = "\n" in (match["space"] or "")
    mark = (match["mark"] or match["tight"] or "").strip()
    if not mark:
        return Gap(*place, is_line_end=is_line_end)
    if not _belongs_to_word(text, match, mark):
        return Gap(*place, mark, *describe_mark(mark), is_line_end)
    # "over 40 - Able to walk": the number is no marker, but the dash is one
    if len(mark) > 1 and mark[-1] in _DASHES and not text[match.end()].isdigit():
        end = match.end("mark") - 2  # before the space and the dash
        return Gap(end, match.end(), mark[-1], mark[-1], 0, is_line_end)
    return Gap(*place, is_line_end=is_line_end)


def _belongs_to_word(text: str, match: re.Match[str], mark: str) -> bool:
    """Return whether a number or a dash is no list marker: "visit 1 Screening", "100 x 10",
    "(GINA 4) with", "6 months - 10 years".
    """
    first = text[match.end()]
    before = text[max(0, match.start() - _FRONT) : match.start()]
    if mark in _DASHES:
        return _joins_numbers(before, first)
    if mark == "**":
        return _ends_bold(text, match.start())
    if mark[0] == "[":  # a citation: "the criteria [1] and"
        return _AFTER_CITATION.match(text, match.end()) is not None
    # "1.5 *10^9" is a product; other stars, and brackets around a number, are markers
    if mark[0] in "*(":
        return mark == "*" and first.isdigit() and before[-1:] != ":"
    if _closes_bracket(text, match.start(), mark):
        return True
    is_open = bool(match["bare"]) or mark[-1] in _DASHES
    # "visit 1 Screening": the word before asks for a number or a letter
    if _NAMED.search(before):
        return is_open or first.islower() or _is_name(mark)
    if not is_open:
        return False
    # "100 x 10": a number without a sign is a marker only before a word
    if match["bare"] and not text[match.end() : match.end() + 2].isalpha():
        return True
    return first.islower() or _needs_number(before)


def _joins_numbers(before: str, first: str) -> bool:
    """Return whether a dash stands between two numbers or follows a number alone."""
    is_range = first.isdigit() and any(map(str.isdigit, before))
    return is_range or before.strip().isdigit()


def _is_name(mark: str) -> bool:
    """Return whether a marker may be the name of what stands before it: "arm A.", "day 1:"."""
    if mark[-2:-1].isupper():
        return True
    return mark[0].isdigit() and mark[-1] == ":"


def _needs_number(before: str) -> bool:
    """Return whether the words before a number ask for it: "BMI >", "100 x"."""
    if before[-1:] in "<>=≤≥":
        return True
    return _NO_COUNT.search(before) is not None


def _ends_bold(text: str, start: int) -> bool:
    """Return whether the "**" at a place ends bold words."""
    return text.count("**", max(0, start - _BRACKET), start) % 2 == 1


def _closes_bracket(text: str, start: int, mark: str) -> bool:
    """Return whether a marker such as "4)" closes a bracket that the text before it opened."""
    near = text[max(0, start - _BRACKET) : start]
    return mark[-1] == ")" and near.count("(") > near.count(")")


def find_own_mark(text: str) -> Gap | None:
    """Return the list marker with which a text begins, with offsets into the text.

    >>> find_own_mark("1. Asthma").start
    3
    """
    # a gap is between two words: the offsets are shifted by those of "x "
    match = _GAP.match(f"x {text}", 1)
    if match is None or not match["mark"]:
        return None
    mark = match["mark"].strip()
    return Gap(0, match.end() - 2, mark, *describe_mark(mark))


@lru_cache(maxsize=1024)
def read_mark(mark: str) -> CountedMark:
    """Return the style and the number of a block's own list marker, as those of a gap; an empty
    style and 0 for a bullet or without a marker.

    >>> read_mark("(b)").style, read_mark("12.").number, read_mark("*").number
    ('(a)', 12, 0)
    """
    own = find_own_mark(f"{mark} X")
    if own and own.number:
        return CountedMark(own.style, own.number)
    return CountedMark()


def describe_mark(mark: str) -> tuple[str, int]:
    """Return the style and the number of a list marker, which is 0 for a bullet.

    >>> (
    ...     describe_mark("(12)"),
    ...     describe_mark("5.2.5"),
    ...     describe_mark("b)"),
    ...     describe_mark("- "),
    ... )
    (('(1)', 12), ('5.2.1', 5), ('a)', 2), ('- ', 0))
    """
    if "①" <= mark[0] <= "⑳":
        return "①", ord(mark[0]) - ord("①") + 1
    counted = mark.lstrip(_BULLETS)
    number = _NUMBER.search(counted)
    if number:
        return _count_from_one(counted, number[1]), int(number[1])
    letters = _LETTERS.search(mark)
    # word processors write "o" as a bullet
    if letters and mark != "o":
        return _describe_letters(mark, letters[0])
    return mark, 0


def _describe_letters(mark: str, letters: str) -> tuple[str, int]:
    """Return the style and the number of a marker with a letter or a Roman numeral."""
    if len(letters) > 1 and letters.lower() in _ROMAN:
        return mark.replace(letters, "i"), _ROMAN.index(letters.lower()) + 1
    first = "A"
    if letters.islower():
        first = "a"
    return mark.replace(letters, first), ord(letters.lower()[0]) - ord("a") + 1


def list_marker_meanings(
    mark: str, style: str, number: int
) -> Iterator[tuple[str, int]]:
    """Yield the meanings of a list marker, each a style and a number: first the given one, then
    the other one of an "i", a "v" or an "x", which is a letter or a Roman numeral.

    >>> list(list_marker_meanings("v.", "a.", 22))
    [('a.', 22), ('i.', 5)]
    """
    yield style, number
    letter = mark.strip("(). ")
    # "i)" after "h)" is a letter, after nothing a Roman numeral
    if letter in _ROMAN_LETTERS:
        letters = _describe_letters(mark, letter)
        numeral = mark.replace(letter, "i"), _ROMAN.index(letter.lower()) + 1
        yield letters if letters[0] != style else numeral


def _count_from_one(mark: str, digits: str) -> str:
    """Return a marker with its last number replaced by 1.

    >>> _count_from_one("5.2.5.", "5")
    '5.2.1.'
    """
    before, _, after = mark.rpartition(digits)
    return f"{before}1{after}"


def describe_gaps(
    block: Stretch, around: Around, small: frozenset[str]
) -> Iterator[tuple[Gap, list[str]]]:
    """Yield each gap of a block with its features for the first stage. ``small`` contains the words
    that are nearly always written with a small first letter within an item.
    """
    gaps = list(find_gaps(block.text))
    if not gaps:
        return
    words = _BlockWords(block.text)
    places = [(words.before(gap.end), words.at(gap.start)) for gap in gaps]
    signs = [
        f"{words.sign(last)}|{gap.kind}|{words.shape(first)}"
        for gap, (last, first) in zip(gaps, places, strict=True)
    ]
    seen = Counter(signs)
    numbers = {(gap.style, gap.number) for gap in gaps if gap.number}
    numbers |= {block.own_mark, block.below}
    own = _describe_own(block, around)
    for gap, (last, first), sign in zip(gaps, places, signs, strict=True):
        names = [f"sign:{sign}", f"same:{sign}:{min(seen[sign], _SAME)}"]
        # the first of the facts about the block is whether it has a marker
        names += _describe_mark_of(gap, numbers, own[0])
        names += _describe_words(gap, words, last, first, around.small, small)
        names += _describe_place(gap, words, last, first, own)
        yield gap, names


class _BlockWords:
    """The words of a block, and the depth of brackets after each."""

    def __init__(self, text: str) -> None:
        matches = list(_WORD.finditer(text))
        self.texts = [match[0] for match in matches]
        self._starts = [match.start() for match in matches]
        self.depths: list[int] = []
        depth = 0
        for word in self.texts:
            if word in "([":
                depth += 1
            elif word in ")]":
                depth = max(depth - 1, 0)
            self.depths.append(depth)

    def at(self, offset: int) -> int:
        """Return the index of the first word that begins at or after an offset."""
        return bisect.bisect_left(self._starts, offset)

    def before(self, offset: int) -> int:
        """Return the index of the last word that begins before an offset."""
        return self.at(offset) - 1

    def get(self, index: int) -> str:
        """Return a word in a general form, "#" outside the block."""
        if not 0 <= index < len(self.texts):
            return "#"
        return re.sub(r"\d", "0", self.texts[index].lower())[:12]

    def shape(self, index: int) -> str:
        """Return the shape of a word: "0" for a number, "Aa" with a capital, or the sign itself."""
        if not 0 <= index < len(self.texts):
            return "#"
        word = self.texts[index]
        if word[0].isdigit():
            return "0"
        if not word[0].isalpha():
            return word
        # "A" may only begin a sentence, "ALT" is an abbreviation
        if word.isupper() and len(word) > 1:
            return "AA"
        if word[0].isupper():
            return "Aa"
        return "aa"

    def sign(self, index: int) -> str:
        """Return a word that is a punctuation mark; empty for another word."""
        word = self.texts[index]
        if word[0].isalnum():
            return ""
        return word


def _describe_own(block: Stretch, around: Around) -> tuple[str, str, str, str]:
    """Return what the block is like: whether it has a marker, its length, the number of blocks,
    and its length in comparison with theirs.
    """
    has_mark = "u"
    if block.has_mark:
        has_mark = "m"
    length = f"len{_bucket(len(block.text))}"
    rate = "rate-"
    if around.length:
        rate = f"rate{_bucket(10 * len(block.text) / around.length)}"
    return has_mark, length, f"of{min(around.count, 6)}", rate


def _describe_mark_of(
    gap: Gap, numbers: set[tuple[str, int]], has_mark: str
) -> list[str]:
    """Return the features of a list marker: whether it is the first of its list ("1"), and whether
    the number below ("d") and above ("u") its own are there, too.
    """
    count = ""
    if gap.number == 1:
        count += "1"
    if (gap.style, gap.number - 1) in numbers:
        count += "d"
    if (gap.style, gap.number + 1) in numbers:
        count += "u"
    return [f"mark:{gap.kind}:{count}", f"{gap.kind}:{count}:{has_mark}"]


def _describe_words(
    gap: Gap,
    words: _BlockWords,
    last: int,
    first: int,
    here: frozenset[str],
    small: frozenset[str],
) -> Iterator[str]:
    """Yield the features of the words on both sides of a gap. ``here`` contains the words that the
    other blocks write with a small first letter.
    """
    # the last word before the gap, to which its punctuation may be joined
    sign = words.sign(last)
    above = last
    if sign and last:
        above = last - 1
    word, second, third = (words.get(first + step) for step in range(3))
    before = words.get(above)
    before2 = words.get(above - 1)
    shape = words.shape(first)
    above_shape = words.shape(above)
    mark = ""
    if gap.kind:
        mark = "1"
    small_letter = "?"
    if word in small:
        small_letter = "k"
    if word in here:
        small_letter += "s"
    yield f"mark:{gap.kind}:{sign}"
    yield f"case:{small_letter}{shape}:{sign}{gap.kind}"
    yield f"sh:{above_shape}:{sign}:{shape}{mark}"
    yield f"n:{word}:{shape}"
    yield f"n:{word}:{shape}:{sign}{mark}"
    yield f"nn:{word} {second}"
    yield f"nnn:{word} {second} {third}"
    yield f"n2:{second}"
    yield f"ns:{word[-3:]}:{shape}"
    yield f"p:{before}"
    yield f"pp:{before2} {before}"
    yield f"p:{before}:{sign}{mark}"
    yield f"ps:{before[-3:]}:{sign}"
    yield f"pn:{before}:{shape}"
    yield f"pc:{above_shape}{sign}:{word}"


def _describe_place(
    gap: Gap, words: _BlockWords, last: int, first: int, own: tuple[str, str, str, str]
) -> Iterator[str]:
    """Yield the features of the place of a gap within its block, and of the block."""
    has_mark, length, count, rate = own
    sign = words.sign(last)
    shape = words.shape(first)
    depth = min(words.depths[last], 1)
    left = _bucket(first)
    right = _bucket(len(words.texts) - first)
    yield f"dep:{depth}"
    yield f"dep:{depth}:{shape}:{sign}"
    yield f"l:{left}"
    yield f"r:{right}"
    yield f"lr:{left // 2}:{right // 2}"
    yield f"nl:{gap.is_line_end}"
    yield f"blk:{has_mark}:{count}:{rate}"
    yield f"blk:{has_mark}:{sign}{gap.kind}:{shape}"
    yield has_mark
    yield length
    yield count
    yield f"{has_mark}{length}:{sign}{gap.kind}"
    yield f"{rate}:{sign}{gap.kind}"
    yield f"{count}:{sign}{gap.kind}"


def describe_block(
    gaps: Sequence[Gap], totals: Sequence[float], length: int
) -> Iterator[dict[str, float]]:
    """Yield the features of each gap for the second stage, with their values. ``totals`` contains
    the log-odds of all gaps of the block by the first stage, and ``length`` is the block's length.
    """
    likely = [gap.start for gap, total in zip(gaps, totals, strict=True) if total > 0]
    near = [max(-_NEAR, min(_NEAR, total)) for total in totals]
    counts = Counter(gap.kind for gap in gaps)
    sums = defaultdict[str, float](float)
    for gap, own in zip(gaps, near, strict=True):
        sums[gap.kind] += own
    for gap, own in zip(gaps, near, strict=True):
        # where the likely gaps before and after this one, or the ends of the block, are
        place = bisect.bisect_left(likely, gap.start)
        above = 0
        if place:
            above = likely[place - 1]
        is_likely = place < len(likely) and likely[place] == gap.start
        following = place + is_likely
        below = length
        if following < len(likely):
            below = likely[following]
        others = counts[gap.kind] - 1
        mean = 0.0
        if others:
            mean = (sums[gap.kind] - own) / others
        further = min(len(likely) - is_likely, 6)
        yield {
            "t": own,
            # distances in words of some six characters
            f"a{_bucket((gap.start - above) / 6)}": 1.0,
            f"b{_bucket((below - gap.start) / 6)}": 1.0,
            # the other gaps of the same kind
            f"mean{bool(gap.mark)}": mean,
            f"one{not others}": 1.0,
            # how many other gaps are likely
            f"k{further}": 1.0,
            f"k{further}t": own,
        }


def _bucket(number: float) -> int:
    return min(int(math.log2(number + 1) * 2), 16)


class Stage(NamedTuple):
    """The weights of a stage, by the hash of a feature, and the log-odds without any feature."""

    weights: Mapping[int, int]
    start: float

    def add_up(self, features: Mapping[str, float]) -> float:
        """Return the log-odds of features with values."""
        get = self.weights.get
        summed = sum(
            get(hash_feature(name), 0) * value for name, value in features.items()
        )
        return self.start + summed / SCALE


class BoundaryModel(NamedTuple):
    """The two stages, and the words that are nearly always written with a small first letter."""

    words: Stage
    block: Stage
    small: frozenset[str]


def hash_feature(feature: str) -> int:
    """Return the number by which the file knows a feature."""
    return crc32(feature.encode())


@cache
def load_model() -> BoundaryModel:
    """Read the weights."""
    import numpy as np  # noqa: PLC0415 - slow, and a short text does not need it

    path = files("extractor.outline") / "weights" / "boundaries.npz"
    with path.open("rb") as file:
        stored = np.load(file, allow_pickle=False)
        small = frozenset(bytes(stored["small"]).decode().split())
        starts = stored["starts"].tolist()
        words, block = (
            Stage(_read_weights(stored, name), start)
            for name, start in zip(("words", "block"), starts, strict=True)
        )
    return BoundaryModel(words, block, small)


def _read_weights(stored: Mapping[str, Any], name: str) -> dict[int, int]:
    keys = stored[f"{name}_keys"].tolist()
    return dict(zip(keys, stored[name].tolist(), strict=True))
