"""``run.json``: the settings that determine a run's results, its state, and the totals of all its
invocations.
"""

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    ValidationError,
)

from extractor.errors import StoreError, naming_file
from extractor.masking import without_credentials
from extractor.model.database import RUN_FILE
from extractor.run.store import RunStore
from extractor.run.tally import USAGE_OF_RECORDS, Counts, Tally, add_counts
from extractor.schemas import Usage

if TYPE_CHECKING:
    from extractor.concepts.own.declaration import CustomField
    from extractor.setup import Setup

MANIFEST = "run.json"
_UNREADABLE = frozenset({"rules", "prompts", "model_options", "fields"})
"""Settings whose values are too long to show or are not meaningful to readers."""
_DECIDING = (
    "schemas",
    "formats",
    "language",
    "confidence",
    "measures",
    "wire",
    "outline",
    "evidence",
    "concepts",
    "assembly",
    "audit",
    "model",
    "pipeline.py",
)
"""The parts of the package that determine the results of a run: all but the apps and the run."""
_DIGESTED = frozenset({".py", ".toml", ".json", ".txt", ".npz"})
"""The file types of code, vocabularies, tables and trained weights."""
_Counts = dict[str, NonNegativeInt]
Settings = dict[str, Any]


class RunState(StrEnum):
    """The state of a run's last invocation. The state of a killed run is ``running``, but its
    folder is not locked.
    """

    RUNNING = "running"
    COMPLETE = "complete"
    INTERRUPTED = "interrupted"
    STOPPED = "stopped"


class Stop(StrEnum):
    """The reason why an invocation ended early, as in ``stopped_by``."""

    INTERRUPTED = "interrupted"
    BUDGET = "the budget was reached"
    MODEL_AWAY = "the model was away"
    BATCHES = "batches left questions unanswered"
    ERROR = "an error"


_STATES = {None: RunState.COMPLETE, Stop.INTERRUPTED: RunState.INTERRUPTED}


class Manifest(BaseModel):
    """The content of ``run.json``, written when an invocation begins and when it ends.

    Attributes:
        state: The state of the last invocation; ``stopped_by`` is the reason if it ended early.
        settings: The settings that determine results, as ``describe_settings`` returns them.
        inputs: The absolute paths of the inputs of all invocations.
        started: The start of the first invocation; ``seconds`` is the total duration of all
            invocations.
        records: The number of results (``extracted``), the number of results that lack an answer
            (``lacking``), and the numbers of ``resumed``, ``failed`` and ``repeated`` records in
            the last invocation.
        usage: The tokens of all calls; ``cost`` is their cost. ``usd`` is None if the price of a
            call is unknown, and ``usd_known`` is the cost of the other calls. ``usd_without_reply``
            is the maximum cost of requests whose replies do not state a cost.
    """

    model_config = ConfigDict(frozen=True)

    state: RunState = RunState.RUNNING
    stopped_by: str | None = None
    settings: Settings
    inputs: tuple[str, ...] = ()
    started: str | None = None
    seconds: float = Field(default=0.0, ge=0)
    records: _Counts = {
        "extracted": 0,
        "lacking": 0,
        "resumed": 0,
        "failed": 0,
        "repeated": 0,
    }
    items: _Counts = {}
    findings: NonNegativeInt = 0
    finding_kinds: _Counts = {}
    absences: _Counts = {}
    support: _Counts = {}
    usage: Usage = Usage()
    cost: dict[str, int | float | None] = {"usd": 0.0, "usd_known": 0.0}

    def begin(self, inputs: Iterable[str], started: str) -> "Manifest":
        """Return the manifest at the start of another invocation, whose ``inputs`` are added to
        those of earlier invocations.
        """
        all_inputs = dict.fromkeys((*self.inputs, *map(_make_absolute, inputs)))
        update = {
            "state": RunState.RUNNING,
            "stopped_by": None,
            "inputs": tuple(all_inputs),
            "started": self.started or started,
        }
        return self.model_copy(update=update)

    def end(
        self, store: RunStore, tally: Tally, seconds: float, stop: Stop | None
    ) -> "Manifest":
        """Return the manifest after another invocation, which took this many ``seconds``. ``stop``
        is the reason if it ended early. The totals come from the ``store``, and the counts of this
        invocation come from the ``tally``.
        """
        totals: Counts = {}
        for counts in store.counts():
            add_counts(totals, json.loads(counts))
        # records finish in any order, but equal runs should have equal manifests
        for name, counts in totals.items():
            if isinstance(counts, dict):
                totals[name] = dict(sorted(counts.items()))
        extracted = totals.pop("records", {}).get("extracted", 0)
        spending = store.calls.spending
        # the questions are those of the records, and the tokens those of all calls
        usage_of_calls = spending.usage.model_dump(exclude=set(USAGE_OF_RECORDS))
        price = store.calls.price
        usd_without_reply = None
        if price:
            usd_without_reply = price.most(spending.most_unpriced)
            usd_without_reply += spending.most_dollars
        update = {
            "state": _STATES.get(stop, RunState.STOPPED),
            "stopped_by": stop,
            "seconds": round(self.seconds + seconds, 3),
            "records": {
                "extracted": extracted,
                "lacking": store.count_lacking(),
                "resumed": tally.resumed,
                "failed": tally.failed,
                "repeated": tally.repeated,
            },
            "usage": totals.get("usage", {}) | usage_of_calls,
            "cost": {
                "usd": None if spending.unpriced.calls else spending.dollars,
                "usd_known": spending.dollars,
                "calls_without_price": spending.unpriced.calls,
                "calls_without_reply": spending.unstated,
                "usd_without_reply": usd_without_reply,
            },
        }
        unchanged = self.model_dump(include={"settings", "inputs", "started"})
        return Manifest.model_validate(unchanged | totals | update)

    def to_json(self) -> bytes:
        """Return the manifest as an indented JSON object."""
        return json.dumps(self.model_dump(mode="json"), indent=2).encode() + b"\n"


def read_manifest(path: Path) -> Manifest | None:
    """Read a manifest, or return None if the file does not exist. Raises ``StoreError`` for an
    invalid file.
    """
    if not path.is_file():
        return None
    try:
        with naming_file(path, StoreError):
            return Manifest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise StoreError(
            f"{path}: not the manifest of a run; {how_to_keep_answers(path.parent)}"
        ) from error


def how_to_keep_answers(folder: Path) -> str:
    """Return a remedy for a folder whose run cannot continue; the remedy reuses answers that have
    been paid for.
    """
    remedy = "restore it, or use another --out"
    if (folder / RUN_FILE).is_file():
        remedy += f", with --replay {shlex.quote(str(folder))} to reuse its answers"
    return remedy


def _make_absolute(name: str) -> str:
    """Return the absolute path of an input. Addresses and ``-`` (standard input) are returned
    unchanged.
    """
    # a later command may run in another folder
    if name != "-" and "://" not in name:
        return str(Path(name).absolute())
    return name


def describe_settings(chosen: "Setup") -> Settings:
    """Return the settings that determine results: the version, rules, options, model, hashes of
    prompts, and custom fields. API keys among the request parameters are masked.

    If a run replays another run, the model of the other run is recorded, so that this run can
    continue with that model.
    """
    from extractor.model.asking.prompt import load_prompt  # noqa: PLC0415 - slow, and readers need none

    options = chosen.options
    model = str(chosen.choice)
    if chosen.choice.replay:
        replayed = read_manifest(chosen.choice.replay / MANIFEST)
        if replayed:
            model = replayed.settings.get("model") or model
    # custom fields are a separate setting
    prompt = load_prompt()
    fields = [
        field.model_dump(mode="json", exclude_defaults=True) for field in options.fields
    ]
    return {
        "extractor": version("trial-extractor"),
        "rules": digest_rules(),
        "tasks": sorted(map(str, options.tasks)),
        "effort": options.effort,
        "min_confidence": options.min_confidence,
        "model": model,
        "reasoning": chosen.asking.reasoning,
        "model_options": without_credentials(chosen.asking.options) or None,
        "prompts": {f"{prompt.name}.v{prompt.version}": prompt.sha256},
        "fields": fields or None,
    }


def restore_fields(settings: Settings) -> "tuple[CustomField, ...]":
    """Return the custom fields from the settings of a run."""
    from extractor.concepts.own.declaration import CustomField  # noqa: PLC0415 - slow, and few runs have own fields

    return tuple(map(CustomField.model_validate, settings.get("fields") or ()))


def explain_changed(
    earlier: Mapping[str, object], settings: Mapping[str, object]
) -> Iterator[str]:
    """Yield a short description of each setting that has changed.

    The address of a model's server is ignored.

    >>> earlier = {"effort": "none", "rules": "1f"}
    >>> list(explain_changed(earlier, {"effort": "full", "rules": "2e"}))
    ['effort was none, is full', 'the rules have changed']
    """
    for name, value_now in settings.items():
        value_before = earlier.get(name)
        if value_before == value_now:
            continue
        # a server with another address is still the same server
        if name == "model" and _name(value_before) == _name(value_now):
            continue
        if name in _UNREADABLE:
            yield f"the {name} have changed"
        else:
            was = _tell_setting(value_before)
            is_now = _tell_setting(value_now)
            yield f"{name} was {was}, is {is_now}"


def _tell_setting(value: object) -> object:
    """Return a setting for a message."""
    if value is None:
        return "none"
    return value


def _name(model: object) -> str:
    """Return the name of a model without the address of its server."""
    return str(model).rpartition("#")[2]


@cache
def digest_rules() -> str:
    """Return a digest of the code and data that determine questions and results, as 16 hexadecimal
    digits.

    >>> len(digest_rules())
    16
    """
    digest = sha256()
    package = Path(__file__).parents[1]
    for part in _DECIDING:
        # pipeline.py is a file, for which rglob does not find anything
        for path in sorted((package / part).rglob("*")) or [package / part]:
            is_prompt = path.suffix == ".md" and path.parent.name == "prompts"
            if is_prompt or path.suffix in _DIGESTED:
                name = path.relative_to(package).as_posix()
                digest.update(name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
