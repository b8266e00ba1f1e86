"""Give the sentences of running text the role of what they tell: who takes part, what is measured,
or what came out.

A label gives all sentences up to the next label a role: "RESULTS: ...", or "Results" alone on its
line. Without a label, words such as "P < 0.05" show that a sentence tells a result.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from extractor.language.book import rule
from extractor.language.lexer import Range
from extractor.language.passage import Passage, split_sentences
from extractor.language.patterns import RuleMatch

_LONGEST_HEADING = 8
"""Maximum number of tokens in a line that is taken as a heading although its words are unknown."""
_NO_HEADING = ".,;:?!"
_LABEL_EDGES = " :#.\n"


class Role(StrEnum):
    """What a sentence is about."""

    BACKGROUND = "background"
    PEOPLE = "people"
    INTERVENTIONS = "interventions"
    OUTCOMES = "outcomes"
    METHODS = "methods"
    ANALYSIS = "analysis"
    RESULTS = "results"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence without its label.

    Attributes:
        passage: Its words.
        role: Its role.
        label: The label that gives its role; None if its own words do, or nothing.
        follows_label: Whether the label stands directly before it.
    """

    passage: Passage
    role: Role
    label: Passage | None = None
    follows_label: bool = False


def read_roles(text: Passage) -> tuple[Sentence, ...]:
    """Return the sentences of a text in order, each with its role.

    >>> from extractor.language.passage import read_section
    >>> section = read_section(
    ...     "brief_summary", "METHODS: Adults took part. RESULTS: Of 9 women, 3 slept."
    ... )
    >>> [
    ...     (sentence.role.value, sentence.passage.text)
    ...     for sentence in read_roles(section.whole)
    ... ]
    [('methods', 'Adults took part.'), ('results', 'Of 9 women, 3 slept.')]
    """
    return tuple(_read_roles(text))


def _read_roles(text: Passage) -> Iterator[Sentence]:
    label: Passage | None = None
    role = Role.UNKNOWN
    follows_label = False
    for sentence in _list_sentences(text):
        rest = sentence
        while match := _find_label(rest):
            label = rest.part_at(match)
            role = _name_role(match)
            follows_label = True
            rest = _skip_line_ends(rest, match.end)
        if rest.first == rest.end:
            continue
        if _is_unknown_heading(rest):
            label = None
            role = Role.UNKNOWN
            follows_label = False
            continue
        own = role
        if role is Role.UNKNOWN and rest.search("tells_result"):
            own = Role.RESULTS
        yield Sentence(rest, own, label, follows_label)
        follows_label = False


def list_results(text: Passage) -> list[Range]:
    """Return the raw spans of the sentences of a text that tell results, with their labels.

    >>> from extractor.language.passage import read_section
    >>> text = "Adults took part. RESULTS: Of 9 women, 3 slept. DESIGN: A trial."
    >>> [text[start:end] for start, end in list_results(read_section("a", text).whole)]
    ['RESULTS: Of 9 women, 3 slept.']
    """
    ranges: list[Range] = []
    for sentence in read_roles(text):
        if sentence.role is not Role.RESULTS:
            continue
        start, end = sentence.passage.raw_span
        if sentence.follows_label and sentence.label:
            start, _ = sentence.label.raw_span
        ranges.append((start, end))
    return ranges


def list_statistics(text: Passage) -> list[Range]:
    """Return the raw spans of brackets that only count or describe those who took part.

    >>> from extractor.language.passage import read_section
    >>> text = "Nine adults (7 women) aged 18 to 65 years (mean age 40) took part."
    >>> [
    ...     text[start:end]
    ...     for start, end in list_statistics(read_section("a", text).whole)
    ... ]
    ['(7 women)', '(mean age 40)']
    """
    found = rule("statistic_in_brackets").find(text.tokens, text.first, text.end)
    return [text.part_at(brackets).raw_span for brackets in found]


def _list_sentences(text: Passage) -> Iterator[Passage]:
    """Yield the sentences of a text. A label that is alone on its line is a sentence."""
    if text.first == text.end:
        return
    tokens = text.tokens
    start, end = text.clean_span
    for first, stop in split_sentences(tokens.text[start:end]):
        sentence = text.part(tokens.at(start + first), tokens.before(start + stop))
        if sentence.end > sentence.first:
            yield from _cut_at_labels(sentence)


def _cut_at_labels(sentence: Passage) -> Iterator[Passage]:
    """Yield the parts of a sentence that lacks the full stop before a label: "PRIMARY OUTCOME: pain
    RESULTS: Pain fell.".
    """
    first = sentence.first
    for label in _list_inner_labels(sentence):
        yield sentence.part(first, label.first)
        first = label.first
    yield sentence.part(first, sentence.end)


def _list_inner_labels(sentence: Passage) -> Iterator[RuleMatch]:
    """Yield the labels within a sentence: those in capitals with a colon, those
    that begin a line, and "Results:".
    """
    own = _find_label(sentence)
    first = own.end if own else sentence.first + 1
    # most sentences have no colon there
    if sentence.tokens.codes.find(":", first, sentence.end) < 0:
        return
    found = rule("role_label").find(sentence.tokens, first, sentence.end)
    for label in found:
        words = label.text.strip(_LABEL_EDGES)
        is_results = _name_role(label) is Role.RESULTS and words.istitle()
        begins_line = sentence.tokens.codes[label.first - 1] == "\n"
        if ":" in label.text and (words.isupper() or is_results or begins_line):
            yield label


def _find_label(sentence: Passage) -> RuleMatch | None:
    """Return the label at the start of a sentence."""
    place = (sentence.tokens, sentence.first, sentence.end)
    label = rule("role_label").starts(*place)
    if label:
        return label
    # "RESULTS Of 103 patients", but not "Results of the first part"
    label = rule("capital_label").starts(*place)
    if label and label.text.isupper():
        return label
    return None


def _name_role(label: RuleMatch) -> Role:
    return next(role for role in Role if label.has(role))


def _skip_line_ends(sentence: Passage, first: int) -> Passage:
    """Return the sentence from a token on, without line ends at its start."""
    while first < sentence.end and sentence.tokens.codes[first] == "\n":
        first += 1
    return sentence.part(first, sentence.end)


def _is_unknown_heading(sentence: Passage) -> bool:
    """Return whether a sentence is a heading whose words are unknown: a short line without a full
    stop at its end, above a blank line or text.
    """
    if sentence.end - sentence.first > _LONGEST_HEADING:
        return False
    codes = sentence.tokens.codes
    if codes[sentence.end - 1] in _NO_HEADING:
        return False
    return codes[sentence.end : sentence.end + 1] == "\n"
