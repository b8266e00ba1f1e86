"""Match a patient with trials in a worker process: what the operations send and return."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from extractor.apps.export import list_tables, read_run_registry
from extractor.apps.match import match_trials, sort_matches
from extractor.apps.serve.reading import PostedRecord
from extractor.errors import ArgumentError
from extractor.face import JoinedRuns, Match, Patient, Synonyms, join_synonyms
from extractor.schemas import TrialExtraction
from extractor.schemas.base import find_fault
from extractor.schemas.vocabulary import DOUBTFUL_BELOW

LARGEST_REPLY = 50_000_000
"""Maximum number of bytes in a reply."""
_MOST_ROWS = 10_000


class PatientRequest(BaseModel):
    """A patient to compare with the criteria of trials."""

    model_config = ConfigDict(extra="forbid")

    patient: Patient
    min_confidence: Annotated[float, Field(ge=0, le=1)] = DOUBTFUL_BELOW
    synonyms: Annotated[list[list[str]], Field(max_length=_MOST_ROWS)] = []
    classes: Annotated[dict[str, list[str]], Field(max_length=_MOST_ROWS)] = {}

    def join(self) -> Synonyms:
        """Return the synonyms and the classes."""
        return join_synonyms(self.synonyms, self.classes.items())


class MatchRequest(PatientRequest):
    """Trials, and a patient to compare with their criteria."""

    extractions: list[TrialExtraction]


class Matched(NamedTuple):
    """A reply as JSON, or the problem: its type, place and details."""

    content: bytes = b""
    problem: str = ""
    place: str = ""
    detail: str = ""


def match_posted(posted: PostedRecord) -> Matched:
    """Match the patient in a body with the extractions in it."""
    try:
        asked = MatchRequest.model_validate_json(posted.body)
        matches = match_trials(
            asked.extractions,
            [asked.patient],
            min_confidence=asked.min_confidence,
            synonyms=asked.join(),
        )
        return _write(matches)
    except ValidationError as error:
        place, detail = find_fault(error)
        return Matched(problem="wrong-parameter", place=place or "body", detail=detail)
    except ArgumentError as error:
        return Matched(problem="wrong-parameter", place="patient", detail=str(error))


def match_run(posted: PostedRecord, run: Path) -> Matched:
    """Match the patient in a body with the trials of a run, and sort these."""
    try:
        asked = PatientRequest.model_validate_json(posted.body)
    except ValidationError as error:
        place, detail = find_fault(error)
        return Matched(problem="wrong-parameter", place=place or "body", detail=detail)
    joined = JoinedRuns([run])
    registry, _ = read_run_registry(joined, list_tables())
    matches = match_trials(
        joined,
        [asked.patient],
        min_confidence=asked.min_confidence,
        synonyms=asked.join(),
        registry=registry,
    )
    return _write(sort_matches(matches))


def _write(matches: Iterable[Match]) -> Matched:
    """Return matches as JSON, unless they are too large."""
    written = []
    size = 0
    for match in matches:
        line = json.dumps(match.to_dict(), ensure_ascii=False).encode()
        size += len(line)
        if size > LARGEST_REPLY:
            return Matched(
                problem="too-large",
                place="extractions",
                detail=f"the reply has more than {LARGEST_REPLY:,} bytes",
            )
        written.append(line)
    return Matched(b"[" + b",".join(written) + b"]")
