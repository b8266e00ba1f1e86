"""Check how the criteria below a line belong together, as a model says it, by the words of the
line.
"""

from extractor.concepts.groups.read import read_words
from extractor.concepts.limits.rows import find_numbers
from extractor.concepts.places import Derived
from extractor.language.book import rule
from extractor.language.lexer import Tokens
from extractor.schemas import CriterionGroup, GroupRule, Support


def find_group_rule(tokens: Tokens, value: CriterionGroup) -> Derived | None:
    """Find what bears out a rule: the words that state it, else the whole line, if it states no
    other one.

    A number of criteria must stand in the line. Of "any of the following", meaning decides: good
    values shown by any of the tests below are all wanted, and "no history of any" means none of
    them.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("High risk, shown by two or more of the following:")
    >>> rules = [
    ...     CriterionGroup(id="", rule="at_least", n=2),
    ...     CriterionGroup(id="", rule="any"),
    ... ]
    >>> [bool(find_group_rule(tokens, each)) for each in rules]
    [True, False]
    """
    stated = read_words(tokens)
    if stated:
        said, (first, end) = stated
        if said == value:
            return Derived(first, end)
        open_ = "any" in map(str.lower, tokens.words[first:end]) or rule(
            "denies_parts"
        ).ends(tokens, first)
        chosen = said.rule is GroupRule.ANY and value.rule is GroupRule.ALL and open_
        return Derived(first, end, Support.INFERRED) if chosen else None
    numbers = [
        one for one in find_numbers(tokens) if one.value in (value.n, value.n_high)
    ]
    if value.n is not None and {one.value for one in numbers} != {
        value.n,
        value.n_high,
    } - {None}:
        return None
    first, end = (numbers[0].first, numbers[-1].end) if numbers else (0, len(tokens))
    return Derived(first, end, Support.INFERRED)
