"""``run.json``: the settings that decide a run's results, its state, and the totals of all its
invocations.
"""

import json
import shlex
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import cache
from glob import glob
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

from extractor.errors import StoreError
from extractor.masking import without_credentials
from extractor.model.database import RUN_FILE
from extractor.run.store import LACKING, LEFT, RunStore
from extractor.run.tally import USAGE_OF_RECORDS, Tally, add_counts
from extractor.schemas import Usage

if TYPE_CHECKING:
    from extractor.concepts.own.declaration import CustomField
    from extractor.run.setup import Setup

MANIFEST = "run.json"
_SHOWN_LEFT = 100
NO_MODEL = "none"
"""The setting ``model`` of a run that asks none."""
_OF_MODELS = frozenset({"prompts", "reasoning", "model_options"})
"""Settings that decide nothing where no model is asked."""
_UNREADABLE = frozenset({"rules", "prompts", "model_options", "fields"})
"""Settings whose values are too long for people, or say nothing to them."""
_Counts = dict[str, NonNegativeInt]

_DECIDING = (
    "schemas",
    "formats",
    "language",
    "evidence",
    "concepts",
    "assembly",
    "audit",
    "model",
    "pipeline.py",
)
"""The parts of the package on which the results of a run depend."""
_DIGESTED = frozenset({".py", ".toml", ".json", ".txt", ".npz"})
"""Code, vocabularies, pins of models, examples and learned weights. Markdown counts only in
``prompts``.
"""


class RunState(StrEnum):
    """The state of a run's last invocation. That of a killed one is ``running``, but its folder is
    not locked.
    """

    RUNNING = "running"
    COMPLETE = "complete"
    INTERRUPTED = "interrupted"
    STOPPED = "stopped"


class Stop(StrEnum):
    """Why an invocation stopped before its last record, as in ``stopped_by``."""

    INTERRUPTED = "interrupted"
    BUDGET = "the budget was reached"
    MODEL_AWAY = "the model was away"
    BATCHES = "batches left questions without an answer"
    ERROR = "an error"


_STATES = {None: RunState.COMPLETE, Stop.INTERRUPTED: RunState.INTERRUPTED}


class Manifest(BaseModel):
    """The content of ``run.json``, written when an invocation begins and when it ends.

    Attributes:
        state: The state of the last invocation; ``stopped_by`` is the reason for its early end.
        settings: What decides results, as ``describe_settings`` returns it.
        inputs: The inputs as given; ``input_paths`` are their absolute paths.
        started: The start of the first invocation; ``seconds`` is the duration of all.
        records: The number of results (``extracted``), of those that lack an answer (``lacking``)
            or whose record the inputs no longer have (``left``; ``left_ids`` are the first 100),
            and, of the last invocation, of ``resumed`` and ``failed`` records.
        usage: The tokens of all calls; ``cost`` is their price. ``usd`` is None if the price of a
            call is unknown, and ``usd_known`` is that of the others. What calls whose cost no
            reply states may have cost at most is beside it.
        repeated: The number of repeated records of the last invocation.
    """

    model_config = ConfigDict(frozen=True)

    state: RunState = RunState.RUNNING
    stopped_by: str | None = None
    settings: dict[str, Any]
    inputs: tuple[str, ...] = ()
    input_paths: tuple[str, ...] = ()
    started: str | None = None
    seconds: float = Field(default=0.0, ge=0)
    records: _Counts = {
        "extracted": 0,
        "lacking": 0,
        "left": 0,
        "resumed": 0,
        "failed": 0,
    }
    items: _Counts = {}
    findings: NonNegativeInt = 0
    finding_kinds: _Counts = {}
    absences: _Counts = {}
    support: _Counts = {}
    usage: Usage = Usage()
    cost: dict[str, int | float | None] = {"usd": 0.0, "usd_known": 0.0}
    left_ids: tuple[str, ...] = ()
    repeated: _Counts = {}

    def begin(self, inputs: Iterable[str], started: str) -> "Manifest":
        """Return the manifest at the start of another invocation, whose ``inputs`` are added to
        those of earlier ones.
        """
        by_path = dict(zip(self.input_paths, self.inputs, strict=True))
        by_path |= {_make_absolute(given): given for given in inputs}
        update = {
            "state": RunState.RUNNING,
            "stopped_by": None,
            "inputs": tuple(by_path.values()),
            "input_paths": tuple(by_path),
            "started": self.started or started,
        }
        return self.model_copy(update=update)

    def end(
        self,
        store: RunStore,
        tally: Tally,
        seconds: float,
        stop: Stop | None,
    ) -> "Manifest":
        """Return the manifest after another invocation, with the counts of all in the ``store``.

        Args:
            store: The results and calls of all invocations.
            tally: The counts of this one.
            seconds: How long this one took.
            stop: Why it stopped early, None if it did not.
        """
        counts = _sum_counts(store)
        spending = store.calls.spending
        usage_of_calls = spending.usage.model_dump(exclude=set(USAGE_OF_RECORDS))
        update = {
            "state": _STATES.get(stop, RunState.STOPPED),
            "stopped_by": stop,
            "seconds": round(self.seconds + seconds, 3),
            "records": {
                "extracted": 0,
                **counts.get("records", {}),
                "lacking": store.count(LACKING),
                "left": store.count(LEFT),
                "resumed": tally.resumed,
                "failed": tally.failed,
            },
            "usage": counts.get("usage", {}) | usage_of_calls,
            "cost": _sum_cost(store),
            "left_ids": tuple(store.list_left(_SHOWN_LEFT)),
            "repeated": {
                "same_text": tally.repeated - tally.differing,
                "other_text": tally.differing,
            },
        }
        kept = {"settings", "inputs", "input_paths", "started"}
        known = self.model_dump(include=kept)
        return Manifest.model_validate(known | counts | update)

    def find_inputs(self) -> tuple[str, ...]:
        """Return the inputs at their absolute paths, or as they were given if those paths do not
        exist, or name the same from here.
        """
        inputs = []
        for given, path in zip(self.inputs, self.input_paths, strict=True):
            has_moved = path != _make_absolute(given)
            inputs.append(path if has_moved and _is_there(path) else given)
        return tuple(inputs)

    def to_json(self) -> bytes:
        """Return the manifest as an indented JSON object."""
        return json.dumps(self.model_dump(mode="json"), indent=2).encode() + b"\n"


def read_manifest(path: Path) -> Manifest | None:
    """Read a manifest; None if there is no file. Raises ``StoreError`` for an invalid file."""
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(
            f"{path}: cannot be read ({error.strerror}); check its permissions and its disk"
        ) from error
    except ValidationError as error:
        raise StoreError(
            f"{path}: not a manifest of a run; {how_to_keep_answers(path.parent)}"
        ) from error


def how_to_keep_answers(folder: Path) -> str:
    """Return a remedy for a folder whose run cannot go on. It pays for no answer again."""
    remedy = "restore it, or use another --out"
    if (folder / RUN_FILE).is_file():
        remedy += f", where --replay {shlex.quote(str(folder))} takes its answers"
    return remedy


def _sum_counts(store: RunStore) -> dict[str, Any]:
    """Return the counts of all stored results, those of each kind in the order of their names."""
    total: dict[str, Any] = {}
    for counted in store.counts():
        add_counts(total, json.loads(counted))
    for name, counts in total.items():
        if isinstance(counts, dict):
            total[name] = dict(sorted(counts.items()))
    return total


def _sum_cost(store: RunStore) -> dict[str, int | float | None]:
    """Return what all calls have cost, and the most that calls whose cost no reply states may have
    cost beside it, which is None without a price.
    """
    spending = store.calls.spending
    price = store.calls.price
    return {
        "usd": None if spending.unpriced else spending.dollars,
        "usd_known": spending.dollars,
        "calls_without_price": spending.unpriced,
        "calls_without_reply": spending.uncounted.calls,
        "usd_without_reply": price(spending.uncounted) if price else None,
    }


def _is_there(path: str) -> bool:
    """Return whether a file, a folder, or one that matches a pattern is at a path."""
    try:
        return Path(path).exists() or bool(glob(path))  # noqa: PTH207 - Path.glob takes no absolute patterns
    except (OSError, ValueError):  # an input may also be a text
        return False


def _make_absolute(given: str) -> str:
    """Make a path absolute. Addresses and ``-`` stay as they are."""
    if given == "-" or "://" in given:
        return given
    return str(Path(given).absolute())


def describe_settings(chosen: "Setup") -> dict[str, Any]:
    """Return what decides results: version, rules, options, model, prompts by their hashes, and own
    fields. A key among the parameters of requests is masked.

    A run that replays another one has that one's model, and can go on with it.
    """
    from extractor.model.asking.prompt import load_prompt  # noqa: PLC0415 - slow, and readers need none

    options = chosen.options
    model = str(chosen.choice)
    if chosen.choice.replay:
        replayed = read_manifest(chosen.choice.replay / MANIFEST)
        if replayed:
            model = replayed.settings.get("model") or model
    prompt = load_prompt(options.fields).version
    own = [
        field.model_dump(mode="json", exclude_defaults=True) for field in options.fields
    ]
    return {
        "extractor": version("trial-extractor"),
        "rules": digest_rules(),
        "tasks": sorted(options.tasks),
        "effort": options.effort,
        "min_confidence": options.min_confidence,
        "model": model,
        "reasoning": chosen.asking.reasoning,
        "model_options": without_credentials(chosen.asking.options) or None,
        "prompts": {f"{prompt.name}.v{prompt.version}": prompt.sha256},
        "fields": own or None,
    }


def restore_fields(settings: Mapping[str, Any]) -> "tuple[CustomField, ...]":
    """Return the user's own fields of a run with these settings."""
    from extractor.concepts.own.declaration import CustomField  # noqa: PLC0415 - slow, and few runs have own fields

    return tuple(map(CustomField.model_validate, settings.get("fields") or ()))


def explain_changed(
    earlier: Mapping[str, Any], settings: Mapping[str, Any]
) -> dict[str, str]:
    """Say in a few words how each setting that is another one now has changed, by its name.

    The address of a model's server is no setting. Without a model, what concerns only models is
    none either.

    >>> explain_changed(
    ...     {"effort": "none", "rules": "1f"}, {"effort": "medium", "rules": "2e"}
    ... )
    {'effort': 'effort was none, is medium', 'rules': 'the rules have changed'}
    >>> explain_changed(
    ...     {"fields": [{"name": "visits"}]}, {"fields": [{"name": "washout"}]}
    ... )
    {'fields': 'the fields have changed'}
    >>> explain_changed(
    ...     {"model": "none", "prompts": "1f"}, {"model": "none", "prompts": "2e"}
    ... )
    {}
    """
    changed = {}
    asks_none = earlier.get("model") == settings.get("model") == NO_MODEL
    for name, value in settings.items():
        old = earlier.get(name)
        is_of_no_use = asks_none and name in _OF_MODELS
        if is_of_no_use or _what_decides(name, old) == _what_decides(name, value):
            continue
        was, now = ("none" if shown is None else shown for shown in (old, value))
        changed[name] = f"{name} was {was}, is {now}"
        if name in _UNREADABLE:
            changed[name] = f"the {name} have changed"
    return changed


def _what_decides(name: str, value: Any) -> Any:
    """Return the part of a setting that decides results: the name of a model without its server's
    address.

    >>> _what_decides("model", "http://gpu-1:8000/v1#mine")
    '#mine'
    >>> _what_decides("model", "ollama/mine"), _what_decides("model", "openai/mine")
    ('#mine', 'openai/mine')
    """
    if name != "model" or not isinstance(value, str):
        return value
    address, mark, model = value.partition("#")
    if mark and "://" in address:
        return f"#{model}"
    if value.startswith("ollama/"):
        # Ollama's server of this machine, which an address names elsewhere
        return f"#{value.removeprefix('ollama/')}"
    return value


@cache
def digest_rules() -> str:
    """Return a digest of the code and data that decide questions and results, of 16 hexadecimal
    digits.

    >>> len(digest_rules())
    16
    """
    digest = sha256()
    package = Path(__file__).parents[1]
    for part in _DECIDING:
        # the pipeline is a file, in which rglob finds nothing
        for path in sorted((package / part).rglob("*")) or [package / part]:
            is_prompt = path.suffix == ".md" and path.parent.name == "prompts"
            if is_prompt or path.suffix in _DIGESTED:
                name = path.relative_to(package).as_posix()
                digest.update(name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
