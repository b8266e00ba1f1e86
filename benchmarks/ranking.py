"""Measure, by field, how well confidences are calibrated on values that were not used to fit them.

    python -m benchmarks.ranking --data DIR --records INPUT... [--markdown]

``--records`` are the records of the gold; ``--data`` contains the labels and marks on which the
confidences are fitted (``benchmarks.training.signs``). Prints a row for each field: the number of
values, the mean confidence, the share of right values, how often a right value has a higher
confidence than a wrong value (``ranks``), and how many of the values with a confidence of 0.85 or
more are right.

Gold values are taken from folds 3 and 4, and each is judged by a fit without its fold; marks are
taken from the half that is never used for fitting. A value is judged if its item is in gold:
limits, windows, amounts and arms one by one, and a part of a value if the value is right. Other
fields are judged as whole lists, by the curves of ``benchmarks.reliability``; empty lists are
omitted.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.data import parse_options
from benchmarks.gold import read_gold
from benchmarks.reliability import cross_validate, judge_gold
from benchmarks.training.sign_rows import GOLD_SOURCE
from benchmarks.training.signs import UNREAD, Claim, format_claims, read_rows, test
from extractor.formats import read_records


def main() -> None:
    """Print the table."""
    chosen = parse_options(__doc__, data=..., records=[...], markdown=False)
    claims = test(list(read_rows(chosen.data, chosen.records)))
    known = {claim.field for claim in claims}
    claims += [
        claim for claim in list_curved(chosen.records) if claim.field not in known
    ]
    print(format_claims(claims, markdown=chosen.markdown))


def list_curved(inputs: Sequence[Path]) -> Iterator[Claim]:
    """Yield the values in folds 3 and 4, with confidences from curves fitted without their fold."""
    records = read_records(*inputs, on_error=lambda _: None)
    judged = judge_gold(read_gold(), records)
    stated = [value for value in judged if value.confidence]
    for value, confidence in zip(stated, cross_validate(stated), strict=True):
        if value.fold in UNREAD and value.read not in (None, ()):
            yield Claim(GOLD_SOURCE, value.field, value.trial, confidence, value.right)


if __name__ == "__main__":
    main()
