"""Amounts of the same agent in an arm and in its intervention."""

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from extractor.parse.dosing.names import name_key
from extractor.schemas import Amount, Citation, Finding, FindingKind, Regimen, Severity
from extractor.text.numbers import read_number
from extractor.text.quantities import Quantity, find_quantities

from .record import AuditedRecord

__all__ = ["check_doses"]

_ARM, _INTERVENTION = "arms[", "interventions["
_VOLUMES = frozenset({"mL", "dL", "L"})
_EXACT = 1e-6


class _Dose(NamedTuple):
    amount: Amount
    citation: Citation


def check_doses(audited: AuditedRecord) -> Iterator[Finding]:
    """Agents of which arms state one amount alone and interventions another one alone, in the same unit.

    An amount that stands anywhere on the other side, also as a part of another dose, is no contradiction.
    """
    if not audited.record.section("arms[0]") or not audited.record.section("interventions[0]"):
        return
    dosing = sorted(audited.extraction.dosing, key=_name)
    for _, regimens in groupby(dosing, key=_name):
        doses = [dose for regimen in regimens for dose in _list_doses(audited, regimen)]
        arms, interventions = (
            [dose for dose in doses if dose.citation.section.startswith(side)] for side in (_ARM, _INTERVENTION)
        )
        if len(doses) != 2 or len(arms) != 1 or len(interventions) != 1:
            continue
        if not all(_is_only_amount(audited, dose) and not _is_level(audited, dose) for dose in doses):
            continue
        arm, intervention = arms[0], interventions[0]
        if _is_said(audited, arm.amount, _INTERVENTION) or _is_said(audited, intervention.amount, _ARM):
            continue
        if arm.amount.unit == intervention.amount.unit and not _is_multiple(arm.amount, intervention.amount):
            yield Finding(
                kind=FindingKind.DOSE_DIFFERS,
                severity=Severity.WARNING,
                field="dosing",
                message=f"the arm gives {arm.citation.quote}, the intervention {intervention.citation.quote}",
                citations=(arm.citation, intervention.citation),
            )


def _is_only_amount(audited: AuditedRecord, dose: _Dose) -> bool:
    """Whether its section states no other amount, such as a loading dose or that of another agent."""
    return len([each for each in _list_quantities(audited, dose.citation.section) if each.unit.dose]) == 1


def _list_quantities(audited: AuditedRecord, section: str) -> list[Quantity]:
    return list(find_quantities(audited.parsed.sections[section].tokens))


def _is_level(audited: AuditedRecord, dose: _Dose) -> bool:
    """Whether its unit goes by volume: "a level of 4-8 IU/L" is aimed at, not given."""
    found = _list_quantities(audited, dose.citation.section)
    return any(part.code in _VOLUMES for each in found for part in each.unit.parts[1:])


def _is_multiple(one: Amount, other: Amount) -> bool:
    """Whether one is a whole multiple of the other: four times 0.2 mL are 0.8 mL, and "10.000" may be 10,000."""
    low, high = sorted(amount.high or amount.low or 0 for amount in (one, other))
    return not low or abs(high / low - round(high / low)) < _EXACT


def _name(regimen: Regimen) -> str:
    return name_key(regimen.agent)


def _list_doses(audited: AuditedRecord, regimen: Regimen) -> Iterator[_Dose]:
    for number, amount in enumerate(regimen.amounts):
        for citation in audited.cite_evidence(regimen, f"amounts[{number}]")[:1]:
            yield _Dose(amount, citation)


def _is_said(audited: AuditedRecord, amount: Amount, side: str) -> bool:
    """Whether the number of an amount stands in any arm, or any intervention."""
    sought = {amount.low, amount.high}
    sections = (section for name, section in audited.parsed.sections.items() if name.startswith(side))
    words = (word for section in sections for word in section.tokens.words if word[0].isdigit() or word[0] == ".")
    return any(read_number(word) in sought for word in words)
