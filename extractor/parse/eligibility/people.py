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


def read_sex(
    stated: Sequence[Stated], titles: Sequence[Passage] = (), summary: Sequence[Passage] = ()
) -> Reading[Sex | None]:
    """The sex that the criteria name, else that of the titles, the conditions or the summary.

    Lines on pregnancy and contraception alone say nothing of it. ``titles`` holds the conditions too.
    """
    only: list[tuple[Sex, Span]] = []
    for criterion in stated:
        tokens = criterion.passage.tokens
        if criterion.kind is CriterionKind.EXCLUSION or criterion.donor:
            continue
        if criterion.category is Category.REPRODUCTIVE and not rule("sex_alone").covers(tokens, 0, len(tokens)):
            continue
        if found := rule("all_sexes").search(tokens):
            return _read_both(criterion.passage, found)
        named = criterion.category is Category.SEX or rule("one_sex").starts(tokens, 0)
        if named and (sex := _find_one_sex(criterion.passage)):
            only.append(sex)
    sexes = {sex for sex, _ in only}
    if not sexes:
        criteria = [criterion.passage for criterion in stated]
        both = all(any(rule(sex).search(passage.tokens) for passage in criteria) for sex in ("women", "men"))
        return _read_told_sex(titles, summary, of_one=not both)
    if len(sexes) == 2:
        return Reading(Sex.ALL, 0.7, (only[0][1],), Support.INFERRED, tuple(sorted(sexes)))
    return Reading(only[0][0], share(_MEASURED["one sex"]), (only[0][1],), Support.INFERRED)


def _read_told_sex(titles: Sequence[Passage], summary: Sequence[Passage], *, of_one: bool) -> Reading[Sex | None]:
    """The sex outside the criteria. A condition of one sex counts where no title names a sex, and if ``of_one``.

    Not that of a tumour: trials of tumours list several organs.
    """
    for passages, name in ((titles, "all_sexes"), (summary, "sexes_told")):
        for passage in passages:
            if found := rule(name).search(passage.tokens, passage.first, passage.end):
                return _read_both(passage, found)
    one = [sex for passage in titles if (sex := _find_one_sex(passage))]
    if not one and of_one and not any(rule("tumour").search(passage.tokens) for passage in titles):
        one = [sex for passage in titles if (sex := _find_one_sex(passage, "of_women", "of_men"))]
    one = one or [
        sex
        for passage in summary
        if rule("one_sex_told").search(passage.tokens, passage.first, passage.end) and (sex := _find_one_sex(passage))
    ]
    if len({sex for sex, _ in one}) != 1:
        return Reading(None, share(_MEASURED["no sex"]))
    return Reading(one[0][0], share(_MEASURED["one sex"]), (one[0][1],), Support.INFERRED)


def _read_both(passage: Passage, found: Found) -> Reading[Sex | None]:
    return Reading(Sex.ALL, share(_MEASURED["both sexes"]), (_span(passage, found),), Support.INFERRED)


def _find_one_sex(passage: Passage, of_women: str = "women", of_men: str = "men") -> tuple[Sex, Span] | None:
    """The one sex whose words a text holds, and where; None if it names none, or both."""
    tokens, first, end = passage.tokens, passage.first, passage.end
    female, male = rule(of_women).search(tokens, first, end), rule(of_men).search(tokens, first, end)
    word = female or male
    if not word or (female and male) or rule("not_sex").starts(tokens, word.first):
        return None
    return Sex.FEMALE if female else Sex.MALE, _span(passage, word)


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
