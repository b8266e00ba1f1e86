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
    """Return whether words name the group of another limit of a line, and not that of this one.

    Both limits must have words for a group directly in front of their quantities: a limit without
    any may be one of the group before it.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("Patients with AHI > 15, controls with AHI < 5")
    >>> [is_of_other_group("controls", one, tokens) for one in find_mentions(tokens)]
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
    """Return the words for a group of each limit that has some, by the place of its number."""
    found = {}
    done = 0
    for mention in find_mentions(tokens):
        first = max(done, mention.clause[0], mention.number[0] - _LABEL_REACH)
        labels = list(rule("group_label").find(tokens, first, mention.number[0]))
        words = _list_words(labels[-1].read("group") or "") if labels else None
        if words:
            found[mention.number[0]] = words
        done = max(done, mention.end)
    return found


def _list_words(text: str) -> frozenset[str]:
    """Return the words that tell a group: "group a" of "Group A" is one, "group" alone tells
    none.
    """
    joined = _NUMBERED.sub(r"\1\2", text.lower())
    return frozenset(spell_words(joined)) - word_list("function_words") - _KINDS
