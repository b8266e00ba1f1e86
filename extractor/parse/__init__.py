"""The pre-parser: what can be read from a record by rules, without a model."""

from collections.abc import Mapping
from itertools import count

from extractor.schemas import TrialRecord
from extractor.text.passage import Section, read_section

from .dosing import read_dosing
from .eligibility import read_eligibility
from .endpoints import Outcome, read_outcomes, split_outcomes
from .injection import blank_out, find_hostile, shorten_parts
from .parsed import ParsedRecord
from .scoring import calibrate_record

__all__ = ["Outcome", "ParsedRecord", "parse_record", "parse_uncalibrated", "split_outcomes"]


def parse_record(record: TrialRecord) -> ParsedRecord:
    """Read everything that the rules know of a record. Pure: the same record gives the same result.

    Text that is aimed at a model is noted and blanked before anything is read. A confidence is the share of such
    readings that was right on annotated records.
    """
    return calibrate_record(parse_uncalibrated(record))


def parse_uncalibrated(record: TrialRecord) -> ParsedRecord:
    """What ``parse_record`` gives, with confidences as the readers state them. Calibration is fitted to these."""
    sections: Mapping[str, Section] = {
        section.name: read_section(section.name, section.text) for section in record.sections
    }
    hostile = find_hostile(record, sections)
    record, sections = blank_out(record, sections, hostile)
    numbers = count(1)
    return ParsedRecord(
        record=record,
        sections=sections,
        eligibility=read_eligibility(sections, numbers),
        dosing=read_dosing(record, sections, numbers),
        outcomes=shorten_parts(read_outcomes(record, sections, numbers), record, hostile),
        hostile=hostile,
    )
