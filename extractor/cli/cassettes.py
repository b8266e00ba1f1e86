"""``extractor cassettes``: record the exchanges that tests replay, and report stale ones."""

from pathlib import Path
from typing import Annotated

import typer

from .commands import Commands
from .console import FAILED, errors_for_people

app = Commands(help="Recordings of exchanges with models, for tests.", no_args_is_help=True)

_ScenariosFile = Annotated[Path, typer.Option("--scenarios", help="File of scenarios; the cassettes lie beside it.")]
_DEFAULT = Path("tests/cassettes/scenarios.toml")


@app.command()
def record(
    model: Annotated[str, typer.Option(help="As in `extractor run`.", envvar="EXTRACTOR_MODEL")],
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Scenarios to record.")] = None,
    scenarios: _ScenariosFile = _DEFAULT,
) -> None:
    """Send the scenarios' requests to a model and record the exchanges.

    Without names: every scenario meant for this model (a model that no scenario names counts as capable).
    """
    import asyncio

    from extractor.llm.opening import ModelChoice
    from extractor.run.scenarios import read_scenarios, record_scenario

    from .environment import read_model_spec

    with errors_for_people():
        spec = read_model_spec(model)
        choice = ModelChoice(spec)
        known = {scenario.name: scenario for scenario in read_scenarios(scenarios)}
        if unknown := sorted(set(names or ()) - set(known)):
            raise ValueError(f"no such scenario: {', '.join(unknown)}")
        meant = spec.name if any(one.answered_by == spec.name for one in known.values()) else "capable"
        for name, scenario in known.items():
            if name in names if names else scenario.answered_by == meant:
                extractions = asyncio.run(record_scenario(scenario, scenarios.parent, choice))
                calls = sum(extraction.usage.calls for extraction in extractions if extraction.usage)
                typer.echo(f"{name}: {calls} exchanges")


@app.command()
def check(scenarios: _ScenariosFile = _DEFAULT) -> None:
    """Name every cassette that is stale, edited, missing, or holds a key. Exit code 1 if there is one."""
    from extractor.llm.cassettes import check_cassettes
    from extractor.llm.prompt import list_prompt_versions
    from extractor.run.scenarios import read_scenarios

    with errors_for_people():
        wanted = {scenario.name for scenario in read_scenarios(scenarios)}
        there = {path.stem for path in scenarios.parent.glob("*.yaml")}
        problems = check_cassettes(scenarios.parent, list_prompt_versions())
        problems += [f"{name}.yaml: is missing; record it" for name in sorted(wanted - there)]
        problems += [f"{name}.yaml: belongs to no scenario; delete it" for name in sorted(there - wanted)]
        for problem in problems:
            typer.echo(problem)
        if problems:
            raise SystemExit(FAILED)
