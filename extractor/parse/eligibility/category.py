"""What a criterion is about, and whether a line is one at all, by a scorer that labelled lines have trained."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from extractor.parse.parsed import Reading, Span
from extractor.parse.scoring import find_word, list_words, load_scorer, pick
from extractor.schemas import Category, CriterionKind, Support
from extractor.text.book import find_terms
from extractor.text.passage import Passage


@dataclass(frozen=True, slots=True)
class CriterionLine:
    """A line in the list of ``kind``, with its heading and the line that introduces it."""

    passage: Passage
    kind: CriterionKind
    heading: Passage | None = None
    lead_in: Passage | None = None


_STEM = 6
_COMMON_WORDS = """
    able active acute additional adult adults advanced after age analysis based been before being cancer
    care case cell cells children chronic clinical combination comparing condition conditions confirmed
    consent controlled criteria current days defined diagnosed diagnosis disease diseases disorder
    disorders dose drug drugs during effect effects efficacy evaluate evaluation exclusion female first
    from group have having health healthy high history including inclusion induced informed known least
    less line male medical medication medications men moderate months more newly other participant
    participants patient patients people phase pilot placebo previous primary prior prospective randomized
    recurrent refractory relapsed risk safety severe study subject subjects such surgery syndrome test
    than that their them therapy this time treated treatment trial type used using versus weeks which
    willing with within without women written years
    """
_COMMON = frozenset(word[:_STEM] for word in _COMMON_WORDS.split())


_OPENING_LINES = 6
_START = 4


def target_words(*passages: Passage) -> frozenset[str]:
    """The first letters of the words of titles, conditions or criteria that can name a disease.

    >>> from extractor.text.passage import read_passage
    >>> sorted(target_words(read_passage("Treatment of Peanut Allergy in Children")))
    ['allerg', 'peanut']
    """
    return _stem(word for passage in passages for word in list_words(passage))


def _stem(words: Iterable[str]) -> frozenset[str]:
    return frozenset({word[:_STEM] for word in words if len(word) > 3} - _COMMON)


def describe_lines(lines: Sequence[CriterionLine], target: frozenset[str] = frozenset()) -> list[list[str]]:
    """The features of all lines of a record; first the words of the line, ``w``, in order.

    ``target`` are the stems of the record's title and conditions.

    >>> from extractor.text.passage import read_passage
    >>> describe_lines([CriterionLine(read_passage("Known asthma"), CriterionKind.INCLUSION)])[0][:3]
    ['w known', 'w asthma', 'p known asthma']
    """
    words = [list_words(line.passage) for line in lines]
    stems = list(map(_stem, words))
    places = _count_places(lines)
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
            *(f"^ {word}" for word in own[:_START]),
            *(f"s {' '.join(own[:length])}" for length in (1, 2, 3)),
            *(f"h {word}" for intro in (line.lead_in, line.heading) if intro for word in list_words(intro)),
            *(f"v {hint}" for hint in _find_hints(line.passage)),
            *(f"m {line.kind[0]} {mark}" for mark in _mark(stems[at], target, opening, places[at])),
        ]
        for at, (line, own) in enumerate(zip(lines, words, strict=True))
    ]


def _find_hints(passage: Passage) -> Iterable[str]:
    """The categories at which terms of the line hint."""
    terms = find_terms(passage.tokens, "categories", passage.first, passage.end)
    return dict.fromkeys(term.value for term in terms)


def _count_places(lines: Sequence[CriterionLine]) -> list[int]:
    """The place of each line in its list."""
    seen = dict.fromkeys(CriterionKind, 0)
    places = []
    for line in lines:
        places.append(seen[line.kind])
        seen[line.kind] += 1
    return places


def _mark(own: frozenset[str], target: frozenset[str], opening: Sequence[frozenset[str]], place: int) -> list[str]:
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


_NO_CRITERION = "none"


@dataclass(frozen=True, slots=True)
class LineScore:
    """The category of a line, were it a criterion, and how probable that is.

    ``rivals`` are the categories that it may be instead. ``no_criterion`` is how probable it is that the line is none,
    but a heading, a note or a remark. ``reason`` is the word that speaks most for the category; None if no word does.
    """

    category: Category
    confidence: float
    rivals: tuple[Category, ...]
    no_criterion: float
    reason: Passage | None


def score_lines(lines: Sequence[CriterionLine], target: frozenset[str] = frozenset()) -> list[LineScore]:
    """Score all lines of a record at once; ``target`` are the stems of its title and conditions.

    >>> from extractor.schemas import CriterionKind
    >>> from extractor.text.passage import read_passage
    >>> line = CriterionLine(read_passage("Known hypersensitivity to penicillin"), CriterionKind.EXCLUSION)
    >>> score_lines([line])[0].category.value
    'allergy'
    """
    if not lines:
        return []
    scorer, features = load_scorer("criteria"), describe_lines(lines, target)
    chances = scorer.predict(features)
    none = scorer.classes.index(_NO_CRITERION)
    refused = chances[:, none].tolist()
    chances[:, none] = 0
    chances /= chances.sum(axis=1, keepdims=True)
    found = []
    for line, own, choice, doubt in zip(lines, features, pick(scorer.classes, chances), refused, strict=True):
        words = [feature for feature in own if feature.startswith("w ")]
        found.append(
            LineScore(
                category=Category(choice.value),
                confidence=choice.confidence,
                rivals=tuple(map(Category, choice.rivals)),
                no_criterion=doubt,
                reason=find_word(line.passage, scorer.find_reason(words, choice.value)),
            )
        )
    return found


def read_category(passage: Passage, score: LineScore) -> Reading[Category | None]:
    """The category that a line's score says, with the word that decided it."""
    span = Span(passage.section.name, *(score.reason or passage).raw_span)
    return Reading(score.category, score.confidence, (span,), Support.INFERRED, score.rivals)
