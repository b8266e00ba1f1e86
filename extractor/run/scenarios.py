"""Scenarios: records whose questions are put to a model once, recorded, and replayed in tests."""

import tomllib
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from extractor.api import extract_record
from extractor.errors import CassetteError
from extractor.llm.cassettes import first_request, use_cassette
from extractor.llm.client import ClientSettings, Model
from extractor.llm.limits import RetryPolicy, SkippedTime
from extractor.llm.opening import ModelChoice, open_model
from extractor.llm.requests import mode_of
from extractor.llm.spec import ModelKind, ModelSpec
from extractor.options import Assist, ExtractionOptions
from extractor.read import read_records
from extractor.schemas import Task, TrialExtraction

CAPABLE = "capable"
"""Stands for any model that reads well; other models are meant by their name."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is asked of which model, and what that shows.

    ``input`` is a file of records, seen from the folder of the scenarios' file; the first ``records`` of it are used.
    ``answered_by`` is ``capable`` or a model's name. ``output_tokens`` cuts answers short on purpose.
    """

    name: str
    shows: str
    input: str
    answered_by: str = CAPABLE
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
        raise CassetteError(f"{path}: holds no scenarios: {error}") from error


async def record_scenario(scenario: Scenario, folder: Path, choice: ModelChoice) -> list[TrialExtraction]:
    """Put the scenario's questions to the chosen model and keep the exchanges in ``<name>.yaml``."""
    async with open_model(choice, _settings(scenario)) as model:
        with use_cassette(folder / f"{scenario.name}.yaml", record=True):
            return await _extract(scenario, folder, model)


async def replay_scenario(scenario: Scenario, folder: Path) -> list[TrialExtraction]:
    """The same from the recording: no network, no waiting.

    Raises ``CassetteMiss`` for a question that was never recorded, ``CassetteError`` for a recorded one that is not
    asked any more.
    """
    time, path = SkippedTime(), folder / f"{scenario.name}.yaml"
    first = first_request(path)
    spec = ModelSpec(ModelKind.SERVER, str(first["model"]), "http://model.test/v1")
    settings = replace(_settings(scenario), mode=mode_of(first))
    with use_cassette(path):
        async with Model(spec, settings, RetryPolicy(sleep=time.sleep, clock=time.clock)) as model:
            return await _extract(scenario, folder, model)


def _settings(scenario: Scenario) -> ClientSettings:
    """How the model is asked: one request after the other, so that a recording has one order."""
    return ClientSettings(reasks=scenario.reasks, concurrency=1, output_tokens=scenario.output_tokens)


async def _extract(scenario: Scenario, folder: Path, model: Model | None) -> list[TrialExtraction]:
    records = islice(read_records(folder / scenario.input), scenario.records)
    options = ExtractionOptions(scenario.tasks, scenario.assist)
    return [await extract_record(record, model, options) for record in records]
