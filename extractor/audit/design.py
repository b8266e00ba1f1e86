"""The design that the text states, against the registered one: allocation, masking, phase, arms, size, doses."""

import re
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import NamedTuple

from extractor.parse.dosing.names import name_key
from extractor.schemas import Amount, Citation, Regimen, Severity
from extractor.text.book import rule
from extractor.text.numbers import read_number
from extractor.text.patterns import Found
from extractor.text.quantities import Quantity, find_quantities

from .prose import Prose
from .record import AuditedRecord, Problem, report

_ALLOCATIONS: Mapping[str, re.Pattern[str]] = {
    "says_randomised": re.compile(r"na|n/a|non[-_]randomi[sz]ed", re.IGNORECASE),
    "says_not_randomised": re.compile(r"randomi[sz]ed", re.IGNORECASE),
}
_MASKINGS: Mapping[str, re.Pattern[str]] = {
    "says_blind": re.compile(r"none(?:\s*\(.*)?", re.IGNORECASE),
    "says_open": re.compile(r"(?:double|triple|quadruple)\b.*", re.IGNORECASE),
}
"""What a rule finds in the text, and what the registered field must not say then."""


def check_allocation(audited: AuditedRecord) -> Iterator[Problem]:
    """Randomised in the text and not in the registry, or the other way round."""
    yield from _compare(audited, _ALLOCATIONS, "allocation")


def check_masking(audited: AuditedRecord) -> Iterator[Problem]:
    """Double-blind in the text and open in the registry, or the other way round."""
    yield from _compare(audited, _MASKINGS, "masking")


def _compare(audited: AuditedRecord, claims: Mapping[str, re.Pattern[str]], field: str) -> Iterator[Problem]:
    stated = audited.record.registry.text(field)
    for name, against in claims.items():
        if not stated or not against.fullmatch(stated):
            continue
        found = next((one for prose in audited.prose if (one := _find_claim(prose, name))), None)
        if found:
            yield _report_claim(audited, *found, field, f"the registry's {field} is {stated}")


def _report_claim(audited: AuditedRecord, prose: Prose, found: Found, field: str, registered: str) -> Problem:
    return report(
        f"the text says {found.text}, {registered}",
        audited.cite(prose.section, *found.span),
        audited.cite_registry(field),
    )


def _find_claim(prose: Prose, name: str) -> tuple[Prose, Found] | None:
    """What the text says of the trial itself, as a whole."""
    for found in rule(name).find(prose.tokens):
        first, end = prose.sentence(found.first, found.end)
        if not _is_mixed(prose, first, end) and (prose.is_title or prose.has("design_of_itself", first, found.first)):
            return prose, found
    return None


def _is_mixed(prose: Prose, first: int, end: int) -> bool:
    """Whether a sentence speaks of parts, of other trials, or of more than one design."""
    if prose.has("design_otherwise", first, end):
        return True
    words = [word.lower() for word in prose.tokens.words[first:end]]
    both = any(word.startswith("blind") for word in words) and "open" in words
    return both or sum(word.startswith(("randomised", "randomized")) for word in words) > 1


_PHASES = {"i": 1, "ii": 2, "iii": 3, "iv": 4} | {str(number): number for number in range(1, 5)}
_REGISTERED = re.compile(r"(early)?[\s_]*phase\s*([1-4])", re.IGNORECASE)


def check_phase(audited: AuditedRecord) -> Iterator[Problem]:
    """A phase in the text that is none of the registered ones. "Early phase 1" is what texts call phase 0 or 1."""
    stated = audited.record.registry.text("phases")
    registered = {int(number) for _, number in _REGISTERED.findall(stated or "")}
    if not stated or not registered:
        return
    for prose in audited.prose:
        for found in rule("says_phase").find(prose.tokens):
            named = _read_phases(found)
            if not named or not _is_own_phase(prose, found):
                continue
            if not named & registered:
                yield _report_claim(audited, prose, found, "phases", f"the registry {stated}")
            return


def _is_own_phase(prose: Prose, found: Found) -> bool:
    """Whether a title names the phase, or the text names it of the trial itself."""
    first, end = prose.sentence(found.first, found.end)
    if prose.has("phase_otherwise", first, end):
        return False
    return prose.is_title or prose.has("phase_of_itself", first, found.first) is not None


def _read_phases(found: Found) -> set[int]:
    """All phases that a mention spans.

    >>> from extractor.text.book import read_text
    >>> sorted(_read_phases(rule("says_phase").search(read_text("A Phase Ib/III Trial"))))
    [1, 2, 3]
    >>> rule("says_phase").search(read_text("Phase IV, Randomised")).text
    'Phase IV'
    """
    words = [(found.read(name) or "").lower() for name in ("first", "second")]
    ends = [phase for word in words if (phase := _PHASES.get(word) or _PHASES.get(word.rstrip("abc")))]
    return set(range(min(ends), max(ends) + 1)) if ends and words[0].rstrip("abc") in _PHASES else set()


_WITHOUT_CONTROLS = frozenset(
    {"intervention", "interventional", "experimental", "active", "treatment", "exercise", "training"}
)
_MOST = 9
_NOTHING = ("no_intervention", "no intervention")


def check_arm_count(audited: AuditedRecord) -> Iterator[Problem]:
    """A number of arms in the text that is not the number of registered ones."""
    arms = [name for name in audited.parsed.sections if name.startswith("arms[")]
    if not arms or any(rule("grouped_arms").search(audited.parsed.sections[name].tokens) for name in arms):
        return
    for prose in audited.prose:
        for found in (*rule("counts_arms").find(prose.tokens), *rule("counts_groups").find(prose.tokens)):
            count = read_number(found.read("count") or "")
            first, end = prose.sentence(found.first, found.end)
            if count is None or not 1 < count <= _MOST or prose.has("some_arms", first, end):
                continue
            if _is_of_another_trial(prose, found, first, end):
                continue
            if count != len(arms) and not (_names_some(found) and count < len(arms)):
                yield report(
                    f"the text says {found.text}, the registry has {len(arms)}",
                    audited.cite(prose.section, *found.span),
                    *map(audited.cite_label, arms),
                )
            return


def _names_some(found: Found) -> bool:
    """Whether the noun leaves room for others: "3 intervention groups", and a control group beside them."""
    named = found.match.groupdict().get("which") is not None
    return named and (found.read("which") or "").lower() in _WITHOUT_CONTROLS


def _is_of_another_trial(prose: Prose, found: Found, first: int, end: int) -> bool:
    """Whether the text may tell of an earlier trial: "161 patients were randomised to 4 arms"."""
    past = rule("told_of_the_past").ends(prose.tokens, found.first, max(first, found.first - 3))
    return past is not None and not prose.has("own_trial", first, end)


def check_arms_without_intervention(audited: AuditedRecord) -> Iterator[Problem]:
    """Arms of an interventional trial that no intervention is linked to, those without intervention by design apart."""
    registry = audited.record.registry
    if (registry.study_type or "").lower() != "interventional":
        return
    for name in registry.bare_arms:
        section = audited.record.section(name)
        if section and (section.part("type") or "").lower() not in _NOTHING:
            yield report(
                f"{section.part('label') or name} is registered without any intervention",
                audited.cite_label(name),
                field=name,
            )


_PLANS = ("plans_a_total", "plans_in_this_trial", "plans_to_enrol", "plans_a_sample")
"""Rules that find plans of the whole trial."""
_OTHERWISE = ("part_of_a_trial", "counted_otherwise", "counted_besides")
_BEFORE = 270
"""How many tokens in front of a sentence the statistics of a secondary aim begin: its number is not the trial's."""
_NEXT = 28
"""How many tokens behind a sentence others may still be added to its number."""
_ROUGHLY = 1.15
"""What "approximately" allows."""
_CEILINGS = {"up to", "up to approximately", "at most", "a maximum of", "maximum"}
_SHORT = 0.75
_LOST = 1.3
"""Those who drop out are often added to the number that the statistics ask for."""


class _Plan(NamedTuple):
    section: str
    found: Found
    number: int
    bound: str


def check_sample_size(audited: AuditedRecord) -> Iterator[Problem]:
    """Sizes in the text of which none fits the registered one. Actual enrolment is what came of a plan."""
    registry = audited.record.registry
    enrolment = read_number(registry.enrollment or "")
    if not enrolment:
        return
    plans = [plan for prose in audited.bodies for plan in _find_plans(prose)]
    kind = (registry.enrollment_type or "").lower()
    if any(_names_others(prose, int(enrolment)) for prose in audited.bodies):
        return
    fitting = (_fits(plan, enrolment, reached=kind == "actual") for plan in plans)
    if not plans or any(fitting) or sum(plan.number for plan in plans) == enrolment:
        return
    plan = plans[0]
    yield report(
        f"the text plans {plan.bound + ' ' if plan.bound else ''}{plan.number} participants, "
        f"the registry's {kind + ' ' if kind else ''}enrolment is {enrolment}",
        audited.cite(plan.section, *plan.found.span),
        audited.cite_registry("enrollment"),
        severity=None if kind in {"estimated", "anticipated"} else Severity.INFO,
    )


def _names_others(prose: Prose, enrolment: int) -> bool:
    """Whether the text names the registered number of people elsewhere, or controls who are not counted as patients."""
    counts = (read_number(found.read("number") or "") for found in rule("counts_people").find(prose.tokens))
    return bool(rule("controls_besides").search(prose.tokens)) or enrolment in counts


def _find_plans(prose: Prose) -> Iterator[_Plan]:
    tokens = prose.tokens
    for found in (found for name in _PLANS for found in rule(name).find(tokens)):
        first, end = prose.sentence(found.first, found.end)
        count = read_number(found.read("number") or "")
        if not count or prose.has("more_besides", end, end + _NEXT):
            continue
        if prose.has("other_aim", max(0, first - _BEFORE), first):
            continue
        divisions = [(each.first, each.end) for each in rule("divides").find(tokens, first, end)]
        rest = tokens.without(divisions, first, end)
        if not any(rule(name).search(rest) for name in _OTHERWISE):
            yield _Plan(prose.section, found, int(count), (found.read("bound") or "").lower())


def _fits(plan: _Plan, enrolment: float, *, reached: bool) -> bool:
    """Whether the plan allows the registered number; one that was ``reached`` may fall somewhat short of it."""
    low, high = float(plan.number), plan.number * _LOST
    if plan.bound in {"at least", "a minimum of"}:
        high = enrolment
    elif plan.bound:
        low = plan.number / _ROUGHLY
    if reached:
        low = 0.0 if plan.bound in _CEILINGS else low * _SHORT
    return low <= enrolment <= high


_ARM, _INTERVENTION = "arms[", "interventions["
_VOLUMES = frozenset({"mL", "dL", "L"})
_EXACT = 1e-6


class _Dose(NamedTuple):
    amount: Amount
    citation: Citation


def check_doses(audited: AuditedRecord) -> Iterator[Problem]:
    """Agents of which arms state one amount alone and interventions another one alone, in the same unit.

    An amount that stands anywhere on the other side, also as a part of another dose, is no contradiction.
    """
    if not audited.record.section("arms[0]") or not audited.record.section("interventions[0]"):
        return
    dosing = sorted(audited.extraction.dosing, key=_name_agent)
    for _, regimens in groupby(dosing, key=_name_agent):
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
            yield report(
                f"the arm gives {arm.citation.quote}, the intervention {intervention.citation.quote}",
                arm.citation,
                intervention.citation,
                field="dosing",
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


def _name_agent(regimen: Regimen) -> str:
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
