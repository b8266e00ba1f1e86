"""Whether a record's doses are read anew as a whole: one list from a model beside that of the rules.

What the rules doubt in the regimens that they read tells of those that they missed, too: where the wording is
strange to them, it is so for all of them. So the whole list is asked or nothing but single fields.
"""

from collections.abc import Sequence

from extractor.llm.prompting.lines import estimate_tokens
from extractor.llm.prompting.prompt_files import load_prompt
from extractor.parse.parsed import ParsedDosing, ParsedRegimen
from extractor.schemas import Task

from .stretches import Stretch
from .worth import WRITTEN

__all__ = ["estimate_doubt", "is_worth_reading"]

_FIELDS = ("agent", "role", "amounts", "route", "frequency", "cycle", "duration", "timing")
_DOUBT_PER_TOKEN = 0.0022
"""Doubt that one token must settle. Less than for a single field: of a list that is read anew all is believed."""
_MISSED = 2.0
"""Values that are missed or wrong for each one that the rules think they have wrong. Counted on annotated records."""
_CANDIDATE, _UNREAD = 2.7, 1.2
"""Values missed for each candidate, and for each stretch of a record of which the rules read no regimen at all."""
_REGIMEN = 70
"""Tokens that a model writes for one regimen."""


def is_worth_reading(dosing: ParsedDosing, stretches: Sequence[Stretch]) -> bool:
    """Whether a model's list of all regimens settles enough doubt for the tokens that it takes."""
    return bool(stretches) and estimate_doubt(dosing, stretches) >= _DOUBT_PER_TOKEN * _measure(dosing, stretches)


def estimate_doubt(dosing: ParsedDosing, stretches: Sequence[Stretch]) -> float:
    """How many values of a record's regimens the rules have probably wrong, or do not have."""
    doubt = _MISSED * sum(map(_doubt_regimen, dosing.regimens)) + _CANDIDATE * len(dosing.candidates)
    return doubt if dosing.regimens else doubt + _UNREAD * sum(stretch.tells for stretch in stretches)


def _doubt_regimen(regimen: ParsedRegimen) -> float:
    return sum(1 - float(getattr(regimen, field).confidence) for field in _FIELDS)


def _measure(dosing: ParsedDosing, stretches: Sequence[Stretch]) -> float:
    definitions = load_prompt().tasks[Task.DOSING].definitions.values()
    read = sum(estimate_tokens(definition.narrow(None)) for definition in definitions)
    read += sum(estimate_tokens(stretch.chunk.text) for stretch in stretches)
    return read + WRITTEN * _REGIMEN * max(1, len(dosing.regimens))
