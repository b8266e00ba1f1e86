"""What the learned scorers see of an outcome: the words of its three parts, its rank, and what the trial is about."""

from collections.abc import Sequence

from extractor.parse.scoring import Bag, join_pairs, open_with, read_tokens
from extractor.parse.values import value
from extractor.parse.vocabulary import Vocabulary, load_vocabulary
from extractor.schemas import Rank, TrialRecord

__all__ = ["OutcomeWords", "describe_outcomes", "trial_tokens"]


@value(frozen=True, slots=True)
class OutcomeWords:
    """The cleaned parts of an outcome, "" where it has none; ``about`` are the tokens of ``trial_tokens``."""

    measure: str
    description: str = ""
    time_frame: str = ""
    rank: Rank = Rank.PRIMARY
    about: Sequence[str] = ()


_LONGEST = {"measure": 60, "description": 80, "time_frame": 30}
"""How many tokens of a part are read: what comes later explains the method."""
_START = 4
_HINTS_READ = 400
_ABOUT = 30


def trial_tokens(record: TrialRecord) -> list[str]:
    """The first tokens of the title and of the conditions: what is measured depends on what is treated."""
    sections = (record.section(name) for name in ("title", "conditions"))
    return [token for section in sections if section for token in read_tokens(section.text)[:_ABOUT]]


def describe_outcomes(outcomes: Sequence[OutcomeWords]) -> list[Bag]:
    """The features of several outcomes, in order.

    >>> describe_outcomes([OutcomeWords("Overall survival", time_frame="2 years")])[0]["frame"]
    ['0', 'years']
    """
    told = (text for outcome in outcomes for text in (outcome.measure, outcome.description[:_HINTS_READ]))
    hints = load_vocabulary("concepts").narrow("\n".join(told))
    return [_describe(outcome, hints) for outcome in outcomes]


def _describe(outcome: OutcomeWords, hints: Vocabulary) -> Bag:
    measure = read_tokens(outcome.measure)[: _LONGEST["measure"]]
    description = read_tokens(outcome.description[:1200])[: _LONGEST["description"]]
    return {
        "words": measure,
        "pairs": join_pairs(measure),
        "told": description,
        "told_pairs": join_pairs(description),
        "frame": read_tokens(outcome.time_frame[:400])[: _LONGEST["time_frame"]],
        "known": [match.value for match in hints.find(outcome.measure)],
        "told_known": [match.value for match in hints.find(outcome.description[:_HINTS_READ])],
        "marks": [*open_with(measure), f"rank_{outcome.rank}", f"told_{len(description).bit_length()}"],
        "start": measure[:_START],
        "about": outcome.about,
    }
