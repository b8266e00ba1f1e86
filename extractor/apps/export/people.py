"""Who can take part, as stated in every export: ages, sex and healthy volunteers, from the text or
else from the register, and whether the criteria exclude pregnancy.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from extractor.face import (
    AGES,
    DESCRIPTIONS,
    DescribedCriterion,
    count_days,
    read_comparator,
    read_passage,
    rule,
)
from extractor.schemas import Criterion, Eligibility


def describe_people(
    people: Eligibility,
    registered: Mapping[str, object],
    described: Sequence[DescribedCriterion],
) -> dict[str, object]:
    """Return the cells of the ``eligibility`` table. ``registered`` contains the register's
    columns. ``described`` contains an entry for each criterion in ``people``, in the same order;
    criteria that are alternatives in a group are ignored.
    """
    cells: dict[str, object] = {**people.__dict__, **registered}
    for name in AGES:
        age = getattr(people, name)
        if age:
            cells |= {
                f"{name}_value": age.value,
                f"{name}_unit": age.unit,
                f"{name}_days": count_days(age),
                f"{name}_comparator": read_comparator(name, people.evidence),
            }
    cells["admits_sex"] = find_sex(people, registered)
    cells["admits_healthy"] = _admits_healthy(people, registered)
    verdicts = {
        _excludes_pregnancy(criterion)
        for criterion, derived in zip(people.criteria, described, strict=True)
        if derived.decides
    } - {None}
    if verdicts:
        # A criterion that requires a pregnancy is decisive.
        cells["excludes_pregnancy"] = False not in verdicts
    return cells


def find_sex(people: Eligibility, registered: Mapping[str, Any]) -> str | None:
    """Return the sex that a trial admits, from the text or else from the register."""
    sex = people.sex or registered.get("registered_sex")
    if sex:
        return str(sex).lower()
    return None


def _admits_healthy(people: Eligibility, registered: Mapping[str, Any]) -> bool | None:
    """Return whether a trial admits healthy people, according to the text or else to the
    register. The register also takes precedence over a description. None if neither states it.
    """
    healthy = people.healthy_volunteers
    in_register: bool | None = registered.get("registered_healthy_volunteers")
    if healthy is None:
        return in_register
    if in_register is None:
        return healthy
    sections = {piece.section for piece in people.evidence_for("healthy_volunteers")}
    # a description may tell of healthy people in other trials
    is_only_described = bool(sections) and sections <= DESCRIPTIONS
    if is_only_described:
        return in_register
    return healthy


def _excludes_pregnancy(criterion: Criterion) -> bool | None:
    """Return True if a criterion excludes pregnant people, and False if it requires pregnancy.
    Return None if it does not mention pregnancy, or mentions only a past pregnancy or the
    prevention of pregnancy.
    """
    if "pregnan" not in criterion.quote.casefold():
        return None
    tokens = read_passage(criterion.quote).cut()
    is_of_pregnancy = bool(rule("pregnant").search(tokens))
    if criterion.is_inclusion:
        # "Negative pregnancy test"
        if rule("not_pregnant").search(tokens):
            return True
        # "Women who wish to avoid pregnancy"
        is_barred = bool(rule("bars_pregnancy").search(tokens))
        if is_of_pregnancy and not is_barred:
            return False
        return None
    # A negated exclusion, or a requirement among the exclusions, excludes other people.
    if criterion.negated or criterion.demanded:
        return None
    return is_of_pregnancy or None
