"""Compare the design in the text with the registered one: allocation, masking, phase, arms,
size.
"""

from collections import Counter
from collections.abc import Iterator
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
    """Report "randomised" or "blinded" in the text and not in the registry, or the opposite, each
    at its first mention that is of this trial.
    """
    for kind, rule_name, contradicting in _CLAIMS:
        # "allocation" of "allocation_differs"
        field = kind.value.partition("_")[0]
        stated = audited.record.registry.text(field)
        if stated not in contradicting:
            continue
        registered = f"the registry's {field} is {stated}"
        for section, claim in _find_claims(audited, rule_name):
            if _is_own_design(section, claim):
                yield _report_claim(audited, kind, section, claim, field, registered)
                break


def _find_claims(
    audited: AuditedRecord, *names: str
) -> Iterator[tuple[LexedSection, Found]]:
    """Yield the matches of these rules in titles, then in summary and description."""
    for section in audited.titles + audited.bodies:
        for name in names:
            for claim in rule(name).find(section.tokens):
                yield section, claim


def _report_claim(
    audited: AuditedRecord,
    kind: FindingKind,
    section: LexedSection,
    claim: Found,
    field: str,
    registered: str,
) -> Finding:
    """Build a finding from a claim in the text and what is ``registered`` in a field."""
    return report(
        kind,
        f"the text says {claim.text}, {registered}",
        audited.cite(section.name, *claim.span),
        audited.cite_registry(field),
    )


def _is_own_design(section: LexedSection, claim: Found) -> bool:
    """Return whether a claim describes the whole trial: not a part of it, another trial, or
    two designs at once, such as a blind and an open part, or two randomisations.
    """
    tokens = section.tokens
    first, end = find_sentence(tokens, claim.first, claim.end)
    is_blind = False
    is_open = False
    randomisations = 0
    for word in tokens.words[first:end]:
        lower = word.lower()
        if lower.startswith("blind"):
            is_blind = True
        elif lower == "open":
            is_open = True
        elif lower.startswith(("randomised", "randomized")):
            randomisations += 1
    if is_blind and is_open:
        return False
    if randomisations > 1:
        return False
    return _is_of_trial(
        section, claim, otherwise="design_otherwise", itself="design_of_itself"
    )


def _is_of_trial(
    section: LexedSection, claim: Found, otherwise: str, itself: str
) -> bool:
    """Return whether a claim is about this trial: it stands in a title, or behind words in its
    sentence that match the rule ``itself``. A sentence that matches the rule ``otherwise`` speaks
    of something else, also in a title.
    """
    tokens = section.tokens
    first, end = find_sentence(tokens, claim.first, claim.end)
    if rule(otherwise).search(tokens, first, end):
        return False
    if section.name in {"title", "official_title"}:
        return True
    return rule(itself).search(tokens, first, claim.first) is not None


_PHASES = {"i": 1, "ii": 2, "iii": 3, "iv": 4} | {
    str(number): number for number in range(1, 5)
}
_REGISTERED = {"EARLY_PHASE1": 1, "PHASE1": 1, "PHASE2": 2, "PHASE3": 3, "PHASE4": 4}


def check_phase(audited: AuditedRecord) -> Problems:
    """Report a phase in the text that is not registered. Texts call "early phase 1" phase 0 or
    1.

    The first phase in the text that is this trial's decides. Nothing is reported of a trial without
    a registered phase.
    """
    stated = audited.record.registry.phases
    registered = {_REGISTERED[phase] for phase in stated if phase in _REGISTERED}
    if not registered:
        return
    for section, claim in _find_claims(audited, "says_phase"):
        named = _read_phases(claim)
        if not named:
            continue
        is_own = _is_of_trial(
            section, claim, otherwise="phase_otherwise", itself="phase_of_itself"
        )
        if not is_own:
            continue
        # later phases in the text are often those of other trials
        if not named & registered:
            said = f"the registry {'|'.join(stated)}"
            yield _report_claim(
                audited, FindingKind.PHASE_DIFFERS, section, claim, "phases", said
            )
        return


def _read_phases(found: Found) -> set[int]:
    """Return all phases that a mention spans; none if its first one is no phase.

    >>> from extractor.language.book import read_text
    >>> sorted(
    ...     _read_phases(rule("says_phase").search(read_text("A Phase Ib/III Trial")))
    ... )
    [1, 2, 3]
    >>> rule("says_phase").search(read_text("Phase IV, Randomised")).text
    'Phase IV'
    """
    words = [(found.read(name) or "").lower() for name in ("first", "second")]
    if words[0].rstrip("abc") not in _PHASES:
        return set()
    phases = []
    for word in words:
        # "Ib" is a part of phase 1
        phase = _PHASES.get(word) or _PHASES.get(word.rstrip("abc"))
        if phase:
            phases.append(phase)
    return set(range(min(phases), max(phases) + 1))


_WITHOUT_CONTROLS = word_set(
    "intervention interventional experimental active treatment exercise training"
)
"""Words for arms that do not count a control group: "3 intervention groups"."""
_MOST_ARMS = 9


def check_arm_count(audited: AuditedRecord) -> Problems:
    """Report a number of arms in the text that differs from the registered number.

    The first number from 2 to ``_MOST_ARMS`` that counts all arms of this trial decides. Nothing is
    reported without registered arms, or if one of them stands for several.
    """
    arms = audited.sections("arms")
    # "Arms 1-3" registered as one arm: the number of registered arms says nothing
    if not arms or any(map(rule("grouped_arms").search, arms.values())):
        return
    for section, claim in _find_claims(audited, "counts_arms", "counts_groups"):
        count = read_number(claim.read("count") or "")
        if count is None or not 1 < count <= _MOST_ARMS:
            continue
        if not _is_of_all_arms(section, claim):
            continue
        if not _fits_arms(claim, count, len(arms)):
            yield report(
                FindingKind.ARM_COUNT_DIFFERS,
                f"the text says {claim.text}, the registry has {len(arms)}",
                audited.cite(section.name, *claim.span),
                *map(audited.cite_label, arms),
            )
        return


def _fits_arms(claim: Found, count: float, registered: int) -> bool:
    """Return whether a stated number of arms agrees with the registered one. A smaller number of
    "intervention groups" does, which may have controls besides.
    """
    if count == registered:
        return True
    if count > registered or "which" not in claim.match.groupdict():
        return False
    return (claim.read("which") or "").lower() in _WITHOUT_CONTROLS


def _is_of_all_arms(section: LexedSection, claim: Found) -> bool:
    """Return whether a number of arms counts all arms of this trial: not some of them, and not
    those of another trial.
    """
    tokens = section.tokens
    first, end = find_sentence(tokens, claim.first, claim.end)
    if rule("some_arms").search(tokens, first, end):
        return False
    # Of another trial: "161 patients were randomised to 4 arms".
    earliest = max(first, claim.first - 3)
    if not rule("reports_the_past").ends(tokens, claim.first, earliest):
        return True
    return rule("own_trial").search(tokens, first, end) is not None


def check_arms_without_intervention(audited: AuditedRecord) -> Problems:
    """Report arms of an interventional trial without a linked intervention, unless they have
    none by design.
    """
    registry = audited.record.registry
    if registry.study_type != "INTERVENTIONAL":
        return
    for name in registry.bare_arms:
        section = audited.record.section(name)
        if not section:
            continue
        if unify_word("arm_type", section.part("type") or "") == "NO_INTERVENTION":
            continue
        label = section.part("label") or name
        yield report(
            FindingKind.ARM_WITHOUT_INTERVENTION,
            f"{label} is registered without any intervention",
            audited.cite_label(name),
            field=name,
        )


_OPENING = "plans_people"
"""The rule that finds a number of people at the start of a sentence."""
_PLANS = (
    "plans_a_total",
    "plans_in_this_trial",
    "plans_to_enrol",
    "plans_a_sample",
    "plans_in_a_trial_of",
    "plans_a_target",
    "plans_n",
    _OPENING,
)
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
    """A planned number of participants, and the word before it in lower case, such as "at least",
    or empty.
    """

    section: str
    found: Found
    number: int
    bound: str


def check_sample_size(audited: AuditedRecord) -> Problems:
    """Report the first planned size in the text if none fits the planned enrolment, nor all of them
    together.

    Nothing is reported if the registry has no enrolment or the actual one, which may differ from
    any plan, or if the text names the registered number or controls anywhere.
    """
    registry = audited.record.registry
    enrolment = read_number(registry.enrollment or "")
    if not enrolment or registry.enrollment_type == "ACTUAL":
        return
    if any(_may_fit(section.tokens, enrolment) for section in audited.bodies):
        return
    plans: list[_Plan] = []
    for section in audited.bodies:
        plans += _find_plans(section)
    if not plans or any(_fits(plan, enrolment) for plan in plans):
        return
    if _fits_in_parts(plans, enrolment, len(audited.sections("arms"))):
        return
    plan = plans[0]
    planned = f"{plan.bound} {plan.number}" if plan.bound else f"{plan.number}"
    yield report(
        FindingKind.SAMPLE_SIZE_DIFFERS,
        f"the text plans {planned} participants, the registry {enrolment:g}",
        audited.cite(plan.section, *plan.found.span),
        audited.cite_registry("enrollment"),
    )


def _fits_in_parts(plans: list[_Plan], enrolment: float, arms: int) -> bool:
    """Return whether a section plans each part of the trial by itself, or the number of one of
    ``arms``, and they sum up to the enrolment.
    """
    if any(plan.number * arms == enrolment for plan in plans):
        return True
    # a summary and a description plan the same people
    sums = Counter[str]()
    for plan in plans:
        sums[plan.section] += plan.number
    return enrolment in sums.values()


def _may_fit(tokens: Tokens, enrolment: float) -> bool:
    """Return whether a text names the registered number of people, or controls, whom some count
    apart.
    """
    if rule("controls_besides").search(tokens):
        return True
    for people in rule("counts_people").find(tokens):
        if read_number(people.read("number") or "") == enrolment:
            return True
    return False


def _find_plans(section: LexedSection) -> Iterator[_Plan]:
    """Yield the planned sizes of the whole trial that a section states."""
    tokens = section.tokens
    for name in _PLANS:
        for found in rule(name).find(tokens):
            number = read_number(found.read("number") or "")
            if not number:
                continue
            if name == _OPENING and not _opens_sentence(tokens, found):
                continue
            if _is_of_whole_trial(tokens, found):
                bound = (found.read("bound") or "").lower()
                yield _Plan(section.name, found, int(number), bound)


def _opens_sentence(tokens: Tokens, plan: Found) -> bool:
    """Return whether a planned number stands at the start of its sentence."""
    first, _ = find_sentence(tokens, plan.first, plan.end)
    return first == plan.first


def _is_of_whole_trial(tokens: Tokens, plan: Found) -> bool:
    """Return whether a planned number counts all participants: not those of a part of the trial,
    of a secondary aim, or without others who are added.
    """
    first, end = find_sentence(tokens, plan.first, plan.end)
    if rule("more_besides").search(tokens, end, end + _NEXT):
        return False
    if rule("other_aim").search(tokens, max(0, first - _BEFORE), first):
        return False
    # "60 patients, 30 in each group": the division takes nothing from the number
    divided = rule("divides").find(tokens, first, end)
    divisions = [(words.first, words.end) for words in divided]
    rest = tokens.without(divisions, first, end)
    return not any(rule(name).search(rest) for name in _OTHERWISE)


def _fits(plan: _Plan, enrolment: float) -> bool:
    """Return whether a plan allows the registered number.

    A bare number allows up to 30 % more, for dropouts. "At least" allows every higher number, and
    any other bound, such as "approximately", also a somewhat lower one.
    """
    low = float(plan.number)
    high = plan.number * _LOST
    if plan.bound in {"at least", "a minimum of"}:
        high = enrolment
    elif plan.bound:
        low = plan.number / _ROUGHLY
    return low <= enrolment <= high
