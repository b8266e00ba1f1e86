"""Arms: how many the text counts against how many are registered, and those without intervention."""

import re
from collections.abc import Iterator

from extractor.parse.words import find_at
from extractor.schemas import Finding, FindingKind, Severity
from extractor.text.numbers import read_number

from .prose import Prose
from .record import AuditedRecord
from .wording import sentence_around

__all__ = ["check_arm_count", "check_arms_without_intervention"]

_NUMBER = r"(?:[2-9]|two|three|four|five|six)"
_ADJECTIVE = re.compile(rf"\b(?P<count>{_NUMBER})[-\s]arm(?:ed)?\b", re.IGNORECASE)
_NOUN = re.compile(
    rf"\brandomi[sz]ed\s+(?:in)?to\s+(?:one\s+of\s+)?(?:the\s+)?(?P<count>{_NUMBER})\s+(?:(?P<which>\w+)\s+)?(?:arms|groups)\b",
    re.IGNORECASE,
)
_LONGEST_NUMBER = 6
_PARTLY = re.compile(
    r"\b(?:parts?|cohorts?|stages?|phases?|period|sub-?study|each|then|second|subsequent(?:ly)?|extension|additional|of\s+the|previous|all\s+other)\b",
    re.IGNORECASE,
)
_PAST = re.compile(r"\b(?:were|was|had\s+been|have\s+been)\s+(?:\w+\s+)?$", re.IGNORECASE)
_OWN = re.compile(r"\b(?:this|the\s+(?:present|current)|our)\s+(?:study|trial)\b", re.IGNORECASE)
_WITHOUT_CONTROLS = re.compile(r"intervention(?:al)?|experimental|active|treatment|exercise|training", re.IGNORECASE)
_GROUPED = re.compile(r"\b(?:cohorts?|phase|part|stage|escalation|expansion|lead-in|run-in|period)\b", re.IGNORECASE)
_NOTHING = ("no_intervention", "no intervention")


def check_arm_count(audited: AuditedRecord) -> Iterator[Finding]:
    """A number of arms in the text that is not the number of registered ones."""
    arms = [section.name for section in audited.record.sections if section.name.startswith("arms[")]
    if not arms or any(_GROUPED.search(audited.record.raw_text(name) or "") for name in arms):
        return
    for prose in audited.prose:
        for found in _find_counts(prose):
            sentence = sentence_around(prose.text, *found.span())
            if _PARTLY.search(prose.text, *sentence) or _is_of_another_trial(prose, found, sentence):
                continue
            count = read_number(found["count"])
            if count != len(arms) and not (_names_some(found) and (count or 0) < len(arms)):
                yield Finding(
                    kind=FindingKind.ARM_COUNT_DIFFERS,
                    severity=Severity.WARNING,
                    field="",
                    message=f"the text says {found[0]}, the registry has {len(arms)}",
                    citations=(audited.cite(prose.section, *found.span()), *map(audited.cite_label, arms)),
                )
            return


def _names_some(found: re.Match[str]) -> bool:
    """Whether the noun leaves room for others: "3 intervention groups", and a control group beside them."""
    return bool(_WITHOUT_CONTROLS.fullmatch(found.groupdict().get("which") or ""))


def _is_of_another_trial(prose: Prose, found: re.Match[str], sentence: tuple[int, int]) -> bool:
    """Whether the text may tell of an earlier trial: "161 patients were randomised to 4 arms"."""
    return bool(_PAST.search(prose.text[sentence[0] : found.start()])) and not _OWN.search(prose.text, *sentence)


def _find_counts(prose: Prose) -> Iterator[re.Match[str]]:
    """The numbers of arms that a text names: "three-arm", "randomised to two groups"."""
    for place in prose.find_all([" arm"]):
        found = _ADJECTIVE.search(prose.text, max(0, place - _LONGEST_NUMBER), place + _LONGEST_NUMBER)
        if found:
            yield found
    yield from find_at(_NOUN, prose.text, prose.find_all(["randomi"]))


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
