"""The frequency that the unit of an amount implies: "40 mg/day", "5 mL/h"."""

from extractor.concepts.doses.amounts import AmountMark
from extractor.concepts.doses.marks import Mark
from extractor.language.book import rule
from extractor.language.lexer import Tokens
from extractor.schemas import Frequency

_RATES = {
    "rate_per_day": Frequency.QD,
    "rate_per_week": Frequency.QW,
    "rate_of_infusion": Frequency.CONTINUOUS,
}


def read_rate(tokens: Tokens, amount: AmountMark) -> Mark[Frequency] | None:
    """Return the frequency of an amount per time, at the place of the amount; None if it is none.

    >>> from extractor.concepts.doses.amounts import find_amounts
    >>> from extractor.language.book import read_text
    >>> tokens = read_text("40 mg/day, then 10 mg")
    >>> rates = [read_rate(tokens, amount) for amount in find_amounts(tokens)]
    >>> [rate and rate.value.value for rate in rates]
    ['QD', None]
    """
    for name, code in _RATES.items():
        if rule(name).ends(tokens, amount.end, amount.first):
            return Mark(code, amount.first, amount.end, section=amount.section)
    return None
