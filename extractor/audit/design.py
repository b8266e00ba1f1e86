"""Compare the design in the text with the registered one: allocation, masking, phase, arms,
size, doses.
"""

from collections.abc import Iterator
from itertools import groupby, islice
from typing import NamedTuple

from extractor.audit.promises import find_sentence
from extractor.audit.record import AuditedRecord, Problems, report
from extractor.concepts.doses.names import name_key
from extractor.language.book import rule, word_set
from extractor.language.lexer import Tokens
from extractor.language.numbers import read_number
from extractor.language.passage import LexedSection
from extractor.language.patterns import Found
from extractor.language.quantities import find_quantities
from extractor.schemas import Amount, FieldRef, Finding, FindingKind, Severity
from extractor.schemas.registered_words import unify_word

_CLAIMS = (
    (FindingKind.ALLOCATION_DIFFERS, "says_randomised", ("NA", "NON_RANDOMIZED")),
    (FindingKind.ALLOCATION_DIFFERS, "says_not_randomised", ("RANDOMIZED",)),
    (FindingKind.MASKING_DIFFERS, "says_blind", ("NONE",)),
    (FindingKind.MASKING_DIFFERS, "says_open", ("DOUBLE", "TRIPLE", "QUADRUPLE")),
)
"""Kind of finding, the rule that finds a claim in the text, and the registered values that
contradict it.
"""


def check_allocation_and_masking(audited: AuditedRecord) -> Problems:
    """Report "randomised" or "blinded" in the text and not in the registry, or the opposite."""
    for kind, name, against in _CLAIMS:
        field = kind.value.partition("_")[0]
        stated = audited.record.registry.text(field)
        if stated in against:
            claims = (
                (section, found)
                for section, found in _find(audited, name)
                if _is_own_design(section, found)
            )
            for section, found in islice(claims, 1):
                yield _report_claim(
                    audited, kind, section, found, field, f"the registry's {field} is {stated}"
                )


def _find(audited: AuditedRecord, *names: str) -> Iterator[tuple[LexedSection, Found]]:
    """Yield the matches of these rules in titles and bodies."""
    for section in audited.titles + audited.bodies:
        yield from ((section, found) for name in names for found in rule(name).find(section.tokens))


def _report_claim(
    audited: AuditedRecord,
    kind: FindingKind,
    section: LexedSection,
    found: Found,
    field: str,
    registered: str,
) -> Finding:
    cited = audited.cite(section.name, *found.span), audited.cite_registry(field)
    return report(kind, f"the text says {found.text}, {registered}", *cited)


def _is_own_design(section: LexedSection, found: Found) -> bool:
    """Return whether the match describes the whole trial: not a part of it, another trial, or
    two designs at once.
    """
    tokens = section.tokens
    first, end = find_sentence(tokens, found.first, found.end)
    words = [word.lower() for word in tokens.words[first:end]]
    is_mixed = "open" in words and any(word.startswith("blind") for word in words)
    several = sum(word.startswith(("randomised", "randomized")) for word in words) > 1
    return (
        not is_mixed
        and not several
        and _is_of_trial(section, found, "design_otherwise", "design_of_itself")
    )


def _is_of_trial(section: LexedSection, found: Found, otherwise: str, itself: str) -> bool:
    """Whether the match is in a title, or its sentence speaks of this trial, and of nothing else
    by ``otherwise``.
    """
    first, end = find_sentence(section.tokens, found.first, found.end)
    if rule(otherwise).search(section.tokens, first, end):
        return False
    is_title = section.name in {"title", "official_title"}
    return is_title or rule(itself).search(section.tokens, first, found.first) is not None


_PHASES = {"i": 1, "ii": 2, "iii": 3, "iv": 4} | {str(number): number for number in range(1, 5)}
_REGISTERED = {"EARLY_PHASE1": 1, "PHASE1": 1, "PHASE2": 2, "PHASE3": 3, "PHASE4": 4}


def check_phase(audited: AuditedRecord) -> Problems:
    """Report a phase in the text that is not registered. Texts call "early phase 1" phase 0 or
    1.
    """
    stated = audited.record.registry.phases
    registered = {_REGISTERED[phase] for phase in stated if phase in _REGISTERED}
    for section, found in _find(audited, "says_phase") if registered else ():
        named = _read_phases(found)
        if named and _is_of_trial(section, found, "phase_otherwise", "phase_of_itself"):
            if not named & registered:
                said = f"the registry {'|'.join(stated)}"
                yield _report_claim(
                    audited, FindingKind.PHASE_DIFFERS, section, found, "phases", said
                )
            return


def _read_phases(found: Found) -> set[int]:
    """Return all phases that a mention spans.

    >>> from extractor.language.book import read_text
    >>> sorted(_read_phases(rule("says_phase").search(read_text("A Phase Ib/III Trial"))))
    [1, 2, 3]
    >>> rule("says_phase").search(read_text("Phase IV, Randomised")).text
    'Phase IV'
    """
    words = [(found.read(name) or "").lower() for name in ("first", "second")]
    ends = [
        phase for word in words if (phase := _PHASES.get(word) or _PHASES.get(word.rstrip("abc")))
    ]
    return (
        set(range(min(ends), max(ends) + 1))
        if ends and words[0].rstrip("abc") in _PHASES
        else set()
    )


_WITHOUT_CONTROLS = word_set(
    "intervention interventional experimental active treatment exercise training"
)
"""Words for arms that do not count a control group: "3 intervention groups"."""
_MOST_ARMS = 9


def check_arm_count(audited: AuditedRecord) -> Problems:
    """Report a number of arms in the text that differs from the registered number."""
    arms = audited.sections("arms")
    if not arms or any(map(rule("grouped_arms").search, arms.values())):
        return
    for section, found in _find(audited, "counts_arms", "counts_groups"):
        count = read_number(found.read("count") or "")
        tokens = section.tokens
        first, end = find_sentence(tokens, found.first, found.end)
        past = rule("reports_the_past").ends(tokens, found.first, max(first, found.first - 3))
        if past and not rule("own_trial").search(tokens, first, end):
            continue  # of another trial: "161 patients were randomised to 4 arms"
        if (
            count is None
            or not 1 < count <= _MOST_ARMS
            or rule("some_arms").search(tokens, first, end)
        ):
            continue
        named = found.match.groupdict().get("which") is not None
        are_some = named and (found.read("which") or "").lower() in _WITHOUT_CONTROLS
        if count != len(arms) and not (are_some and count < len(arms)):
            cited = audited.cite(section.name, *found.span), *map(audited.cite_label, arms)
            message = f"the text says {found.text}, the registry has {len(arms)}"
            yield report(FindingKind.ARM_COUNT_DIFFERS, message, *cited)
        return


def check_arms_without_intervention(audited: AuditedRecord) -> Problems:
    """Report arms of an interventional trial without a linked intervention, unless they have
    none by design.
    """
    registry = audited.record.registry
    for name in registry.bare_arms if registry.study_type == "INTERVENTIONAL" else ():
        section = audited.record.section(name)
        if section and unify_word("arm_type", section.part("type") or "") != "NO_INTERVENTION":
            message = f"{section.part('label') or name} is registered without any intervention"
            yield report(
                FindingKind.ARM_WITHOUT_INTERVENTION, message, audited.cite_label(name), field=name
            )


_PLANS = ("plans_a_total", "plans_in_this_trial", "plans_to_enrol", "plans_a_sample")
"""Rules that find the planned size of the whole trial."""
_OTHERWISE = ("part_of_a_trial", "counted_otherwise", "counted_besides")
_BEFORE = 270
"""Tokens before a sentence in which the statistics of a secondary aim may start: its number is
not the trial's.
"""
_NEXT = 28
"""Tokens after a sentence in which other people may be added to its number."""
_ROUGHLY = 1.15
"""Tolerance of "approximately"."""
_CEILINGS = {"up to", "up to approximately", "at most", "a maximum of", "maximum"}
_SHORT = 0.75
_LOST = 1.3
"""Allowance for dropouts, who are often added to the number that the statistics require."""


class _Plan(NamedTuple):
    section: str
    found: Found
    number: int
    bound: str


def check_sample_size(audited: AuditedRecord) -> Problems:
    """Report sizes in the text if none fits the registered one. Actual enrolment may fall short
    of a plan.
    """
    registry = audited.record.registry
    enrolment = read_number(registry.enrollment or "")
    if not enrolment:
        return
    # it names the number elsewhere, or controls who do not count as patients
    for section in audited.bodies:
        counts = (
            read_number(found.read("number") or "")
            for found in rule("counts_people").find(section.tokens)
        )
        if rule("controls_besides").search(section.tokens) or enrolment in counts:
            return
    plans = [plan for section in audited.bodies for plan in _find_plans(section)]
    kind = registry.enrollment_type or ""
    fitting = (_fits(plan, enrolment, reached=kind == "ACTUAL") for plan in plans)
    if not plans or any(fitting) or sum(plan.number for plan in plans) == enrolment:
        return
    plan = plans[0]
    yield report(
        FindingKind.SAMPLE_SIZE_DIFFERS,
        f"the text plans {plan.bound + ' ' if plan.bound else ''}{plan.number} participants, "
        f"the registry's {kind.lower() + ' ' if kind else ''}enrolment is {enrolment}",
        audited.cite(plan.section, *plan.found.span),
        audited.cite_registry("enrollment"),
        severity=Severity.WARNING if kind == "ESTIMATED" else Severity.INFO,
    )


def _find_plans(section: LexedSection) -> Iterator[_Plan]:
    tokens = section.tokens
    for found in (found for name in _PLANS for found in rule(name).find(tokens)):
        first, end = find_sentence(tokens, found.first, found.end)
        count = read_number(found.read("number") or "")
        if not count or rule("more_besides").search(tokens, end, end + _NEXT):
            continue
        if rule("other_aim").search(tokens, max(0, first - _BEFORE), first):
            continue
        divisions = [(each.first, each.end) for each in rule("divides").find(tokens, first, end)]
        rest = tokens.without(divisions, first, end)
        if not any(rule(name).search(rest) for name in _OTHERWISE):
            yield _Plan(section.name, found, int(count), (found.read("bound") or "").lower())


def _fits(plan: _Plan, enrolment: float, *, reached: bool) -> bool:
    """Return whether the plan allows the registered number, which may be somewhat lower if it
    was ``reached``.
    """
    low = float(plan.number)
    high = plan.number * _LOST
    if plan.bound in {"at least", "a minimum of"}:
        high = enrolment
    elif plan.bound:
        low = plan.number / _ROUGHLY
    if reached:
        low = 0.0 if plan.bound in _CEILINGS else low * _SHORT
    return low <= enrolment <= high


_VOLUMES = frozenset({"mL", "dL", "L"})
_EXACT = 1e-6


def check_doses(audited: AuditedRecord) -> Problems:
    """Report agents with one single amount in arms and another one in interventions, in the same
    unit.

    It is no contradiction if the amount occurs anywhere on the other side, even as part of another
    dose.
    """
    arms = audited.sections("arms")
    interventions = audited.sections("interventions")
    keyed = sorted(
        ((name_key(one.agent), one) for one in audited.extraction.dosing), key=lambda pair: pair[0]
    )
    for _, regimens in groupby(keyed if arms and interventions else (), key=lambda pair: pair[0]):
        doses = [
            (amount, cited)
            for _, regimen in regimens
            for number, amount in enumerate(regimen.amounts)
            for cited in audited.cite_evidence(regimen, f"amounts[{number}]")[:1]
        ]
        doses.sort(key=lambda dose: dose[1].section)
        if [FieldRef(cited.section).path for _, cited in doses] != ["arms", "interventions"]:
            continue
        if not all(_states_one_dose((arms | interventions)[cited.section]) for _, cited in doses):
            continue
        (given, arm), (other, intervention) = doses
        if _is_stated(given, interventions) or _is_stated(other, arms):
            continue
        # 4 x 0.2 mL are 0.8 mL, and "10.000" may be 10,000.
        low, high = sorted(amount.high or amount.low or 0 for amount in (given, other))
        if given.unit == other.unit and low and abs(high / low - round(high / low)) >= _EXACT:
            message = f"the arm gives {arm.quote}, the intervention {intervention.quote}"
            yield report(FindingKind.DOSE_DIFFERS, message, arm, intervention, field="dosing")


def _states_one_dose(tokens: Tokens) -> bool:
    """Return whether a text has one amount, and none by volume: "a level of 4-8 IU/L" is a
    target, not a dose.
    """
    found = list(find_quantities(tokens))
    is_level = any(part.code in _VOLUMES for each in found for part in each.unit.parts[1:])
    return not is_level and len([each for each in found if each.unit.dose]) == 1


def _is_stated(amount: Amount, sections: dict[str, Tokens]) -> bool:
    """Return whether the number of an amount occurs in any of these sections."""
    words = (
        word
        for tokens in sections.values()
        for word in tokens.words
        if word[0].isdigit() or word[0] == "."
    )
    return any(read_number(word) in {amount.low, amount.high} for word in words)
