"""Interventions: the flattened list ``TYPE: name|TYPE: name`` of text downloads and tables, and arms that lack them."""

import re
from collections.abc import Iterable, Iterator

from extractor.schemas import Part, Section

__all__ = ["find_bare_arms", "is_intervention_list", "list_interventions"]

_TYPE = (
    r"(?i:BEHAVIORAL|BIOLOGICAL|COMBINATION[_ ]PRODUCT|DEVICE|DIAGNOSTIC[_ ]TEST|DIETARY[_ ]SUPPLEMENT|DRUG|GENETIC"
    r"|OTHER|PROCEDURE|RADIATION)"
)
_ITEM = re.compile(rf"(?P<type>{_TYPE}): ?(?P<name>.*)", re.DOTALL)
# A name may hold a bar of its own: only one before a type separates.
_SEPARATOR = re.compile(rf"\|(?={_TYPE}:)")


def is_intervention_list(line: str) -> bool:
    """Whether a line begins like a list of interventions; prose may begin with "Other:", a list has capitals.

    >>> is_intervention_list("DRUG: Fictumab 5 mg|DEVICE: Pump"), is_intervention_list("Drug: a survey of its abuse")
    (True, False)
    """
    found = _ITEM.match(line)
    return found is not None and found["type"].isupper()


def list_interventions(cell: str) -> Iterator[Section]:
    """A section ``interventions[i]`` for each item, with the item as it stands.

    >>> [section.part("name") for section in list_interventions("DRUG: Fictumab|OTHER: Visit A|B")]
    ['Fictumab', 'Visit A|B']
    """
    for number, item in enumerate(filter(str.strip, _SEPARATOR.split(cell))):
        found = _ITEM.match(item)
        spans = [(name, *found.span(name)) for name in ("type", "name")] if found else []
        parts = tuple(Part(name=name, start=start, end=end) for name, start, end in spans if end > start)
        yield Section(name=f"interventions[{number}]", text=item, parts=parts)


def find_bare_arms(arms: Iterable[tuple[str | None, bool]], linked: Iterable[str]) -> tuple[str, ...]:
    """The sections of arms that have no intervention. An arm names its interventions, or an intervention its arms.

    Nothing is known where a study links nothing, or where an intervention names an arm that is not there: the label
    may be another spelling of any.

    Args:
        arms: Each arm's label, and whether it names an intervention.
        linked: The labels that interventions name.

    >>> find_bare_arms([("Low", False), ("High", True), ("Sham", False)], ["low "])
    ('arms[2]',)
    """
    arms = [(_fold(label or ""), names_one) for label, names_one in arms]
    labels = set(map(_fold, linked))
    if not labels <= {label for label, _ in arms} or not (labels or any(names_one for _, names_one in arms)):
        return ()
    return tuple(f"arms[{n}]" for n, (label, names_one) in enumerate(arms) if not names_one and label not in labels)


def _fold(label: str) -> str:
    return " ".join(label.split()).casefold()
