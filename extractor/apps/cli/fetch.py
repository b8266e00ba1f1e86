"""``extractor fetch``: records from the registry into a file; and the NCT numbers among the
inputs of a run.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from extractor.apps.cli.console import FAILED, INTERRUPTED, OK, say
from extractor.apps.cli.options import (
    QUERY,
    FreshOption,
    LimitOption,
    QuietOption,
    option,
)
from extractor.options import FILES, RARE, SPEED, split_names
from extractor.plurals import counted

if TYPE_CHECKING:
    from extractor.apps.fetch import RecordFile, Registry, Wanted
    from extractor.run.tally import Tally

_FETCHED = "fetched.jsonl"
"""The file of fetched records in a run's folder."""


def fetch(
    numbers: Annotated[
        list[str] | None, typer.Argument(metavar="NCT", help="NCT numbers.")
    ] = None,
    out: Annotated[
        str,
        option(
            FILES,
            "JSON lines, packed as .gz; - is stdout.",
            "--out",
            "-o",
            metavar="FILE",
        ),
    ] = "-",
    limit: LimitOption = None,
    fresh: FreshOption = False,
    quiet: QuietOption = False,
    ids: Annotated[
        str | None,
        option(QUERY, "A file of NCT numbers; - is standard input.", metavar="FILE"),
    ] = None,
    condition: Annotated[
        str | None, option(QUERY, "Of this condition or disease.", metavar="WORDS")
    ] = None,
    intervention: Annotated[
        str | None, option(QUERY, "Of this intervention or treatment.", metavar="WORDS")
    ] = None,
    term: Annotated[
        str | None,
        option(QUERY, "With these words, in the registry's syntax.", metavar="WORDS"),
    ] = None,
    status: Annotated[
        str,
        option(
            QUERY, "With a status such as recruiting,completed.", metavar="NAME,..."
        ),
    ] = "",
    phase: Annotated[
        str, option(QUERY, "In some of early1,1,2,3,4,na.", metavar="NAME,...")
    ] = "",
    updated_since: Annotated[
        datetime | None,
        option(
            QUERY,
            "Updated on this day or later.",
            formats=["%Y-%m-%d"],
            metavar="YYYY-MM-DD",
        ),
    ] = None,
    param: Annotated[
        list[str] | None,
        option(
            QUERY, "Any other parameter of the API. Repeatable.", metavar="NAME=VALUE"
        ),
    ] = None,
    requests_per_minute: Annotated[
        float, option(SPEED, "Most requests, evenly spaced.", min=0.01, metavar="N")
    ] = 50.0,
    timeout: Annotated[
        float,
        option(SPEED, "Seconds without a byte of the reply.", min=0.1, metavar="S"),
    ] = 60.0,
    page_size: Annotated[
        int, option(RARE, "Records a request.", min=1, max=1000, metavar="N")
    ] = 1000,
    base_url: Annotated[
        str | None,
        option(
            RARE,
            "A mirror of ClinicalTrials.gov's API v2.",
            metavar="URL",
            envvar="EXTRACTOR_REGISTRY",
        ),
    ] = None,
) -> int:
    """Fetch records from ClinicalTrials.gov, by NCT numbers or by a query.

    The same command with --out FILE goes on where it stopped: records in FILE are
    kept, and only what is missing is fetched.

    Exit codes: 0 all done, 1 a number is unknown or the registry cannot be read,
    2 usage, 130 interrupted.
    """
    from extractor.apps.fetch import (
        BASE_URL,
        Registry,
        RegistryQuery,
        parse_nct_numbers,
    )
    from extractor.errors import ArgumentError

    listed = _read_listed(ids) if ids else ""
    named = parse_nct_numbers(" ".join(numbers or ()))
    named += parse_nct_numbers(listed, ids or "")
    query = {
        "condition": condition,
        "intervention": intervention,
        "term": term,
        "statuses": tuple(split_names(status)),
        "phases": tuple(split_names(phase)),
        "updated_since": updated_since.date() if updated_since else None,
        "more": _read_parameters(param or ()),
    }
    if ids and not named:
        raise ArgumentError(f"{ids}: holds no NCT numbers")
    has_query = any(query.values())
    if named and (limit or has_query):
        raise ArgumentError(
            "name NCT numbers or a query (with --limit), one of the two"
        )
    wanted = tuple(dict.fromkeys(named)) or RegistryQuery(**query)  # type: ignore[arg-type]
    registry = Registry(
        base_url=base_url or BASE_URL,
        requests_per_minute=requests_per_minute,
        page_size=page_size,
        timeout=timeout,
    )
    if out == "-":
        return _fetch(wanted, registry, None, limit, quiet=quiet)
    with _open_file(Path(out), fresh=fresh) as file:
        return _fetch(wanted, registry, file, limit, file_name=out, quiet=quiet)


def _read_listed(ids: str) -> str:
    """Return the text of ``--ids``. Raises ``ArgumentError`` if it is not UTF-8."""
    from extractor.errors import ArgumentError

    try:
        if ids == "-":
            return sys.stdin.read()
        # Some editors mark a text in UTF-8 at its begin; this reads it with and without the mark.
        return Path(ids).read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise ArgumentError(
            f"{ids}: not a text of NCT numbers in UTF-8; save it as plain text"
        ) from None


def _read_parameters(written: Iterable[str]) -> dict[str, str]:
    """Return the parameters of ``--param``, by name. Raises ``ArgumentError`` for one without a
    value.
    """
    from extractor.errors import ArgumentError

    parameters = {}
    for parameter in written:
        name, equals, value = parameter.partition("=")
        if not equals:
            raise ArgumentError(
                f"--param {name[:40]}: give it as NAME=VALUE, such as query.spons=NCI"
            )
        parameters[name.strip()] = value
    return parameters


@contextmanager
def find_records(
    inputs: Sequence[str], folder: Path | None, *, fresh: bool, quiet: bool
) -> Iterator[tuple[tuple[str, ...], int]]:
    """Yield a run's inputs, with a file of fetched records in place of NCT numbers, and an exit
    code.

    An input is an NCT number if there is no such file. The file lies in the run's ``folder``, or in
    a temporary one. The code is 1 if the registry does not know a number. Raises ``ValueError`` for
    a number with too few digits.
    """
    from tempfile import TemporaryDirectory

    from extractor.apps.fetch import BASE_URL, Registry, parse_nct_numbers

    named = []
    others = []
    for name in inputs:
        is_number = name[:3].upper() == "NCT" and name[3:].isdecimal()
        if is_number and not Path(name).exists():
            named.append(name)
        else:
            others.append(name)
    numbers = parse_nct_numbers(" ".join(named))
    if not numbers:
        yield tuple(inputs), OK
        return
    # The commands that fetch on the way have no option for a mirror.
    registry = Registry(base_url=os.environ.get("EXTRACTOR_REGISTRY") or BASE_URL)
    with TemporaryDirectory(prefix="extractor-") as scratch, ExitStack() as stack:
        path = (folder or Path(scratch)) / _FETCHED
        lasting_name = str(path) if folder else ""
        file = stack.enter_context(_open_file(path, fresh=fresh))
        code = _fetch(numbers, registry, file, file_name=lasting_name, quiet=quiet)
        if file.records:
            others.insert(0, str(path))
        if not others:
            raise SystemExit(code)
        yield tuple(others), code


@contextmanager
def _open_file(path: Path, *, fresh: bool) -> Iterator["RecordFile"]:
    """Open a file of records for this fetch alone. Nothing is left of a fetch that found
    nothing.
    """
    from extractor.apps.fetch import RecordFile
    from extractor.apps.fetch.output import locked_file
    from extractor.run.folder import made_folder

    with made_folder(path.parent), locked_file(path):
        yield RecordFile(path, fresh=fresh)


def _fetch(
    wanted: "Wanted",
    registry: "Registry",
    file: "RecordFile | None",
    limit: int | None = None,
    *,
    file_name: str = "",
    quiet: bool,
) -> int:
    """Fetch what the file lacks, or all to standard output, and return the exit code.

    ``file_name`` is empty if the file does not stay. Ctrl-C ends with exit code 130. A request that
    the registry refuses is an error of usage.
    """
    from extractor.apps.fetch import RegistryQuery
    from extractor.errors import ArgumentError, RegistryRefused
    from extractor.run.tally import Tally

    known: set[str] = file.known if file else set()
    tally = Tally(resumed=file.records if file else 0)
    try:
        _read_pages(wanted, registry, file, known, limit, tally, quiet=quiet)
    except KeyboardInterrupt:
        if file and file_name:
            say(
                f"interrupted; {file_name} has {counted(file.records, 'record')}; the same "
                "command, without --fresh, goes on"
            )
        else:
            say("interrupted; with --out a fetch can go on where it stopped")
        raise SystemExit(INTERRUPTED) from None
    except RegistryRefused as error:
        raise ArgumentError(str(error)) from error
    if file and not quiet:
        summary = counted(file.records, "record")
        summary += f" in {file_name}" if file_name else " fetched"
        if tally.resumed:
            summary += f" ({tally.extracted:,} new)"
        say(summary)
    if isinstance(wanted, RegistryQuery):
        return OK
    unknown = [number for number in wanted if number not in known]
    if not unknown:
        return OK
    say(f"not known to {registry.name}: {', '.join(unknown)}")
    return FAILED


def _read_pages(
    wanted: "Wanted",
    registry: "Registry",
    file: "RecordFile | None",
    known: set[str],
    limit: int | None,
    tally: "Tally",
    *,
    quiet: bool,
) -> None:
    """Fetch the wanted records whose ids are not ``known``, and write and count them page by page,
    with a progress line unless ``quiet``.

    They go into ``file``, or to standard output without one. At most ``limit`` records are wanted
    in all, with those that an earlier fetch has already written (``tally.resumed``).
    """
    from extractor.apps.fetch import RegistryQuery, fetch_pages
    from extractor.run.progress import show_progress

    total: int | None = None

    def expect() -> int | None:
        """Return how many records there will be; None while that is not known."""
        if not isinstance(wanted, RegistryQuery):
            return len(wanted)
        if total is None or limit is None:
            return limit if total is None else total
        return min(total, limit)

    left = None if limit is None else max(0, limit - tally.resumed)
    with show_progress(tally, expect, quiet=quiet), registry.open() as client:
        for page in fetch_pages(client, wanted, known, limit=left):
            if page.total is not None:
                total = page.total
            if file:
                file.write(page.studies)
            else:
                sys.stdout.buffer.writelines(study.line for study in page.studies)
                sys.stdout.buffer.flush()
            tally.extracted += len(page.studies)
