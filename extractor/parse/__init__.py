"""The pre-parser: what can be read from a record by rules, without a model."""

from itertools import count
from types import MappingProxyType

from extractor.schemas import TrialRecord

from .clean import clean_text
from .dosing import read_dosing
from .eligibility import read_eligibility
from .memory import forget_texts
from .outcomes import Outcome, read_outcomes, split_outcomes
from .parsed import ParsedRecord

__all__ = ["Outcome", "ParsedRecord", "parse_record", "split_outcomes"]


def parse_record(record: TrialRecord) -> ParsedRecord:
    """Read everything that the rules know of a record. Pure: the same record gives the same result."""
    cleaned = MappingProxyType({section.name: clean_text(section.text) for section in record.sections})
    numbers = count(1)
    try:
        return ParsedRecord(
            record=record,
            cleaned=cleaned,
            eligibility=read_eligibility(record, cleaned, numbers),
            dosing=read_dosing(record, cleaned, numbers),
            outcomes=read_outcomes(record, cleaned, numbers),
        )
    finally:
        forget_texts()
