"""Say in which form a drug is given, as the words say: tablet, cream, injection."""

from collections.abc import Iterable, Sequence
from functools import cache, lru_cache

from extractor.apps.export.interventions import Intervention
from extractor.language.book import find_terms, read_text, terms_of

_KEPT = 4096
"""How many texts' forms are cached."""
_WAYS = frozenset({"injection", "infusion", "solution", "suspension", "powder"})
"""Forms that may stand beside a closer one: "powder for inhaler"."""


def find_form(
    quotes: Iterable[str], interventions: Sequence[Intervention]
) -> str | None:
    """Return the only form that a regimen's own words name, else the names of its intervention,
    else the description of that; None if they name several.

    >>> find_form(["Fictumab 50 mg tablets"], ())
    'tablet'
    """
    sources = (
        list(quotes),
        [name for one in interventions for name in one.names],
        [one.description or "" for one in interventions],
    )
    for texts in sources:
        forms = {form for text in texts for form in _list_forms(text)}
        close = forms - _WAYS or forms
        if forms:
            return next(iter(close)) if len(close) == 1 else None
    return None


@lru_cache(maxsize=_KEPT)
def _list_forms(text: str) -> tuple[str, ...]:
    folded = text.lower()
    if not any(term in folded for term in _list_terms()):
        return ()
    tokens = read_text(text)
    return tuple({term.value for term in find_terms(tokens, "dosage_forms")})


@cache
def _list_terms() -> tuple[str, ...]:
    """Return the first words of all forms: a text without them need not be read."""
    terms = {term for entry in terms_of("dosage_forms") for term in entry.terms}
    return tuple({term.lower().replace("-", " ").split()[0] for term in terms})
