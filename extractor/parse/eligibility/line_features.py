"""What a learned scorer sees of a line of criteria: its words, its list, what introduces it, and its neighbours."""

from collections.abc import Iterable, Sequence

from extractor.parse.scoring import Bag, join_pairs, open_with, read_tokens
from extractor.parse.values import value
from extractor.parse.vocabulary import load_vocabulary
from extractor.schemas import CriterionKind

__all__ = ["CriterionLine", "describe_lines", "target_words"]


@value(frozen=True, slots=True)
class CriterionLine:
    """A line in the list of ``kind``, with the words of its heading and of its lead-in."""

    text: str
    kind: CriterionKind
    heading: str = ""
    lead_in: str = ""


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


def target_words(*texts: str) -> frozenset[str]:
    """The first letters of the words of titles, conditions or criteria that can name a disease.

    >>> sorted(target_words("Treatment of Peanut Allergy in Children"))
    ['allerg', 'peanut']
    """
    return _stem(token for text in texts for token in read_tokens(text))


def _stem(tokens: Iterable[str]) -> frozenset[str]:
    return frozenset({token[:_STEM] for token in tokens if len(token) > 3} - _COMMON)


def describe_lines(lines: Sequence[CriterionLine], target: frozenset[str] = frozenset()) -> list[Bag]:
    """The features of all lines of a record, in order. ``target`` are the stems of its title and conditions.

    >>> bag = describe_lines([CriterionLine("Known asthma", CriterionKind.INCLUSION)])[0]
    >>> bag["words"], bag["pairs"]
    (['known', 'asthma'], ['known asthma'])
    """
    hints = load_vocabulary("categories").narrow("\n".join(line.text for line in lines))
    tokens = [read_tokens(line.text) for line in lines]
    intros = {(line.lead_in, line.heading): read_tokens(f"{line.lead_in} {line.heading}") for line in lines}
    places = _count_places(lines)
    stems = list(map(_stem, tokens))
    opening = [
        found
        for line, place, found in zip(lines, places, stems, strict=True)
        if line.kind is CriterionKind.INCLUSION and place < _OPENING_LINES
    ]
    return [
        {
            "words": own,
            "pairs": join_pairs(own),
            "admitted": own if line.kind is CriterionKind.INCLUSION else [],
            "refused": own if line.kind is CriterionKind.EXCLUSION else [],
            "intro": intros[line.lead_in, line.heading],
            "known": [match.value for match in hints.find_all(line.text)],
            "near": _near(lines, tokens, at),
            "marks": [
                *open_with(own),
                *(f"{line.kind[0]}_{mark}" for mark in _mark(stems[at], target, opening, places[at])),
            ],
            "start": own[:_START],
        }
        for at, (line, own) in enumerate(zip(lines, tokens, strict=True))
    ]


_OPENING_LINES = 6
_START = 4


def _count_places(lines: Sequence[CriterionLine]) -> list[int]:
    """The place of each line in its list."""
    seen = dict.fromkeys(CriterionKind, 0)
    places = []
    for line in lines:
        places.append(seen[line.kind])
        seen[line.kind] += 1
    return places


def _near(lines: Sequence[CriterionLine], tokens: Sequence[list[str]], at: int) -> list[str]:
    """The words of the lines before and after, in the same list."""
    return [
        token
        for other in (at - 1, at + 1)
        if 0 <= other < len(lines) and lines[other].kind is lines[at].kind
        for token in tokens[other]
    ]


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
