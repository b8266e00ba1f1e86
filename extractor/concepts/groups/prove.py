"""Check how the criteria below a line belong together, as a model describes it, by the words of the
line.
"""

from extractor.concepts.groups.read import read_words
from extractor.concepts.limits.rows import find_numbers
from extractor.concepts.places import Derived
from extractor.language.book import rule
from extractor.language.lexer import Tokens
from extractor.schemas import CriterionGroup, GroupRule, Support


def find_group_rule(tokens: Tokens, value: CriterionGroup) -> Derived | None:
    """Find what supports a rule: the words that state it, else the whole line, if it states no
    other one.

    A number of criteria must be in the line. Of "any of the following", the meaning decides: good
    values in any of the tests below are all required, and "no history of any" means none of
    them.

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
    if stated:
        group, (first, end) = stated
        if group == value:
            return Derived(first, end)
        if group.rule is not GroupRule.ANY or value.rule is not GroupRule.ALL:
            return None
        has_any = "any" in map(str.lower, tokens.words[first:end])
        if has_any or rule("denies_parts").ends(tokens, first):
            return Derived(first, end, Support.INFERRED)
        return None
    wanted = {value.n, value.n_high}
    numbers = [number for number in find_numbers(tokens) if number.value in wanted]
    if value.n is not None:
        written = {number.value for number in numbers}
        if written != wanted - {None}:
            return None
    if not numbers:
        return Derived(0, len(tokens), Support.INFERRED)
    return Derived(numbers[0].first, numbers[-1].end, Support.INFERRED)
