"""Read the endpoints that the sentences of a text state, as in "The primary outcome was pain".

Only a text that comes from no registry, and has no section of outcomes, is read in this way. The
words of a sentence decide what it states, and the sentence's role (``outline/roles.py``) whether it
may: results state an endpoint only where nothing else does.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

from extractor.concepts.outcomes.own_time import find_own_time
from extractor.concepts.outcomes.split import (
    OutcomeParts,
    split_at_times,
    split_statement,
)
from extractor.concepts.places import DESCRIPTIONS
from extractor.language.book import rule
from extractor.language.passage import LexedSections, Passage, strip_span
from extractor.language.patterns import RuleMatch
from extractor.language.values import replace
from extractor.outline.enumerations import split_enumeration
from extractor.outline.roles import Role, Sentence, read_roles
from extractor.schemas import Rank

STATED = "stated in a sentence"
MEASURED = "only said to be measured"
_SHARED_TIME = "time of a whole list"
"""The features of an endpoint that a sentence states."""
_NOT_STATING = (Role.BACKGROUND, Role.RESULTS, Role.ANALYSIS)
"""Roles of sentences that name endpoints only in passing."""
_LONGEST_MEASURE = 60
"""Maximum number of tokens in an endpoint that a sentence states."""
_SHORTEST_MEASURE = 3
"""Minimum number of characters in an endpoint that is no abbreviation, such as "OS"."""
_LONGEST_ABSTRACT = 4500
"""Maximum number of characters in a text that is taken as an abstract, which says what was measured
where a paper says how.
"""
_EDGES = " .,;:\n"
_RANKS = {"primary": Rank.PRIMARY, "secondary": Rank.SECONDARY, "other": Rank.OTHER}


@dataclass(frozen=True, slots=True)
class _Statement:
    """Words that name endpoints of a rank. ``is_list`` means that they may name several."""

    words: Passage
    rank: Rank
    is_list: bool
    role: Role
    feature: str = STATED


def find_stated(sections: LexedSections) -> list[OutcomeParts]:
    """Return the endpoints that the sentences of the descriptions state, by rank.

    Each rank is read from the description that states most endpoints of it, because an abstract
    repeats what the text says.

    >>> from extractor.language.passage import read_section
    >>> text = "The primary outcome was pain at week 8. Sleep and mood were secondary outcomes."
    >>> section = read_section("detailed_description", text)
    >>> [
    ...     (outcome.rank.value, outcome.measure.text)
    ...     for outcome in find_stated({"detailed_description": section})
    ... ]
    [('primary', 'pain'), ('secondary', 'Sleep'), ('secondary', 'mood')]
    """
    by_section: list[Mapping[Rank, list[OutcomeParts]]] = [
        _read_section(sections[name].whole) for name in DESCRIPTIONS if name in sections
    ]
    outcomes: list[OutcomeParts] = []
    for rank in Rank:
        found = [by_rank.get(rank, []) for by_rank in by_section]
        of_rank = max(found, key=len, default=[])
        for index, outcome in enumerate(of_rank):
            outcomes.append(replace(outcome, index=index))
    return outcomes


class StatedRanks:
    """The ranks that a text gives to its endpoints, by the place of their words."""

    def __init__(self, text: Passage) -> None:
        """Read the sentences of a text."""
        self._sentences = read_roles(text)
        self._statements = [
            statement
            for sentence in self._sentences
            for statement in _read_sentence(sentence)
            if statement.feature == STATED
        ]
        names = rule("named_endpoint").find(text.tokens, text.first, text.end)
        self._names = [(name.first, _name_rank(name)) for name in names]
        self._starts = [sentence.passage.first for sentence in self._sentences]

    def find(self, words: Passage) -> Rank | None:
        """Return the rank that a text gives to an endpoint, or None: that of the statement or of
        the sentence in which its words stand, or else the last one that is named before.

        >>> from extractor.language.passage import read_section
        >>> text = "The primary outcome was pain. Secondary outcomes were as follows. Sleep; mood."
        >>> whole = read_section("brief_summary", text).whole
        >>> ranks = StatedRanks(whole)
        >>> [
        ...     ranks.find(whole.section.between(text.index(word), len(text))).value
        ...     for word in ("pain", "mood")
        ... ]
        ['primary', 'secondary']
        """
        own = self.find_own(words)
        if own:
            return own
        place = bisect_left(self._names, words.first, key=itemgetter(0))
        if place == 0:
            return None
        _, rank = self._names[place - 1]
        return rank

    def find_own(self, words: Passage) -> Rank | None:
        """Return the rank that the sentence of an endpoint gives to it, or None."""
        for statement in self._statements:
            stated = statement.words
            if stated.first <= words.first < stated.end:
                return statement.rank
        sentence = self._find_sentence(words)
        if sentence is None:
            return None
        first = bisect_left(self._names, sentence.passage.first, key=itemgetter(0))
        end = bisect_left(self._names, sentence.passage.end, key=itemgetter(0))
        ranks = {rank for _, rank in self._names[first:end]}
        # "was primary, sleep and mood secondary" tells no words from others
        return ranks.pop() if len(ranks) == 1 else None

    def is_aside(self, words: Passage) -> bool:
        """Return whether the sentence of an endpoint is about something else, such as results."""
        sentence = self._find_sentence(words)
        return sentence is not None and sentence.role in _NOT_STATING

    def _find_sentence(self, words: Passage) -> Sentence | None:
        """Return the sentence in which words begin; None if they stand in a label."""
        place = bisect_right(self._starts, words.first)
        if place == 0:
            return None
        sentence = self._sentences[place - 1]
        return sentence if words.first < sentence.passage.end else None


def find_endpoint_words(sections: LexedSections) -> Passage | None:
    """Return the first sentence of the descriptions that speaks of an endpoint of the trial, or
    None. Results and analyses speak of endpoints without stating them.
    """
    for name in DESCRIPTIONS:
        if name not in sections:
            continue
        for sentence in read_roles(sections[name].whole):
            is_aside = sentence.role in _NOT_STATING
            if not is_aside and sentence.passage.search("names_endpoint"):
                return sentence.passage
    return None


def _read_section(text: Passage) -> Mapping[Rank, list[OutcomeParts]]:
    """Return the endpoints that a description states, by rank."""
    sentences = read_roles(text)
    statements = [
        statement for sentence in sentences for statement in _read_sentence(sentence)
    ]
    stated = [each for each in statements if each.role not in _NOT_STATING]
    ranks = {statement.rank for statement in stated}
    # "Median survival (primary endpoint) was 9 months", where no other sentence names it
    stated += [
        each
        for each in statements
        if each.role in _NOT_STATING and each.rank not in ranks
    ]
    if not stated and _is_abstract(text, sentences):
        for sentence in sentences:
            stated += _read_measured(sentence)
    return _group_by_rank(stated)


def _group_by_rank(
    statements: Iterable[_Statement],
) -> Mapping[Rank, list[OutcomeParts]]:
    """Return the endpoints of statements, by rank, each once."""
    by_rank: dict[Rank, list[OutcomeParts]] = {}
    seen: set[tuple[Rank, str]] = set()
    for statement in statements:
        for outcome in _list_outcomes(statement):
            key = outcome.rank, outcome.measure.text.lower()
            if key not in seen:
                seen.add(key)
                by_rank.setdefault(outcome.rank, []).append(outcome)
    return by_rank


def _is_abstract(text: Passage, sentences: Sequence[Sentence]) -> bool:
    """Return whether a text is an abstract: a short one that tells results, too."""
    if len(text.text) > _LONGEST_ABSTRACT:
        return False
    return any(sentence.role is Role.RESULTS for sentence in sentences)


def _read_sentence(sentence: Sentence) -> Iterator[_Statement]:
    """Yield the statements of endpoints in a sentence."""
    passage = sentence.passage
    label = sentence.label
    # the label is the opening of a list: "MAIN OUTCOME MEASURES: pain and sleep."
    openings = list(
        rule("opens_endpoints").find(passage.tokens, passage.first, passage.end)
    )
    closings = [
        closing
        for closing in rule("closes_endpoints").find(
            passage.tokens, passage.first, passage.end
        )
        if rule("ends_behind_rank").starts(passage.tokens, closing.end, passage.end)
    ]
    # a result is no statement of what is measured
    if sentence.role is Role.RESULTS and passage.search("tells_result"):
        openings = []
    labelled: list[_Statement] = []
    if sentence.role is Role.OUTCOMES and sentence.follows_label and not closings:
        labelled = list(_read_labelled(sentence, openings))
    yield from labelled
    if openings:
        yield from _read_behind(sentence, openings)
    elif closings:
        yield from _read_before(sentence, closings)
    elif sentence.role is Role.OUTCOMES and not sentence.follows_label:
        for measured in _read_measured(sentence):
            rank = _name_rank_of_label(label)
            yield replace(measured, rank=rank, feature=STATED)
    elif not labelled:
        yield from _read_in_passing(sentence)


def _read_labelled(
    sentence: Sentence, openings: Sequence[RuleMatch]
) -> Iterator[_Statement]:
    """Yield the words between a label of outcomes and the first statement."""
    passage = sentence.passage
    tokens = passage.tokens
    end = openings[0].first if openings else passage.end
    words = _trim_end(passage.part(passage.first, end))
    if words.first >= words.end:
        return
    unranked = rule("opens_unranked_endpoints").starts(tokens, words.first, words.end)
    if unranked:
        words = words.part(unranked.end, words.end)
    measured = rule("is_measured").search(tokens, words.first, words.end)
    if measured:
        words = words.part(words.first, measured.first)
    named = rule("named_endpoint").search(tokens, words.first, words.end)
    is_aim = rule("states_aim").starts(tokens, words.first, words.end)
    is_result = words.search("tells_result")
    # as in "pain (primary outcome), falls, and sleep"
    is_bracketed = named is not None and tokens.codes[named.first - 1] == "("
    states_other = named is not None and not is_bracketed
    if states_other or is_aim or is_result or _is_nothing(words):
        return
    rank = _name_rank_of_label(sentence.label)
    yield _Statement(words, rank, is_list=True, role=sentence.role)


def _name_rank_of_label(label: Passage | None) -> Rank:
    """Return the rank that a label names: "MAIN OUTCOME MEASURES"."""
    if label is None:
        return Rank.OTHER
    named = label.search("named_endpoint")
    if named is None:
        # "Secondary:" below "Outcomes:"
        named = rule("rank_of_endpoint").covers(label.tokens, *_strip_label(label))
    if named is None:
        return Rank.OTHER
    return _name_rank(named)


def _strip_label(label: Passage) -> tuple[int, int]:
    """Return the tokens of a label without the signs around its words."""
    return strip_span(label.tokens.codes, label.first, label.end, _EDGES)


def _read_behind(
    sentence: Sentence, openings: Sequence[RuleMatch]
) -> Iterator[_Statement]:
    """Yield the words behind each "the primary outcome was"."""
    passage = sentence.passage
    ends = [opening.first for opening in openings[1:]]
    for opening, end in zip(openings, [*ends, passage.end], strict=True):
        stop = rule("ends_statement").search(passage.tokens, opening.end, end)
        if stop:
            end = stop.first  # noqa: PLW2901
        words = _trim_end(passage.part(opening.end, end))
        is_list = _names_several(opening)
        yield _Statement(words, _name_rank(opening), is_list, sentence.role)


def _read_before(
    sentence: Sentence, closings: Sequence[RuleMatch]
) -> Iterator[_Statement]:
    """Yield the words before each "was the primary outcome"."""
    passage = sentence.passage
    begins = [passage.first, *(closing.end for closing in closings)]
    for first, closing in zip(begins, closings, strict=False):
        words = passage.part(_skip_joins(passage, first), closing.first)
        yield _Statement(words, _name_rank(closing), is_list=True, role=sentence.role)


def _read_in_passing(sentence: Sentence) -> Iterator[_Statement]:
    """Yield endpoints that a sentence names in passing or without a rank."""
    passage = sentence.passage
    tokens = passage.tokens
    bracket = passage.search("bracketed_rank")
    if bracket:
        first = _find_clause(passage, bracket.first)
        words = passage.part(first, bracket.first)
        yield _Statement(words, _name_rank(bracket), is_list=False, role=sentence.role)
        return
    if sentence.role in _NOT_STATING:
        return
    named = passage.search("opens_endpoint_of")
    if named:
        end = _find_clause_end(passage, named.end)
        words = passage.part(named.end, end)
        yield _Statement(words, _name_rank(named), is_list=False, role=sentence.role)
        return
    unranked = rule("opens_unranked_endpoints").starts(
        tokens, passage.first, passage.end
    )
    if unranked:
        words = _trim_end(passage.part(unranked.end, passage.end))
        yield _Statement(words, Rank.OTHER, is_list=True, role=sentence.role)


def _read_measured(sentence: Sentence) -> Iterator[_Statement]:
    """Yield what a sentence of an abstract only says to be measured."""
    if sentence.role in _NOT_STATING:
        return
    passage = sentence.passage
    measured = passage.search("is_measured")
    we = passage.search("we_measured")
    if we:
        words = _trim_end(passage.part(we.end, passage.end))
    elif measured:
        words = passage.part(_skip_joins(passage, passage.first), measured.first)
    else:
        return
    if rule("not_measured").starts(words.tokens, words.first, words.end):
        return
    if words.search("tells_result"):
        return
    yield _Statement(
        words, Rank.OTHER, is_list=True, role=sentence.role, feature=MEASURED
    )


def _list_outcomes(statement: _Statement) -> list[OutcomeParts]:
    """Return the endpoints that a statement names, each with its time."""
    parts = [statement.words]
    if statement.is_list:
        parts = split_at_times(statement.words)
        if len(parts) == 1:
            parts = split_enumeration(statement.words)
            parts = _join_times(_join_instruments(parts))
    outcomes = []
    for part in parts:
        words = _trim_start(part)
        if _is_nothing(words):
            continue
        if statement.feature == MEASURED and _is_aside(words):
            continue
        rank = statement.rank
        bracket = rule("rank_behind").ends(words.tokens, words.end, words.first)
        if bracket and bracket.first > words.first:
            rank = _name_rank(bracket)
            words = words.part(words.first, bracket.first)
        outcome = split_explained(words)
        features = (*outcome.features, statement.feature)
        outcomes.append(replace(outcome, rank=rank, features=features))
    return _share_time(outcomes)


def split_explained(words: Passage) -> OutcomeParts:
    """Return an endpoint with its time; words behind a comma that say how it is measured become its
    description.
    """
    how = words.search("says_how")
    is_explained = how is not None and words.tokens.codes[how.first] == ","
    if how is None or not is_explained or how.first == words.first:
        return _close_brackets(split_statement(words))
    outcome = _close_brackets(split_statement(words.part(words.first, how.first)))
    described = words.part(how.first + 1, words.end)
    outcome = replace(outcome, whole=words, description=described)
    time = find_own_time(described.alone())
    if outcome.time_frame or time is None:
        return outcome
    features = (*outcome.features, "time frame in a description", *time.features)
    return replace(outcome, time_frame=time.frame, features=features)


def _close_brackets(outcome: OutcomeParts) -> OutcomeParts:
    """Return an endpoint whose time was cut out of a bracket, "titre (GMT; day 28)", without the
    rest of the bracket.
    """
    codes = outcome.measure.tokens.codes
    first, end = outcome.measure.first, outcome.measure.end
    opening = codes.rfind("(", first, end)
    frame = outcome.time_frame
    if frame is None or opening <= first or ")" in codes[opening:end]:
        return outcome
    start, stop = strip_span(frame.tokens.codes, frame.first, frame.end, " ).")
    measure = outcome.measure.part(first, opening)
    return replace(outcome, measure=measure, time_frame=frame.part(start, stop))


def _join_instruments(parts: Sequence[Passage]) -> list[Passage]:
    """Return the parts of a list, with those that only name a further instrument joined to what it
    measures: "cost measured with the TiC-P, the EQ-5D and the SF-36".
    """
    joined: list[Passage] = []
    for part in parts:
        tokens = part.tokens
        is_instrument = rule("only_instrument").covers(tokens, part.first, part.end)
        if joined and is_instrument and joined[-1].search("names_instrument"):
            joined[-1] = part.part(joined[-1].first, part.end)
        else:
            joined.append(part)
    return joined


def _join_times(parts: Sequence[Passage]) -> list[Passage]:
    """Return the parts of a list, with a last one that is only a time joined to the one before:
    "pain, and sleep, over 12 months".
    """
    *before, last = parts
    if not before:
        return [last]
    words = _trim_start(last)
    is_time = rule("time_that_all_share").starts(words.tokens, words.first, words.end)
    time = find_own_time(words) if is_time else None
    if time is None or time.frame.first > words.first:
        return [*before, last]
    return [*before[:-1], last.part(before[-1].first, last.end)]


def _share_time(outcomes: list[OutcomeParts]) -> list[OutcomeParts]:
    """Return the endpoints of a list; if only the last of them states a time, and "at 12 weeks"
    stands behind all, each has this time.
    """
    if len(outcomes) < 2:
        return outcomes
    *before, last = outcomes
    frame = last.time_frame
    if frame is None or any(outcome.time_frame for outcome in before):
        return outcomes
    is_in_front = frame.first <= last.measure.first
    if is_in_front or "(" in frame.text:
        return outcomes
    if not rule("time_that_all_share").starts(frame.tokens, frame.first, frame.end):
        return outcomes
    shared = [
        replace(outcome, time_frame=frame, features=(*outcome.features, _SHARED_TIME))
        for outcome in before
    ]
    return [*shared, last]


def _name_rank(match: RuleMatch) -> Rank:
    """Return the rank that the words of an opening name."""
    return next(rank for name, rank in _RANKS.items() if match.has(name))


def _names_several(opening: RuleMatch) -> bool:
    """Return whether the words before endpoints say that there are several."""
    return opening.has("plural") or opening.read("verb").startswith("inclu")


def _is_nothing(words: Passage) -> bool:
    """Return whether words are no endpoint: too few, or too many."""
    if words.end - words.first > _LONGEST_MEASURE:
        return True
    is_abbreviation = len(words.text) > 1 and words.text.isupper()
    if len(words.text) < _SHORTEST_MEASURE and not is_abbreviation:
        return True
    return not any(character.isalpha() for character in words.text)


def _is_aside(words: Passage) -> bool:
    """Return whether a part of a sentence about measurements is no endpoint, such as a time."""
    if rule("begins_no_measure").starts(words.tokens, words.first, words.end):
        return True
    if rule("not_measured").covers(words.tokens, words.first, words.end):
        return True
    return words.search("verb_in_measure") is not None


def trim_measure(words: Passage) -> Passage:
    """Return the words of an endpoint without what only joins them to others."""
    return _trim_start(_trim_end(words))


def _trim_start(words: Passage) -> Passage:
    """Return words without the article and the verb before an endpoint."""
    opening = rule("opening_of_measure").starts(words.tokens, words.first, words.end)
    first = words.first
    if opening and opening.end < words.end:
        first = opening.end
    first, end = strip_span(words.tokens.codes, first, words.end, _EDGES)
    return words.part(first, end)


def _trim_end(words: Passage) -> Passage:
    """Return words without those that only begin the next statement."""
    first, end = strip_span(words.tokens.codes, words.first, words.end, _EDGES)
    while first < end and (
        match := rule("between_statements").ends(words.tokens, end, first)
    ):
        first, end = strip_span(words.tokens.codes, first, match.first, _EDGES)
    return words.part(first, end)


def _skip_joins(passage: Passage, first: int) -> int:
    """Return the first token behind words that only join a statement to the one before."""
    tokens = passage.tokens
    while first < passage.end:
        match = rule("between_statements").starts(tokens, first, passage.end)
        match = match or rule("in_front_of_measure").starts(tokens, first, passage.end)
        if match is None or match.end == first:
            return first
        first = match.end
    return first


def _find_clause(passage: Passage, end: int) -> int:
    """Return the first token of the clause that ends before token ``end``."""
    codes = passage.tokens.codes
    for at in range(end - 1, passage.first, -1):
        if codes[at] in ",;:.":
            return at + 1
    return passage.first


def _find_clause_end(passage: Passage, first: int) -> int:
    """Return the end of the words that name an endpoint in passing."""
    stop = rule("ends_name_in_passing").search(passage.tokens, first, passage.end)
    if stop:
        return stop.first
    return passage.end
