"""Check what gold refers to: the groups of criteria, and the arms in which an agent is given."""

from collections.abc import Iterator, Mapping, Sequence

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
    people = next(
        (item for _, _, item in items if isinstance(item, Eligibility)), Eligibility()
    )
    parents = {group.id: group.parent for group in people.groups}
    used = {parent for parent in parents.values() if parent}
    for _, path, item in items:
        if isinstance(item, Criterion) and item.group is not None:
            used.add(item.group)
            if item.group not in parents:
                yield _refuse(f"{path}.group", item.group, parents)
    places: dict[str, str] = {}
    for at, group in enumerate(people.groups):
        path = f"eligibility.groups[{at}]"
        if (first := places.setdefault(group.id, path)) != path:
            yield Flaw(
                f"{path}.id",
                f"{group.id!r} is the name of {first} as well",
                "give each its own",
            )
        if group.id not in used:
            yield Flaw(
                path,
                f"no criterion and no group is in {group.id!r}",
                "name it in its items, or remove it",
            )
        if group.parent is not None and group.parent not in parents:
            yield _refuse(f"{path}.parent", group.parent, parents)
        elif group.id in {one.id for one in people.list_around(group.parent)}:
            yield Flaw(
                f"{path}.parent",
                f"{group.id!r} stands in itself",
                "name the group in which it is an item",
            )
        yield from _check_rule(path, group)


def _refuse(path: str, name: str, known: Mapping[str, str | None]) -> Flaw:
    remedy = (
        f"write one of {', '.join(known)}{suggest(name, known)}"
        if known
        else "add it to eligibility.groups"
    )
    return Flaw(path, f"there is no group {name!r}", remedy)


def _check_rule(path: str, group: CriterionGroup) -> Iterator[Flaw]:
    counts = group.rule is GroupRule.AT_LEAST
    if counts and group.n is None:
        yield Flaw(
            f"{path}.n",
            "is null with the rule 'at_least'",
            "write how many items must hold",
        )
    elif not counts and (group.n is not None or group.n_high is not None):
        yield Flaw(
            f"{path}.n",
            f"is {group.n} with the rule '{group.rule}'",
            "write null, or the rule 'at_least'",
        )
    elif group.n is not None and group.n_high is not None and group.n >= group.n_high:
        yield Flaw(
            f"{path}.n",
            f"n {group.n} is not below n_high {group.n_high}",
            "exchange or correct them",
        )


def check_arms(
    items: Sequence[PlacedItem], record: TrialRecord | None
) -> Iterator[Flaw]:
    """Yield arms that the record does not have, and arms of an amount in which the regimen is
    not given.
    """
    labels = None
    if record is not None:
        named = (
            section.part("label")
            for section in record.sections
            if section.name.startswith("arms[")
        )
        labels = {fold_label(label): label for label in named if label}
    for _, path, item in items:
        if not isinstance(item, Regimen):
            continue
        known = {fold_label(label): label for label in item.arms}
        yield from _check_labels(
            f"{path}.arms", item.arms, labels, "the record has no arm"
        )
        for at, amount in enumerate(item.amounts):
            yield from _check_labels(
                f"{path}.amounts[{at}].arms",
                amount.arms,
                known,
                "the regimen is not given in",
            )


def _check_labels(
    path: str, said: Sequence[str], known: Mapping[str, str] | None, problem: str
) -> Iterator[Flaw]:
    for at, label in enumerate(said):
        if known is not None and fold_label(label) not in known:
            remedy = (
                f"write one of {', '.join(map(repr, known.values()))}"
                if known
                else "leave the list empty"
            )
            yield Flaw(f"{path}[{at}]", f"{problem} {label!r}", remedy)
