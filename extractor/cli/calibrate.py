"""``extractor calibrate``: the confidence of your own fields, counted on your own gold."""

from pathlib import Path
from typing import Annotated

import typer

from .console import FAILED, OK, print_table, say
from .options import RunArgument


def calibrate(
    gold: Annotated[Path, typer.Argument(metavar="GOLD", exists=True, help="Annotations with values under custom.")],
    run: RunArgument,
) -> int:
    """Count how often a model's values of your own fields are right.

    Prints a line for each field with at least 50 values, to add to its TOML:
    from then on it is the confidence of new values, which are marked as
    calibrated. A field with fewer keeps the prior.

    Exit codes: 0 done, 1 no field has 50 values, 2 usage.
    """
    from extractor.evaluation.calibration import LEAST_VALUES, count_support
    from extractor.run.finished import FinishedRun
    from extractor.run.manifest import restore_fields

    fields = restore_fields(FinishedRun(run).manifest.settings)
    if not fields:
        raise ValueError(f"{run}: has no fields of your own; give them to extractor run with --fields")
    shares = count_support(gold, run, fields)
    rows = [(one.field, one.support.value, str(one.right), str(one.total), f"{one.confidence:g}") for one in shares]
    print_table(("own field", "support", "right", "values", "confidence"), rows, apart=False)
    enough = [one for one in shares if one.total >= LEAST_VALUES]
    for field in fields:
        counted = ", ".join(f"{one.support.value} = {one.confidence:g}" for one in enough if one.field == field.name)
        few = f"{field.name} has too few values of a model in gold; {LEAST_VALUES} of one support are needed"
        say(f"add to {field.name}: confidence = {{ {counted} }}" if counted else few)
    return OK if enough else FAILED
