"""Headings of an eligibility section: which list begins, and which lines only open a list."""

import re
from collections.abc import Iterator

from extractor.parse.memory import remember
from extractor.parse.requirements import Guarded
from extractor.schemas import CriterionKind

from .alternatives import any_of, set_of

__all__ = [
    "is_generic",
    "is_population",
    "is_topic",
    "is_withdrawal",
    "opens_list",
    "read_list_heading",
    "split_at_headings",
]

_LIST = r"(?:non[- ]?inclusion|inclusion|exclusion|inclusive|exclusive|eligibility|ineligibility)"
_CRITERIA = r"(?:criteri(?:a|on|as|um|ons)|requirements)"
_RUN_ON = Guarded(
    rf"""
      ^\W{{0,8}}(?:(?:key|main|major|general|patient|subject|study)\s+)?{_LIST}\s+{_CRITERIA}\s*(?:(?:\s+for(?:\s+\w+){{1,6}})?[:：]|-(?=\s))
    | (?<=[.;,:)\s])(?<!\bthe\s)(?<!\bfollowing\s)(?:(?:key|main|major|additional|specific)\s+)?
        (?:inclusion|exclusion)\s+{_CRITERIA}
        (?:\s+for(?:\s+\w+){{1,6}})?\s*[:：]
    """,
    re.VERBOSE | re.IGNORECASE,
)
_NAMED = Guarded(
    rf"\b(?P<list>{_LIST}(?:\s?(?:/|and|&)\s?{_LIST})?)\s+{_CRITERIA}\b|^\W*(?P<bare>inclusions?|exclusions?)\W*$"
)
_REFUSAL = re.compile(
    r"\b(?:exclu(?:ded?|sions?|ding)|ineligible|disqualif\w+|(?:must|may|should|shall|can)\s?not"
    r"|not\s+(?:be\s+)?(?:eligible|enrolled|included|participate|admitted))\b",
    re.IGNORECASE,
)
_ADMISSION = re.compile(
    r"\b(?:eligible|included|inclusion|enrolled|recruited"
    r"|(?:must|should|shall|need\s+to|have\s+to)\b(?:\s+(?:meet|fulfill?|satisfy|have|be)\b|\W*$))",
    re.IGNORECASE,
)
_OPENS = re.compile(
    r"\b(?:eligible|ineligible|included|excluded|enrol?led|exclude|participate|take\s+part|disqualified)\b.{0,60}\b(?:following|criteri\w+|if|apply)\b"
    r"|\b(?:following|criteria)\b.{0,60}\b(?:eligible|ineligible|included|excluded|enrol\w+|participat\w+)\b",
    re.IGNORECASE,
)
_FOR_SOME = re.compile(r"\b(?:[Cc]ohorts?|[Aa]rms?|[Gg]roups?|[Pp]hases?|[Pp]art)\s+[A-Z\d]|\bprovided\b")
_LEAVING = r"(?:withdrawals?|discontinuation|drop-?\s?out|elimination|removal|termination|stopping|exit)"
_WITHDRAWAL = Guarded(rf"\b{_LEAVING}\s+criteri\w+|\bcriteri\w+\s+(?:for|of)\s+(?:\w+\s+)?{_LEAVING}\b")
_NAMES_LIST = re.compile(
    rf"^\W*(?:(?!not?\b|meet|fulfil|satisf|any\b|all\b|other\b)[\w-]+\s+){{0,2}}{_LIST}\s+{_CRITERIA}"
    r"(?:\s*[-(]?\s*(?:for|of|in|to|common)\b[^;,]{0,60})?\W*$",
    re.IGNORECASE,
)
_DENIES = re.compile(
    r"\W*(?:not?\b|none|do(?:es)?\s+not|did\s+not|fail|meet|fulfil|satisf|any\b|other\b)", re.IGNORECASE
)
_COHORT = re.compile(
    r"\W*(?:cohorts?|parts?|arms?|groups?|phases?|modules?|sub-?stud(?:y|ies)|strat(?:um|a))\b[^:;]{1,90}?"
    r"(?:\bspecific|[)\]]|[-–]|\bonly)",
    re.IGNORECASE,
)
"""The name of a cohort in front of the heading of its list ("Cohort A (adults) - Inclusion Criteria:")."""

_LETTER = re.compile(r"[^\W\d_]{2}")
_OPENING_WORDS = set_of(
    """a additional admission all also an and any are as at be been before below by can cannot candidates case cases
    children clinical condition conditions considered criteria criterion defined described each either eligibility
    eligible enroll enrolled enrollment enrolment enter entering entry every exclude excluded exclusion exhibit
    experience experiences fall fit following follows for from fulfil fulfill fulfilled fulfilling had has have having
    if in include included includes inclusion individual individuals ineligible into is it listed may meet meeting
    meets men met more must need needed no non not of on one or order otherwise part participant participants
    participate participating participation patient patients people person persons phases present presented presenting
    prior prohibited qualify recruited requirement requirements required satisfy satisfying screening selected shall
    should specific stated statements study subject subjects than that the their there these they this those to trial
    under unless volunteers was were where which who whom will with women noted otherwise characteristics general key
    main major only apply applies applied true satisfied fulfilled protocol disqualified disqualify"""
)
_GROUPS = any_of(
    """
    donors? recipients? cohorts? parts? arms? groups? stage phases? for_\\w+ controls? healthy caregivers? parents?
    women men females? males? children adults? adolescents? infants? neonates? newborns? mothers? siblings? volunteers?
    regimen stratum strata sub-?study subgroup
    """
)
_PERSONS = r"(?:patients?|participants?|subjects?|individuals?|people|persons?|volunteers?|cases)"
_POPULATION = re.compile(
    rf"\b{_GROUPS}\b|\b{_PERSONS}\s+(?:with|without|who|on|receiving|undergoing|aged|in)\b|\w{{4,}}\s+{_PERSONS}\W*$",
    re.IGNORECASE,
)
_TOPICS = any_of(
    """
    characteristics parameters? values? results tests requirements functions? status history conditions features
    criteria therapy measures indices considerations information demographics laboratory medications diagnosis findings
    """
)
_STATES = re.compile(
    r"\b(?:no|not|good|poor|abnormal|impaired|positive|negative|known|under|on|history\s+of"
    r"|receiving|received|ongoing|any)\b",
    re.IGNORECASE,
)
"""Words by which a short text states something of its subject."""

_TOPIC = re.compile(rf"\b{_TOPICS}\W*$", re.IGNORECASE)


def split_at_headings(raw: str, start: int, end: int, *, wrapped: bool = False) -> Iterator[tuple[int, int]]:
    """Cut a line in front of, and after, each heading of a list in it; not where a ``wrapped`` sentence names one.

    >>> text = "Inclusion Criteria: adults. Exclusion Criteria: none"
    >>> [text[a:b] for a, b in split_at_headings(text, 0, len(text))]
    ['Inclusion Criteria:', ' adults. ', 'Exclusion Criteria:', ' none']
    """
    done = start
    for found in _RUN_ON.finditer(raw[start:end]):
        before = raw[done : start + found.start()].strip()
        if wrapped and not before and found[0].lstrip()[:1].islower():
            continue
        if not before or _COHORT.fullmatch(before):
            yield done, start + found.end()
        else:
            if _LETTER.search(before):
                yield done, start + found.start()
            yield start + found.start(), start + found.end()
        done = start + found.end()
    if raw[done:end].strip():
        yield done, end


@remember
def read_list_heading(text: str, *, bulleted: bool) -> tuple[bool, CriterionKind | None]:
    """Whether ``text`` is the heading of a list, and of which one; the kind is None where both are meant.

    >>> read_list_heading("Key Exclusion Criteria", bulleted=False)
    (True, <CriterionKind.EXCLUSION: 'exclusion'>)
    >>> read_list_heading("Meets all inclusion criteria of the main study", bulleted=True)
    (False, None)
    """
    if len(text) > 220:
        return False, None
    colon = text.rstrip(" *_").endswith((":", "：", ":-"))
    if named := _NAMED.search(text):
        words = len(text.split())
        opens = colon and (words <= 14 or is_generic(text))
        short = words <= 8 if not bulleted else words <= 4 and not _DENIES.match(text)
        if text[:1].islower() and not colon and not bulleted and not _NAMES_LIST.match(text):
            return False, None  # the rest of a sentence that names a list
        if opens or short or _NAMES_LIST.match(text) or (not bulleted and is_generic(text)):
            return True, _named_kind(named["list"] or named["bare"])
    if (colon or "following" in text.lower()) and is_generic(text):
        if _REFUSAL.search(text):
            return True, CriterionKind.EXCLUSION
        if _ADMISSION.search(text):
            return True, CriterionKind.INCLUSION
    return False, None


def _named_kind(words: str) -> CriterionKind | None:
    folded = words.lower()
    refuses = "exclu" in folded or "non" in folded or folded.startswith("inelig")
    admits = "inclu" in folded.replace("non-inclu", "").replace("non inclu", "").replace("noninclu", "")
    if refuses != admits:
        return CriterionKind.EXCLUSION if refuses else CriterionKind.INCLUSION
    return None if refuses else CriterionKind.INCLUSION


def opens_list(text: str) -> bool:
    """Whether a heading says no more than that those to whom the list applies may, or may not, take part.

    >>> opens_list("A volunteer will not be eligible for the study if any of the following apply:")
    True
    """
    return is_generic(text) or bool(_OPENS.search(text) and not _FOR_SOME.search(text))


def is_withdrawal(text: str) -> bool:
    """The heading of a list that says when participants leave the trial: it decides nothing about who may enter.

    >>> is_withdrawal("Withdrawal criteria:"), is_withdrawal("Steroid withdrawal for 4 weeks")
    (True, False)
    """
    return len(text) < 80 and bool(_WITHDRAWAL.search(text))


def is_generic(text: str) -> bool:
    """A line that opens a list and says nothing of its own.

    >>> is_generic("Patients must meet all of the following:"), is_generic("Known allergy to any of the following:")
    (True, False)
    """
    return sum(word not in _OPENING_WORDS for word in re.findall(r"[a-z]+", text.lower())) == 0


def is_population(text: str) -> bool:
    """A heading that says for whom the items below it hold ("Donors:", "For women:").

    >>> is_population("Patients without a response:"), is_population("Patient characteristics:")
    (True, False)
    """
    return bool(_POPULATION.search(text))


def is_topic(text: str) -> bool:
    """A short name of a subject ("Laboratory parameters"), not a condition."""
    return len(text.split()) <= 5 and bool(_TOPIC.search(text)) and not _STATES.search(text)
