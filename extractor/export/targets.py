"""Exclusions that would keep a trial's own patients out.

"Diabetes" among the exclusions of a trial in type 2 diabetes is a misread heading, or needs words that a rule of names
does not have. It is no rule of an export.
"""

from extractor.schemas import Criterion, CriterionKind, TrialRecord
from extractor.text.book import read_text
from extractor.text.quantity_names import spell_words

from .omop_nodes import words_of

Name = tuple[str, ...]
Targets = frozenset[Name]
"""The names of the registered conditions, each as its words."""
_JOINTS = frozenset({",", ";", "/", "or", "and", "&"})
_IDLE = frozenset({"mellitus", "of", "the", "a", "an"})


def read_targets(record: TrialRecord | None) -> Targets:
    """Return the conditions that a record is registered for; none without a record."""
    listed = ((record.raw_text("conditions") if record else None) or "").split("\n")
    return frozenset(name for line in listed if (name := _fold(_turn(line))))


def excludes_target(criterion: Criterion, targets: Targets) -> bool:
    """Whether an exclusion is a name, or a list of names, of which one is a registered condition or a wider one.

    A wider name lacks qualifiers of the condition: "lung cancer" is wider than "non-small cell lung cancer". A name
    with more words ("severe asthma"), and one with a limit or a time window, excludes only some patients.

    >>> criterion = Criterion(kind="exclusion", section="eligibility", quote="History of asthma or gout")
    >>> excludes_target(criterion, frozenset({("allergic", "asthma")}))
    True
    """
    limited = criterion.constraints or criterion.time_window or criterion.negated
    introduced = map(str.lower, read_text(criterion.lead_in or "").words)
    if (
        criterion.kind is not CriterionKind.EXCLUSION
        or limited
        or not words_of("heading").issuperset(word for word in introduced if word.isalpha())
    ):
        return False
    return any(_holds(target, name) for name in _split(criterion.quote) for target in targets)


def _split(quote: str) -> list[Name]:
    """The names in a criterion, without the words before them ("history of"); none if it is a sentence."""
    names: list[list[str]] = [[]]
    for word in map(str.lower, _without_brackets(quote)):
        if word in _JOINTS:
            names.append([])
        elif names[-1] or word not in words_of("intro"):
            names[-1].append(word)
    if any(not words_of("clause").isdisjoint(name) for name in names):
        return []
    return [name for one in names if (name := _fold(" ".join(one)))]


def _without_brackets(text: str) -> list[str]:
    depth, kept = 0, []
    for word in read_text(text).words:
        depth += word == "("
        if not depth and word not in ".:*":
            kept.append(word)
        depth -= word == ")" and depth > 0
    return kept


def _turn(name: str) -> str:
    """A name in its usual order: "Diabetes Mellitus, Type 2" is type 2 diabetes mellitus."""
    first, comma, rest = name.partition(",")
    return f"{rest} {first}" if comma and "," not in rest else name


def _fold(name: str) -> Name:
    return tuple(word for word in spell_words(" ".join(_without_brackets(name))) if word not in _IDLE)


def _holds(target: Name, name: Name) -> bool:
    """Whether a name is a part of the other one's words, side by side. "Non-small cell" does not hold "small cell"."""
    places = (at for at in range(len(target) - len(name) + 1) if target[at : at + len(name)] == name)
    return any(target[at - 1 : at] != ("non",) for at in places)
