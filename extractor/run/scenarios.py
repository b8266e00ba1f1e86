"""Scenarios: records whose questions a model answers once, in a recording that tests replay."""

import tomllib
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from extractor.api import extract_record
from extractor.errors import CassetteError
from extractor.llm.cassettes import use_cassette
from extractor.llm.client import ClientSettings, Model
from extractor.llm.opening import ModelChoice, open_model
from extractor.options import Assist, ExtractionOptions
from extractor.read import read_records
from extractor.schemas import Task, TrialExtraction

_ANY_NUMBER = 1000
"""A scenario that truncates answers on purpose shows all halves."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A model's task, and the behaviour that it ``shows``.

    ``input`` is a file of records, relative to the scenarios' file; its first ``records`` are used. ``answered_by`` is
    ``capable`` or a model's name. ``output_tokens`` truncates answers on purpose.
    """

    name: str
    shows: str
    input: str
    answered_by: str = "capable"
    tasks: tuple[Task, ...] = tuple(Task)
    assist: Assist = Assist.AUTO
    reasks: int = 1
    output_tokens: int | None = None
    records: int = 1


def read_scenarios(path: Path) -> tuple[Scenario, ...]:
    """The scenarios of a TOML file. Raises ``CassetteError`` if it is missing or broken."""
    try:
        raw = tomllib.loads(path.read_text("utf-8"))["scenario"]
        return TypeAdapter(tuple[Scenario, ...]).validate_python(raw)
    except OSError as error:
        raise CassetteError(f"{path}: {error.strerror}; name the file of scenarios with --scenarios") from error
    except (tomllib.TOMLDecodeError, KeyError, ValidationError) as error:
        raise CassetteError(f"{path}: contains no scenarios: {error}") from error


async def record_scenario(scenario: Scenario, folder: Path, choice: ModelChoice) -> list[TrialExtraction]:
    """Send the scenario's questions to the chosen model, and record the exchanges in ``<name>.yaml``."""
    async with open_model(choice, settings_of(scenario)) as model:
        with use_cassette(folder / f"{scenario.name}.yaml", record=True):
            return await extract_scenario(scenario, folder, model)


def settings_of(scenario: Scenario) -> ClientSettings:
    """The settings of the client: one request at a time, so that a recording has a fixed order."""
    settings = ClientSettings(reasks=scenario.reasks, concurrency=1, output_tokens=scenario.output_tokens)
    return replace(settings, most_calls=_ANY_NUMBER) if scenario.output_tokens else settings


async def extract_scenario(scenario: Scenario, folder: Path, model: Model | None) -> list[TrialExtraction]:
    """Extract a scenario's records."""
    records = islice(read_records(folder / scenario.input), scenario.records)
    options = ExtractionOptions(scenario.tasks, scenario.assist)
    return [await extract_record(record, model, options) for record in records]
