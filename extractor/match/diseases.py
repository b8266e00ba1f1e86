"""The registered conditions of a trial that a patient has: they order the trials of a patient."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from extractor.match.facts import Facts
from extractor.match.synonyms import Synonyms, list_keys
from extractor.match.wider import find_wider
from extractor.match.words import words_of
from extractor.measures.names import spell_words

_BRACKET = re.compile(r"\([^()]{0,100}\)|\[[^\[\]]{0,100}\]")
_STAGE = re.compile(
    r"\b(?:stage|grade|figo|ajcc)\b(?:\s+(?:[ivx]{1,4}[a-d]?\d?|\d[a-d]?|ajcc|v\d|and|or|to)\b|[/,-])*",
    re.IGNORECASE,
)
_OF_CANCER = re.compile(
    r"\b(?:neoplasms?|carcinomas?|tumou?rs?|malignanc(?:y|ies))\b", re.IGNORECASE
)
"""What registers call a cancer."""
_ANY_CANCER = frozenset({"cancer", "solid", "malignancy", "tumor", "neoplasm"})


class TrialCondition(NamedTuple):
    """A registered condition of a trial.

    Attributes:
        name: It, as registered.
        quantities: What a patient who has it has: "has asthma".
        is_any_cancer: Whether it is that of a trial for cancers of any kind.
    """

    name: str
    quantities: frozenset[str]
    is_any_cancer: bool


@lru_cache(4096)
def read_conditions(written: str) -> tuple[TrialCondition, ...]:
    """Return the registered conditions of a trial, which ``|`` joins.

    >>> [one] = read_conditions("Diabetes Mellitus, Type 2")
    >>> "has type 2 diabete" in one.quantities
    True
    """
    return tuple(_read_condition(name) for name in written.split("|") if name.strip())


def _read_condition(name: str) -> TrialCondition:
    keys: set[str] = set()
    for spelling in _list_spellings(name):
        keys.update(list_keys(spelling, Synonyms()))
        for wider in find_wider(spelling):
            keys.update(list_keys(wider, Synonyms()))
    words = set(spell_words(_STAGE.sub(" ", name)))
    is_any_cancer = bool(words & _ANY_CANCER) and words <= _ANY_CANCER | words_of(
        "narrowing"
    )
    general = words_of("too_general")
    specific = [key for key in keys if key and not general.issuperset(key.split())]
    return TrialCondition(
        name.strip(), frozenset(f"has {key}" for key in specific), is_any_cancer
    )


def _list_spellings(name: str) -> Iterator[str]:
    """Yield a condition as registers and as people write it: "Carcinoma, Lung", "lung cancer"."""
    plain = " ".join(_STAGE.sub(" ", _BRACKET.sub("", name)).split()).strip(" ,;-")
    # "Leukemia, Myeloid, Acute"
    turned = " ".join(reversed([part.strip() for part in plain.split(",")]))
    for spelling in dict.fromkeys((name, plain, turned)):
        if not spelling.strip():
            continue
        yield spelling
        yield _OF_CANCER.sub("cancer", spelling)


def list_shared(conditions: Iterable[TrialCondition], facts: Facts) -> tuple[str, ...]:
    """Return the names of a trial's conditions that a patient has."""
    return tuple(one.name for one in conditions if _has(one, facts))


def _has(condition: TrialCondition, facts: Facts) -> bool:
    stated = condition.quantities & facts.keys
    if any(_is_stated(quantity, facts) for quantity in stated):
        return True
    if not condition.is_any_cancer:
        return False
    return any(_is_cancer(name, facts) for name in facts.names)


def _is_stated(quantity: str, facts: Facts) -> bool:
    """Return whether a patient has something that is stated as a condition, not as a drug."""
    is_condition = facts.said.get(quantity, "").startswith("has: ")
    return is_condition and facts.values.get(quantity) == {None: (1.0,)}


def _is_cancer(name: str, facts: Facts) -> bool:
    """Return whether a name is that of a cancer that the patient has."""
    cancers = words_of("cancers") - {"infection", "solid"}
    is_named = not cancers.isdisjoint(name.split()[-1:])
    return is_named and _is_stated(f"has {name}", facts)


def has_conditions(facts: Facts) -> bool:
    """Return whether a patient's data state a condition; a drug is none."""
    return any(_is_stated(f"has {name}", facts) for name in facts.names)


def is_of_others(conditions: Iterable[TrialCondition], facts: Facts) -> bool:
    """Return whether a trial is for other conditions than those of a patient. It is not known of a
    trial without registered conditions, or of a patient without stated ones. Nor is it of a trial
    for breast cancer and a patient with "HER2+ breast cancer": nobody may lose a trial by a word.
    """
    listed = tuple(conditions)
    if not listed or not has_conditions(facts) or list_shared(listed, facts):
        return False
    stated = [
        set(name.split()) for name in facts.names if _is_stated(f"has {name}", facts)
    ]
    return not any(
        words.issuperset(quantity.split()[1:])
        for condition in listed
        for quantity in condition.quantities
        for words in stated
    )
