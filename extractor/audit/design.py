"""The design that the text states of the trial itself, against the registered one: allocation, masking, phase, arms."""

import re
from collections.abc import Iterator, Mapping

from extractor.schemas import Finding, FindingKind, Severity
from extractor.text.book import rule
from extractor.text.numbers import read_number
from extractor.text.patterns import Found

from .prose import Prose
from .record import AuditedRecord

__all__ = ["check_allocation", "check_arm_count", "check_arms_without_intervention", "check_masking", "check_phase"]

_ALLOCATIONS: Mapping[str, re.Pattern[str]] = {
    "says_randomised": re.compile(r"na|n/a|non[-_]randomi[sz]ed", re.IGNORECASE),
    "says_not_randomised": re.compile(r"randomi[sz]ed", re.IGNORECASE),
}
_MASKINGS: Mapping[str, re.Pattern[str]] = {
    "says_blind": re.compile(r"none(?:\s*\(.*)?", re.IGNORECASE),
    "says_open": re.compile(r"(?:double|triple|quadruple)\b.*", re.IGNORECASE),
}
"""What a rule finds in the text, and what the registered field must not say then."""


def check_allocation(audited: AuditedRecord) -> Iterator[Finding]:
    """Randomised in the text and not in the registry, or the other way round."""
    yield from _compare(audited, _ALLOCATIONS, "allocation", FindingKind.ALLOCATION_DIFFERS)


def check_masking(audited: AuditedRecord) -> Iterator[Finding]:
    """Double-blind in the text and open in the registry, or the other way round."""
    yield from _compare(audited, _MASKINGS, "masking", FindingKind.MASKING_DIFFERS)


def _compare(
    audited: AuditedRecord, claims: Mapping[str, re.Pattern[str]], field: str, kind: FindingKind
) -> Iterator[Finding]:
    stated = audited.record.registry.text(field)
    for name, against in claims.items():
        if not stated or not against.fullmatch(stated):
            continue
        found = next((one for prose in audited.prose if (one := _find_claim(prose, name))), None)
        if found:
            yield _report(audited, *found, kind, field, f"the registry's {field} is {stated}")


def _report(
    audited: AuditedRecord, prose: Prose, found: Found, kind: FindingKind, field: str, registered: str
) -> Finding:
    return Finding(
        kind=kind,
        severity=Severity.WARNING,
        field="",
        message=f"the text says {found.text}, {registered}",
        citations=(audited.cite(prose.section, *found.span), audited.cite_registry(field)),
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


def check_phase(audited: AuditedRecord) -> Iterator[Finding]:
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
                yield _report(audited, prose, found, FindingKind.PHASE_DIFFERS, "phases", f"the registry {stated}")
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


def check_arm_count(audited: AuditedRecord) -> Iterator[Finding]:
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
                yield Finding(
                    kind=FindingKind.ARM_COUNT_DIFFERS,
                    severity=Severity.WARNING,
                    field="",
                    message=f"the text says {found.text}, the registry has {len(arms)}",
                    citations=(audited.cite(prose.section, *found.span), *map(audited.cite_label, arms)),
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


def check_arms_without_intervention(audited: AuditedRecord) -> Iterator[Finding]:
    """Arms of an interventional trial that no intervention is linked to, those without intervention by design apart."""
    registry = audited.record.registry
    if (registry.study_type or "").lower() != "interventional":
        return
    for name in registry.bare_arms:
        section = audited.record.section(name)
        if section and (section.part("type") or "").lower() not in _NOTHING:
            yield Finding(
                kind=FindingKind.ARM_WITHOUT_INTERVENTION,
                severity=Severity.WARNING,
                field=name,
                message=f"{section.part('label') or name} is registered without any intervention",
                citations=(audited.cite_label(name),),
            )
