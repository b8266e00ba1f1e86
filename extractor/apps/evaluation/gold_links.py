"""Check what gold refers to: the groups of criteria, and the arms in which an agent is given."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from extractor.apps.evaluation.gold_files import Flaw, PlacedItem
from extractor.language.clean import fold_label
from extractor.schemas import (
    Criterion,
    CriterionGroup,
    Eligibility,
    GroupRule,
    Regimen,
    TrialRecord,
)
from extractor.schemas.arguments import suggest


def check_groups(items: Sequence[PlacedItem]) -> Iterator[Flaw]:
    """Yield groups that contradict themselves or have no items, and names of groups that there
    are not.
    """
    people = Eligibility()
    for placed in items:
        if isinstance(placed.item, Eligibility):
            people = placed.item
            break
    parents = {group.id: group.parent for group in people.groups}
    used = set(filter(None, parents.values()))
    for _, path, item in items:
        if not isinstance(item, Criterion) or item.group is None:
            continue
        used.add(item.group)
        if item.group not in parents:
            yield _refuse(f"{path}.group", item.group, parents)
    first_paths: dict[str, str] = {}
    for at, group in enumerate(people.groups):
        path = f"eligibility.groups[{at}]"
        first_path = first_paths.setdefault(group.id, path)
        if first_path != path:
            yield Flaw(
                f"{path}.id",
                f"{group.id!r} is the name of {first_path} as well",
                "give each its own",
            )
        # A group may hold criteria or other groups.
        if group.id not in used:
            yield Flaw(
                path,
                f"no criterion and no group is in {group.id!r}",
                "name it in its items, or remove it",
            )
        if group.parent is not None and group.parent not in parents:
            yield _refuse(f"{path}.parent", group.parent, parents)
        elif group.id in {around.id for around in people.list_around(group.parent)}:
            yield Flaw(
                f"{path}.parent",
                f"{group.id!r} stands in itself",
                "name the group in which it is an item",
            )
        yield from _check_rule(path, group)


def _refuse(path: str, name: str, known: Mapping[str, str | None]) -> Flaw:
    """Return the flaw of a name that no group has."""
    remedy = "add it to eligibility.groups"
    if known:
        remedy = f"write one of {', '.join(known)}{suggest(name, known)}"
    return Flaw(path, f"there is no group {name!r}", remedy)


def _check_rule(path: str, group: CriterionGroup) -> Iterator[Flaw]:
    """Yield what is wrong with the number of items of a group's rule: ``at_least`` has none,
    another rule has one, or the upper number is not above the lower.
    """
    n = group.n
    n_high = group.n_high
    needs_number = group.rule is GroupRule.AT_LEAST
    has_number = n is not None or n_high is not None
    if needs_number and n is None:
        yield Flaw(
            f"{path}.n",
            "is null with the rule 'at_least'",
            "write how many items must hold",
        )
    elif has_number and not needs_number:
        yield Flaw(
            f"{path}.n",
            f"is {n} with the rule '{group.rule}'",
            "write null, or the rule 'at_least'",
        )
    elif n is not None and n_high is not None and n >= n_high:
        yield Flaw(
            f"{path}.n",
            f"n {n} is not below n_high {n_high}",
            "exchange or correct them",
        )


def check_arms(
    items: Sequence[PlacedItem], record: TrialRecord | None
) -> Iterator[Flaw]:
    """Yield arms that the record does not have, and arms of an amount in which the regimen is
    not given.

    Without ``record``, only the arms of amounts are checked.
    """
    registered = None
    types: dict[str, str] = {}
    if record is not None:
        registered = _list_arms(record)
        types = _list_types(record)
    for _, path, item in items:
        if not isinstance(item, Regimen):
            continue
        if registered is not None:
            yield from _check_labels(
                f"{path}.arms",
                item.arms,
                registered,
                "the record has no arm",
                types,
            )
        for at, amount in enumerate(item.amounts):
            yield from _check_labels(
                f"{path}.amounts[{at}].arms",
                amount.arms,
                item.arms,
                "the regimen is not given in",
            )


def _list_arms(record: TrialRecord) -> list[str]:
    """Return the labels of the arms that the record registers."""
    labels = []
    for section in record.sections:
        if not section.name.startswith("arms["):
            continue
        label = section.part("label")
        if label:
            labels.append(label)
    return labels


def _list_types(record: TrialRecord) -> dict[str, str]:
    """Return the label of the first arm of each registered type, such as PLACEBO_COMPARATOR."""
    types: dict[str, str] = {}
    for section in record.sections:
        label = section.part("label")
        kind = section.part("type")
        if label and kind and section.name.startswith("arms["):
            types.setdefault(_fold_type(kind), label)
    return types


def _fold_type(kind: str) -> str:
    return fold_label(kind.replace("_", " "))


def _check_labels(
    path: str,
    stated: Sequence[str],
    known: Sequence[str],
    problem: str,
    types: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Flaw]:
    """Yield the stated labels that are none of the known ones; case and spaces do not matter. A
    label that is one of ``types`` gets the arm of this type as a remedy.
    """
    labels = {fold_label(label): label for label in known}
    remedy = "leave the list empty"
    if labels:
        remedy = f"write one of {', '.join(map(repr, labels.values()))}"
    for at, label in enumerate(stated):
        if fold_label(label) in labels:
            continue
        arm = types.get(_fold_type(label))
        advice = (
            f"that is the type of the arm {arm!r}; write {arm!r}" if arm else remedy
        )
        yield Flaw(f"{path}[{at}]", f"{problem} {label!r}", advice)
