"""Resolve the numbers of records and papers among a command's inputs."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from extractor.apps.cli.console import OK
from extractor.errors import naming_file

_NUMBER = re.compile(r"(?i)(?:nct|pmc|pmid:?)\d+")


@contextmanager
def fetch_inputs(
    inputs: tuple[str, ...], folder: Path | None, *, fresh: bool, quiet: bool
) -> Iterator[tuple[tuple[str, ...], int]]:
    """Fetch the records and papers for the numbers among ``inputs``. Yields (inputs, exit code),
    where the file of fetched records replaces the numbers.

    An input that looks like a number is treated as a file path if a file with that name
    exists. The fetched file is stored in the run's ``folder`` or, if that is None, in a temporary
    one. The exit code is 1 if a number is not in the registry. Raises ``ValueError`` for a number
    that does not have eight digits, and ``FolderNotWritable`` if the file cannot be written.
    """
    numbered = [
        name for name in inputs if _NUMBER.fullmatch(name) and not Path(name).exists()
    ]
    if not numbered:
        yield inputs, OK
        return
    from extractor.apps.cli.fetch import fetch_target  # noqa: PLC0415 - slow, and most runs read files
    from extractor.apps.fetch import parse_numbers  # noqa: PLC0415 - as above

    numbers = parse_numbers(" ".join(numbered))
    with TemporaryDirectory() as scratch:
        path = Path(folder or scratch, "fetched.jsonl")
        with naming_file(path):
            code = fetch_target(numbers, path, fresh=fresh, quiet=quiet)
        paths = [name for name in inputs if name not in numbered]
        # there is no file if the registry has none of the numbers
        if path.exists():
            paths.insert(0, str(path))
        if not paths:
            raise SystemExit(code)
        yield tuple(paths), code
