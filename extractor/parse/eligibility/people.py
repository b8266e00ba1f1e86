"""Sex and healthy volunteers as the free text of a whole record states them."""

from collections.abc import Iterable, Sequence

from extractor.parse.parsed import Reading, Span
from extractor.parse.values import value
from extractor.schemas import Category, CriterionKind, Sex, Support
from extractor.text.book import rule
from extractor.text.passage import Passage
from extractor.text.patterns import Found

from .limits import Limit
from .measured import share

__all__ = ["Stated", "read_healthy", "read_sex"]

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
    """A criterion, which stands alone, as the readers of a whole record need it. ``donor``: it is one of donors."""

    passage: Passage
    kind: CriterionKind
    category: Category
    limits: Sequence[Limit] = ()
    donor: bool = False
    heading: str = ""


def read_sex(stated: Sequence[Stated]) -> Reading[Sex | None]:
    """The sex that the criteria name; lines on pregnancy and contraception alone say nothing of it."""
    only: list[tuple[Sex, Span]] = []
    for criterion in stated:
        if criterion.kind is CriterionKind.EXCLUSION or criterion.category is Category.REPRODUCTIVE or criterion.donor:
            continue
        tokens = criterion.passage.tokens
        if found := rule("all_sexes").search(tokens):
            spans = (_span(criterion.passage, found),)
            return Reading(Sex.ALL, share(_MEASURED["both sexes"]), spans, Support.INFERRED)
        female, male = rule("women").search(tokens), rule("men").search(tokens)
        word = female or male
        named = criterion.category is Category.SEX or rule("one_sex").starts(tokens, 0)
        if word and bool(female) != bool(male) and named:
            only.append((Sex.FEMALE if female else Sex.MALE, _span(criterion.passage, word)))
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
        tokens, first, end = passage.tokens, passage.first, passage.end
        if refused := rule("not_healthy").search(tokens, first, end):
            return Reading(value=False, confidence=0.85, spans=(_span(passage, refused),), support=Support.INFERRED)
        found = rule("healthy_people").search(tokens, first, end)
        if found and not rule("from_healthy").ends(tokens, found.first, max(first, found.first - 4)):
            confidence = share(_MEASURED["healthy people"])
            return Reading(value=True, confidence=confidence, spans=(_span(passage, found),), support=Support.INFERRED)
    return Reading(None, share(_MEASURED["no healthy people"]))


def _span(passage: Passage, found: Found) -> Span:
    return Span(passage.section.name, *passage.part(found.first, found.end).raw_span)
