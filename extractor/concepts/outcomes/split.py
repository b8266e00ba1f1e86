"""Split a flattened outcome cell into outcomes, and each outcome into a measure, a description and
a time frame.

Registry downloads join the parts with ", " and the outcomes with "|". Every pair of commas is a
possible cut. A log-linear model scores the cuts based on their features (``cuts``); the softmax of
the scores gives the probability of each cut.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from extractor.concepts.outcomes.cuts import (
    OutcomeItem,
    describe_cuts,
    find_barred_outcomes,
)
from extractor.concepts.outcomes.moments import read_time_frame
from extractor.concepts.outcomes.own_time import TIME_IN_WORDS, find_own_time
from extractor.evidence.scoring import load_scorer
from extractor.language.book import rule
from extractor.language.passage import (
    LexedSection,
    Passage,
    read_section,
    strip_span,
)
from extractor.schemas import Origin, Rank

# Chosen by hand.
_MOST_JOINTS = 20
"""Maximum number of commas and "and" in words that are split at their times."""
SEVERAL = "perhaps several outcomes"
"""The feature of an outcome whose words may state several."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A registered outcome, with its three parts as they appear in the text; a missing part is
    None.
    """

    measure: str
    description: str | None
    time_frame: str | None


@dataclass(frozen=True, slots=True)
class OutcomeParts:
    """The places of an outcome and its parts, with the probability that the boundaries of each part
    are correct, and the features of the time frame. ``origin`` is whether rules, a model or both
    decided its words.
    """

    whole: Passage
    measure: Passage
    description: Passage | None = None
    time_frame: Passage | None = None
    measure_probability: float = 1.0
    description_probability: float = 1.0
    time_frame_probability: float = 1.0
    features: tuple[str, ...] = ()
    rank: Rank = Rank.PRIMARY
    index: int = 0
    origin: Origin = Origin.RULE

    def with_features(self, *features: str) -> "OutcomeParts":
        """Return the outcome with additional features."""
        return replace(self, features=(*self.features, *features))


def split_outcomes(text: str) -> list[Outcome]:
    """Split a flattened list of outcomes, as found in the registry's CSV download.

    ``text`` contains outcomes joined by ``|``, each in the form "measure, description, time frame";
    the last two may be missing. The parts may contain commas; the most probable cut is chosen.

    >>> for outcome in split_outcomes(
    ...     "Pain, worst, The scale is 0 to 10., Baseline, week 4|Survival, 2 years"
    ... ):
    ...     print(outcome)  # doctest: +NORMALIZE_WHITESPACE
    Outcome(measure='Pain, worst', description='The scale is 0 to 10.',
            time_frame='Baseline, week 4')
    Outcome(measure='Survival', description=None, time_frame='2 years')
    """
    outcomes = []
    for parts in split_section(read_section("outcomes", text)):
        description = None
        if parts.description:
            description = parts.description.raw
        time_frame = None
        if parts.time_frame:
            time_frame = parts.time_frame.raw
        outcomes.append(Outcome(parts.measure.raw, description, time_frame))
    return outcomes


def split_section(section: LexedSection) -> list[OutcomeParts]:
    """Return the outcomes in a flattened cell, in order."""
    items = find_barred_outcomes(section.whole)
    outcomes = [_split_item(item) for item in items]
    if len(items) != 1:
        return outcomes
    # one cell of a user's own table may hold statements without the registry's numbers and
    # commas: "Pain at week 6; sleep at week 12", or only "Pain at week 6"
    statements = split_statements(items[0].whole)
    has_parts = outcomes[0].description or outcomes[0].time_frame
    if len(statements) > 1 or not has_parts:
        return statements
    return outcomes


def split_statements(text: Passage) -> list[OutcomeParts]:
    """Split a field that its source stores as one text: into the outcomes that semicolons separate
    if each of them states its own time, otherwise into one outcome; and each into a measure and the
    time frame that it states. Without a time frame, the measure is the whole outcome.

    >>> outcomes = split_statements(
    ...     read_section(
    ...         "outcome", "Pain, fatigue at 6 and 12 weeks; falls up to week 9"
    ...     ).whole
    ... )
    >>> [(parts.measure.raw, parts.time_frame.raw) for parts in outcomes]
    [('Pain, fatigue', 'at 6 and 12 weeks'), ('falls', 'up to week 9')]
    """
    statements = list(_list_statements(text))
    if all(map(find_own_time, statements)):
        return list(map(split_statement, statements))
    outcome = split_statement(text)
    # "Pain at week 6; sleep": perhaps two outcomes, of which one has no time
    if any(map(find_own_time, statements[:-1])):
        outcome = outcome.with_features(SEVERAL)
    return [outcome]


def split_at_times(text: Passage) -> list[Passage]:
    """Split words into the outcomes that commas or "and" separate, where each of them names a
    measure, then its own time. Other words are the only part.

    >>> from extractor.language.passage import read_passage
    >>> texts = [
    ...     "lactate at 6 h, death at 28 and 90 days",
    ...     "pain at 2, 24 and 48 hours and readmission within 7 days",
    ...     "pain at week 4, week 8",
    ... ]
    >>> for words in texts:
    ...     print([part.text for part in split_at_times(read_passage(words))])
    ['lactate at 6 h', 'death at 28 and 90 days']
    ['pain at 2, 24 and 48 hours', 'readmission within 7 days']
    ['pain at week 4, week 8']
    """
    tokens = text.tokens
    outcomes: list[Passage] = []
    first = text.first
    joints = list(rule("joint_of_outcomes").find(tokens, text.first, text.end))
    if not 0 < len(joints) <= _MOST_JOINTS:
        return [text]
    ends = [*(joint.first for joint in joints[1:]), text.end]
    for joint, end in zip(joints, ends, strict=True):
        if not _begins_with_measure(text.part(joint.end, end)):
            continue
        before = text.part(first, joint.first)
        if _states_time_behind(before):
            outcomes.append(before)
            first = joint.end
    last = text.part(first, text.end)
    if not _states_time_behind(last):
        return [text]
    return [*outcomes, last]


def _begins_with_measure(words: Passage) -> bool:
    """Return whether words name a measure before their time: "death at 28", not "28 days"."""
    no_measure = rule("no_measure_in_front").starts(
        words.tokens, words.first, words.end
    )
    return no_measure is None and words.first < words.end


def _states_time_behind(words: Passage) -> bool:
    """Return whether words end with a time, which follows a measure."""
    # a comma within brackets separates nothing
    if words.text.count("(") != words.text.count(")"):
        return False
    time = find_own_time(words)
    return time is not None and time.frame.first > words.first


def _list_statements(text: Passage) -> Iterator[Passage]:
    """Yield the parts of a text that semicolons separate, without line breaks at their ends.
    Empty parts are left out.
    """
    codes = text.tokens.codes
    semicolons = [at for at in range(text.first, text.end) if codes[at] == ";"]
    for before, after in pairwise([text.first - 1, *semicolons, text.end]):
        first, end = strip_span(codes, before + 1, after, "\n")
        if first < end:
            yield text.part(first, end)


def split_statement(whole: Passage) -> OutcomeParts:
    """Split an outcome into a measure and the time frame that it states, if any. If it only ends
    with a time that cannot be cut off, it stays whole, with a feature that lowers its confidence.
    """
    time = find_own_time(whole)
    if time is not None:
        return OutcomeParts(
            whole, time.measure, time_frame=time.frame, features=time.features
        )
    frame = read_time_frame(whole.cut())
    # "assessed weekly to week 17", but not "6-minute walk"
    if frame.points and frame.points[-1].span[1] == frame.tokens.ends[-1]:
        return OutcomeParts(whole, whole, features=(TIME_IN_WORDS,))
    return OutcomeParts(whole, whole)


def _split_item(item: OutcomeItem) -> OutcomeParts:
    """Cut an item at its most probable commas.

    The probability of a boundary is the total probability of all cuts that include it. Cuts can
    differ in the description and still agree on the time frame.
    """
    whole = item.whole
    cuts, features = zip(*describe_cuts(item), strict=True)
    ranked = load_scorer("outcome_cuts").rank(features)
    chances = dict(zip(cuts, ranked, strict=True))
    start, end = max(chances, key=chances.__getitem__)
    description = None
    if start < end:
        description = whole.part(item.commas[start] + 1, item.end_at(end))
    time_frame = None
    if end < len(item.commas):
        time_frame = item.tail(end)
    # the cuts that agree on a boundary add up, whatever they make of the other
    same_start = [chance for cut, chance in chances.items() if cut[0] == start]
    same_end = [chance for cut, chance in chances.items() if cut[1] == end]
    return OutcomeParts(
        whole=whole,
        measure=whole.part(whole.first, item.end_at(start)),
        description=description,
        time_frame=time_frame,
        measure_probability=sum(same_start),
        description_probability=max(ranked),
        time_frame_probability=sum(same_end),
    )
