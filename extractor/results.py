"""The results of a run in Python: extractions, tables, and what the commands make of a run."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from os import PathLike
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import Any, Literal
from warnings import warn

from extractor.apps.evaluation import ScoreReport, evaluate
from extractor.apps.evaluation.page import write_score_page
from extractor.apps.export import (
    Destination,
    Format,
    Registry,
    Threshold,
    choose_tables,
    export_fhir,
    export_run,
    pair_results,
)
from extractor.apps.export.frames import frame_tables, frame_values
from extractor.apps.pages.notebook import show_results
from extractor.apps.report import write_report
from extractor.apps.report.overview import read_failures
from extractor.apps.review.gold import correct_run
from extractor.errors import StoreError
from extractor.many import GIVEN
from extractor.options import Choice, ExtractionOptions
from extractor.plurals import counted
from extractor.run.finished import FinishedRun
from extractor.run.folder import FAILURES, REPEATED, naming_file, write_atomically
from extractor.run.manifest import MANIFEST, Manifest, restore_fields
from extractor.schemas import Task, TrialExtraction
from extractor.schemas.evidence import PricedUsage

_ARGUMENTS = {
    "say --format": "give file_format",
    "--format": "file_format",
    "--tables": "tables",
    "--force": "force=True",
    "--to": "path",
}
"""What the options of ``extractor export`` are called in Python."""


class Results:
    """The results of a run: extractions, failures, usage, and tables. Has a length, and yields the
    extractions.

    Attributes:
        folder: The folder of the run: the one given as ``out``, or a temporary one, which ``save``
            keeps.
        stopped: Why the run ended before its last record, such as a limit of money; None if it did
            not.
    """

    def __init__(
        self,
        folder: Path,
        registry: Registry,
        stopped: str | None,
    ) -> None:
        self.folder = folder
        self.stopped = stopped
        self._registry = registry

    def __repr__(self) -> str:
        noun = "record" if len(self) == 1 else "records"
        counts = [f"{len(self):,} {noun}", f"{len(self.failures):,} failed"]
        if self.repeated:
            counts.append(f"{len(self.repeated):,} repeated")
        if self.stopped:
            counts.append(f"stopped: {self.stopped}")
        return f"<Results of {', '.join(counts)}>"

    def _repr_html_(self) -> str:
        """Return the records with their counts, and what failed, for notebooks."""
        return show_results(self.extractions, self.failures, repr(self)[1:-1])

    def __len__(self) -> int:
        return len(self.extractions)

    def __iter__(self) -> Iterator[TrialExtraction]:
        return iter(self.extractions)

    @cached_property
    def _finished(self) -> FinishedRun:
        return FinishedRun(self.folder)

    @property
    def _manifest(self) -> Manifest:
        return self._finished.manifest

    @cached_property
    def extractions(self) -> list[TrialExtraction]:
        """The extractions, in the order of the records."""
        return [
            TrialExtraction.model_validate_json(line)
            for line in self._finished.read_lines()
        ]

    @cached_property
    def failures(self) -> list[dict[str, Any]]:
        """Each record that failed: ``record_id``, ``path``, ``place``, ``error``, and a
        ``message`` with the remedy.
        """
        return read_failures(self.folder / FAILURES)

    @cached_property
    def repeated(self) -> list[dict[str, Any]]:
        """Each record whose id came before, which is left out, with both places and whether its
        text is the same.
        """
        return read_failures(self.folder / REPEATED)

    @property
    def usage(self) -> PricedUsage:
        """Questions, calls, tokens and dollars of the run, with what it resumed. ``usd`` is None
        for unknown prices.
        """
        counts = self._manifest.usage.model_dump()
        return PricedUsage(**counts, usd=self._manifest.cost["usd"])

    def table(
        self, name: str, to: Literal["pandas", "polars", "arrow"] = "pandas"
    ) -> Any:
        """Return a table, such as ``constraints``, as a data frame of pandas or polars, or as a
        table of Arrow.

        ``extractor.apps.export.list_tables`` names the tables. Keys, such as ``record_id``, come
        first.

        Raises:
            ValueError: There is no such table.
            MissingExtra: The library is not installed.
        """
        return self._tabulate(to, [name])[name]

    def tables(
        self, to: Literal["pandas", "polars", "arrow"] = "pandas"
    ) -> dict[str, Any]:
        """Return all tables by name, as ``table`` does."""
        return self._tabulate(to, ())

    def to_pandas(self) -> Any:
        """Return all values of all records as one data frame of pandas, a row a value, with the
        words that support it and their place, as ``TrialExtraction.to_pandas`` does.

        Raises ``MissingExtra`` without pandas.
        """
        return frame_values(self.extractions)

    def _tabulate(self, to: str, names: Sequence[str]) -> dict[str, Any]:
        fields = restore_fields(self._manifest.settings)
        return frame_tables(self.extractions, names, to, self._registry, fields)

    def report(
        self,
        path: str | PathLike[str] = "report.html",
        *,
        records: str | PathLike[str] | Iterable[str | PathLike[str]] = (),
        limit: int = 20_000,
    ) -> Path:
        """Write the run as one page of HTML, as ``extractor report`` does, and return its path.

        Args:
            path: The file. Its folder must exist.
            records: The inputs, if they have moved since the run.
            limit: The number of records that the page can open at most.

        Raises:
            StoreError: The file cannot be written.

        Warns if the run is not complete, if texts are missing, and if not all records can be
        opened.

        >>> from extractor import Extractor
        >>> Extractor().run("seeds/records").report("trials.html").name
        'trials.html'
        """
        to = Path(path)
        with _naming_target(to):
            given = [records] if isinstance(records, str | PathLike) else list(records)
            summary = write_report(self.folder, to, records=given, limit=limit)
        self._warn_incomplete()
        if summary.without_text:
            warn(
                f"no text for {summary.without_text} of {counted(summary.records, 'record')}: it "
                "is missing or has changed, and only quotes are shown (give the inputs as records)",
                stacklevel=2,
            )
        if summary.shown < summary.records:
            shown = (
                f"{summary.shown} of {counted(summary.records, 'record')} can be opened"
            )
            warn(f"{shown} (limit)", stacklevel=2)
        return to

    def _warn_incomplete(self) -> None:
        if self.stopped:
            warn(
                f"the run is not complete, and this has what there is: {self.stopped}",
                stacklevel=3,
            )

    def export(  # noqa: PLR0913 - the options of the command
        self,
        path: str | PathLike[str],
        *,
        tables: Collection[str] | str = (),
        tasks: Collection[Task | str] | str = tuple(Task),
        file_format: Literal["jsonl", "csv", "parquet", "duckdb", "xlsx", "fhir"]
        | None = None,
        min_confidence: float = 0.0,
        gold: str | PathLike[str] | None = None,
        bundles: bool = False,
        force: bool = False,
    ) -> Mapping[str, int]:
        """Write tables or FHIR resources to files, as ``extractor export`` does.

        Args:
            path: A file that ends with ``.duckdb`` or ``.xlsx``; for one table also ``.csv``,
                ``.parquet`` or ``.jsonl``; or a folder.
            tables: The names of the tables to write; all by default.
            tasks: Only the tables, or the FHIR resources, of these tasks.
            file_format: The format of the files in a folder. ``fhir`` writes FHIR R5, and needs the
                extra ``fhir``.
            min_confidence: Leave out values below this confidence, from 0 to 1.
            gold: Take the finished records of a review from this folder.
            bundles: Of ``fhir``: one transaction for each trial.
            force: Replace an earlier export.

        Returns:
            The number of rows of each table, or of resources of each type of FHIR; ``unmapped`` is
            the number of values that have no place there, which ``unmapped.jsonl`` lists.

        Raises:
            ValueError: There is no such table or task, or the path does not say the format.
            MissingExtra: The format's library is not installed.
            StoreError: The path holds something else, or cannot be written.

        Warns if the run is not complete.

        >>> from extractor import Extractor
        >>> results = Extractor().run("seeds/records")
        >>> dict(results.export("endpoints.csv", tables=["endpoints"], force=True))
        {'endpoints': 36}
        """
        to = Path(path)
        fields = restore_fields(self._manifest.settings)
        if bundles and file_format != "fhir":
            raise ValueError('bundles: give file_format="fhir", too')
        if tables and file_format == "fhir":
            raise ValueError("tables: FHIR has none; leave them out")
        some = Choice.read({"tasks": tasks}).tasks
        names = [tables] if isinstance(tables, str) else tables
        chosen = choose_tables(some, names, fields)
        options = ExtractionOptions.read({"min_confidence": min_confidence})
        threshold = Threshold(options.min_confidence)
        # a run of its own, since gold takes the place of some results
        run = FinishedRun(self.folder)
        if gold is not None:
            correct_run(run, Path(gold))
        self._warn_incomplete()
        with _naming_target(to):
            if file_format == "fhir":
                pairs = pair_results(self.folder, run, threshold)
                ordered = [task for task in Task if task in some]
                counts = export_fhir(pairs, to, ordered, bundles=bundles, force=force)
                unmapped = sum(counts.unmapped.values())
                return {**counts.resources, "unmapped": unmapped}
            wanted = Format(file_format) if file_format else None
            return export_run(
                self.folder,
                Destination.choose(to, wanted, force=force),
                chosen,
                run.read_lines(),
                self._registry,
                threshold,
                fields,
            )

    def evaluate(
        self,
        gold: str | PathLike[str] | Iterable[TrialExtraction | Mapping[str, Any]],
        *,
        examples: int = 10,
        resamples: int = 1000,
        fields: Iterable[str] = (),
        page: str | PathLike[str] | None = None,
    ) -> ScoreReport:
        """Score the extractions against gold, as ``extractor evaluate`` does; fields of your own,
        too.

        Args:
            gold: A folder of JSON, a file of JSON lines, or annotations.
            examples: The number of errors kept for each kind.
            resamples: The number of bootstrap samples for the intervals; 0 for none.
            fields: The names of the fields to score, such as ``minimum_age``; by default all whose
                keys gold has.
            page: A file for the scores and the errors as one page of HTML; the page has as many
                errors as ``examples`` says.

        Raises:
            GoldError: The gold cannot be read.
            StoreError: The page cannot be written.
            ArgumentError: ``examples`` or ``resamples`` is negative, or no field has such a name.

        >>> from extractor import Extractor
        >>> report = (
        ...     Extractor().run("seeds/records").evaluate("seeds/gold", resamples=0)
        ... )
        >>> round(report.figure("endpoints"), 2)
        1.0
        """
        source = Path(gold) if isinstance(gold, str | PathLike) else list(gold)
        report = evaluate(
            source,
            self.folder,
            examples=examples,
            resamples=resamples,
            fields=(*restore_fields(self._manifest.settings), *fields),
        )
        if page is not None:
            to = Path(page)
            with _naming_target(to):
                write_score_page(to, report, self._finished.find_inputs())
        self._warn_incomplete()
        return report

    def save(self, folder: str | PathLike[str]) -> Path:
        """Copy the run to a folder that ``extractor report``, ``review``, ``export`` and
        ``evaluate`` take.

        Raises ``StoreError`` if it cannot be written, or holds something.
        """
        to = Path(folder)
        if to.is_file() or (to.is_dir() and any(to.iterdir())):
            raise StoreError(f"{to}: holds something already; name a new folder")
        with naming_file(to):
            copytree(
                self.folder, to, dirs_exist_ok=True, ignore=ignore_patterns(".lock")
            )
            manifest = self._move_given(to)
            write_atomically(to / MANIFEST, manifest.to_json())
        return to

    def _move_given(self, to: Path) -> Manifest:
        """Return the manifest for a copy of the run in the folder ``to``. Its inputs are those of
        the run; but the file of what was given in Python is the one in ``to``.
        """
        here = str(self.folder / GIVEN)
        there = to / GIVEN
        manifest = self._manifest
        inputs = list(manifest.inputs)
        paths = list(manifest.input_paths)
        if here in inputs:
            inputs[inputs.index(here)] = str(there)
        if here in paths:
            paths[paths.index(here)] = str(there.absolute())
        update = {"inputs": tuple(inputs), "input_paths": tuple(paths)}
        return manifest.model_copy(update=update)


@contextmanager
def _naming_target(path: Path) -> Iterator[None]:
    """Raise the errors of the body with messages for a caller in Python: an option such as ``--to``
    becomes the argument of that meaning, and an ``OSError`` becomes a ``StoreError`` that names the
    file, or ``path`` if it names none.
    """
    try:
        yield
    except (StoreError, ValueError) as error:
        message = str(error)
        for option, argument in _ARGUMENTS.items():
            message = message.replace(option, argument)
        raise type(error)(message) from None
    except OSError as error:
        place = error.filename or path
        raise StoreError(
            f"{place}: {error.strerror}; name a file in another place"
        ) from error
