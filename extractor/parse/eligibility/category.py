"""What a criterion is about: words of the line, of its heading and its list, weighed against each other."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise

from extractor.parse.parsed import Reading
from extractor.parse.passage import Passage
from extractor.parse.vocabulary import load_vocabulary
from extractor.parse.words import find_words
from extractor.schemas import Category, CriterionKind, Support

from .alternatives import any_of, set_of

__all__ = ["Setting", "read_category", "target_words"]


@dataclass(frozen=True, slots=True)
class Setting:
    """What surrounds a criterion: its list, heading and lead-in, and the words that name the trial's disease."""

    kind: CriterionKind | None = None
    heading: str = ""
    lead_in: str = ""
    target: frozenset[str] = frozenset()


_ASIDE_WORDS = any_of(
    """
    except unless other_than excluding exception exclusive_of but_not such_as including includes e\\.\\s?g i\\.\\s?e
    due_to because (?:that|which)_(?:would|may|might|could|can) to_evaluate requiring necessitating attributed_to
    at_(?:the\\s+)?time_of in_order_to defined_as according_to allowed permitted
    """
)
_ASIDE = re.compile(rf"\b{_ASIDE_WORDS}\b", re.IGNORECASE)
_NEGATED = re.compile(
    r"\W*(?:(?:patients?|participants?|subjects?)\s+(?:must\s+|should\s+)?(?:have\s+|has\s+|with\s+)?)?"
    r"(?:no|not|absence\s+of|without|free\s+of|never|non)\b",
    re.IGNORECASE,
)
_GOING_ON_WORDS = any_of(
    "concurrent concomitant(?:ly)? current(?:ly)? ongoing simultaneous (?:are|is)_taking are_receiving chronic_use"
)
_GOING_ON = re.compile(rf"\b{_GOING_ON_WORDS}\b", re.IGNORECASE)
_IN_THE_PAST = re.compile(
    r"\b(?:within|(?:last|past|previous|preceding)\s+\w+"
    r"|\w+\s+(?:days|weeks|months|years)\s+(?:prior|before|preceding))\b",
    re.IGNORECASE,
)
_ASIDE_WEIGHT, _HEADING_WEIGHT, _LEAD_WEIGHT = 0.5, 0.3, 0.5
_SHARES = {
    Category.AGE: (0.115, 0.014),
    Category.SEX: (0.006, 0.001),
    Category.DIAGNOSIS: (0.385, 0.066),
    Category.BIOMARKER: (0.020, 0.004),
    Category.PRIOR_THERAPY: (0.055, 0.122),
    Category.CONCOMITANT_THERAPY: (0.026, 0.063),
    Category.ORGAN_FUNCTION: (0.053, 0.050),
    Category.PERFORMANCE_STATUS: (0.018, 0.004),
    Category.LIFE_EXPECTANCY: (0.006, 0.003),
    Category.REPRODUCTIVE: (0.034, 0.051),
    Category.COMORBIDITY: (0.035, 0.349),
    Category.INFECTION: (0.007, 0.043),
    Category.ALLERGY: (0.004, 0.044),
    Category.LIFESTYLE: (0.021, 0.025),
    Category.CONSENT_COMPLIANCE: (0.104, 0.080),
    Category.LOGISTICS: (0.060, 0.047),
    Category.OTHER: (0.050, 0.032),
}
"""How often a criterion of an inclusion list, and of an exclusion list, is of each category."""
_PRIORS = [{category: math.log(shares[listed]) for category, shares in _SHARES.items()} for listed in (0, 1)]
_COMMON = set_of(
    """
    acute adult adults advanced after among analysis based before cancer care cell cells chemotherapy children chronic
    clinical combination comparing controlled diagnosed disease diseases disorder disorders dose effect effects efficacy
    evaluate evaluation first from group health high induced line moderate newly other patient patients people phase
    pilot placebo primary prospective radiotherapy randomized recurrent refractory relapsed risk safety severe study
    subjects surgery syndrome test therapy treated treatment trial type use using versus with without
    """
)


def target_words(*texts: str) -> frozenset[str]:
    """The words of titles and conditions that can name the disease under study.

    >>> sorted(target_words("Treatment of Peanut Allergy in Children"))
    ['allergy', 'peanut']
    """
    words = {word for text in texts for word in find_words(text) if word.isalpha()}
    return frozenset(word for word in words if len(word) > 3 and word not in _COMMON)


def read_category(passage: Passage, setting: Setting) -> Reading[Category | None]:
    """The category of one criterion. The confidence falls with the nearness of the runner-up.

    >>> from extractor.parse.passage import passage_of
    >>> read_category(passage_of("Known hypersensitivity to penicillin"), Setting(CriterionKind.EXCLUSION)).value.value
    'allergy'
    """
    scores, spans = _score(passage, setting)
    ranked = sorted(scores.items(), key=lambda item: -item[1])
    (best, score), runner_up = ranked[0], ranked[1][1]
    span = passage.span(*spans[best]) if best in spans else passage.whole
    return Reading(best, _confidence(score - runner_up), (span,), Support.INFERRED)


def _score(passage: Passage, setting: Setting) -> tuple[dict[Category, float], dict[Category, tuple[int, int]]]:
    text = passage.text
    # "No heart disease" among the inclusions is about what exclusions are about.
    listed = setting.kind is CriterionKind.EXCLUSION or bool(_NEGATED.match(text))
    scores = dict(_PRIORS[listed])
    spans: dict[Category, tuple[int, int]] = {}
    aside = _ASIDE.search(text, 12)
    seen: set[str] = set()
    depth = done = 0
    for start, end, category, weight in _matches(text):
        inside = aside is not None and start >= aside.start()
        depth, done = depth + text.count("(", done, start) - text.count(")", done, start), start
        factor = _ASIDE_WEIGHT if inside or depth > 0 else 1.0
        if text[start:end].lower() in seen:
            continue
        seen.add(text[start:end].lower())
        scores[category] += weight * factor
        spans.setdefault(category, (start, end))
    for context, factor in ((setting.heading, _HEADING_WEIGHT), (setting.lead_in, _LEAD_WEIGHT)):
        for _, _, category, weight in _matches(context) if context else ():
            scores[category] += weight * factor if category is not Category.OTHER else 0.0
    overlap = len(setting.target.intersection(find_words(text)))
    if overlap:
        scores[Category.DIAGNOSIS] += min(overlap, 2) * (0.4 if listed else 0.8)
    _weigh_time(text, scores)
    return scores, spans


def _weigh_time(text: str, scores: dict[Category, float]) -> None:
    """Treatment that goes on is concomitant, treatment in a time before the trial is prior, whatever the drug."""
    prior, concomitant = Category.PRIOR_THERAPY, Category.CONCOMITANT_THERAPY
    high = max(scores[prior], scores[concomitant])
    if _GOING_ON.search(text[:32]):
        scores[concomitant] = max(scores[concomitant], high + 0.5)
    elif _IN_THE_PAST.search(text) and not _GOING_ON.search(text):
        scores[prior] = max(scores[prior], high + 0.5)


@lru_cache(maxsize=64)
def _matches(text: str) -> Sequence[tuple[int, int, Category, float]]:
    found = [(match, Category(match.value)) for match in load_vocabulary("categories").find_all(text)]
    return [(m.start, m.end, category, _weight(category, m.entry.confidence)) for m, category in found]


@cache
def _weight(category: Category, confidence: float) -> float:
    """How much a term counts: by how far it tells more than the share that its category has anyway."""
    return _odds(confidence) - _odds(sum(_SHARES[category]) / 2)


def _odds(share: float) -> float:
    return math.log(share / (1 - share))


_CERTAINTY = (
    (0.0, 0.45),
    (1.25, 0.5),
    (2.25, 0.72),
    (3.0, 0.8),
    (5.0, 0.85),
    (7.0, 0.92),
    (11.0, 0.94),
    (13.0, 0.95),
    (16.0, 0.985),
)
"""How often the first category was right, by its lead over the second, on labelled criteria of other trials."""


def _confidence(margin: float) -> float:
    for (low, least), (high, most) in pairwise(_CERTAINTY):
        if margin < high:
            return round(least + (most - least) * (margin - low) / (high - low), 3)
    return _CERTAINTY[-1][1]
