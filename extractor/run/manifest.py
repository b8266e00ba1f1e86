"""Read and write ``run.json``: the settings that decide a run's results, and the totals of all
its invocations.
"""

import json
import shlex
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from functools import cache
from glob import glob
from hashlib import sha256
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    ValidationError,
    computed_field,
)

from extractor.concepts.own.declaration import CustomField
from extractor.errors import StoreError
from extractor.formats.inputs import exists, is_text
from extractor.masking import without_credentials
from extractor.model.asking.prompt import load_prompt
from extractor.model.database import RUN_FILE
from extractor.model.store import Spending
from extractor.run.store import LACKING, LEFT, RunStore
from extractor.run.tally import USAGE_OF_RECORDS, Tally, add_counts
from extractor.schemas import Usage

if TYPE_CHECKING:
    from extractor.run.setup import Setup

MANIFEST = "run.json"
_SHOWN_LEFT = 100
_DIGESTS = ("rules", "prompts")
"""Settings whose values are too long for people, or say nothing to them."""
_NO_MODEL = "none"
"""The setting ``model`` of a run that asks none."""
_OF_MODELS = frozenset({"prompts", "reasoning", "model_options"})
"""Settings that decide nothing where no model is asked."""
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
    """The state of a run's last invocation.

    The manifest of a killed run says ``running``, but its folder is not locked.
    """

    RUNNING = "running"
    COMPLETE = "complete"
    INTERRUPTED = "interrupted"
    STOPPED = "stopped"


class Stop(StrEnum):
    """Why an invocation stopped before its last record. The values are those of ``stopped_by``
    in ``run.json``.
    """

    INTERRUPTED = "interrupted"
    BUDGET = "the budget was reached"
    MODEL_AWAY = "the model was away"
    BATCHES = "batches left questions without an answer"
    ERROR = "an error"


class Manifest(BaseModel):
    """The content of ``run.json``, written when an invocation begins and when it ends.

    ``state`` is that of the last invocation, ``stopped_by`` the reason for its early end, if any.
    ``total`` is the number of records in the inputs, None while unknown. ``inputs`` are as given,
    ``input_paths`` as absolute paths. ``started`` is the start of the first invocation, ``seconds``
    the duration of all. ``seconds`` and the counts are updated when an invocation ends.

    In ``records``, ``extracted`` counts the results, ``lacking`` those that lack an answer of a
    model, which the same command asks again; ``resumed`` and ``failed`` are those of the last
    invocation. ``usage`` and ``cost`` cover all calls, each at the price of its day: ``usd`` is
    None if the price of a call is unknown, and ``usd_known`` is that of the others.
    ``usd_without_reply`` is the most that ``calls_without_reply`` may have cost beside it: calls
    that were sent, and whose reply never came or does not say what they cost. ``left`` counts
    results whose record the inputs no longer have, and
    ``left_ids`` names the first 100. ``repeated`` counts repeated records in the inputs of the last
    invocation; ``places`` are the first 100 with another text.
    """

    model_config = ConfigDict(frozen=True)

    state: RunState = RunState.RUNNING
    stopped_by: str | None = None
    total: NonNegativeInt | None = None
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
    cost: dict[str, int | float | None] = {
        "usd": 0.0,
        "usd_known": 0.0,
        "calls_without_price": 0,
        "calls_without_reply": 0,
        "usd_without_reply": 0.0,
    }
    left_ids: tuple[str, ...] = ()
    repeated: dict[str, NonNegativeInt | list[dict[str, str]]] = {
        "same_text": 0,
        "other_text": 0,
        "places": [],
    }

    @computed_field  # type: ignore[prop-decorator]
    @property
    def support_shares(self) -> dict[str, float]:
        """The share of each kind of support in all evidence."""
        total = sum(self.support.values())
        return {name: round(count / total, 4) for name, count in self.support.items()}

    def begun(self, inputs: Iterable[str], started: str) -> "Manifest":
        """Return the manifest at the start of another invocation, whose inputs are added to those
        of earlier ones. The total is kept if the inputs are the same.

        Args:
            inputs: The inputs of this invocation, as given.
            started: The time of its start, which counts if it is the first invocation.
        """
        earlier = dict(zip(self.input_paths or self.inputs, self.inputs, strict=True))
        new = {_make_absolute(given): given for given in inputs}
        by_path = earlier | new
        update = {
            "state": RunState.RUNNING,
            "stopped_by": None,
            "total": self.total if earlier == new else None,
            "inputs": tuple(by_path.values()),
            "input_paths": tuple(by_path),
            "started": self.started or started,
        }
        return self.model_copy(update=update)

    def ended(
        self,
        store: RunStore,
        tally: Tally,
        seconds: float,
        stop: Stop | None,
        places: list[dict[str, str]],
    ) -> "Manifest":
        """Return the manifest after another invocation, with the counts of all.

        Args:
            store: The results and calls of all invocations.
            tally: The counts of this one.
            seconds: How long this one took.
            stop: Why it stopped early, None if it did not.
            places: The places of repeated records with another text.
        """
        counts = _sum_counts(store)
        spending = store.calls.spending
        records = {
            "extracted": 0,
            **counts.get("records", {}),
            "lacking": store.count(LACKING),
            "left": store.count(LEFT),
            "resumed": tally.resumed,
            "failed": tally.failed,
        }
        usage_of_calls = spending.usage.model_dump(exclude=set(USAGE_OF_RECORDS))
        if stop is None:
            state = RunState.COMPLETE
        elif stop is Stop.INTERRUPTED:
            state = RunState.INTERRUPTED
        else:
            state = RunState.STOPPED
        update = {
            "state": state,
            "stopped_by": stop,
            "seconds": round(self.seconds + seconds, 3),
            "records": records,
            "usage": counts.get("usage", {}) | usage_of_calls,
            "cost": _sum_cost(spending, store.calls.price),
            "left_ids": tuple(islice(store.left_ids(), _SHOWN_LEFT)),
            "repeated": {
                "same_text": tally.repeated - tally.differing,
                "other_text": tally.differing,
                "places": places,
            },
        }
        kept = self.model_dump(
            include={"settings", "total", "inputs", "input_paths", "started"}
        )
        return Manifest.model_validate(kept | counts | update)

    def find_inputs(self) -> tuple[str, ...]:
        """Return the inputs at their absolute paths, or as they were given if those paths do not
        exist.
        """
        paths = self.input_paths or self.inputs
        inputs = []
        for given, path in zip(self.inputs, paths, strict=True):
            # Where the run was started, messages name the input as it was given there.
            is_same_from_here = path == _make_absolute(given)
            if not is_same_from_here and _is_there(path):
                inputs.append(path)
            else:
                inputs.append(given)
        return tuple(inputs)

    def to_json(self) -> bytes:
        """Return the manifest as an indented JSON object."""
        return json.dumps(self.model_dump(mode="json"), indent=2).encode() + b"\n"


def _sum_counts(store: RunStore) -> dict[str, Any]:
    """Return the counts of all stored results, those of each kind in the order of their names."""
    total: dict[str, Any] = {}
    for counted in store.counts():
        add_counts(total, json.loads(counted))
    for name, counts in total.items():
        if isinstance(counts, dict):
            total[name] = dict(sorted(counts.items()))
    return total


def _sum_cost(
    spending: Spending, price: Callable[[Usage], float] | None
) -> dict[str, int | float | None]:
    """Return what all calls have cost, and the most that calls whose cost no reply states may have
    cost beside it, as ``Manifest.cost`` has it. The last is None without a ``price``.
    """
    known = spending.dollars
    return {
        "usd": None if spending.unpriced else known,
        "usd_known": known,
        "calls_without_price": spending.unpriced,
        "calls_without_reply": spending.uncounted.calls,
        "usd_without_reply": price(spending.uncounted) if price else None,
    }


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


def _is_there(path: str) -> bool:
    """Return whether a file, a folder, or one that matches a pattern is at a path."""
    if is_text(path):  # an input may also be a text itself
        return False
    return exists(path) or bool(glob(path))  # noqa: PTH207 - Path.glob takes no absolute patterns


def _make_absolute(given: str) -> str:
    """Make a path absolute. Addresses and ``-`` stay as they are."""
    if given == "-" or "://" in given:
        return given
    return str(Path(given).absolute())


def describe_settings(chosen: "Setup") -> dict[str, Any]:
    """Describe version, rules, options, model, prompts with their hashes, and own fields for JSON.
    Never a key.

    Keys and headers among the parameters of requests are masked. A run that replays another one has
    that one's model.
    """
    replay = chosen.choice.replay
    model = str(chosen.choice)
    if replay:
        replayed = read_manifest(replay / MANIFEST)
        if replayed:
            # With its model, the new run can go on where the stored answers end.
            model = replayed.settings.get("model") or model
    prompt = load_prompt(chosen.options.fields).version
    fields = [
        field.model_dump(mode="json", exclude_defaults=True)
        for field in chosen.options.fields
    ]
    return {
        "extractor": version("trial-extractor"),
        "rules": digest_rules(),
        "tasks": sorted(chosen.options.tasks),
        "effort": chosen.options.effort,
        "min_confidence": chosen.options.min_confidence,
        "model": model,
        "reasoning": chosen.asking.reasoning,
        "model_options": without_credentials(chosen.asking.options) or None,
        "prompts": {f"{prompt.name}.v{prompt.version}": prompt.sha256},
        "fields": fields or None,
    }


def restore_fields(settings: Mapping[str, Any]) -> tuple[CustomField, ...]:
    """Return the user's own fields of a run with these settings."""
    return tuple(map(CustomField.model_validate, settings.get("fields") or ()))


def explain_changed(
    earlier: Mapping[str, Any], settings: Mapping[str, Any]
) -> dict[str, str]:
    """Say in a few words how each setting has changed that is another one than before, by the name
    of the setting; nothing if none has.

    Where a model's server stands is no setting, nor is a key. Without a model, what concerns only
    models is none either. The prompts change with the user's own fields; then these alone are
    named.

    >>> explain_changed(
    ...     {"effort": "none", "rules": "1f"}, {"effort": "medium", "rules": "2e"}
    ... )
    {'effort': 'effort was none, is medium', 'rules': 'the rules have changed'}
    >>> visits, washout = (
    ...     {"name": "visits", "of": "record"},
    ...     {"name": "washout", "of": "record"},
    ... )
    >>> explain_changed(
    ...     {"fields": [visits]}, {"fields": [visits | {"of": "criterion"}, washout]}
    ... )["fields"]
    'the fields have changed (other definitions: visits; new: washout)'
    >>> explain_changed(
    ...     {"model": "none", "prompts": "1f"}, {"model": "none", "prompts": "2e"}
    ... )
    {}
    """
    changed = {}
    asks_none = earlier.get("model") == settings.get("model") == _NO_MODEL
    for name, value in settings.items():
        if asks_none and name in _OF_MODELS:
            continue
        old_value = earlier.get(name)
        if _what_decides(name, old_value) == _what_decides(name, value):
            continue
        if name == "fields":
            changed[name] = _explain_fields(old_value or (), value or ())
        elif name in _DIGESTS:
            changed[name] = f"the {name} have changed"
        else:
            changed[name] = f"{name} was {_show(old_value)}, is {_show(value)}"
    if "fields" in changed:
        changed.pop("prompts", None)
    return changed


def _explain_fields(
    earlier: Iterable[dict[str, Any]], fields: Iterable[dict[str, Any]]
) -> str:
    """Say in a few words how the user's own fields have changed: defined in another way, new, gone,
    or in another order.
    """
    old = {field["name"]: field for field in earlier}
    new = {field["name"]: field for field in fields}
    redefined = [name for name in new if name in old and new[name] != old[name]]
    added = [name for name in new if name not in old]
    gone = [name for name in old if name not in new]
    changes = []
    if redefined:
        changes.append(f"other definitions: {', '.join(redefined)}")
    if added:
        changes.append(f"new: {', '.join(added)}")
    if gone:
        changes.append(f"gone: {', '.join(gone)}")
    return f"the fields have changed ({'; '.join(changes) or 'their order'})"


def _show(value: Any) -> str:
    """Return a setting as people read it."""
    if isinstance(value, str):
        return value
    if value is None:
        return "none"
    return json.dumps(value)


def _what_decides(name: str, value: Any) -> Any:
    """Return the part of a setting that decides results: the name of a model without its server's
    address.

    >>> _what_decides("model", "http://gpu-1:8000/v1#mine") == _what_decides(
    ...     "model", "http://gpu-2:8000/v1#mine"
    ... )
    True
    >>> _what_decides("model", "ollama/mine"), _what_decides("model", "openai/mine")
    ('#mine', 'openai/mine')
    """
    if name != "model" or not isinstance(value, str):
        return value
    address, mark, model = value.partition("#")
    if mark and "://" in address:
        return f"#{model}"
    if value.startswith("ollama/"):
        # Ollama's server of this machine, which an address names elsewhere.
        return f"#{value.removeprefix('ollama/')}"
    return value


@cache
def digest_rules() -> str:
    """Return a digest of the code and data that decide questions and results, of 16 hexadecimal
    digits. A folder of ``_DECIDING`` that is absent or empty is skipped.

    >>> len(digest_rules())
    16
    """
    digest = sha256()
    package = Path(__file__).parents[1]
    for part in _DECIDING:
        # The pipeline is a file, in which rglob finds nothing.
        for path in sorted((package / part).rglob("*")) or [package / part]:
            is_prompt = path.suffix == ".md" and path.parent.name == "prompts"
            if is_prompt or path.suffix in _DIGESTED:
                name = path.relative_to(package).as_posix()
                digest.update(name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
