"""Which group of people a limit of a list of groups is said of: "patients with AHI > 15, controls
with AHI < 5".
"""

import re
from collections.abc import Mapping
from functools import lru_cache

from extractor.concepts.limits.mentions import Mention, find_mentions
from extractor.concepts.limits.quantity_names import spell_words
from extractor.language.book import rule, word_list
from extractor.language.lexer import Tokens

_LABEL_REACH = 12
"""How many tokens before a number the words for its group may begin."""
_NUMBERED = re.compile(r"\b(group|cohort|arm|part|phase|stage|stratum) (\w+)")
_KINDS = frozenset({"group", "groups", "cohort", "cohorts", "arm", "arms", "part"})
"""Words that tell no group from another one."""


def is_of_other_group(words: str, mention: Mention, tokens: Tokens) -> bool:
    """Return whether ``words``, the name of a quantity, name the group of people of another limit
    of a line, and not that of ``mention``.

    Both limits must have words for a group directly in front of their quantities. Without any, a
    mention is never of another group, as it may be of the group before it.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("Patients with AHI > 15, controls with AHI < 5")
    >>> [
    ...     is_of_other_group("controls", mention, tokens)
    ...     for mention in find_mentions(tokens)
    ... ]
    [True, False]
    """
    labels = _find_labels(tokens)
    own = labels.get(mention.number[0])
    if own is None:
        return False
    others = frozenset[str]().union(*labels.values()) - own
    named = _list_words(words)
    return not named.isdisjoint(others) and named.isdisjoint(own)


@lru_cache(maxsize=16)
def _find_labels(tokens: Tokens) -> Mapping[int, frozenset[str]]:
    """Return the words for the group of each limit of a line that has some, by the first token of
    its number: those of the last label in its clause, behind the limit before it and at most twelve
    tokens before the number.
    """
    labels = {}
    last_end = 0
    for mention in find_mentions(tokens):
        number = mention.number[0]
        first = max(last_end, mention.clause[0], number - _LABEL_REACH)
        last_end = max(last_end, mention.end)
        matches = list(rule("group_label").find(tokens, first, number))
        if not matches:
            continue
        words = _list_words(matches[-1].read("group") or "")
        if words:
            labels[number] = words
    return labels


def _list_words(text: str) -> frozenset[str]:
    """Return the words of a text that tell one group from another. A kind with its number or letter
    is one word ("group a"), a kind alone ("group") tells none.
    """
    joined = _NUMBERED.sub(r"\1\2", text.lower())
    return frozenset(spell_words(joined)) - word_list("function_words") - _KINDS
