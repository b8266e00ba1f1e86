"""Imported by the process that others are forked off: what a first extraction loads, they all have then.

A process that replaces another answers its first wish as quickly as any other.
"""

from extractor.ask.plan.questions import Assist
from extractor.rules import extract_by_rules
from extractor.schemas import Task

from .examples import EXAMPLE_RECORD
from .extracting import read_single

__all__: list[str] = []

extract_by_rules(read_single("warm", EXAMPLE_RECORD.encode(), len(EXAMPLE_RECORD)), frozenset(Task), Assist.ALWAYS)
