"""``extractor evaluate``: score extractions against gold, or check the gold itself."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from extractor.apps.cli.console import (
    FAILED,
    OK,
    print_table,
    print_text,
    say,
    to_printable,
)
from extractor.apps.cli.examples import score_examples
from extractor.apps.cli.options import (
    SCORES,
    ComparedFieldsOption,
    JsonOption,
    RecordsOption,
    check_page,
    option,
)
from extractor.apps.cli.runs import open_runs, warn_incomplete
from extractor.apps.evaluation import ScoreReport, check_gold
from extractor.apps.evaluation.page import write_score_page
from extractor.apps.evaluation.scoring import evaluate as score
from extractor.apps.evaluation.scoring import split_fields
from extractor.apps.evaluation.tables import list_error_kinds, list_scores, write_cell
from extractor.face import CustomField, read_records
from extractor.options import FILES, MODEL, RARE, read_own_fields, split_comma_list
from extractor.plurals import counted
from extractor.run.finished import find_run
from extractor.run.joined import JoinedRuns, join_fields
from extractor.schemas.base import Inputs, StrPath

_SOURCE = "a folder of JSON files, a JSONL file or a run's folder"


def evaluate(
    gold: Annotated[
        Path, typer.Argument(metavar="GOLD", help=f"Annotations: {_SOURCE}.")
    ],
    predicted: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PREDICTED",
            exists=True,
            help=f"Extractions: {_SOURCE}; several are one input.",
        ),
    ] = None,
    as_json: JsonOption = False,
    html: Annotated[
        Path | None,
        option(
            FILES,
            "Write an HTML page that shows every error in context.",
            "--html",
            "-o",
            callback=check_page,
        ),
    ] = None,
    records: RecordsOption = None,
    compare: Annotated[
        list[Path] | None,
        option(
            SCORES,
            "Other extractions to compare PREDICTED with, using paired differences; repeatable.",
            exists=True,
        ),
    ] = None,
    fail_under: Annotated[
        str,
        option(
            SCORES,
            "Exit with code 1 if a score is below its minimum; minimums are given as "
            "all=0.8,dosing=0.7, for example.",
        ),
    ] = "",
    check: Annotated[
        bool,
        option(
            SCORES,
            "Check GOLD against its records, which are passed as PREDICTED.",
            "--check",
        ),
    ] = False,
    fields: ComparedFieldsOption = None,
    only_given: Annotated[
        bool,
        option(SCORES, "Ignore items that GOLD does not contain.", "--only-given"),
    ] = False,
    model: Annotated[
        str | None,
        option(
            MODEL,
            "The model used to extract the examples of custom fields (default: use the fields' "
            "patterns only).",
        ),
    ] = None,
    resamples: Annotated[
        int, option(RARE, "Number of bootstrap samples; 0 omits the intervals.", min=0)
    ] = 1000,
    examples: Annotated[
        int, option(RARE, "Maximum number of errors listed per kind.", min=0)
    ] = 1000,
) -> int:
    """Score extractions against gold annotations.

    F1 is computed over the values that occur in the gold, in the prediction or in both, for the
    fields that the gold contains. "stated" is the number of gold values; of these, "wrong" were
    predicted with a different value, and "missed" were not predicted. "invented" is the number of
    predicted values without a gold value.

    --fail-under accepts the names in the first column, and compares normalised F1. To score the
    examples of a custom field, pass FILE.py:NAME instead of GOLD.


    Exit codes: 0 done, 1 a score is below --fail-under or the gold has a problem, 2 wrong usage.
    """
    field_names, field_files = split_fields(fields or ())
    custom_fields = read_own_fields(field_files)
    if not predicted:
        report = _score_examples(gold, model, examples, check=check)
        return _finish(report, fail_under, html, records or (), as_json=as_json)
    if check:
        return _check(gold, predicted, custom_fields)
    runs = list(filter(None, map(find_run, predicted)))
    inputs: list[StrPath] = list(records or ())
    if not inputs:
        for run in runs:
            inputs += run.inputs
    # the manifest stores the custom fields of a run
    custom_fields = custom_fields or join_fields(runs)
    if find_run(gold) and not runs:
        say(
            f"check the order of the arguments: GOLD comes first, but {gold} is a run and "
            "PREDICTED is not"
        )
    report = score(
        gold,
        _open_source(predicted) or (),
        compare=_open_source(compare or ()),
        examples=examples,
        resamples=resamples,
        fields=(*field_names, *custom_fields),
        only_given=only_given,
    )
    warn_incomplete(gold, *predicted, *(compare or ()))
    return _finish(report, fail_under, html, inputs, as_json=as_json)


def _open_source(paths: Sequence[Path]) -> Path | JoinedRuns | None:
    """Return several paths as one input, the only path, or None if there are no paths. Of a record
    that occurs several times in a file or in several paths, the last extraction counts, and a
    message names it.
    """
    if len(paths) > 1 or any(path.is_file() for path in paths):
        return open_runs(paths)
    # the only path, such as a folder, in which a repeated record is an error
    return next(iter(paths), None)


def _score_examples(
    declared: Path, model: str | None, examples: int, *, check: bool
) -> ScoreReport:
    """Return the scores of the examples of the custom fields that are declared in a file. Raises
    ``ValueError`` if the path is gold, whose extractions are missing.
    """
    if check:
        raise ValueError(f"add the records of {declared} as the second argument")
    if declared.exists() and declared.suffix != ".py":
        raise ValueError(
            f"specify the extractions to score against {declared}: {_SOURCE}"
        )
    return score_examples(read_own_fields(str(declared)), model, examples)


def _check(gold: Path, records: Sequence[Path], fields: Sequence[CustomField]) -> int:
    """Print every problem in the gold files, and return the exit code."""
    problems = check_gold(gold, read_records(*records, on_error=lambda _: None), fields)
    for problem in problems:
        print(to_printable(str(problem)))
    say(counted(len(problems), "problem"))
    if problems:
        return FAILED
    return OK


def _finish(
    report: ScoreReport,
    minimums: str,
    html: Path | None,
    records: Inputs,
    *,
    as_json: bool,
) -> int:
    """Print a report, write it as a page if ``html`` is a path, and return the exit code, which is
    1 if a score is below its minimum. ``minimums`` is the value of ``--fail-under``, such as
    all=0.8,dosing=0.7.
    """
    if html:
        write_score_page(html, report, records)
    if as_json:
        print(report.model_dump_json(indent=2))
    else:
        print_report(report)
    code = OK
    for requirement in split_comma_list(minimums):
        name, _, minimum_text = requirement.partition("=")
        try:
            minimum = float(minimum_text)
        except ValueError:
            raise ValueError(f"--fail-under {requirement}: write NAME=SCORE") from None
        score = report.figure(name)
        if score is None:
            say(f"{name} has nothing to score, so its minimum is not checked")
        elif score < minimum:
            say(f"{name} is {score:.3f}, below {minimum_text}")
            code = FAILED
    return code


def print_report(report: ScoreReport) -> None:
    """Print all scores, and the errors grouped by severity, to standard output."""
    print_text("scores.txt", report=report)
    for rows in filter(None, (list_scores(report), list_error_kinds(report))):
        print()
        cells = (map(write_cell, row.values()) for row in rows)
        print_table(tuple(rows[0]), cells)
