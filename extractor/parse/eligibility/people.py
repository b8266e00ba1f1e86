"""Sex and healthy volunteers as the free text of a whole record states them."""

import re
from collections.abc import Iterable, Sequence

from extractor.parse.parsed import Reading, Span
from extractor.parse.passage import Passage
from extractor.parse.requirements import Guarded
from extractor.parse.values import value
from extractor.parse.words import find_words
from extractor.schemas import Category, CriterionKind, Sex, Support

from .alternatives import any_of, set_of
from .measured import share

__all__ = ["Stated", "read_healthy", "read_sex"]

_MEN, _WOMEN = r"(?:males?|m[ae]n|boys)", r"(?:females?|wom[ae]n|girls)"
_AND = r"\s*(?:/|and/or|and|or|&|,)\s*(?:non-pregnant\s+|post-?menopausal\s+)?"
_GENDER = r"(?:genders?|sex(?:es)?)"
_ALL = re.compile(
    rf"""\b(?:
      {_MEN}{_AND}{_WOMEN} | {_WOMEN}{_AND}{_MEN}
    | (?:both|either|any|all)\s+{_GENDER} | any\s+race\s+or\s+sex
    | {_GENDER}\s*(?::|is|are)?\s*(?:unlimited|unrestricted|not\s+limited|no\s+limit\w*|both|all|any|either|irrelevant)
    | (?:no\s+(?:limitations?|limits?|restrictions?)\s+(?:on|of|for|in)|regardless\s+of|irrespective\s+of|unlimited)
      \s+(?:the\s+)?{_GENDER}
    | no\s+{_GENDER}\s+(?:limit\w*|restriction\w*)
    )\b""",
    re.IGNORECASE | re.VERBOSE,
)
_FEMALE = re.compile(r"\b(?:females?|wom[ae]n|girls)\b", re.IGNORECASE)
_MALE = re.compile(r"(?<!\w)(?:males?|m[ae]n|boys)\b", re.IGNORECASE)
_SEX_WORDS = set_of("male males man men boy boys female females woman women girl girls gender genders sex sexes")
_ADJECTIVES = any_of(
    "all only adult healthy pre-?menopausal post-?menopausal non-pregnant pregnant nulliparous infertile young older"
    " elderly"
)
_ONLY = re.compile(
    rf"\W*(?:{_ADJECTIVES}\s+)*(?:female|wom[ae]n|girls|males?\b|m[ae]n\b|boys|sex\s*:|gender\s*:)", re.IGNORECASE
)
_KINDS = any_of(
    "adult male female human young older elderly normal non-smoking term full-term school free-living non-allergic"
    " Japanese Chinese Caucasian and or , men women age- sex-matched matched"
)
_PERSONS = any_of(
    "volunteers? subjects? participants? individuals? males? females? men women adults? people persons? controls?"
    " children infants? newborns? neonates? siblings? students? population"
)
_HEALTHY = re.compile(rf"\bhealthy\s+(?:{_KINDS}\s+)*{_PERSONS}\b", re.IGNORECASE)
_NOT_HEALTHY = Guarded(
    r"\b(?:no|not|excluding|exclude)\s+healthy\s+(?:volunteers?|subjects?)|healthy\s+volunteers?\s+(?:are|is|will\s+be)?\s*(?:not|excluded)"
)
_FROM_HEALTHY = re.compile(
    r"\b(?:from|donated by|compared\s+(?:to|with)|versus|vs\.?|unlike|than)\s+(?:a\s+|the\s+)?$", re.IGNORECASE
)


_MEASURED = {
    "both sexes": (274, 275),
    "one sex": (14, 18),
    "no sex": (972, 997),
    "healthy people": (89, 101),
    "no healthy people": (1181, 1187),
}
"""How often a statement was right, of how many: ``python -m benchmarks.registry_agreement --data DIR``.

Held against the registry's fields. Where the text is read as naming none, a registry that admits one sex alone makes
it wrong ("no sex"). Of the records where only the registry admits healthy people, those count as wrong
whose text was seen to name them.
"""


@value(frozen=True, slots=True)
class Stated:
    """A criterion as the readers of this module need it. ``donor`` is true for criteria of donors."""

    passage: Passage
    kind: CriterionKind
    category: Category
    donor: bool = False
    heading: str = ""


def read_sex(stated: Sequence[Stated]) -> Reading[Sex | None]:
    """The sex that the criteria name; lines on pregnancy and contraception alone say nothing of it."""
    only: list[tuple[Sex, Span]] = []
    for criterion in stated:
        if criterion.kind is CriterionKind.EXCLUSION or criterion.category is Category.REPRODUCTIVE or criterion.donor:
            continue
        text = criterion.passage.text
        if not find_words(text).keys() & _SEX_WORDS:
            continue
        if found := _ALL.search(text):
            span = criterion.passage.span(found.start(), found.end())
            return Reading(Sex.ALL, share(_MEASURED["both sexes"]), (span,), Support.INFERRED)
        female, male = _FEMALE.search(text), _MALE.search(text)
        word = female or male
        if word and bool(female) != bool(male) and (_ONLY.match(text) or criterion.category is Category.SEX):
            only.append((Sex.FEMALE if female else Sex.MALE, criterion.passage.span(word.start(), word.end())))
    sexes = {sex for sex, _ in only}
    if not sexes:
        return Reading(None, share(_MEASURED["no sex"]))
    if len(sexes) == 2:
        return Reading(Sex.ALL, 0.7, (only[0][1],), Support.INFERRED, tuple(sorted(sexes)))
    return Reading(only[0][0], share(_MEASURED["one sex"]), (only[0][1],), Support.INFERRED)


def read_healthy(stated: Sequence[Stated], summary: Iterable[Passage]) -> Reading[bool | None]:
    """Whether the text says that healthy people may, or may not, take part."""
    admitted = [
        criterion.passage for criterion in stated if criterion.kind is CriterionKind.INCLUSION and not criterion.donor
    ]
    for passage in [*admitted, *summary]:
        text = passage.text
        if "healthy" not in text.lower():
            continue
        if refused := _NOT_HEALTHY.search(text):
            span = passage.span(refused.start(), refused.end())
            return Reading(value=False, confidence=0.85, spans=(span,), support=Support.INFERRED)
        found = _HEALTHY.search(text)
        if found and not _FROM_HEALTHY.search(text, max(0, found.start() - 30), found.start()):
            span, confidence = passage.span(found.start(), found.end()), share(_MEASURED["healthy people"])
            return Reading(value=True, confidence=confidence, spans=(span,), support=Support.INFERRED)
    return Reading(None, share(_MEASURED["no healthy people"]))
