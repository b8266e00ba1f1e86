"""``extractor match``: compare patients with the criteria of trials."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated

from rich.console import Console
from rich.progress import track

from extractor.apps.cli.console import print_table, say
from extractor.apps.cli.options import (
    ForceOption,
    HtmlOption,
    JsonOption,
    QuietOption,
    RecordsOption,
    RunsArgument,
    SheetOption,
    option,
    split_pairs,
)
from extractor.apps.cli.runs import open_runs, warn_incomplete
from extractor.apps.export import (
    Destination,
    list_tables,
    read_run_registry,
    write_tables,
)
from extractor.apps.match import (
    MATCHES,
    Patients,
    list_cells,
    list_patients,
    list_unused,
    match_trials,
    read_patients,
    read_synonyms,
    sort_matches,
    write_form,
    write_match_page,
)
from extractor.match import Match, Patient, Synonyms
from extractor.options import FILES, WHAT
from extractor.plurals import counted
from extractor.run.joined import JoinedRuns
from extractor.schemas.vocabulary import DOUBTFUL_BELOW

_MOST_SORTED = 20_000


def match(
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
    json_: JsonOption = False,
    to: SheetOption = None,
    html: HtmlOption = None,
    records: RecordsOption = None,
    force: ForceOption = False,
    quiet: QuietOption = False,
) -> None:
    """Compare patients with the criteria of trials.

    The answer for each patient and trial is excluded, open or no_reason_against; with --json, also
    a verdict on each criterion, with its words. Each patient's trials are sorted: excluded last,
    then by how many criteria are met (up to 20,000 pairs). A registry's text is not the protocol,
    and this is not a medical device: read the words before you decide.


    Example: extractor match results --age 70 --sex female --value "eGFR=45 mL/min/1.73m2"
    """
    joined = open_runs(runs, records)
    if form:
        _write_form(form, joined, force=force)
        return
    row = {"age": age, "sex": sex}
    row |= {"drugs": "|".join(drug), "conditions": "|".join(condition)}
    row |= {"absent": "|".join(absent), "never": "|".join(never)}
    row |= split_pairs(value, "--value") | split_pairs(since, "--since", "since ")
    known = read_synonyms(synonyms)
    patients = _read_patients(
        patient, row, split_pairs(columns, "--columns"), _read_day(on), known
    )
    pairs = len(joined.record_ids) * len(patients)
    if html and pairs > _MOST_SORTED:
        raise ValueError(
            f"--html can sort {_MOST_SORTED:,} pairs of a patient and a trial; these are "
            f"{pairs:,}: choose fewer patients or trials"
        )
    matches = _match(joined, patients, known, min_confidence, pairs, is_shown=not quiet)
    warn_incomplete(*runs)
    # more pairs are written as they are found, in the order of the trials
    if pairs <= _MOST_SORTED:
        matches = sort_matches(matches)
    if html:
        matches = list(matches)
        _write_page(html, matches, patients, joined, known)
    _write(matches, to, force=force, as_json=json_)


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


def _match(
    joined: JoinedRuns,
    patients: list[Patient],
    synonyms: Synonyms,
    min_confidence: float,
    pairs: int,
    *,
    is_shown: bool,
) -> Iterable[Match]:
    """Return the match of each pair, with a progress display on a terminal."""
    registry, _ = read_run_registry(joined, list_tables())
    found = match_trials(
        joined,
        patients,
        min_confidence=min_confidence,
        synonyms=synonyms,
        registry=registry,
    )
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
