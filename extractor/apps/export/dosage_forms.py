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
    """Return the form of a regimen's drug. The first source that names any form decides: the
    regimen's own words, the names of its interventions, the words of its arms before the dose, the
    descriptions of its interventions. None if it names several, and if no source names one. A form
    such as powder or injection does not count beside a closer one.

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
        close = forms - _WAYS or forms
        if len(close) > 1:
            return None
        return close.pop()
    return None


@lru_cache(maxsize=_KEPT)
def _list_forms(text: str) -> tuple[str, ...]:
    """Return the forms that a text names, each once, without those that are inside another one."""
    folded = text.lower()
    if not any(term in folded for term in _list_terms()):
        return ()
    tokens = read_text(text)
    forms = list[str]()
    outer_end = 0
    for term in find_terms(tokens, "dosage_forms"):
        between = {word.lower() for word in tokens.words[outer_end : term.first]}
        is_near = bool(outer_end) and len(between) <= _NEAR
        # "A capsule containing a tablet of 10 mg": what is given is the capsule.
        if is_near and not between.isdisjoint(_HOLDING):
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
