"""What a criterion is about, and whether a line is one at all, by a scorer that labelled lines have trained."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from extractor.parse.parsed import Reading, span_of
from extractor.parse.scoring import find_word, list_words, load_scorer, pick
from extractor.schemas import Category, CriterionKind, Support
from extractor.text.book import find_terms, word_list
from extractor.text.passage import Passage


@dataclass(frozen=True, slots=True)
class CriterionLine:
    """A line in the list of ``kind``, with its heading and the line that introduces it."""

    passage: Passage
    kind: CriterionKind
    heading: Passage | None = None
    parent: Passage | None = None


_STEM, _OPENING_LINES, _OPENING_WORDS = 6, 6, 4


def target_words(*passages: Passage) -> frozenset[str]:
    """The first letters of the words of titles, conditions or criteria that can name a disease.

    >>> sorted(target_words(read_passage("Treatment of Peanut Allergy in Children")))
    ['allerg', 'peanut']
    """
    return _stem(word for passage in passages for word in list_words(passage))


def _stem(words: Iterable[str]) -> frozenset[str]:
    return frozenset({word[:_STEM] for word in words if len(word) > 3} - _common_stems())


@cache
def _common_stems() -> frozenset[str]:
    return frozenset(word[:_STEM] for word in word_list("common_words"))


def describe_lines(lines: Sequence[CriterionLine], target: frozenset[str] = frozenset()) -> list[list[str]]:
    """The features of all lines of a record; first the words of the line, ``w``, in order.

    ``target`` are the stems of the record's title and conditions.

    >>> describe_lines([CriterionLine(read_passage("Known asthma"), CriterionKind.INCLUSION)])[0][:3]
    ['w known', 'w asthma', 'p known asthma']
    """
    words = [list_words(line.passage) for line in lines]
    stems = list(map(_stem, words))
    places: list[int] = []  # of each line in its list
    seen = Counter[CriterionKind]()
    for line in lines:
        places.append(seen[line.kind])
        seen[line.kind] += 1
    opening = [
        found
        for line, place, found in zip(lines, places, stems, strict=True)
        if line.kind is CriterionKind.INCLUSION and place < _OPENING_LINES
    ]
    return [
        [
            *(f"w {word}" for word in own),
            *(f"p {one} {other}" for one, other in pairwise(own)),
            *(f"{line.kind[0]} {word}" for word in own),
            *(f"^ {word}" for word in own[:_OPENING_WORDS]),
            *(f"s {' '.join(own[:length])}" for length in (1, 2, 3)),
            *(f"h {word}" for intro in (line.parent, line.heading) if intro for word in list_words(intro)),
            *(f"v {hint}" for hint in _find_hints(line.passage)),
            *(f"m {line.kind[0]} {mark}" for mark in _describe_place(stems[at], target, opening, places[at])),
        ]
        for at, (line, own) in enumerate(zip(lines, words, strict=True))
    ]


def _find_hints(passage: Passage) -> Iterable[str]:
    """The categories at which terms of the line hint."""
    terms = find_terms(passage.tokens, "categories", passage.first, passage.end)
    return dict.fromkeys(term.value for term in terms)


def _describe_place(
    own: frozenset[str], target: frozenset[str], opening: Sequence[frozenset[str]], place: int
) -> list[str]:
    """How much a line shares with the title and with the first inclusion criteria, and where it stands."""
    named = min(len(own & target), 3) if target else "-"
    repeated = min(sum(any(stem in other for other in opening if other is not own) for stem in own), 3)
    return [
        "list",
        f"named {named}",
        f"repeated {repeated}",
        f"place {min(place, 4)}",
        f"first {place == 0} {named}",
        f"words {len(own).bit_length()}",
    ]


def score_lines(
    lines: Sequence[CriterionLine], target: frozenset[str] = frozenset()
) -> list[tuple[Reading[Category], float]]:
    """The category of each line, were it a criterion, and how probable it is that the line is none, but a heading.

    All lines of a record are scored at once; ``target`` are the stems of its title and conditions. The span of a
    reading is the word that speaks most for the category, else the line.

    >>> line = CriterionLine(read_passage("Known hypersensitivity to penicillin"), CriterionKind.EXCLUSION)
    >>> score_lines([line])[0][0].value.value
    'allergy'
    """
    if not lines:
        return []
    scorer, features = load_scorer("criteria"), describe_lines(lines, target)
    chances = scorer.predict(features)
    none = scorer.classes.index("none")
    refused = chances[:, none].tolist()
    chances[:, none] = 0
    chances /= chances.sum(axis=1, keepdims=True)
    found = []
    for line, own, choice, doubt in zip(lines, features, pick(scorer.classes, chances), refused, strict=True):
        words = [feature for feature in own if feature.startswith("w ")]
        reason = find_word(line.passage, scorer.find_reason(words, choice.value))
        spans, rivals = (span_of(reason or line.passage),), tuple(map(Category, choice.rivals))
        found.append((Reading(Category(choice.value), choice.confidence, spans, Support.INFERRED, rivals), doubt))
    return found
