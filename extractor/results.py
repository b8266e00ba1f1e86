"""The results of runs in Python: extractions, tables, and everything that the commands create from
a run.
"""

import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from shutil import copytree
from typing import TYPE_CHECKING, Any, Literal

from extractor.apps.export import (
    Destination,
    Format,
    Threshold,
    choose_tables,
    explain_lacking,
    export_fhir,
    export_run,
    frame_table,
    pair_results,
    read_run_registry,
)
from extractor.errors import ArgumentError, NoResult, StoreError, naming_file
from extractor.formats.inputs import read_path_argument
from extractor.given import GIVEN, Frame, Library
from extractor.options import Choice, list_several
from extractor.plurals import counted
from extractor.run.files import Failed, name_failed, write_atomically
from extractor.run.finished import find_run
from extractor.run.joined import JoinedRuns
from extractor.run.manifest import MANIFEST, read_manifest
from extractor.schemas import Task, TrialExtraction
from extractor.schemas.arguments import refuse_unknown, suggest
from extractor.schemas.base import Inputs, StrPath
from extractor.schemas.evidence import PricedUsage
from extractor.schemas.vocabulary import DOUBTFUL_BELOW

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]
    import polars as pl
    import pyarrow as pa  # type: ignore[import-untyped]

    from extractor.apps.evaluation import ScoreReport

Paths = StrPath | Iterable[StrPath]
FileFormat = Literal["jsonl", "csv", "parquet", "duckdb", "xlsx", "fhir"]
_ARGUMENTS = {
    "--format fhir": 'file_format="fhir"',
    "--format": "file_format",
    "--tables": "tables",
    "--force": "force=True",
    "choose another place": "specify a file in another location",
    "--to": "path",
    "--records": "records",
}
"""The Python equivalents of the options of ``extractor export``."""


@dataclass(eq=False, repr=False)
class Results:
    """The extractions, failures, usage and tables of one or more runs. Supports ``len`` and
    iteration and, by the ids of records, ``results["NCT90000001"]``, ``in``, ``get`` and ``keys``.

    Attributes:
        paths: The folder of the run (a temporary folder, which you can keep with ``save``, unless
            you passed ``out``), or the arguments of ``read_results``.
        stopped: The reason why the run ended early, such as a spending limit, or None if the run
            is complete.
        records: Where to read the records; by default, in the inputs of the run.
        columns: The names of the columns in ``records``, as for ``read_records``.
    """

    paths: Sequence[Path]
    stopped: str | None = None
    records: Inputs = ()
    columns: Mapping[str, str] | None = None

    def __repr__(self) -> str:
        records = counted(len(self), "record")
        return f"<Results of {records}, {len(self.failures):,} failed>"

    def _repr_html_(self) -> str:
        """Return an HTML table of the records and the failures, for notebooks."""
        from extractor.apps.pages.notebook import show_results  # noqa: PLC0415 - used only in notebooks

        return show_results(self.extractions, self.failures, repr(self)[1:-1])

    def __len__(self) -> int:
        return len(self.extractions)

    def __iter__(self) -> Iterator[TrialExtraction]:
        return iter(self.extractions)

    def __getitem__(self, record_id: str) -> TrialExtraction:
        """Return the extraction of a record. Raises ``NoResult``, a ``KeyError``, if there is none;
        the message states why the record failed, or names a record with a similar id.

        >>> from extractor import Extractor
        >>> results = Extractor().run("tests/records/study.json")
        >>> results["NCT90000001"].record_id, "NCT90000002" in results
        ('NCT90000001', False)
        """
        if record_id in self:
            return self._runs.read(record_id)
        for failure in self.failures:
            if name_failed(failure) == record_id:
                raise NoResult(f"{record_id}: the record failed: {failure['message']}")
        raise NoResult(
            f"{record_id}: no such record{suggest(str(record_id), self.keys())}; keys() lists the "
            "ids of all records, and results.extractions[0] is the first extraction"
        )

    def __contains__(self, record_id: object) -> bool:
        """Return whether a record has an extraction."""
        return record_id in self._runs

    def get(
        self, record_id: str, default: TrialExtraction | None = None
    ) -> TrialExtraction | None:
        """Return the extraction of a record, or ``default`` if there is none."""
        if record_id in self:
            return self[record_id]
        return default

    def keys(self) -> list[str]:
        """Return the ids of the records with an extraction, in record order."""
        return self._runs.record_ids

    @cached_property
    def _runs(self) -> JoinedRuns:
        return self._open()

    def _open(self) -> JoinedRuns:
        return JoinedRuns(self.paths, self.records, self.columns)

    @property
    def folder(self) -> Path:
        """The folder of the run. Raises ``ArgumentError`` if these are not the results of a single
        run.
        """
        run = find_run(self.paths[0])
        if run is None or len(self.paths) > 1:
            raise ArgumentError(
                f"{self._runs}: is not the folder of a single run; use paths, or export the results"
            )
        return run.folder

    @cached_property
    def extractions(self) -> list[TrialExtraction]:
        """The extractions, in record order."""
        return list(self._runs)

    @cached_property
    def failures(self) -> list[Failed]:
        """The failures, each with ``record_id``, ``path``, ``place``, ``error``, and a ``message``
        that includes the remedy.
        """
        return self._runs.failures

    @property
    def usage(self) -> PricedUsage:
        """The questions, calls, tokens and cost of the run, including those of earlier invocations.
        ``usd`` is the cost that replies state, or None if the price is unknown. Only a run folder
        contains the cost.
        """
        return self._runs.usage

    def _find_problem(self) -> str | None:
        """Return why the results are incomplete, or None."""
        if self.stopped:
            return f"the run is not complete: {self.stopped}"
        if len(self) or not self.failures:
            return None
        return f"no record could be extracted: {self.failures[0]['message']}"

    def table(self, name: str, to: Library = "pandas") -> Frame:
        """Return a table, such as ``constraints``, as a pandas or polars data frame, or as an Arrow
        table.

        ``extractor.apps.export.list_tables`` lists the tables. Key columns, such as ``record_id``,
        come first. Warns about columns that are empty because records are missing or have changed.

        Raises:
            ValueError: There is no such table.
            MissingExtra: The library is not installed.
        """
        fields = self._runs.fields
        tables = choose_tables(tuple(Task), [name], fields)
        registry, lacking = read_run_registry(self._runs, tables)
        for message in explain_lacking(lacking, tables):
            warnings.warn(message.replace("--records", "records"), stacklevel=2)
        return frame_table(self.extractions, name, to, registry, fields)

    def match(
        self,
        patients: Frame,
        to: Library = "pandas",
        *,
        min_confidence: float = DOUBTFUL_BELOW,
        synonyms: Iterable[Iterable[str]] = (),
        only_conditions: bool = False,
    ) -> Frame:
        """Compare all trials with patients, as ``extractor match`` does, and return the table
        ``matches`` as a data frame.

        Args:
            patients: A data frame of pandas or polars with the columns ``id``, ``age``, ``sex``,
                ``drugs`` and ``conditions`` (joined by ``|``), ``since EVENT``, and a column for
                each value, named after its quantity; or dictionaries with such keys.
            to: The library that provides the returned table.
            min_confidence: What is less sure decides nothing.
            synonyms: Rows of names that mean the same drug, condition or event.
            only_conditions: Leave out trials for other conditions.

        Raises:
            ValueError: The data of a patient cannot be read without a guess.
            MissingExtra: The library is not installed.

        >>> from extractor import Extractor
        >>> results = Extractor().run("tests/records")
        >>> results.match([{"age": 70}])["answer"].value_counts()["excluded"].item()
        3
        """
        from extractor.apps.match import frame_matches  # noqa: PLC0415 - few results need it

        registry, _ = read_run_registry(self._runs, choose_tables(tuple(Task), (), ()))
        return frame_matches(
            self.extractions,
            patients,
            to,
            min_confidence=min_confidence,
            synonyms=synonyms,
            registry=registry,
            only_conditions=only_conditions,
        )

    def match_page(
        self,
        patients: Any,
        path: StrPath = "match.html",
        *,
        min_confidence: float = DOUBTFUL_BELOW,
        synonyms: Iterable[Iterable[str]] = (),
        only_conditions: bool = False,
    ) -> Path:
        """Write all trials for patients as one HTML page, as ``extractor match --html`` does, and
        return its path: each verdict next to the text of the trial and the data of the patient.

        Args:
            patients: A ``Patient``, a dictionary of its fields, several of these, or a data frame
                as for ``match``.
            path: The file. Its folder must exist. Its first 2,000 answers can be opened.
            min_confidence: What is less sure decides nothing.
            synonyms: Rows of names that mean the same drug, condition or event.
            only_conditions: Leave out trials for other conditions.

        Raises:
            ValueError: The data of a patient cannot be read without a guess.
            StoreError: The file cannot be written.

        >>> from extractor import Extractor
        >>> Extractor().run("seeds/records").match_page({"age": 7}, "trials.html").name
        'trials.html'
        """
        from extractor.apps.match import page_matches  # noqa: PLC0415 - few results need it

        to = Path(path)
        registry, _ = read_run_registry(self._runs, choose_tables(tuple(Task), (), ()))
        with _naming_arguments(to):
            page_matches(
                to,
                self._runs,
                patients,
                min_confidence=min_confidence,
                synonyms=synonyms,
                registry=registry,
                only_conditions=only_conditions,
            )
        return to

    def to_pandas(self, name: str = "values") -> "pd.DataFrame":
        """Return a table as a pandas data frame, like ``table(name)``.

        >>> from extractor import Extractor
        >>> len(Extractor().run("seeds/records").to_pandas("endpoints"))
        36
        """
        return self.table(name)

    def to_polars(self, name: str = "values") -> "pl.DataFrame":
        """Return a table as a polars data frame, like ``table(name, "polars")``."""
        frame: pl.DataFrame = self.table(name, "polars")
        return frame

    def to_arrow(self, name: str = "values") -> "pa.Table":
        """Return a table as an Arrow table, like ``table(name, "arrow")``."""
        return self.table(name, "arrow")

    def report(
        self,
        path: StrPath = "report.html",
        *,
        records: Paths = (),
    ) -> Path:
        """Write the results as one HTML page, as ``extractor report`` does, and return its path.

        Args:
            path: The file. Its folder must exist.
            records: The new paths of the inputs, if they have been moved since the run.

        Raises:
            StoreError: The file cannot be written.

        >>> from extractor import Extractor
        >>> Extractor().run("seeds/records").report("trials.html").name
        'trials.html'
        """
        from extractor.apps.report import write_report  # noqa: PLC0415 - slow, and few results need it

        to = Path(path)
        with _naming_arguments(to):
            write_report(self._runs, to, records=list_several(records))
        return to

    def export(
        self,
        path: StrPath,
        *,
        tables: Collection[str] | str = (),
        tasks: Collection[Task | str] | str = tuple(Task),
        file_format: FileFormat | None = None,
        min_confidence: float = 0.0,
        gold: StrPath | None = None,
        force: bool = False,
    ) -> Mapping[str, int]:
        """Write tables or FHIR resources to files, as ``extractor export`` does.

        Args:
            path: A folder, or a file whose name ends with ``.duckdb`` or ``.xlsx`` or, for a single
                table, with ``.csv``, ``.parquet`` or ``.jsonl``.
            tables: The names of the tables to write; by default, all tables.
            tasks: The tasks whose tables or FHIR resources are written.
            file_format: The format of the files in a folder. ``fhir`` writes FHIR R5 and requires
                the ``fhir`` extra.
            min_confidence: Omit values below this confidence, from 0 to 1.
            gold: A folder of gold annotations. Its finished records replace the extractions of the
                run.
            force: Whether to replace an earlier export.

        Returns:
            The number of rows in each table, or of resources of each FHIR type. ``unmapped`` is the
            number of values that FHIR cannot represent; ``unmapped.jsonl`` lists them.

        Raises:
            ValueError: A table or task does not exist, or the path does not determine the format.
            MissingExtra: The format's library is not installed.
            StoreError: The path contains something other than an export, or cannot be written to.

        >>> from extractor import Extractor
        >>> results = Extractor().run("seeds/records")
        >>> dict(results.export("endpoints.csv", tables=["endpoints"], force=True))
        {'endpoints': 36}
        """
        to = Path(path)
        refuse_unknown("file_format", list_several(file_format), [*Format, "fhir"])
        chosen = Choice.read({"tasks": tasks, "min_confidence": min_confidence})
        # a separate object, because gold replaces some of its results
        runs = self._open()
        if gold is not None:
            from extractor.apps.review.gold import correct_run  # noqa: PLC0415 - slow, and few exports need it

            correct_run(runs, Path(gold))
        with _naming_arguments(to):
            counts, _, lacking = export_results(
                runs,
                to,
                sorted(chosen.tasks),
                tables=list_several(tables),
                file_format=file_format,
                threshold=Threshold(chosen.min_confidence),
                force=force,
            )
        for message in lacking:
            warnings.warn(message.replace("--records", "records"), stacklevel=2)
        return counts

    def evaluate(
        self,
        gold: StrPath | Iterable[TrialExtraction | Mapping[str, object]],
        *,
        examples: int = 10,
        resamples: int = 1000,
        fields: Iterable[str] = (),
        page: StrPath | None = None,
    ) -> "ScoreReport":
        """Score the extractions against gold annotations, as ``extractor evaluate`` does, including
        custom fields.

        Args:
            gold: A folder of JSON files, a JSON Lines file, or the annotations themselves.
            examples: The number of examples to keep for each kind of error.
            resamples: The number of bootstrap samples for confidence intervals; 0 omits the
                intervals.
            fields: The names of the fields to score, such as ``minimum_age``; by default, all
                annotated fields.
            page: An HTML file to which the scores and errors are written.

        Raises:
            GoldError: The gold annotations cannot be read.
            StoreError: The page cannot be written.
            ArgumentError: ``examples`` or ``resamples`` is negative, or a field does not exist.

        >>> from extractor import Extractor
        >>> report = (
        ...     Extractor().run("seeds/records").evaluate("seeds/gold", resamples=0)
        ... )
        >>> round(report.figure("endpoints"), 2)
        1.0
        """
        from extractor.apps.evaluation import evaluate  # noqa: PLC0415 - slow, and few results need it
        from extractor.apps.evaluation.page import write_score_page  # noqa: PLC0415 - as above

        source = Path(gold) if isinstance(gold, str | PathLike) else list(gold)
        report = evaluate(
            source,
            self._runs,
            examples=examples,
            resamples=resamples,
            fields=(*self._runs.fields, *fields),
        )
        if page is not None:
            to = Path(page)
            with _naming_arguments(to):
                write_score_page(to, report, self._runs.find_inputs())
        return report

    def save(self, folder: StrPath) -> Path:
        """Copy the run to a folder that ``extractor report``, ``review``, ``export`` and
        ``evaluate`` accept.

        Raises ``StoreError`` if the folder exists or cannot be written to, and ``ArgumentError`` if
        these are not the results of a single run.
        """
        to = Path(folder)
        old = self.folder
        with _naming_arguments(to):
            copytree(old, to)
            manifest = read_manifest(to / MANIFEST)
            assert manifest, "the folder is that of a run"
            # inputs that were given in Python are read from the copy
            old_path, new_path = (str((at / GIVEN).absolute()) for at in (old, to))
            inputs = [path.replace(old_path, new_path) for path in manifest.inputs]
            manifest = manifest.model_copy(update={"inputs": tuple(inputs)})
            write_atomically(to / MANIFEST, manifest.to_json())
        return to


def read_results(
    *paths: StrPath | Sequence[StrPath],
    records: Paths = (),
    columns: Mapping[str, str] | None = None,
) -> Results:
    """Read the results of runs. If a record has several results, the last one counts.

    Args:
        paths: Folders of runs, or files of extractions in JSON Lines, one by one or as a list.
        records: The inputs, if they have been moved or a file is not in the folder of its run.
        columns: The names of the columns in ``records``, as for ``read_records``. A run folder
            contains them.

    Raises:
        ArgumentError: A path does not exist, or runs declare a custom field differently.
        StoreError: A path contains no results, or something else.

    Warns about records with several results, and if a run is incomplete or has only failures.

    >>> from extractor import Extractor, read_results
    >>> _ = Extractor().run("seeds/records").save("five-trials")
    >>> results = read_results("five-trials")
    >>> results
    <Results of 5 records, 0 failed>
    >>> len(results.to_pandas("endpoints"))
    36
    """
    given: list[StrPath] = []
    for path in paths:
        if isinstance(path, Sequence) and not isinstance(path, str):
            given += path
        else:
            given.append(path)
    results = Results(
        [Path(read_path_argument(path)) for path in given],
        None,
        list_several(records),
        columns,
    )
    results.stopped = "; ".join(results._runs.incomplete) or None
    for problem in (results._runs.explain_repeated(), results._find_problem()):
        if problem:
            warnings.warn(problem, stacklevel=2)
    return results


def export_results(
    runs: JoinedRuns,
    to: Path,
    tasks: Collection[Task],
    *,
    tables: Sequence[str],
    file_format: FileFormat | None,
    threshold: Threshold,
    force: bool,
) -> tuple[Mapping[str, int], list[str], list[str]]:
    """Write runs as tables or as FHIR resources.

    ``threshold`` is the minimum confidence, and counts the values that are omitted because of it.
    Returns the number of rows in each table, or of resources of each type; a description of the
    export; and messages about columns that lack the register's data. Raises the same errors as
    ``Results.export``, but the messages name the options of the command line.
    """
    columns = choose_tables(tasks, tables, runs.fields)
    if file_format == "fhir":
        if tables:
            raise ValueError("--format fhir writes no tables; drop --tables")
        exported = export_fhir(pair_results(runs, threshold), to, tasks, force=force)
        counts = {**exported.resources, "unmapped": sum(exported.unmapped.values())}
        return counts, [*exported.describe()], []
    destination = Destination.choose(
        to, Format(file_format) if file_format else None, force=force
    )
    registry, lacking = read_run_registry(runs, columns)
    rows = export_run(runs, destination, columns, registry, threshold)
    return (
        rows,
        [f"{name}: {number}" for name, number in rows.items()],
        [*explain_lacking(lacking, columns)],
    )


@contextmanager
def _naming_arguments(path: Path) -> Iterator[None]:
    """Rewrite the messages of errors raised in the body so that they suit Python: options such as
    ``--to`` are replaced with the equivalent arguments. An ``OSError`` is raised as a
    ``StoreError`` that names the file.
    """
    try:
        with naming_file(path):
            yield
    except (StoreError, ValueError) as error:
        message = str(error)
        for option, argument in _ARGUMENTS.items():
            message = message.replace(option, argument)
        raise type(error)(message) from None
