"""``extractor match``: compare patients with the criteria of trials."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import starmap
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from extractor.apps.cli.commands import is_given
from extractor.apps.cli.console import OK, print_table, say
from extractor.apps.cli.options import (
    ForceOption,
    HtmlOption,
    JsonOption,
    ModelOption,
    QuietOption,
    RecordsOption,
    RunOptions,
    RunsArgument,
    SheetOption,
    name_option,
    option,
    option_of,
    split_pairs,
)
from extractor.apps.cli.runs import open_runs, warn_incomplete
from extractor.apps.export import (
    Destination,
    RegisteredByRecord,
    list_tables,
    read_run_registry,
    write_tables,
)
from extractor.apps.match import (
    MATCHES,
    Patients,
    keep_conditions,
    list_cells,
    list_pairs,
    list_patients,
    list_unused,
    list_without_conditions,
    read_patients,
    read_synonyms,
    sort_matches,
    write_form,
    write_match_page,
)
from extractor.face import Match, Patient, Synonyms, decide
from extractor.options import FILES, MODEL, WHAT, ModelOptions
from extractor.plurals import counted
from extractor.run.joined import JoinedRuns
from extractor.schemas.vocabulary import DOUBTFUL_BELOW

_MOST_SORTED = 20_000


def match(
    context: typer.Context,
    runs: RunsArgument,
    patient: Annotated[
        Path | None,
        option(
            FILES,
            "Patients: .json (also a Bundle of FHIR), .jsonl, .yaml or .csv.",
            metavar="FILE",
        ),
    ] = None,
    columns: Annotated[
        list[str],
        option(
            FILES,
            "Another name of a column: 'MRN=id', 'gender=sex'; repeatable.",
            metavar="NAME=FIELD",
        ),
    ] = [],  # noqa: B006 - typer reads it
    on: Annotated[
        str | None,
        option(
            FILES,
            "The date of the data, from which dates are counted.",
            metavar="DATE",
        ),
    ] = None,
    synonyms: Annotated[
        Path | None,
        option(
            FILES,
            "More names: a CSV table with name, also and kinds.",
            metavar="FILE",
        ),
    ] = None,
    age: Annotated[
        str | None, option(WHAT, "In years, or with a unit: '6 months'.")
    ] = None,
    sex: Annotated[str | None, option(WHAT, "female or male.")] = None,
    value: Annotated[
        list[str],
        option(
            WHAT, "A value: 'eGFR=45 mL/min/1.73m2'; repeatable.", metavar="NAME=VALUE"
        ),
    ] = [],  # noqa: B006 - typer reads it
    drug: Annotated[list[str], option(WHAT, "A drug; repeatable.")] = [],  # noqa: B006
    condition: Annotated[list[str], option(WHAT, "A condition; repeatable.")] = [],  # noqa: B006
    absent: Annotated[
        list[str], option(WHAT, "What the patient does not have or take; repeatable.")
    ] = [],  # noqa: B006
    never: Annotated[
        list[str], option(WHAT, "What the patient never had; repeatable.")
    ] = [],  # noqa: B006
    since: Annotated[
        list[str],
        option(
            WHAT, "Time since an event: 'chemotherapy=3 weeks'.", metavar="NAME=TIME"
        ),
    ] = [],  # noqa: B006
    only_conditions: Annotated[
        bool,
        option(
            WHAT,
            "Leave out trials for other conditions.",
        ),
    ] = False,
    min_confidence: Annotated[
        float, option(WHAT, "What is less sure decides nothing.", min=0, max=1)
    ] = DOUBTFUL_BELOW,
    form: Annotated[
        Path | None,
        option(
            WHAT,
            "Write a form with the facts that decide most criteria, to fill in (CSV).",
            metavar="FILE",
        ),
    ] = None,
    model: ModelOption = None,
    store: Annotated[
        Path | None,
        option(
            MODEL,
            "Keep the model's answers in DIR, and send no call again that has one.",
            metavar="DIR",
        ),
    ] = None,
    replay: Annotated[Path | None, option_of(RunOptions, "replay")] = None,
    max_usd: Annotated[float | None, option_of(RunOptions, "max_usd")] = None,
    prices: Annotated[list[Path] | None, option_of(RunOptions, "prices")] = None,
    dry_run: Annotated[bool, option_of(RunOptions, "dry_run")] = False,
    json_: JsonOption = False,
    to: SheetOption = None,
    html: HtmlOption = None,
    records: RecordsOption = None,
    force: ForceOption = False,
    quiet: QuietOption = False,
) -> int:
    """Compare patients with the criteria of trials.

    The answer for each patient and trial is excluded, open or no_reason_against; with --json, also
    a verdict on each criterion, with its words. Each patient's trials are sorted: excluded last,
    then by how many criteria are met (up to 20,000 pairs). A registry's text is not the protocol,
    and this is not a medical device: read the words before you decide.

    With --model, a model compares the patients' data, and sentences of their charts (facts), with
    the criteria that stay open. Exit codes: 0 done, 1 a replay lacks answers, 2 wrong usage or a
    rejected key, 3 budget reached, 75 temporary failure (try again later).


    Example: extractor match results --age 70 --sex female --value "eGFR=45 mL/min/1.73m2"
    """
    if to and json_:
        raise ValueError("--to writes a table, and --json prints lines: choose one")
    joined = open_runs(runs, records)
    if form:
        _write_form(form, joined, force=force)
        return OK
    row = {"age": age, "sex": sex}
    row |= {"drugs": "|".join(drug), "conditions": "|".join(condition)}
    row |= {"absent": "|".join(absent), "never": "|".join(never)}
    row |= split_pairs(value, "--value") | split_pairs(since, "--since", "since ")
    known = read_synonyms(synonyms)
    patients = _read_patients(
        patient, row, split_pairs(columns, "--columns"), _read_day(on), known
    )
    pairs = len(joined.record_ids) * len(patients)
    options: dict[str, object] = {
        "model": model,
        "max_usd": max_usd,
        "prices": prices or (),
    }
    asks = _asks_model(
        patients,
        options,
        replay,
        dry_run=dry_run,
        is_named=is_given(context, "model"),
    )
    if (asks or html) and pairs > _MOST_SORTED:
        raise ValueError(
            f"--html and --model take at most {_MOST_SORTED:,} pairs of a patient and a trial, "
            f"these are {pairs:,}: choose fewer patients or trials"
        )
    warn_incomplete(*runs)
    registry, _ = read_run_registry(joined, list_tables())
    code = OK
    found: Iterable[Match]
    compared = list_pairs(joined, patients, min_confidence, known, registry)
    if only_conditions:
        for name in list_without_conditions(patients, known):
            say(f"{name}: no condition is stated, so all trials are compared")
        unknown = [
            name for name in joined.record_ids if not _has_conditions(name, registry)
        ]
        if unknown:
            say(
                f"{counted(len(unknown), 'trial')} without registered conditions stay in"
            )
        compared = keep_conditions(compared, _tell_left_out)
    if asks:
        from extractor.apps.cli import match_model  # noqa: PLC0415 - slow, and the rules need none of it

        asking = match_model.Asking(
            ModelOptions.read(options, name_option), replay, store
        )
        if dry_run:
            match_model.forecast_pairs(compared, asking)
            return OK
        found, code = match_model.ask_about(compared, asking)
    else:
        found = _show_progress(starmap(decide, compared), pairs, is_shown=not quiet)
    # more pairs are written as they are found, in the order of the trials
    if pairs <= _MOST_SORTED:
        found = sort_matches(found)
    if html:
        found = list(found)
        _write_page(html, found, patients, joined, known)
    _write(found, to, force=force, as_json=json_)
    return code


def _tell_left_out(pairs: int) -> None:
    if pairs:
        what = counted(
            pairs, "pair of a patient and a trial", "pairs of a patient and a trial"
        )
        say(
            f"left out: {what} for other conditions; without --only-conditions, they are shown"
        )


def _has_conditions(record_id: str, registry: RegisteredByRecord) -> bool:
    """Return whether the register states the conditions of a trial."""
    return record_id in registry and bool(registry[record_id].columns["conditions"])


def _asks_model(
    patients: Sequence[Patient],
    options: Mapping[str, object],
    replay: Path | None,
    *,
    dry_run: bool,
    is_named: bool,
) -> bool:
    """Return whether a model is asked: one that this command names, or earlier answers. The model
    of the environment, which is meant for other commands, is asked if patients have facts.
    """
    if replay:
        return True
    has_facts = any(patient.facts for patient in patients)
    if options["model"] and (is_named or has_facts):
        return True
    if dry_run:
        raise ValueError("--dry-run forecasts the calls to a model; add --model")
    if options["max_usd"] is not None:
        raise ValueError("--max-usd limits what a model costs; add --model")
    if has_facts:
        say("the facts of patients are read only by a model; add --model")
    return False


def _write_form(path: Path, joined: JoinedRuns, *, force: bool) -> None:
    if path.exists() and not force:
        raise ValueError(f"{path} exists; choose another name, or add --force")
    path.write_text(write_form(joined), "utf-8", newline="")


def _read_patients(
    path: Path | None,
    row: Mapping[str, str | None],
    columns: Mapping[str, str],
    day: date | None,
    synonyms: Synonyms,
) -> list[Patient]:
    """Return the patients of a file, or of the options in ``row``. Print what is not used; in
    options, that is an error.
    """
    has_one_source = any(row.values()) != bool(path)
    if not has_one_source:
        raise ValueError("specify either --patient FILE, or data such as --age 70")
    if path:
        read = read_patients(path, columns, day)
    else:
        read = list_patients([{"id": "patient", **row}], "options", on=day)
        _refuse_unused(read, synonyms)
    for fault in read.faults:
        print(f"warning: {fault}", file=sys.stderr)
    if not read.patients:
        raise ValueError(f"{path}: there is no patient that can be read")
    for line in list_unused(read.patients, synonyms):
        print(f"warning: {line}", file=sys.stderr)
    return read.patients


def _show_progress(
    found: Iterable[Match], pairs: int, *, is_shown: bool
) -> Iterable[Match]:
    """Yield matches, with a progress display on a terminal."""
    return track(
        found,
        description="matching",
        total=pairs,
        console=Console(stderr=True),
        disable=not is_shown or not sys.stderr.isatty(),
        transient=True,
    )


def _write_page(
    path: Path,
    matches: Sequence[Match],
    patients: Sequence[Patient],
    joined: JoinedRuns,
    synonyms: Synonyms,
) -> None:
    summary = write_match_page(
        path, matches, patients, joined.reread(), synonyms=synonyms
    )
    say(f"{path}: {counted(summary.shown, 'answer')}")
    if summary.shown < summary.total:
        say(f"{path}: {summary.shown:,} of {summary.total:,} answers can be opened")
    if summary.without_text:
        say(
            f"the text of {counted(summary.without_text, 'trial')} is missing or has changed, so "
            "only quotes are shown (specify the inputs with --records)"
        )


def _write(
    matches: Iterable[Match], to: Path | None, *, force: bool, as_json: bool
) -> None:
    """Write matches as a sheet, or print them as JSON lines or as a table."""
    if to:
        write_tables(
            Destination.choose(to, None, force=force),
            [MATCHES],
            (("matches", list_cells(one)) for one in matches),
        )
    elif as_json:
        for one in matches:
            print(json.dumps(one.to_dict(), ensure_ascii=False))
    else:
        rows = (
            ["" if cell is None else str(cell) for cell in list_cells(one)]
            for one in matches
        )
        print_table(tuple(MATCHES.names), rows)


def _refuse_unused(read: Patients, synonyms: Synonyms) -> None:
    """Raise ``ValueError`` if the options contain what cannot be used: whoever typed it can correct
    it, and expects that it counts.
    """
    faults = [*read.faults, *list_unused(read.patients, synonyms)]
    if faults:
        raise ValueError("; ".join(faults))


def _read_day(written: str | None) -> date | None:
    """Return a date. Raises ``ValueError`` for another text."""
    if written is None:
        return None
    try:
        return date.fromisoformat(written)
    except ValueError:
        raise ValueError(f"--on {written}: write a date such as 2026-05-31") from None
