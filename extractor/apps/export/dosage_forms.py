"""Say in which form a drug is given, as the words say: tablet, cream, injection."""

from collections.abc import Iterable, Sequence
from functools import cache, lru_cache

from extractor.apps.export.interventions import Intervention
from extractor.language.book import find_terms, read_text, terms_of

_KEPT = 4096
"""How many texts' forms are cached."""
_WAYS = frozenset({"injection", "infusion", "solution", "suspension", "powder"})
"""Forms that may stand beside a closer one: "powder for inhaler"."""
_HOLDING = frozenset(
    {"containing", "contains", "contained", "filled", "holding", "enclosing"}
)
"""Words between a form and another one that is inside it."""
_NEAR = 8
"""The most different words between them."""


def find_form(
    quotes: Iterable[str],
    interventions: Sequence[Intervention],
    arms: Iterable[str] = (),
) -> str | None:
    """Return the only form that a regimen's own words name, else the names of its intervention,
    else its arms before the dose, else the description of the intervention; None if they name
    several.

    >>> find_form(["Fictumab 50 mg tablets"], ())
    'tablet'
    """
    names: list[str] = []
    descriptions: list[str] = []
    for registered in interventions:
        names += registered.names
        descriptions.append(registered.description or "")
    for texts in (quotes, names, arms, descriptions):
        forms = set[str]()
        for text in texts:
            forms.update(_list_forms(text))
        if not forms:
            continue
        # The first source that names forms decides, if only that they are several.
        close = forms - _WAYS or forms
        return close.pop() if len(close) == 1 else None
    return None


@lru_cache(maxsize=_KEPT)
def _list_forms(text: str) -> tuple[str, ...]:
    """Return the forms that a text names, without those that are inside another one."""
    folded = text.lower()
    if not any(term in folded for term in _list_terms()):
        return ()
    tokens = read_text(text)
    forms = list[str]()
    outer_end = 0
    for term in find_terms(tokens, "dosage_forms"):
        between = {word.lower() for word in tokens.words[outer_end : term.first]}
        is_held = bool(outer_end) and not between.isdisjoint(_HOLDING)
        # "a capsule containing a tablet of 10 mg": what is given is the capsule.
        if is_held and len(between) <= _NEAR:
            continue
        forms.append(term.value)
        outer_end = term.end
    return tuple(dict.fromkeys(forms))


@cache
def _list_terms() -> tuple[str, ...]:
    """Return the first words of all forms: a text without them need not be read."""
    first_words = set[str]()
    for entry in terms_of("dosage_forms"):
        for term in entry.terms:
            first_words.add(term.lower().replace("-", " ").split()[0])
    return tuple(first_words)
