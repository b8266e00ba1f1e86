"""``extractor match``: compare patients with the criteria of trials."""

import json
import sys
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Annotated

from rich.console import Console
from rich.progress import track

from extractor.apps.cli.console import (
    print_table,
)
from extractor.apps.cli.options import (
    ForceOption,
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
)
from extractor.face import Match, Synonyms
from extractor.options import FILES, WHAT
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
        if form.exists() and not force:
            raise ValueError(f"{form} exists; choose another name, or add --force")
        form.write_text(write_form(joined), "utf-8", newline="")
        return
    row = {"age": age, "sex": sex}
    row |= {"drugs": "|".join(drug), "conditions": "|".join(condition)}
    row |= {"absent": "|".join(absent), "never": "|".join(never)}
    row |= split_pairs(value, "--value") | split_pairs(since, "--since", "since ")
    has_one_source = any(row.values()) != bool(patient)
    if not has_one_source:
        raise ValueError("specify either --patient FILE, or data such as --age 70")
    day = _read_day(on)
    known = read_synonyms(synonyms)
    if patient:
        read = read_patients(patient, split_pairs(columns, "--columns"), day)
    else:
        read = list_patients([{"id": "patient", **row}], "options", on=day)
        _refuse_unused(read, known)
    for fault in read.faults:
        print(f"warning: {fault}", file=sys.stderr)
    patients = read.patients
    if not patients:
        raise ValueError(f"{patient}: there is no patient that can be read")
    registry, _ = read_run_registry(joined, list_tables())
    for line in list_unused(patients, known):
        print(f"warning: {line}", file=sys.stderr)
    pairs = len(joined.record_ids) * len(patients)
    matches: Iterable[Match] = track(
        match_trials(
            joined,
            patients,
            min_confidence=min_confidence,
            synonyms=known,
            registry=registry,
        ),
        description="matching",
        total=pairs,
        console=Console(stderr=True),
        disable=quiet or not sys.stderr.isatty(),
        transient=True,
    )
    warn_incomplete(*runs)
    # more pairs are written as they are found, in the order of the trials
    if pairs <= _MOST_SORTED:
        matches = sort_matches(matches)
    if to:
        write_tables(
            Destination.choose(to, None, force=force),
            [MATCHES],
            (("matches", list_cells(one)) for one in matches),
        )
    elif json_:
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
