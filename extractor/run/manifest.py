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
_Counts = dict[str, NonNegativeInt]

_DECIDING = (
    *(
        "schemas",
        "formats",
        "language",
        "evidence",
        "concepts",
        "assembly",
        "audit",
        "model",
        "pipeline.py",
    ),
)
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
    that were sent, and whose reply never came, because the run was killed or interrupted, or the
    time was over. ``usd_without_usage`` is the same of ``calls_without_usage``, whose reply does
    not say what they cost. ``left`` counts results whose record the inputs no longer have, and
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
        "calls_without_usage": 0,
        "usd_without_usage": 0.0,
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
        """Return the manifest at the start of another invocation. The total is kept if the
        inputs are the same.
        """
        earlier = dict(zip(self.input_paths or self.inputs, self.inputs, strict=True))
        new = {_make_absolute(one): one for one in inputs}
        update = {
            "state": RunState.RUNNING,
            "stopped_by": None,
            "total": self.total if earlier == new else None,
            "inputs": tuple((earlier | new).values()),
            "input_paths": tuple(earlier | new),
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
        """Return the manifest after another invocation of ``seconds``, with the counts of all.

        ``places`` are those of repeated records with another text.
        """
        counts: dict[str, Any] = {}
        for counted in store.counts():
            add_counts(counts, json.loads(counted))
        counts = {
            name: dict(sorted(part.items())) if isinstance(part, dict) else part
            for name, part in counts.items()
        }
        spending = store.calls.spending
        lacking = {
            "lacking": store.count(LACKING),
            "left": store.count(LEFT),
            "resumed": tally.resumed,
            "failed": tally.failed,
        }
        states = {None: RunState.COMPLETE, Stop.INTERRUPTED: RunState.INTERRUPTED}
        update = {
            "state": states.get(stop, RunState.STOPPED),
            "stopped_by": stop,
            "seconds": round(self.seconds + seconds, 3),
            "records": {"extracted": 0} | counts.get("records", {}) | lacking,
            "usage": counts.get("usage", {})
            | spending.usage.model_dump(exclude=set(USAGE_OF_RECORDS)),
            "cost": _sum_cost(spending, store.calls.price),
            "left_ids": tuple(islice(store.left_ids(), _SHOWN_LEFT)),
            "repeated": {
                "same_text": tally.repeated - tally.differing,
                "other_text": tally.differing,
                "places": places,
            },
        }
        known = {"settings", "total", "inputs", "input_paths", "started"}
        return Manifest.model_validate(self.model_dump(include=known) | counts | update)

    def find_inputs(self) -> tuple[str, ...]:
        """Return the inputs at their absolute paths, or as they were given if those paths do not
        exist.
        """
        return tuple(
            path if path != _make_absolute(given) and _is_there(path) else given
            for given, path in zip(
                self.inputs, self.input_paths or self.inputs, strict=True
            )
        )

    def to_json(self) -> bytes:
        """Return the manifest as an indented JSON object."""
        return json.dumps(self.model_dump(mode="json"), indent=2).encode() + b"\n"


def _sum_cost(
    spending: Spending, price: Callable[[Usage], float] | None
) -> dict[str, int | float | None]:
    """Return what all calls have cost, and may have cost."""
    is_known = not (spending.unpriced or spending.unmetered.calls)
    known = spending.dollars
    return {
        "usd": known if is_known else None,
        "usd_known": known,
        "calls_without_price": spending.unpriced,
        "calls_without_reply": spending.lost.calls,
        "usd_without_reply": price(spending.lost) if price else None,
        "calls_without_usage": spending.unmetered.calls,
        "usd_without_usage": price(spending.unmetered) if price else None,
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
    if (folder / RUN_FILE).is_file():
        kept = f", where --replay {shlex.quote(str(folder))} takes its answers"
    else:
        kept = ""
    return f"restore it, or use another --out{kept}"


def _is_there(path: str) -> bool:
    """Return whether a file, a folder, or one that matches a pattern is at a path."""
    return not is_text(path) and (exists(path) or bool(glob(path)))  # noqa: PTH207 - Path.glob takes no absolute patterns


def _make_absolute(given: str) -> str:
    """Make a path absolute. Addresses and ``-`` stay as they are."""
    return given if given == "-" or "://" in given else str(Path(given).absolute())


def describe_settings(chosen: "Setup") -> dict[str, Any]:
    """Describe version, rules, options, model, prompts with their hashes, and own fields for JSON.
    Never a key.

    Keys and headers among the parameters of requests are masked.
    """
    fields = chosen.options.fields
    replay = chosen.choice.replay
    # With the model of a replayed run, the new run can go on where the stored answers end.
    replayed = read_manifest(replay / MANIFEST) if replay else None
    prompt = load_prompt(fields).version
    return {
        "extractor": version("trial-extractor"),
        "rules": digest_rules(),
        "tasks": sorted(chosen.options.tasks),
        "effort": chosen.options.effort,
        "min_confidence": chosen.options.min_confidence,
        "model": (replayed and replayed.settings.get("model")) or str(chosen.choice),
        "reasoning": chosen.asking.reasoning,
        "model_options": without_credentials(chosen.asking.options) or None,
        "prompts": {f"{prompt.name}.v{prompt.version}": prompt.sha256},
        "fields": [one.model_dump(mode="json", exclude_defaults=True) for one in fields]
        or None,
    }


def restore_fields(settings: Mapping[str, Any]) -> tuple[CustomField, ...]:
    """Return the user's own fields of a run with these settings."""
    return tuple(map(CustomField.model_validate, settings.get("fields") or ()))


def explain_changed(
    earlier: Mapping[str, Any], settings: Mapping[str, Any]
) -> dict[str, str]:
    """Say in a few words how each setting has changed that is another one than before.

    The address of a model's server is no setting, and no key is.

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
    """

    def show(value: Any) -> str:
        if isinstance(value, str):
            return value
        if value is None:
            return "none"
        return json.dumps(value)

    def name_fields() -> str:
        old, new = (
            {one["name"]: one for one in part.get("fields") or ()}
            for part in (earlier, settings)
        )
        kinds = {
            "other definitions": [
                name for name in new if name in old and new[name] != old[name]
            ],
            "new": [name for name in new if name not in old],
            "gone": [name for name in old if name not in new],
        }
        changes = [
            f"{kind}: {', '.join(names)}" for kind, names in kinds.items() if names
        ]
        return f"the fields have changed ({'; '.join(changes) or 'their order'})"

    def describe(name: str) -> str:
        if name == "fields":
            return name_fields()
        if name in _DIGESTS:
            return f"the {name} have changed"
        return f"{name} was {show(earlier.get(name))}, is {show(settings[name])}"

    def has_changed(name: str) -> bool:
        return bool(
            _what_decides(name, earlier.get(name))
            != _what_decides(name, settings[name])
        )

    return {name: describe(name) for name in settings if has_changed(name)}


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
    # Ollama's server of this machine, which an address names elsewhere.
    return f"#{value.removeprefix('ollama/')}" if value.startswith("ollama/") else value


@cache
def digest_rules() -> str:
    """Digest the code and data that decide questions and results.

    >>> len(digest_rules())
    16
    """
    digest = sha256()
    package = Path(__file__).parents[1]
    for part in _DECIDING:
        for path in sorted((package / part).rglob("*")) or [package / part]:
            if path.suffix in _DIGESTED or (
                path.suffix == ".md" and path.parent.name == "prompts"
            ):
                digest.update(
                    path.relative_to(package).as_posix().encode()
                    + b"\0"
                    + path.read_bytes()
                )
    return digest.hexdigest()[:16]
