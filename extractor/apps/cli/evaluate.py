"""``extractor evaluate``: score extractions against gold."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from extractor.apps.cli.console import (
    FAILED,
    OK,
    Row,
    name_some,
    print_table,
    say,
    to_printable,
    warn_incomplete,
)
from extractor.apps.cli.options import SCORES, ComparedFieldsOption, JsonOption, option
from extractor.options import COST, FILES, MODEL, RARE, read_own_fields
from extractor.plurals import counted

if TYPE_CHECKING:
    from os import PathLike

    from extractor.apps.evaluation.report import (
        ErrorScore,
        FieldScore,
        GroupScore,
        Interval,
        PairedScore,
        ScoreReport,
    )
    from extractor.concepts.own.declaration import CustomField

_SOURCE = "a folder of JSON, a JSONL file or a run's folder"
_FIELDS = (
    "score",
    "stated",
    "exact",
    "normalised",
    "95 % interval",
    "relaxed",
    "precision",
    "recall",
    "wrong",
    "missed",
    "invented",
    "empty",
    "left empty",
)
_BY_IMPORTANCE = (
    "normalised",
    "stated",
    "95 % interval",
    "wrong",
    "missed",
    "invented",
    "precision",
    "recall",
    "exact",
    "relaxed",
    "left empty",
    "empty",
)
"""The columns of a narrow terminal; it drops the last of them first."""
_ERRORS = ("error", "count", "harm", "most often in", "worst example")
_DIFFERENCES = ("score", "predicted", "other", "difference", "95 % interval")
_NAMED = 10
"""Most records named in a line."""
_EXAMPLES = 10
_EXAMPLES_OF_PAGE = 1000
"""Errors of each kind in a report, and on a page."""


def _check_gold(gold: Path) -> Path:
    if not gold.exists() and not _is_place(gold):
        raise typer.BadParameter(f"path '{gold}' does not exist.")
    return gold


def _is_place(gold: Path) -> bool:
    """Return whether GOLD names fields of the user's own, whose examples are scored."""
    if gold.suffix == ".py":
        return True
    # As in my_fields.py:Washout; but a file may have a colon in its name.
    return ":" in gold.name and not gold.exists()


def evaluate(
    gold: Annotated[
        Path,
        typer.Argument(
            metavar="GOLD", callback=_check_gold, help=f"Annotations: {_SOURCE}."
        ),
    ],
    predicted: Annotated[
        Path | None,
        typer.Argument(
            metavar="PREDICTED", exists=True, help=f"Extractions: {_SOURCE}."
        ),
    ] = None,
    as_json: JsonOption = False,
    html: Annotated[
        Path | None,
        option(
            FILES,
            "Write a page with plots and every error.",
            "--html",
            "-o",
            metavar="FILE",
            dir_okay=False,
        ),
    ] = None,
    records: Annotated[
        list[Path] | None,
        option(
            FILES,
            "Records whose texts --html shows; else the run's inputs.",
            metavar="INPUT",
            exists=True,
        ),
    ] = None,
    compare: Annotated[
        Path | None,
        option(
            SCORES,
            "Other extractions, for paired differences.",
            metavar="OTHER",
            exists=True,
        ),
    ] = None,
    fail_under: Annotated[
        str | None,
        option(
            SCORES, "Exit 1 if one is lower, such as all=0.8.", metavar="NAME=SCORE,..."
        ),
    ] = None,
    check: Annotated[
        bool,
        option(
            SCORES,
            "Check GOLD against its records, given in place of PREDICTED.",
            "--check",
        ),
    ] = False,
    fields: ComparedFieldsOption = None,
    only_given: Annotated[
        bool,
        option(
            SCORES,
            "Of gold with some items of a record: count no other item as invented.",
            "--only-given",
        ),
    ] = False,
    model: Annotated[
        str | None,
        option(
            MODEL,
            "Of examples of your own fields: who answers; else their patterns.",
            metavar="MODEL",
        ),
    ] = None,
    max_usd: Annotated[
        float | None,
        option(COST, "With --model: stop before this is exceeded.", metavar="USD"),
    ] = None,
    resamples: Annotated[
        int,
        option(
            RARE, "Bootstrap samples for the intervals; 0 for none.", min=0, metavar="N"
        ),
    ] = 1000,
    examples: Annotated[
        int | None,
        option(
            RARE,
            "Errors of each kind that are kept, the worst first: 10, with --html 1000.",
            min=0,
            metavar="N",
        ),
    ] = None,
) -> int:
    """Score extractions against gold annotations.

    Items are paired by their quotes. F1 is over values that gold states
    or the prediction has; all values of an item without a counterpart are
    missed or invented. A field that both leave empty is not a value and does
    not raise F1; the line "left empty" counts such fields.

    Columns: "stated" counts the values that gold states, "wrong" those for
    which another one is predicted, "missed" those without a predicted
    counterpart, "invented" predicted ones without one in gold. "empty"
    counts the fields of paired items that gold leaves empty; "left empty" is
    the share of them that the prediction leaves empty. A score over fewer than ten
    values, stated or invented, has no interval.

    Names for --fail-under are those of the table: a field, a task or all
    (the mean over fields that have values), or a task or all with .micro
    (over values). They are compared with the normalised F1. One with
    nothing to score is named on standard error and does not fail.

    Two annotators are compared by `extractor gold compare GOLD_A GOLD_B`.

    A field is scored in the records whose gold has its key; null and []
    say that the record states none. --fields minimum_age,constraints scores
    these alone. The second line says what was scored.

    Fields of your own, of --fields my_fields.py or of the run, are scored as
    custom.NAME, beside the tasks as custom, and in all.

    Examples of your own fields are scored with the fields in the place of GOLD:
    each is answered by the patterns, or by --model, which is not shown the answer:
    `extractor evaluate my_fields.py:Washout`.

    Exit codes: 0 done, 1 a score is under --fail-under or a file is broken,
    2 usage.
    """
    from extractor.apps.evaluation.chosen import split_fields

    chosen, places = split_fields(fields or ())
    if _is_place(gold):
        others: dict[str, object] = {
            "PREDICTED": predicted,
            "--html": html,
            "--records": records,
            "--compare": compare,
            "--fields": fields,
            "--check": check,
            "--only-given": only_given,
        }
        _leave_out("examples are scored alone", others)
        return _score_examples(gold, model, max_usd, fail_under, as_json=as_json)
    if predicted is None:
        raise ValueError(f"name what to score against {gold}: {_SOURCE}")
    asked = {"--model": model, "--max-usd": max_usd}
    _leave_out("gold is compared with what was extracted before", asked)
    if check:
        of_scores: dict[str, object] = {
            "--json": as_json,
            "--compare": compare,
            "--fail-under": fail_under,
            "--html": html,
            "--only-given": only_given,
        }
        of_scores[f"--fields {','.join(chosen)}"] = bool(chosen)
        _leave_out("--check scores nothing", of_scores)
        return _check(gold, predicted, read_own_fields(places))
    from extractor.apps.evaluation.scoring import evaluate as score
    from extractor.run.finished import find_run
    from extractor.run.manifest import restore_fields

    run = find_run(predicted)
    if find_run(gold) and not run:
        say(
            f"{gold} is a run and {predicted} is none: GOLD comes first, then PREDICTED"
        )
    _name_comparison(gold, predicted)
    _check_page_options(html, records)
    # A run knows the user's own fields with which it was made.
    if run and not places:
        declared = restore_fields(run.manifest.settings)
    else:
        declared = read_own_fields(places)
    floors = _read_floors(fail_under or "", declared)
    if examples is None:
        examples = _EXAMPLES_OF_PAGE if html else _EXAMPLES
    report = score(
        gold,
        predicted,
        compare=compare,
        examples=examples,
        resamples=resamples,
        fields=(*chosen, *declared),
        only_given=only_given,
    )
    if html:
        from extractor.apps.evaluation.page import write_score_page

        write_score_page(html, report, records or _find_inputs(predicted))
    if as_json:
        print(report.model_dump_json(indent=2))
    else:
        print_report(report)
    warn_incomplete(gold, predicted, compare)
    return _check_floors(report, floors)


def _name_comparison(gold: Path, predicted: Path) -> None:
    """Name the command that compares two annotators, if a review wrote both."""
    if all((folder / ".review").is_dir() for folder in (gold, predicted)):
        say(
            f"both are gold of a review: `extractor gold compare {gold} {predicted}` says how far "
            "two annotators agree"
        )


def _leave_out(reason: str, options: Mapping[str, object]) -> None:
    """Raise ``ValueError`` with the ``reason`` if any of these options has a value."""
    names = [name for name, value in options.items() if value]
    if names:
        raise ValueError(f"{reason}; leave out {', '.join(names)}")


def _score_examples(
    place: Path,
    model: str | None,
    max_usd: float | None,
    fail_under: str | None,
    *,
    as_json: bool,
) -> int:
    from extractor.apps.cli.examples import score_examples

    fields = read_own_fields(str(place))
    floors = _read_floors(fail_under or "", fields)
    report = score_examples([str(place)], model, max_usd, _EXAMPLES)
    if as_json:
        print(report.model_dump_json(indent=2))
    else:
        print_report(report)
    return _check_floors(report, floors)


def _check_page_options(html: Path | None, records: list[Path] | None) -> None:
    if html and not html.parent.is_dir():
        raise ValueError(f"--html {html}: the folder {html.parent} does not exist")
    if records and not html:
        raise ValueError("--records is for the page; give --html FILE too")


def _find_inputs(predicted: Path) -> "tuple[str | PathLike[str], ...]":
    """Return the run's inputs; empty if the predictions are not of a run, or came from a stream."""
    from extractor.run.finished import find_run

    run = find_run(predicted)
    return run.find_inputs() if run else ()


def _check_floors(report: "ScoreReport", floors: dict[str, float]) -> int:
    """Name the scores that are under their floors, and return the exit code."""
    code = OK
    for name, floor in floors.items():
        value = report.figure(name)
        if value is None:
            say(f"{name} has nothing to score; its floor is not checked")
        elif value < floor:
            say(f"{name} is {value:.3f}, under {floor:g}")
            code = FAILED
    return code


def _check(gold: Path, records: Path, fields: "tuple[CustomField, ...]") -> int:
    """Print every problem of the gold files, and return the exit code."""
    from extractor.apps.evaluation.gold_check import check_gold_files

    problems = check_gold_files(gold, records, fields=fields)
    for problem in problems:
        print(to_printable(str(problem)))
    warnings = sum(problem.warns for problem in problems)
    wrong = len(problems) - warnings
    summary = counted(wrong, "problem")
    if warnings:
        summary += f", {counted(warnings, 'warning')}"
    say(summary)
    return FAILED if wrong else OK


def _read_floors(text: str, fields: "tuple[CustomField, ...]") -> dict[str, float]:
    """Parse floors such as ``all=0.8,dosing=0.7``. ``fields`` are the user's own, which may be
    named, too. Raises ``ValueError`` for bad syntax, an unknown name, or a score that is not
    between 0 and 1.
    """
    from extractor.apps.evaluation.fields import add_groups
    from extractor.apps.evaluation.figures import list_figures
    from extractor.apps.evaluation.report import find_figure

    scored = [field for group in add_groups(fields) for field in group.fields]
    figures = [figure.name for figure in list_figures(scored)]
    floors: dict[str, float] = {}
    for part in map(str.strip, text.split(",")):
        if not part:
            continue
        written, _, score = part.partition("=")
        name = find_figure(written, figures)
        try:
            floors[name] = float(score)
        except ValueError as error:
            raise ValueError(
                f"--fail-under {part!r}: write NAME=SCORE, such as all=0.8"
            ) from error
        if not 0 <= floors[name] <= 1:
            raise ValueError(f"--fail-under {part!r}: a score is between 0 and 1")
    return floors


def print_report(report: "ScoreReport") -> None:
    """Print all scores, the errors by harm, and the differences, if any, on standard output."""
    from extractor.apps.evaluation.report import describe_beside

    print(
        f"{counted(report.records, 'record')}, {len(report.missing)} missing, "
        f"{len(report.without_gold)} without gold"
    )
    _list_records("missing", report.missing)
    _list_records("without gold", report.without_gold)
    print(f"scored: {report.describe_scored()}")
    if report.beside is not None:
        print(f"only given: {describe_beside(report.beside)}")
    _print_scores(report)
    if report.empty.fields:
        share = _show(report.empty.specificity)
        print(
            f"\nleft empty: {report.empty.left_empty} of "
            f"{counted(report.empty.fields, 'field')} that gold leaves empty, {share}"
        )
    if report.errors:
        print_table(
            _ERRORS, map(_show_errors, report.errors), _ERRORS[1:], prose=_ERRORS[3:]
        )
    if report.undeclared:
        names = ", ".join(report.undeclared)
        say(
            f"{names}: gold has values, and no field has this name; name its file with --fields"
        )
    if report.comparison:
        print(f"\npredicted less {report.comparison.other}, in normalised F1:")
        _list_records("missing in the other", report.comparison.missing)
        rows = map(_show_difference, report.comparison.differences)
        print_table(
            _DIFFERENCES, rows, ("difference", "95 % interval", "predicted", "other")
        )


def _print_scores(report: "ScoreReport") -> None:
    """Print the scores of all, and of the tasks and fields that were scored in any record."""
    scored = [field for field in report.fields if field.records]
    shown_groups = {"all"}
    shown_groups.update(field.task for field in scored)
    groups = [group for group in report.groups if group.name in shown_groups]
    rows = [*map(_show_group, groups), *map(_show_field, scored)]
    print_table(_FIELDS, rows, _BY_IMPORTANCE)


def _show_group(group: "GroupScore") -> Row:
    """Return the row of a task or of all; the columns of counts are for fields alone."""
    return (group.figure, "", *_show_levels(group), "", "", "", "", "")


def _show_field(field: "FieldScore") -> Row:
    """Return the row of a field, with the columns of ``_FIELDS``."""
    return (
        field.figure,
        str(field.stated),
        *_show_levels(field),
        str(field.wrong),
        str(field.missed),
        str(field.invented),
        str(field.empty.fields),
        _show(field.empty.specificity),
    )


def _list_records(title: str, record_ids: Sequence[str]) -> None:
    """Print the ids of some records, unless there are none."""
    if record_ids:
        print(f"{title}: {name_some(record_ids, _NAMED)}")


def _show_levels(score: "GroupScore | FieldScore") -> Row:
    """Return the columns from "exact" to "recall"."""
    normalised = score.normalised
    return (
        _show(score.exact.f1),
        _show(normalised.f1),
        _show_interval(normalised.interval),
        _show(score.relaxed.f1),
        _show(normalised.precision),
        _show(normalised.recall),
    )


def _show_errors(errors: "ErrorScore") -> Row:
    """Return the row of a kind of error, with the two fields that have the most of it."""
    most_first = sorted(errors.fields.items(), key=lambda field: -field[1])
    fields = ", ".join(f"{name} {count}" for name, count in most_first[:2])
    worst = ""
    if errors.examples:
        example = errors.examples[0]
        worst = f"{example.record_id} {example.place}"
    return (
        errors.kind.value,
        str(errors.count),
        f"{errors.harm:g}",
        fields,
        worst,
    )


def _show_difference(score: "PairedScore") -> Row:
    """Return the row of a paired difference, with the columns of ``_DIFFERENCES``."""
    return (
        score.name,
        _show(score.f1),
        _show(score.other),
        _show(score.difference, "+.3f"),
        _show_interval(score.interval),
    )


def _show(value: float | None, form: str = ".3f") -> str:
    return "" if value is None else f"{value:{form}}"


def _show_interval(interval: "Interval | None") -> str:
    return f"{interval.low:.3f} to {interval.high:.3f}" if interval else ""
