"""Check how the criteria below a line belong together, as a model describes it, by the words of the
line.
"""

from extractor.concepts.groups.read import read_words
from extractor.concepts.places import Derived
from extractor.language.book import rule
from extractor.language.lexer import Tokens
from extractor.schemas import CriterionGroup, GroupRule, Support


def find_group_rule(tokens: Tokens, value: CriterionGroup) -> Derived | None:
    """Find what supports a rule: the words that state it; the whole line, if it states none and
    the value has no number.

    Of "any of the following", the meaning decides: good values in any of the tests below are all
    required, and "no history of any" means none of them.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("High risk, shown by two or more of the following:")
    >>> rules = [
    ...     CriterionGroup(id="", rule="at_least", n=2),
    ...     CriterionGroup(id="", rule="any"),
    ... ]
    >>> [bool(find_group_rule(tokens, rule)) for rule in rules]
    [True, False]
    """
    stated = read_words(tokens)
    if stated is None:
        whole = Derived(0, len(tokens), Support.INFERRED)
        return whole if value.n is None else None
    group, (first, end) = stated
    if group == value:
        return Derived(first, end)
    is_denied = rule("denies_parts").ends(tokens, first) is not None
    may_mean_all = is_denied or "any" in tokens.read(first, end).lower().split()
    if may_mean_all and (group.rule, value.rule) == (GroupRule.ANY, GroupRule.ALL):
        return Derived(first, end, Support.INFERRED)
    return None
