"""The other names that a registry gives an intervention, such as codes and brands, and which agent
each names.

Registries write them one a field, or several in one: "MK-7119; Fictira / Examplix (adalimumab)".
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from extractor.concepts.doses.marks import Place
from extractor.concepts.doses.names import find_general, is_alias, list_glosses, name_key, trim_name
from extractor.language.book import rule, word_set
from extractor.language.lexer import Tokens, lex

_SKIPPED = frozenset("-®™")
"""Signs to ignore between the words of a name."""
_SEPARATORS = frozenset(",;|/")
_LABELS = word_set("name names brand trade generic code synonym synonyms aka known")
"""Words of a label in front of a name: "Brand name: Fictira"."""


class OtherName(NamedTuple):
    """Another name, and its place. ``of`` is the name in brackets beside it: "Fictira
    (adalimumab)".
    """

    name: str
    place: Place
    of: str | None = None


def find_other_names(tokens: Tokens, place: Place) -> Iterator[OtherName]:
    """Yield the names in a field of other names: the whole field, and its parts if it lists
    several.

    >>> from extractor.language.lexer import lex
    >>> tokens = lex("D2E7; Brand name: Fictira (adalimumab)")
    >>> [(one.name, one.of) for one in find_other_names(tokens, (0, len(tokens)))]
    [('D2E7; Brand name: Fictira (adalimumab)', None), ('D2E7', None), ('Fictira', 'adalimumab')]
    """
    if is_alias(tokens, *place):
        yield OtherName(tokens.read(*place), place)
    for part in _split(tokens, *place):
        trimmed = trim_name(tokens, *_skip_label(tokens, *part))
        if trimmed is None or trimmed == place or not _is_name(tokens, *trimmed):
            continue
        glosses = list(list_glosses(tokens, *part))
        yield OtherName(tokens.read(*trimmed), trimmed, glosses[0] if glosses else None)


def _split(tokens: Tokens, first: int, end: int) -> Iterator[Place]:
    """Yield the parts between separators, of which those inside a name ("TMC114/r",
    "1,3-glucan") are none.
    """
    start = first
    depth = 0
    for at in range(first, end):
        word = tokens.words[at]
        depth += (word in "([") - (word in ")]")
        is_inside = at + 1 < end and tokens.joined(at + 1)
        if word in _SEPARATORS and depth <= 0 and not is_inside:
            if at > start:
                yield start, at
            start = at + 1
    if end > start:
        yield start, end


def _skip_label(tokens: Tokens, first: int, end: int) -> Place:
    for at in range(first, end):
        if tokens.words[at] == ":" and tokens.words[at - 1].lower() in _LABELS:
            return at + 1, end
    return first, end


def _is_name(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether a part of a field is a name of its own: it has a capital or a digit, or
    names a known agent.
    """
    if not is_alias(tokens, first, end) or rule("form_of_giving").covers(tokens, first, end):
        return False
    text = tokens.read(first, end)
    return (
        text != text.lower()
        or any(map(str.isdigit, text))
        or bool(find_general(tokens, first, end))
    )


def count_name(name: str, tokens: Tokens, besides: Sequence[Place] = ()) -> int:
    """Return how often a text has a name, whatever its case and hyphens, outside of some places.

    >>> from extractor.language.lexer import lex
    >>> count_name("MK-7119", lex("MK7119 or MK-7119, then mk 7119 and MK-71190"))
    3
    """
    wanted = _fold_words(lex(name_key(name)), ())
    found = _fold_words(tokens, besides)
    return sum(found[at : at + len(wanted)] == wanted for at in range(len(found)))


def _fold_words(tokens: Tokens, besides: Sequence[Place]) -> list[str]:
    return [
        word.lower()
        for at, word in enumerate(tokens.words)
        if word not in _SKIPPED and not any(first <= at < end for first, end in besides)
    ]
