"""Read gold and extractions from files and runs, one at a time."""

from collections import UserDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import to_jsonable_python

from extractor.apps.values import find_words
from extractor.errors import GoldError
from extractor.face import (
    CustomField,
    JoinedRuns,
    find_run,
    list_files,
    list_in_file,
    parse_json,
)
from extractor.schemas import TrialExtraction
from extractor.schemas.paths import write_path

_SOURCES = "a folder of JSON files, a JSONL file or a run's folder"
ExtractionSource = (
    str | Path | JoinedRuns | Iterable[TrialExtraction | Mapping[str, object]]
)


class GoldPlace(NamedTuple):
    """The location of an extraction, such as ``gold.jsonl, line 3``, with a function that reads its
    JSON.
    """

    name: str
    load: Callable[[], bytes]

    def read(self) -> tuple[str, object]:
        """Return (record id, parsed JSON). Raises ``GoldError`` if the content is not the JSON of
        an extraction.
        """
        try:
            data = parse_json(self.load())
            return str(data["record_id"]), data
        except (ValueError, KeyError, TypeError) as error:
            raise GoldError(
                f"{self.name}: is not an extraction (JSON with a record_id); correct or remove it"
            ) from error


_Stored = GoldPlace | TrialExtraction
"""An extraction, or its location."""


def list_gold_places(source: Path | JoinedRuns) -> Iterator[GoldPlace]:
    """Yield the locations of all extractions, in the order of their files.

    - of runs: one for each record with results;
    - of a folder: those of its ``extractions.jsonl`` or, if it has none, of its ``.json`` and
      ``.jsonl`` files;
    - of a ``.json`` file: one; of any other file: one for each line.

    Blank lines are skipped, and a folder without such files yields none. Raises ``ArgumentError``
    if the source does not exist, or is neither a file nor a folder.
    """
    run = source if isinstance(source, JoinedRuns) else find_run(source)
    if run:
        for record_id in run.record_ids:
            yield GoldPlace(f"{source}, {record_id}", partial(run.read_line, record_id))
        return
    assert isinstance(source, Path)
    for place in chain.from_iterable(map(list_in_file, list_files(source))):
        yield GoldPlace(place.name, place.read)


class Extractions(UserDict[str, Any]):
    """Extractions indexed by record id and read one at a time. For runs and JSON files, only the
    locations are kept in memory. Raises ``GoldError`` if an id is repeated, or when an invalid
    extraction is read.
    """

    def __init__(
        self,
        name: str,
        entries: Iterable[tuple[str, _Stored]],
        custom_fields: Sequence[CustomField],
    ) -> None:
        super().__init__()
        self.name = name
        self._custom_fields = custom_fields
        # the samples of the bootstrap depend on the order of the records
        for record_id, entry in sorted(entries, key=itemgetter(0)):
            if record_id in self:
                raise GoldError(f"{name}: {record_id!r} occurs twice; keep one")
            self[record_id] = entry

    def __getitem__(self, record_id: str) -> TrialExtraction:
        entry: _Stored = self.data[record_id]
        if isinstance(entry, GoldPlace):
            _, data = entry.read()
            entry = _validate(data, entry.name)
        return parse_custom_values(entry, self._custom_fields)


def open_extractions(
    source: ExtractionSource, name: str, custom_fields: Sequence[CustomField] = ()
) -> Extractions:
    """Index extractions so that each extraction can be read separately. ``name`` identifies a
    source in memory. The values of the custom fields in ``custom_fields`` are parsed.

    Raises ``GoldError`` for a path without extractions, an invalid file, or a repeated id.
    """
    if isinstance(source, str):
        source = Path(source)
    if not isinstance(source, Path | JoinedRuns):
        valid = [
            _validate(extraction, f"{name}[{position}]")
            for position, extraction in enumerate(source)
        ]
        return Extractions(
            name,
            [(extraction.record_id, extraction) for extraction in valid],
            custom_fields,
        )
    places = [(place.read()[0], place) for place in list_gold_places(source)]
    if not places:
        raise GoldError(f"{source}: contains no extractions; specify {_SOURCES}")
    return Extractions(str(source), places, custom_fields)


def complete_eligibility(data: object) -> object:
    """Return gold as JSON. An empty ``eligibility`` is added if it is missing, because gold may
    cover only doses or outcomes.
    """
    if isinstance(data, Mapping):
        return {"eligibility": {}, **data}
    return data


def _validate(data: object, place: str) -> TrialExtraction:
    """Return gold, or an extraction, from its JSON. Raises ``GoldError`` with the first violation
    of the schema; ``place`` is the location for its message.
    """
    try:
        return TrialExtraction.model_validate(complete_eligibility(data))
    except ValidationError as error:
        path, problem = next(iter(list_violations(error).items()))
        raise GoldError(
            f"{place}: {path}: {problem}; correct it (extractor evaluate --check lists all "
            "problems)"
        ) from error


def list_violations(error: ValidationError) -> dict[str, str]:
    """Return the schema violations, keyed by path."""
    violations = {}
    for details in error.errors(include_url=False):
        # For a number, the location ends with the branch of the union: "int" or "float".
        steps = [step for step in details["loc"] if step not in ("int", "float")]
        violations[write_path(steps)] = details["msg"]
    return violations


def parse_custom_values(
    extraction: TrialExtraction, fields: Iterable[CustomField]
) -> TrialExtraction:
    """Return an extraction in which the values of the custom ``fields`` are parsed according to
    their declarations. Each value refers to its item by the item's words rather than by its path.

    Raises ``GoldError`` for a value that cannot be parsed.
    """
    hosts = dict(extraction.list_items())
    custom = dict(extraction.custom)
    for field in fields:
        items = []
        for number, item in enumerate(custom.get(field.name, ())):
            words = find_words(hosts.get(item.of or ""))
            place = f"{extraction.record_id}: custom.{field.name}[{number}].values"
            values = _parse_values(field, item.values, place)
            update = {"values": values, "of": words, "calibrated": False}
            items.append(item.model_copy(update=update))
        if items:
            custom[field.name] = tuple(items)
    return extraction.model_copy(update={"custom": custom})


def _parse_values(
    field: CustomField, values: Mapping[str, object], place: str
) -> dict[str, object]:
    """Return the values of a custom field as its declaration types them. Raises ``GoldError`` with
    the first fault.
    """
    # read_answer adds (path, reason) pairs to it
    faults: list[tuple[str, str]] = []
    written = to_jsonable_python(values)
    parsed = field.read_answer(written, place, faults, strict=True)
    if faults:
        _, reason = faults[0]
        raise GoldError(reason)
    return parsed
