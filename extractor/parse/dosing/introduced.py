"""Agents that no list names, introduced by what is done with them: "patients receive EX-12 IV on day 1"."""

import re
from collections.abc import Iterable, Iterator

from extractor.parse.requirements import Guarded

__all__ = ["find_dosed", "find_introduced", "find_substance"]

_LEADS = (
    r"receiv(?:e|es|ed|ing)|undergo(?:es|ing)?|underwent|treated\swith|tak(?:e|es|en|ing)|took|comprising|consist(?:s|ing)\sof|"
    r"comprised\sof|infusions?\sof|injections?\sof|doses?\sof|mg\sof|consum(?:e|es|ed|ing)|in\scombination\swith|"
    r"amounts?\sof|administrations?\sof|ingestion\sof|intake\sof|(?:twice-?|once-?)?daily\suse\sof|desensiti[sz]ed\sto|supplemented\swith"
)
_FILLERS = (
    r"either|both|an?|the|one|two|three|single|oral|orally|iv|intravenous(?:ly)?|subcutaneous(?:ly)?|intramuscular|topical|inhaled|"
    r"nebuli[sz]ed|sublingual|intranasal|high|low|medium|standard|fixed|dose|doses|also|additional|daily|weekly|once|twice|of|"
    r"escalating|increasing|incremental|amounts?|initial|infusions?|injections?|tablets?|capsules?|adjuvant|concurrent|open-label|blinded|double-blind|up|to|"
    r"active|total|maximum|\d[\d.,]*|mg|g|mcg|µg|ml|mg/kg|mg/m\^?2|maintenance|induction|matching|approximately|about"
)
_INTRODUCTION = Guarded(rf"\b(?:{_LEADS})\s(?:(?:{_FILLERS})(?:\s+|-(?=dose)))*")
_STOPS = (
    r"(?:iv|po|sc|im|orally|oral|intravenous\w*|subcutaneous\w*|intramuscular\w*|on|over|at|for|every|once|twice|daily|and|or|"
    r"plus|in|until|by|via|beginning|starting|with|days?|continuous\w*|as|to|weekly|monthly|before|after|prior|during|within|"
    r"followed|then|from|into|through|per|q\d?[dwh]|b\.?i\.?d|tid|qd|is|was|are|were|will|may|who|that|which|if|when|while|"
    r"three|two|four|alone|administered|delivered|applied|given|based|according|twice-daily|once-daily|upon|between|of|only|none|more|"
    r"containing|consisting|comprising|including|combined|directly|intratumorally|intravenously|matching|"
    r"mg|milligrams?|micrograms?|mcg|\u03bcg|cgy|gy|iu|units?|ml|million|billion|puffs?|drops?|times?|mg/\S+|cycles?|"
    r"\d[\d.,]*(?:mg|g|ml|%|cells)?)(?![\w-])"
)
_WORD = rf"(?!{_STOPS})[A-Za-z0-9](?:[\w/'+-]|\.(?=\w))*"
_NAME = re.compile(rf"{_WORD}(?:[ ]{_WORD}){{0,4}}", re.IGNORECASE)
_GENERIC_WORDS = """
    treatment treatments therapy therapies drug drugs medication medications study dose doses dosing infusion
    infusions injection injections care regimen regimens chemotherapy conditioning prophylaxis instruction
    instructions training education assessment assessments tablet tablets capsule capsules product products
    intervention interventions arm group standard best supportive placebo agent agents combination course
    courses cycle cycles surgery procedure procedures test tests it them this that these those same
    investigational experimental trial first second third next patients subjects participants their his its any
    other further additional body food meal water weeks days months part phase cohort blood mri ct pet scan
    scans sessions session treatment. biopsy imaging evaluation examination screening level levels place
    approximately least less all each own her general identical appropriate complete detailed several higher
    lowest lower supplement supplementation label open pre-treatment medical no step steps escalation
    manufactured adjusted cells extracts solution administrations carrier vial vials mixture consecutive regular
    biological cream composition lymphodepletion placement insertion transplant buccal stored similar placebos
    four five six seven eight nine ten some many most several another modification rest remaining following
    amount amounts microliters inhaler metered spray avoidance application advice counselling
"""
_GENERIC = frozenset(_GENERIC_WORDS.split())


def find_introduced(text: str) -> Iterator[tuple[int, int]]:
    """Where names that giving introduces stand, left to right; words that name nothing ("treatment") are none.

    >>> text = "Patients receive oral EX-12 on day 1 and undergo treatment"
    >>> [text[start:end] for start, end in find_introduced(text)]
    ['EX-12']
    """
    for lead in _INTRODUCTION.finditer(text):
        found = _NAME.match(text, lead.end())
        if not found:
            continue
        words = found[0].lower().split()
        if (
            words[0] in _GENERIC
            or _SPAN.fullmatch(words[0])
            or not re.search(r"[a-z]{3}|[a-z].*\d|\d.*[a-z]", found[0], re.IGNORECASE)
        ):
            continue
        if words[-1] not in _GENERIC or len(words) == 1 or "therapy" in words[-1] or "infusion" in words[-1]:
            yield found.span()


_DOSED_BEHIND = re.compile(r"\)?\s(?:of\s(?:(?:the|an?|oral|active|pure)\s)?)?")
_DOSED_AHEAD = re.compile(
    rf"(?:^|[,;:+(/\n.]\s?|\b(?:and|plus|with|of|or|{_LEADS})\s)(?P<name>{_WORD}(?:[ ]{_WORD}){{0,2}})\s?[:(,-]?\s?$",
    re.IGNORECASE,
)
_REACH = 60


def find_dosed(text: str, doses: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Where names stand beside doses that are weighed: "zinc oxide 80 mg", "400 IU of vitamin E".

    >>> text = "80 mg zinc oxide; vitamin E 400 IU"
    >>> [text[start:end] for start, end in find_dosed(text, [(0, 5), (28, 34)])]
    ['zinc oxide', 'vitamin E']
    """
    for start, end in doses:
        gap = _DOSED_BEHIND.match(text, end)
        behind = _NAME.match(text, gap.end()) if gap else None
        if behind and _is_name(behind[0]):
            yield behind.span()
            continue
        ahead = _DOSED_AHEAD.search(text[max(0, start - _REACH) : start])
        if ahead and _is_name(ahead["name"]):
            first = max(0, start - _REACH) + ahead.start("name")
            yield first, first + len(ahead["name"])


_NO_NAME_WORDS = """
    a an and week weeks single maximum minimum preparation dosage needle granules total medium above start started
    overall volume size pouch packet packets complex fluid suspension infused injected catheter flow range depending
    coadministered co administered ampule ampoule suppository suppositories serving quantity regime effect basal
    fixed bolus upper adult kg fat free mass selected additive load loading push caps cap tab tabs pill pills injectate
"""
_NO_NAMES = _GENERIC | frozenset(_NO_NAME_WORDS.split())
_WORDS = re.compile(r"[^\W\d_]+")
_NO_NAME = re.compile(r"\d|.*(?:_|ly\b)|w(?:/[wv])?$", re.IGNORECASE)


def _is_name(words: str) -> bool:
    """Whether words can be a name: none of them is generic, and one has four letters."""
    if _NO_NAME.match(words) or not _NO_NAMES.isdisjoint(_WORDS.findall(words.lower())):
        return False
    return re.search(r"[A-Za-z]{4}", words) is not None


_SPAN = re.compile(r"\d+-(?:minute|hour|day|week|month|year)s?")
_OF = re.compile(r"\)?\s(?:of\s)(?:(?:the|an?|each|this|that|total|pure|oral|daily)\s)*")
_BESIDE_DOSE = re.compile(r"\)?\s")
_SUBSTANCE = re.compile(r"(?:proteins?|flours?|powders?|extracts?|allergens?)$", re.IGNORECASE)


def find_substance(text: str, end: int) -> tuple[int, int] | None:
    """What is given, where it follows the dose that ends at ``end``: "300 mg of oat flour", "300 mg oat protein".

    >>> text = "300 mg of oat flour daily"
    >>> first, last = find_substance(text, 6)
    >>> text[first:last]
    'oat flour'
    >>> find_substance("300 mg once daily", 6) is None
    True
    """
    gap = _OF.match(text, end) or _BESIDE_DOSE.match(text, end)
    found = _NAME.match(text, gap.end()) if gap else None
    if gap is None or found is None:
        return None
    words = found[0].lower().split()
    if words[0] in _GENERIC or words[-1] in _GENERIC or not words[0].isalpha():
        return None
    return found.span() if "of" in gap[0] or _SUBSTANCE.search(found[0]) else None
