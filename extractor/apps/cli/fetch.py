"""``extractor fetch``: records from the registry into a file; and the NCT numbers among the
inputs of a run.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from extractor.apps.cli.console import FAILED, INTERRUPTED, OK, say
from extractor.apps.cli.options import QUERY, FreshOption, LimitOption, QuietOption, option
from extractor.options import FILES, RARE, SPEED, split_names

if TYPE_CHECKING:
    from extractor.apps.fetch import FetchedPage, Registry
    from extractor.apps.fetch.studies import Wanted

_FETCHED = "fetched.jsonl"
"""The file of fetched records in a run's folder."""


def fetch(
    numbers: Annotated[list[str] | None, typer.Argument(metavar="NCT", help="NCT numbers.")] = None,
    out: Annotated[
        str, option(FILES, "JSON lines, packed as .gz; - is stdout.", "--out", "-o", metavar="FILE")
    ] = "-",
    limit: LimitOption = None,
    fresh: FreshOption = False,
    quiet: QuietOption = False,
    ids: Annotated[
        str | None, option(QUERY, "A file of NCT numbers; - is standard input.", metavar="FILE")
    ] = None,
    condition: Annotated[
        str | None, option(QUERY, "Of this condition or disease.", metavar="WORDS")
    ] = None,
    intervention: Annotated[
        str | None, option(QUERY, "Of this intervention or treatment.", metavar="WORDS")
    ] = None,
    term: Annotated[
        str | None, option(QUERY, "With these words, in the registry's syntax.", metavar="WORDS")
    ] = None,
    status: Annotated[
        str, option(QUERY, "With a status such as recruiting,completed.", metavar="NAME,...")
    ] = "",
    phase: Annotated[str, option(QUERY, "In some of early1,1,2,3,4,na.", metavar="NAME,...")] = "",
    updated_since: Annotated[
        datetime | None,
        option(QUERY, "Updated on this day or later.", formats=["%Y-%m-%d"], metavar="YYYY-MM-DD"),
    ] = None,
    param: Annotated[
        list[str] | None,
        option(QUERY, "Any other parameter of the API. Repeatable.", metavar="NAME=VALUE"),
    ] = None,
    requests_per_minute: Annotated[
        float, option(SPEED, "Most requests, evenly spaced.", min=0.01, metavar="N")
    ] = 50.0,
    timeout: Annotated[
        float, option(SPEED, "Seconds without a byte of the reply.", min=0.1, metavar="S")
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
    from extractor.apps.fetch import BASE_URL, Registry, RegistryQuery, parse_nct_numbers

    wanted: tuple[str, ...] | RegistryQuery
    try:
        if ids is None:
            listed = ""
        elif ids == "-":
            listed = sys.stdin.read()
        else:
            listed = Path(ids).read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(
            f"{ids}: not a text of NCT numbers in UTF-8; save it as plain text"
        ) from None
    more = {
        name.strip(): (mark, value)
        for name, mark, value in (one.partition("=") for one in param or ())
    }
    if wrong := [name for name, (mark, _) in more.items() if not mark]:
        raise ValueError(f"--param {wrong[0][:40]}: give it as NAME=VALUE, such as query.spons=NCI")
    given = parse_nct_numbers(" ".join(numbers or ())), parse_nct_numbers(listed, ids or "")
    wanted = tuple(dict.fromkeys(chain(*given)))
    asked: dict[str, Any] = {
        "condition": condition,
        "intervention": intervention,
        "term": term,
        "statuses": tuple(split_names(status)),
        "phases": tuple(split_names(phase)),
        "updated_since": updated_since and updated_since.date(),
        "more": {name: value for name, (_, value) in more.items()},
    }
    if wanted and (limit or any(asked.values())):
        raise ValueError("name NCT numbers or a query (with --limit), one of the two")
    if not wanted:
        if ids:
            raise ValueError(f"{ids}: holds no NCT numbers")
        wanted = RegistryQuery(**asked)
    registry = Registry(
        base_url=base_url or BASE_URL,
        requests_per_minute=requests_per_minute,
        page_size=page_size,
        timeout=timeout,
    )
    path = None if out == "-" else Path(out)
    return _fetch(
        wanted, registry, path, limit, place=out if path else "", fresh=fresh, quiet=quiet
    )


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
    from extractor.run.folder import made_folder

    named = [
        one
        for one in inputs
        if one[:3].upper() == "NCT" and one[3:].isdecimal() and not Path(one).exists()
    ]
    numbers = parse_nct_numbers(" ".join(named))
    if not numbers:
        yield tuple(inputs), OK
        return
    registry = Registry(base_url=os.environ.get("EXTRACTOR_REGISTRY") or BASE_URL)
    others = [one for one in inputs if one.upper() not in numbers]
    with TemporaryDirectory(prefix="extractor-") as scratch, ExitStack() as stack:
        path = (folder or Path(scratch)) / _FETCHED
        stack.enter_context(made_folder(path.parent))
        code = _fetch(
            numbers, registry, path, place=str(path) if folder else "", fresh=fresh, quiet=quiet
        )
        if path.exists():
            others.insert(0, str(path))
        if not others:
            raise SystemExit(code)
        yield tuple(others), code


def _fetch(  # noqa: C901
    wanted: "Wanted",
    registry: "Registry",
    path: Path | None,
    limit: int | None = None,
    *,
    place: str,
    fresh: bool,
    quiet: bool,
) -> int:
    """Fetch what the file lacks, or all to standard output, and return the exit code.

    ``place`` names the file if it stays. Ctrl-C ends with exit code 130. A request that the
    registry refuses is an error of usage.
    """
    import asyncio

    from extractor.apps.fetch import RecordFile, fetch_pages, fetch_to_file
    from extractor.errors import RegistryRefused
    from extractor.run.progress import show_progress
    from extractor.run.tally import Tally

    numbers = wanted if isinstance(wanted, Sequence) else ()
    known = set[str]()
    totals = list[int | None]()
    with RecordFile(path, wanted, registry, fresh=fresh) if path else nullcontext() as file:
        earlier, done_before = (file.records, file.note.complete) if file else (0, False)
        tally = Tally(resumed=earlier)

        def note(page: "FetchedPage") -> None:
            tally.extracted += len(page.studies)
            totals.append(page.total)

        def expect() -> int | None:
            total = totals[-1] if totals else None
            if file:
                total = file.note.total
            return len(numbers) or min(
                (one for one in (total, limit) if one is not None), default=None
            )

        async def work() -> Sequence[str]:
            if file:
                return await fetch_to_file(file, limit=limit, on_page=note)
            async with registry.open() as client:
                async for page in fetch_pages(client, wanted, known, limit=limit):
                    sys.stdout.buffer.writelines(study.line for study in page.studies)
                    sys.stdout.buffer.flush()
                    note(page)
            return [one for one in numbers if one not in known]

        try:
            with show_progress(tally, expect, quiet=quiet):
                unknown = asyncio.run(work())
        except KeyboardInterrupt:
            there = (
                f"{place} has {earlier + tally.extracted:,} records; the same command, "
                "without --fresh, goes on"
            )
            say(
                "interrupted; "
                f"{there if place else 'with --out a fetch can go on where it stopped'}"
            )
            raise SystemExit(INTERRUPTED) from None
        except RegistryRefused as error:
            raise ValueError(str(error)) from error
        if file and not quiet:
            new = f" ({tally.extracted:,} new)" if earlier else ""
            again = "; it was complete, --fresh fetches it again" if done_before else ""
            records = f"{file.records:,} record{'s' * (file.records != 1)}"
            say(f"{records} {f'in {place}' if place else 'fetched'}{new}{again}")
    if unknown:
        say(f"not known to {registry.name}: {', '.join(unknown)}")
    return FAILED if unknown else OK
