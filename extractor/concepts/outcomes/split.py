"""Split a flattened outcome cell into outcomes, and each outcome into measure, description and time
frame.

Registry downloads join the present parts by ", " and the outcomes by "|". Every pair of commas is a
possible cut. A log-linear model scores the cuts by their features, so the softmax of the scores is
the probability of each cut.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from extractor.evidence.scoring import load_scorer, measured
from extractor.language.book import rule, word_list
from extractor.language.lexer import Range, Tokens
from extractor.language.passage import LexedSection, Passage, read_section, strip_span
from extractor.schemas import Rank

_LONGEST_FRAME = 30
"""Tokens of the longest time frame in words at the end of an outcome."""
_LONGEST_BRACKET = 40
_EDGES = ",;:-([<."
_PREPOSITIONS = frozenset(
    {
        "at",
        "after",
        "for",
        "in",
        "within",
        "over",
        "of",
        "to",
        "until",
        "about",
        "and",
        "or",
    }
)
_PAIRS = {")": "(", "]": "["}

NAMED = "time frame behind its name"
AT_END = "time frame in a statement"
IN_FRONT = "time frame in front"
WITHIN = "time frame within a measure"
"""How a time was found: cases of ``measured``."""


@dataclass(frozen=True, slots=True)
class OwnTime:
    """A time frame among an outcome's words.

    Attributes:
        frame: Its words.
        measure: The outcome without it; all of its words if the time stands within them.
        case: How it was found.
    """

    frame: Passage
    measure: Passage
    case: str


def find_own_time(outcome: Passage) -> OwnTime | None:
    """Return the time frame that an outcome's own words state, or None.

    >>> from extractor.language.passage import read_passage
    >>> texts = [
    ...     "FEV1 (week 12)",
    ...     "FEV1; Time frame: baseline to week 12",
    ...     "Pain at 24 weeks",
    ...     "Week 4: pain",
    ... ]
    >>> [
    ...     (time.measure.raw, time.frame.raw)
    ...     for time in map(find_own_time, map(read_passage, texts))
    ...     if time
    ... ]  # doctest: +NORMALIZE_WHITESPACE
    [('FEV1', 'week 12'), ('FEV1', 'baseline to week 12'), ('Pain', 'at 24 weeks'),
     ('pain', 'Week 4')]
    >>> find_own_time(read_passage("Change from baseline to week 12 in FEV1")).frame.raw
    'from baseline to week 12'
    """
    if outcome.first >= outcome.end:
        return None
    if rule("opening_of_own_time").starts(outcome.tokens, outcome.first, outcome.end):
        return None  # an outcome without a measure
    readers = (
        _find_named,
        _find_bracketed,
        _find_words_at_end,
        _find_behind_comma,
        _find_in_front,
        _find_within,
    )
    return next(
        (found for read in readers if (found := read(outcome)) is not None), None
    )


def _find_named(outcome: Passage) -> OwnTime | None:
    """Return the time behind a name such as "Time frame:", to the end of its bracket or of the
    outcome.
    """
    opening = rule("opening_of_own_time").search(
        outcome.tokens, outcome.first, outcome.end
    )
    if opening is None:
        return None
    tokens = outcome.tokens
    end = _find_bracket_end(tokens, opening.first, opening.end, outcome.end)
    first, last = strip_span(tokens.codes, opening.end, end, " .;,>")
    if first >= last:
        return None
    return _cut_off(outcome, opening.first, outcome.part(first, last), NAMED)


def _find_bracket_end(tokens: Tokens, opening: int, first: int, end: int) -> int:
    """Return where the bracket closes that stands before the name; without one, the end of the
    outcome.
    """
    close = {"(": ")", "[": "]"}.get(tokens.codes[opening])
    if close is None:
        return end
    found = tokens.codes.find(close, first, end)
    return end if found < 0 else found


def _find_bracketed(outcome: Passage) -> OwnTime | None:
    """Return the time in the bracket at the end."""
    tokens = outcome.tokens
    _, last = strip_span(tokens.codes, outcome.first, outcome.end, ". ;,")
    opening_sign = _PAIRS.get(tokens.codes[last - 1]) if last > outcome.first else None
    if opening_sign is None:
        return None
    opening = tokens.codes.rfind(
        opening_sign, max(outcome.first, last - _LONGEST_BRACKET), last
    )
    if opening <= outcome.first or not _is_time(tokens, opening + 1, last - 1):
        return None
    return _cut_off(outcome, opening, outcome.part(opening + 1, last - 1), AT_END)


def _find_behind_comma(outcome: Passage) -> OwnTime | None:
    """Return the time behind a comma, semicolon, colon or dash: "FEV1, week 12"."""
    tokens = outcome.tokens
    _, end = strip_span(tokens.codes, outcome.first, outcome.end, ". ;,")
    for at in range(outcome.first + 1, end):
        if tokens.codes[at] in ",;:-" and _is_time(tokens, at + 1, end):
            return _cut_off(outcome, at, outcome.part(at + 1, end), AT_END)
    return None


def _find_words_at_end(outcome: Passage) -> OwnTime | None:
    """Return the time in words at the end: "Pain and sleep at baseline, 6 and 12 weeks"."""
    tokens = outcome.tokens
    end = outcome.end - (tokens.codes[outcome.end - 1] == ".")
    for first in range(max(outcome.first + 1, end - _LONGEST_FRAME), end):
        if rule("moment").search(tokens, first, end) and _is_frame_in_words(
            tokens, first, end
        ):
            return _cut_off(outcome, first, outcome.part(first, end), AT_END)
    return None


def _is_frame_in_words(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether words are a time frame: "at week 12"; or "12 weeks after surgery", if no
    "at" stands in front.
    """
    if rule("stated_frame").covers(tokens, first, end):
        return True
    is_introduced = tokens.words[first - 1].lower() in _PREPOSITIONS
    return (
        not is_introduced
        and rule("bare_length_after").covers(tokens, first, end) is not None
    )


def _find_in_front(outcome: Passage) -> OwnTime | None:
    """Return the time in front of a comma or colon: "At week 12: FEV1"."""
    tokens = outcome.tokens
    for at in range(
        outcome.first + 1, min(outcome.end - 1, outcome.first + _LONGEST_FRAME)
    ):
        if tokens.codes[at] in ",:" and _is_time(tokens, outcome.first, at):
            rest = outcome.part(at + 1, outcome.end)
            return OwnTime(outcome.part(outcome.first, at), rest, IN_FRONT)
    return None


def _find_within(outcome: Passage) -> OwnTime | None:
    """Return the longest time in words within an outcome, which keeps all of its words as its
    measure.
    """
    found = [
        one
        for one in rule("frame_within").find(outcome.tokens, outcome.first, outcome.end)
        if rule("moment").search(outcome.tokens, one.first, one.end)
    ]
    if not found:
        return None
    longest = max(found, key=lambda one: one.end - one.first)
    return OwnTime(outcome.part(longest.first, longest.end), outcome, WITHIN)


def _is_time(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether words say when something is measured, and nothing else."""
    if first >= end or rule("moment").search(tokens, first, end) is None:
        return False
    return any(
        rule(name).covers(tokens, first, end)
        for name in ("lone_time", "stated_frame", "moment_alone")
    )


def _cut_off(outcome: Passage, end: int, frame: Passage, case: str) -> OwnTime | None:
    """Return the time with the words in front of it as the measure; None if there are none."""
    first, last = strip_span(outcome.tokens.codes, outcome.first, end, _EDGES)
    if first >= last:
        return None
    return OwnTime(frame, outcome.part(first, last), case)


Cuts = tuple[int | None, int | None]
"""The numbers of the commas before the description and before the time frame; None for a missing
part.
"""

_MOST_STARTS = 18
_MOST_ENDS = 14
_LONGEST_TAILS = 14


@dataclass(frozen=True, slots=True)
class Outcome:
    """A registered outcome in its three parts, as they stand in the text; None for a missing
    part.
    """

    measure: str
    description: str | None
    time_frame: str | None


@dataclass(frozen=True, slots=True)
class OutcomeParts:
    """The places of an outcome and its parts, and the probability of each part's limits."""

    whole: Passage
    measure: Passage
    description: Passage | None = None
    time_frame: Passage | None = None
    measure_confidence: float = 1.0
    description_confidence: float = 1.0
    time_frame_confidence: float = 1.0
    rank: Rank = Rank.PRIMARY
    index: int = 0


def split_outcomes(text: str) -> list[Outcome]:
    """Split a flattened list of outcomes, as in the registry's CSV download, into its outcomes.

    ``text`` has outcomes joined by ``|``, each "measure, description, time frame" with the last two
    sometimes missing. The parts may contain commas; the most probable cut is chosen.

    >>> for outcome in split_outcomes(
    ...     "Pain, worst, The scale is 0 to 10., Baseline, week 4|Survival, 2 years"
    ... ):
    ...     print(outcome)  # doctest: +NORMALIZE_WHITESPACE
    Outcome(measure='Pain, worst', description='The scale is 0 to 10.',
            time_frame='Baseline, week 4')
    Outcome(measure='Survival', description=None, time_frame='2 years')
    """
    return [
        Outcome(
            one.measure.raw,
            *(part.raw if part else None for part in (one.description, one.time_frame)),
        )
        for one in split_section(read_section("outcomes", text))
    ]


def split_section(section: LexedSection) -> list[OutcomeParts]:
    """Return the outcomes of a flattened cell, in order."""
    return [_choose(section.whole, item) for item in find_items(section.tokens)]


def split_statement(whole: Passage) -> OutcomeParts:
    """Return an outcome that its registry keeps in one field: a measure, and the time frame at its
    end.

    >>> parts = split_statement(
    ...     read_section(
    ...         "outcome", "Pain, fatigue and sleep at baseline, 6 and 12 weeks"
    ...     ).whole
    ... )
    >>> parts.measure.raw, parts.time_frame.raw
    ('Pain, fatigue and sleep', 'at baseline, 6 and 12 weeks')
    """
    time = find_own_time(whole)
    if time is None:
        return OutcomeParts(whole, whole)
    sure = measured("outcome", time.case)
    return OutcomeParts(whole, time.measure, None, time.frame, sure, 1.0, sure)


def _choose(cell: Passage, item: "OutcomeItem") -> OutcomeParts:
    """Return the best cut, with the summed probability of all cuts that agree on each limit."""
    whole = cell.part(item.first, item.end)
    if not item.commas:
        return OutcomeParts(whole, whole)
    cuts, features = zip(*describe_cuts(item), strict=True)
    chances = dict(zip(cuts, load_scorer("outcome_cuts").rank(features), strict=True))
    start, end = max(chances, key=chances.__getitem__)
    first = start if start is not None else end
    stop = item.end if end is None else item.commas[end]
    return OutcomeParts(
        whole=whole,
        measure=cell.part(
            item.first, item.end if first is None else item.commas[first]
        ),
        description=None if start is None else cell.part(item.commas[start] + 1, stop),
        time_frame=None if end is None else cell.part(item.commas[end] + 1, item.end),
        measure_confidence=sum(
            chance
            for (s, e), chance in chances.items()
            if (s if s is not None else e) == first
        ),
        description_confidence=chances[start, end],
        time_frame_confidence=sum(
            chance for (_, e), chance in chances.items() if e == end
        ),
    )


@dataclass(frozen=True, slots=True)
class OutcomeItem:
    """One flattened outcome: its tokens, and the commas at which it may be cut.

    ``inside`` tells for each comma whether it is in brackets. For the whole cell, ``tails`` counts
    the items with each final text, and ``plain_share`` is the share of other items with at most one
    comma: without a description.
    """

    tokens: Tokens
    first: int
    end: int
    commas: tuple[int, ...]
    inside: tuple[bool, ...]
    tails: Counter[str]
    plain_share: float = 0.0

    def segment(self, number: int) -> Range:
        """Return the tokens between two neighbouring commas. Segment 0 precedes the first comma."""
        first = self.commas[number - 1] + 1 if number else self.first
        return first, self.commas[number] if number < len(self.commas) else self.end

    def tail(self, cut: int) -> str:
        """Return the text after a comma."""
        return self.quote((self.commas[cut] + 1, self.end))

    def quote(self, place: Range) -> str:
        """Return the text of a piece."""
        return self.tokens.read(*place)

    def words(self, place: Range) -> list[str]:
        """Return the words and numbers of a piece in lower case."""
        return [
            word.lower()
            for word in self.tokens.words[slice(*place)]
            if word[0].isalnum()
        ]

    def opens(self, name: str, place: Range) -> bool:
        """Return whether a rule matches at the start of a piece."""
        return rule(name).starts(self.tokens, *place) is not None

    def holds(self, name: str, place: Range) -> bool:
        """Return whether a rule matches in a piece."""
        return rule(name).search(self.tokens, *place) is not None

    def is_moment(self, number: int) -> bool:
        """Return whether a segment is only a moment."""
        return (
            rule("moment_alone").covers(self.tokens, *self.segment(number)) is not None
        )

    def follows_number(self, cut: int) -> bool:
        """Return whether a number precedes a comma."""
        if not (self.commas[cut] > self.first):
            return False
        return self.tokens.words[self.commas[cut] - 1][-1].isdigit()

    def has_sentence(self, place: Range) -> bool:
        """Return whether a sentence ends within a piece."""
        starts = (
            found.end - 1 for found in rule("full_stop").find(self.tokens, *place)
        )
        return any(
            self.tokens.words[at][0].isupper() and not self.tokens.joined(at)
            for at in starts
        )


def find_items(tokens: Tokens) -> list[OutcomeItem]:
    """Return the items of a cell, separated by bars.

    >>> [
    ...     item.quote((item.first, item.end))
    ...     for item in find_items(read_text("Pain, 2 weeks|Survival"))
    ... ]
    ['Pain, 2 weeks', 'Survival']
    """
    bars = [
        -1,
        *(place for place, code in enumerate(tokens.codes) if code == "|"),
        len(tokens),
    ]
    trimmed = (
        strip_span(tokens.codes, before + 1, bar, "\n")
        for before, bar in pairwise(bars)
    )
    places = [(first, end) for first, end in trimmed if first < end]
    items = []
    tails = Counter[str]()
    for first, end in places:
        found = (at for at in range(first, end - 1) if tokens.codes[at] == ",")
        commas = tuple(
            at for at in found if tokens.text.startswith(" ", tokens.ends[at])
        )
        tails.update(tokens.read(comma + 1, end) for comma in commas[-_LONGEST_TAILS:])
        inside = []
        depth = 0
        for start, comma in pairwise([first, *commas]):
            piece = tokens.codes[start:comma]
            depth = max(
                0, depth + sum(map(piece.count, "([{")) - sum(map(piece.count, ")]}"))
            )
            inside.append(depth > 0)
        items.append(OutcomeItem(tokens, first, end, commas, tuple(inside), tails))
    plain = sum(len(item.commas) <= 1 for item in items)
    others = max(1, len(items) - 1)
    return [
        replace(item, plain_share=(plain - (len(item.commas) <= 1)) / others)
        for item in items
    ]


def describe_cuts(item: OutcomeItem) -> Iterator[tuple[Cuts, list[str]]]:
    """Yield every pair of cuts with its features.

    Only the first commas may begin a description and the last ones a time frame, so that time stays
    linear.
    """
    of_start = [
        _describe_start(item, start)
        for start in range(min(len(item.commas), _MOST_STARTS))
    ]
    verbs = [
        found.first for found in rule("verb").find(item.tokens, item.first, item.end)
    ]
    # the last commas, without those inside a list of numbers: "weeks 4, 8, 12"
    ends: list[int] = []
    for cut in range(len(item.commas) - 1, -1, -1):
        listed = rule("bare_number").covers(
            item.tokens, *item.segment(cut + 1)
        ) and item.follows_number(cut)
        if not listed or not ends:
            ends.append(cut)
    for end in (None, *ends[:_MOST_ENDS]):
        last = len(item.commas) if end is None else end
        of_end = _describe_time_frame(item, end)
        yield (None, end), of_end + _describe_no_description(item, last)
        for start in range(min(last, len(of_start))):
            yield (
                (start, end),
                of_end
                + of_start[start]
                + _describe_description(item, start, last, verbs),
            )


def _describe_time_frame(item: OutcomeItem, cut: int | None) -> list[str]:
    """Return features of a time frame after comma number ``cut``, or of no time frame."""
    count = len(item.commas)
    if cut is None:
        return ["t:none"] + (
            ["t:none last has time"]
            if item.holds("time_word", item.segment(count))
            else []
        )
    place = (item.commas[cut] + 1, item.end)
    before = item.segment(cut)
    opening = rule("part_opening").starts(item.tokens, *place)
    words = len(item.words(place))
    text = item.tail(cut)
    read = item.quote(before)
    checks = {
        f"t:opens {opening.match.lastgroup if opening else 'other'}": True,
        "t:capital": text[:1].isupper(),
        "t:sentence before": read.endswith((".", "?", ".)", '."')),
        "t:no time word": not item.holds("time_word", place),
        "t:has moment": item.holds("moment", place),
        "t:over 12 words": words > 12,
        "t:over 30 words": words > 30,
        "t:in brackets": item.inside[cut],
        "t:fragment before": item.is_moment(cut),
        "t:open from before": item.opens("opens_from", before),
        "t:from further before": any(
            item.opens("opens_from", item.segment(n))
            for n in range(max(1, cut - 4), cut)
        ),
        "t:last": cut == count - 1,
        "t:all fragments": all(
            item.is_moment(number) for number in range(cut + 1, count + 1)
        ),
        "t:number list before": item.follows_number(cut) and text[:1].isdigit(),
        "t:first fragment": item.is_moment(cut + 1),
        "t:shared": item.tails[text] > 1,
        "t:shared often": item.tails[text] > 3,
        "t:full stop at end, not before": text.endswith(".") and not read.endswith("."),
        "t:shared, longer shared too": item.tails[text] > 1
        and cut > 0
        and item.tails[item.tail(cut - 1)] > 1,
    }
    return [name for name, holds in checks.items() if holds]


def _describe_start(item: OutcomeItem, cut: int) -> list[str]:
    """Return features of a description that begins after a comma, independent of its end."""
    before = (item.first, item.commas[cut])
    behind = (item.commas[cut] + 1, item.end)
    first = item.segment(cut + 1)
    last = item.segment(cut)
    measure = item.quote(before)
    text = item.tail(cut)
    opening = item.quote(first)
    bracketed = [
        found.read("name") or ""
        for found in rule("bracketed_word").find(item.tokens, *before)
    ]
    words = len(item.words(before))
    checks = {
        "d:first comma": cut == 0,
        "d:capital": text[:1].isupper(),
        "d:digit": text[:1].isdigit(),
        "d:sentence before": measure.endswith((".", "?", ":")),
        "d:in brackets": item.inside[cut],
        "d:defines": item.opens("opens_definition", behind),
        "d:refers": item.opens("opens_reference", behind),
        "d:presents": item.opens("opens_sentence", behind),
        "d:connects": item.opens("opens_connection", behind),
        "d:abbreviation closes measure": cut > 0
        and _abbreviates(item, last, (item.first, item.commas[cut - 1])),
        "d:two abbreviations in measure": sum(map(_is_acronym, bracketed)) > 1,
        "d:abbreviated measure before": cut == 0 and _is_abbreviated(item, before),
        "d:abbreviated measure earlier": cut > 0
        and _is_abbreviated(item, item.segment(0)),
        "d:phrase before is a repetition": cut > 0
        and item.tokens.words[last[0]] == item.tokens.words[behind[0]],
        "d:bracket closes measure": measure.endswith(")"),
        "d:short segments": cut > 0
        and len(opening.split()) <= 3
        and len(item.quote(last).split()) <= 3,
        "d:list closed before": cut > 0
        and item.tokens.words[last[0]].lower() in ("and", "or"),
        "d:measure over 20 words": words > 20,
        "d:measure over 35 words": words > 35,
        "d:sentence in measure": item.has_sentence(before),
        "d:refers in measure": cut > 0
        and any(
            item.opens("opens_reference", item.segment(n)) for n in range(1, cut + 1)
        ),
        "d:verb in measure": item.holds("passive_verb", before),
        "d:plain neighbours": item.plain_share > 0.5,
        "d:fragment": item.is_moment(cut + 1),
        "d:reads as time frame": len(opening.split()) <= 8
        and item.opens("timely_opening", behind),
        "d:number list before": item.follows_number(cut) and text[:1].isdigit(),
    }
    return [name for name, holds in checks.items() if holds] + _repeats(
        item, before, behind, bracketed
    )


def _describe_description(
    item: OutcomeItem, cut: int, end: int, verbs: Sequence[int]
) -> list[str]:
    """Return features of a description that begins after comma ``cut`` and ends at comma
    ``end``.
    """
    stop = item.commas[end] if end < len(item.commas) else item.end
    place = (item.commas[cut] + 1, stop)
    first = item.segment(cut + 1)
    several = cut + 1 < end
    checks = {
        "d:acronym only": several
        and first[1] - first[0] == 1
        and _is_acronym(item.quote(first)),
        "d:abbreviation alone": several
        and _abbreviates(item, first, (item.first, item.commas[cut])),
        "d:next connects": several
        and len(item.quote(first).split()) <= 4
        and item.opens("opens_connection", item.segment(cut + 2)),
        "d:verb": any(place[0] <= verb < stop for verb in verbs),
        "d:full stop": item.tokens.codes[stop - 1] == "." and stop > place[0],
        "d:few words": len(item.quote(place).split()) <= 2,
    }
    return [name for name, holds in checks.items() if holds]


def _describe_no_description(item: OutcomeItem, end: int) -> list[str]:
    place = (item.first, item.commas[end] if end < len(item.commas) else item.end)
    text = item.quote(place)
    words = len(item.words(place))
    last = item.tokens.words[item.segment(end)[0]].lower() if end else ""
    checks = {
        "n:none": True,
        "n:one comma": end == 1,
        "n:list": last in ("and", "or") and item.quote(item.segment(1))[:1].islower(),
        "n:two commas": end == 2,
        "n:more commas": end > 2,
        "n:sentence inside": item.has_sentence(place) or ".," in text,
        "n:over 20 words": words > 20,
        "n:over 40 words": words > 40,
        "n:plain neighbours": item.plain_share > 0.5,
        "n:some plain neighbours": 0 < item.plain_share <= 0.5,
        "n:full stop": text.endswith("."),
    }
    return [name for name, holds in checks.items() if holds]


def _is_acronym(word: str) -> bool:
    return 2 <= len(word) <= 8 and any(map(str.isupper, word[:4]))


def _initials(words: Sequence[str]) -> set[str]:
    """Return the initials of all words, and of all except small words."""
    return {
        "".join(word[0] for word in words),
        "".join(word[0] for word in words if word not in word_list("small_words")),
    }


def _abbreviates(item: OutcomeItem, segment: Range, phrase: Range) -> bool:
    """Return whether the segment is the initials of the phrase: "OS" after "Overall survival"."""
    text = item.quote(segment).lower()
    return 1 < len(text) <= 12 and text in _initials(item.words(phrase))


def _is_abbreviated(item: OutcomeItem, phrase: Range) -> bool:
    """Return whether the phrase ends with its own initials in brackets: "Overall survival (OS)"."""
    found = rule("bracketed_word").ends(item.tokens, phrase[1], phrase[0])
    if found is None:
        return False
    return _abbreviates(
        item, (found.first + 1, found.end - 1), (phrase[0], found.first)
    )


def _repeats(
    item: OutcomeItem, measure: Range, behind: Range, bracketed: Sequence[str]
) -> list[str]:
    """Return features of words or abbreviations of the measure that the description repeats."""
    of_measure = item.words(measure)
    beginning = item.words((behind[0], min(behind[1], behind[0] + 12)))[:8]
    content = [word for word in beginning if word not in word_list("small_words")]
    share = sum(word in of_measure for word in content) / len(content) if content else 0
    acronyms = {
        word.lower()
        for word in item.tokens.words[slice(*measure)]
        if word.isupper() and 2 <= len(word) <= 8
    }
    acronyms |= set(map(str.lower, bracketed)) | _initials(of_measure)
    first, second = (*item.tokens.words[behind[0] : behind[0] + 2], "", "")[:2]
    checks = {
        "d:repeats most": share >= 0.6,
        "d:repeats some": 0.3 <= share < 0.6,
        "d:same first word": bool(
            beginning and of_measure and beginning[0] == of_measure[0]
        ),
        "d:begins with acronym": second not in ("", ",")
        and len(first) > 1
        and first.lower() in acronyms,
    }
    return [name for name, holds in checks.items() if holds]
