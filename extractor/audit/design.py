"""Compare the design in the text with the registered one: allocation, masking, phase, arms,
size.
"""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from extractor.audit.promises import find_sentence
from extractor.audit.record import AuditedRecord, Problems, report
from extractor.language.book import rule, word_set
from extractor.language.lexer import Tokens
from extractor.language.numbers import read_number
from extractor.language.passage import LexedSection
from extractor.language.patterns import Found
from extractor.schemas import Finding, FindingKind
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
                    audited,
                    kind,
                    section,
                    found,
                    field,
                    f"the registry's {field} is {stated}",
                )


def _find(audited: AuditedRecord, *names: str) -> Iterator[tuple[LexedSection, Found]]:
    """Yield the matches of these rules in titles and bodies."""
    for section in audited.titles + audited.bodies:
        yield from (
            (section, found)
            for name in names
            for found in rule(name).find(section.tokens)
        )


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
    if is_mixed:
        return False
    if several:
        return False
    return _is_of_trial(section, found, "design_otherwise", "design_of_itself")


def _is_of_trial(
    section: LexedSection, found: Found, otherwise: str, itself: str
) -> bool:
    """Whether the match is in a title, or its sentence speaks of this trial, and of nothing else
    by ``otherwise``.
    """
    first, end = find_sentence(section.tokens, found.first, found.end)
    if rule(otherwise).search(section.tokens, first, end):
        return False
    is_title = section.name in {"title", "official_title"}
    return (
        is_title or rule(itself).search(section.tokens, first, found.first) is not None
    )


_PHASES = {"i": 1, "ii": 2, "iii": 3, "iv": 4} | {
    str(number): number for number in range(1, 5)
}
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
    >>> sorted(
    ...     _read_phases(rule("says_phase").search(read_text("A Phase Ib/III Trial")))
    ... )
    [1, 2, 3]
    >>> rule("says_phase").search(read_text("Phase IV, Randomised")).text
    'Phase IV'
    """
    words = [(found.read(name) or "").lower() for name in ("first", "second")]
    ends = [
        phase
        for word in words
        if (phase := _PHASES.get(word) or _PHASES.get(word.rstrip("abc")))
    ]
    if ends and words[0].rstrip("abc") in _PHASES:
        return set(range(min(ends), max(ends) + 1))
    return set()


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
        if (
            count is None
            or not 1 < count <= _MOST_ARMS
            or not _is_of_all_arms(section, found)
        ):
            continue
        named = found.read("which") if "which" in found.match.groupdict() else None
        may_lack_controls = (named or "").lower() in _WITHOUT_CONTROLS
        if count != len(arms) and not (may_lack_controls and count < len(arms)):
            cited = (
                audited.cite(section.name, *found.span),
                *map(audited.cite_label, arms),
            )
            message = f"the text says {found.text}, the registry has {len(arms)}"
            yield report(FindingKind.ARM_COUNT_DIFFERS, message, *cited)
        return


def _is_of_all_arms(section: LexedSection, found: Found) -> bool:
    tokens = section.tokens
    first, end = find_sentence(tokens, found.first, found.end)
    if rule("some_arms").search(tokens, first, end):
        return False
    # Of another trial: "161 patients were randomised to 4 arms".
    past = rule("reports_the_past").ends(
        tokens, found.first, max(first, found.first - 3)
    )
    return not past or rule("own_trial").search(tokens, first, end) is not None


def check_arms_without_intervention(audited: AuditedRecord) -> Problems:
    """Report arms of an interventional trial without a linked intervention, unless they have
    none by design.
    """
    registry = audited.record.registry
    for name in registry.bare_arms if registry.study_type == "INTERVENTIONAL" else ():
        section = audited.record.section(name)
        if (
            section
            and unify_word("arm_type", section.part("type") or "") != "NO_INTERVENTION"
        ):
            message = f"{section.part('label') or name} is registered without any intervention"
            yield report(
                FindingKind.ARM_WITHOUT_INTERVENTION,
                message,
                audited.cite_label(name),
                field=name,
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
_LOST = 1.3
"""Allowance for dropouts, who are often added to the number that the statistics require."""


class _Plan(NamedTuple):
    section: str
    found: Found
    number: int
    bound: str


def check_sample_size(audited: AuditedRecord) -> Problems:
    """Report planned sizes in the text if none fits the planned enrolment. The actual one may
    differ from any plan.
    """
    registry = audited.record.registry
    enrolment = read_number(registry.enrollment or "")
    if not enrolment or registry.enrollment_type == "ACTUAL":
        return
    if any(_may_fit(section.tokens, enrolment) for section in audited.bodies):
        return
    plans = [plan for section in audited.bodies for plan in _find_plans(section)]
    if not plans or any(_fits(plan, enrolment) for plan in plans):
        return
    if sum(plan.number for plan in plans) == enrolment:
        return
    plan = plans[0]
    planned = f"{plan.bound} {plan.number}" if plan.bound else f"{plan.number}"
    yield report(
        FindingKind.SAMPLE_SIZE_DIFFERS,
        f"the text plans {planned} participants, the registry {enrolment:g}",
        audited.cite(plan.section, *plan.found.span),
        audited.cite_registry("enrollment"),
    )


def _may_fit(tokens: Tokens, enrolment: float) -> bool:
    """Return whether a text names the registered number, or controls, whom some count apart."""
    if rule("controls_besides").search(tokens):
        return True
    counts = rule("counts_people").find(tokens)
    return any(read_number(found.read("number") or "") == enrolment for found in counts)


def _find_plans(section: LexedSection) -> Iterator[_Plan]:
    tokens = section.tokens
    for found in (found for name in _PLANS for found in rule(name).find(tokens)):
        count = read_number(found.read("number") or "")
        first, end = find_sentence(tokens, found.first, found.end)
        if not count or rule("more_besides").search(tokens, end, end + _NEXT):
            continue
        if rule("other_aim").search(tokens, max(0, first - _BEFORE), first):
            continue
        divisions = [
            (each.first, each.end) for each in rule("divides").find(tokens, first, end)
        ]
        rest = tokens.without(divisions, first, end)
        if not any(rule(name).search(rest) for name in _OTHERWISE):
            yield _Plan(
                section.name, found, int(count), (found.read("bound") or "").lower()
            )


def _fits(plan: _Plan, enrolment: float) -> bool:
    """Return whether the plan allows the registered number."""
    low = float(plan.number)
    high = plan.number * _LOST
    if plan.bound in {"at least", "a minimum of"}:
        high = enrolment
    elif plan.bound:
        low = plan.number / _ROUGHLY
    return low <= enrolment <= high
