"""The options of an extraction: name, type, bounds, default and help, each declared once.

Python takes them as keywords of ``Extractor``, the command line as options (typer's, made of these
models by ``extractor.apps.cli.options``), the service as parameters of a request.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypedDict

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
)

from extractor.concepts.own.declaration import CustomField, Declared
from extractor.errors import ArgumentError, FieldError
from extractor.masking import remember_options
from extractor.schemas import Task
from extractor.schemas.vocabulary import Effort

FILES: Final = "Input and output"
WHAT: Final = "What to extract"
MODEL: Final = "Model"
COST: Final = "Cost"
SPEED: Final = "Speed"
RARE: Final = "Rarely needed"

_OF_REQUEST = ("extra_headers", "extra_query", "extra_body")
"""Parameters that SDKs take for the headers, the address and the body of a request."""


@dataclass(frozen=True, slots=True)
class Shown:
    """How the command line shows an option: its group in help, the name of its value, and a
    variable for it.

    ``kind`` is the type that the command line reads if it is not the type of the option, ``name``
    the option's name if it is not derived from the field's. With ``group`` None it is an argument.
    """

    group: str | None
    metavar: str | None = None
    kind: Any = None
    name: str | None = None
    envvar: str | None = None


class Options(BaseModel):
    """The base of models of options. The string below a field is its help."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True
    )

    @classmethod
    def read(cls, given: Mapping[str, Any], spell: Callable[[str], str] = str) -> Self:
        """Return the given options, validated, with the defaults of all others.

        ``spell`` returns the name that the user writes for a field, for messages. Raises the
        ``FieldError`` of a user's own field, and ``ArgumentError`` for the first other problem.

        >>> ExtractionOptions.read({"effort": "low"}, spell="--{}".format)
        Traceback (most recent call last):
        extractor.errors.ArgumentError: --effort: 'low': input should be 'none', 'medium' or 'all'
        """
        try:
            return cls(**given)
        except ValidationError as error:
            problem = error.errors()[0]
        name = str(problem["loc"][0])
        reason = problem.get("ctx", {}).get("error")
        if isinstance(reason, FieldError):
            raise reason
        if name not in cls.model_fields:
            reason = f"no such option; choose from {', '.join(cls.model_fields)}"
        reason = reason or f"{problem['input']!r}: {problem['msg'].lower()}"
        raise ArgumentError(f"{spell(name)}: {reason}")


def split_names(text: str) -> list[str]:
    """Split a comma-separated list of names."""
    return [name.strip() for name in text.split(",") if name.strip()]


def list_several(given: Any) -> tuple[Any, ...]:
    """Return one value or several as a tuple. None gives no values; a text or a path counts as
    one.
    """
    if given is None:
        return ()
    if isinstance(given, Iterable) and not isinstance(given, str | Path):
        return tuple(given)
    return (given,)


def _list_tasks(given: Any) -> Collection[Any]:
    return split_names(given) if isinstance(given, str) else list_several(given)


def read_own_fields(
    given: Iterable[Declared] | Declared | None,
) -> tuple[CustomField, ...]:
    """Read custom fields. Raises ``FieldError``."""
    if not given:
        return ()
    from extractor.concepts.own.models import read_fields  # noqa: PLC0415 - few extractions have fields of their own

    return read_fields(given)


def _read_parameters(given: Mapping[str, Any] | Iterable[str] | None) -> dict[str, Any]:
    """Return the parameters of a request, whose credentials are masked from now on: a mapping, or
    texts ``KEY=VALUE`` whose values are JSON, else text.

    Raises ``ValueError`` that quotes no value: it may be a key.

    >>> _read_parameters(
    ...     ["top_k=40", "service_tier=flex", 'thinking={"type": "adaptive"}']
    ... )
    {'top_k': 40, 'service_tier': 'flex', 'thinking': {'type': 'adaptive'}}
    """
    parameters: dict[str, Any] = {}
    if isinstance(given, Mapping):
        parameters.update(given)
        given = ()
    for text in map(str, list_several(given)):
        name, equals, value = text.partition("=")
        if not equals:
            raise ValueError("an option is not KEY=VALUE; write top_k=40")
        try:
            parameters[name] = json.loads(value)
        except ValueError:
            parameters[name] = value
    remember_options(parameters)
    for name in _OF_REQUEST:
        if not isinstance(parameters.get(name), Mapping | None):
            raise ValueError(  # noqa: TRY004 - pydantic reports no TypeError
                f'{name}: not a JSON object; write {name}=\'{{"NAME": "VALUE"}}\''
            )
    return parameters


class Choice(Options):
    """What is extracted from a record, and how much a model is asked about it."""

    tasks: Annotated[
        frozenset[Task],
        BeforeValidator(_list_tasks),
        PlainSerializer(sorted),
        Field(min_length=1),
        Shown(WHAT, "NAME,...", str),
    ] = frozenset(Task)
    """Some of eligibility,dosing,endpoints."""
    min_confidence: Annotated[float, Field(ge=0, le=1), Shown(WHAT, "0..1")] = 0.0
    """Leave out values below this confidence."""
    effort: Annotated[Effort, Shown(MODEL, "none|medium|all")] = Effort.MEDIUM
    """Ask about nothing, doubtful values, or everything."""


class ExtractionOptions(Choice):
    """The options that control an extraction. One object is passed through all layers and
    processes.

    >>> ExtractionOptions(tasks=["dosing"], effort="none").asks
    False
    """

    fields: Annotated[
        tuple[CustomField, ...],
        BeforeValidator(read_own_fields),
        Shown(WHAT, "FILE.py:NAME", list[str] | None),
    ] = ()
    """Custom fields: pydantic models. Repeatable."""

    @property
    def asks(self) -> bool:
        """Whether a model is asked at all."""
        return self.effort is not Effort.NONE


class ModelOptions(Options):
    """Which model is asked, how, and for how much money."""

    model: Annotated[str | None, Shown(MODEL, "SPEC", envvar="EXTRACTOR_MODEL")] = None
    """A hosted model, or http://host:port/v1#NAME. Without one, only the rules run."""
    max_usd: Annotated[float | None, Field(ge=0), Shown(COST, "USD")] = None
    """Maximum number of dollars for the model, with what this resumes."""
    prices: Annotated[
        tuple[Path, ...],
        BeforeValidator(list_several),
        Shown(RARE, "FILE", list[Path] | None),
    ] = ()
    """A file of prices. Repeatable."""
    reasoning: Annotated[
        Literal["none", "low", "medium", "high"] | None, Shown(RARE)
    ] = None
    """How much the model thinks; otherwise little."""
    model_options: Annotated[
        dict[str, Any],
        BeforeValidator(_read_parameters),
        Shown(RARE, "KEY=VALUE", list[str] | None, name="--model-option"),
    ] = {}
    """A parameter of each request; JSON, else text. Repeatable."""


class ExtractorOptions(ExtractionOptions, ModelOptions):
    """The keywords of ``Extractor``."""

    replay: Annotated[Path | None, Shown(MODEL, "DIR")] = None
    """Reuse the answers of an earlier run; no network."""
    timeout: Annotated[float, Field(ge=0.1), Shown(SPEED, "S")] = 600.0
    """Timeout for one request in seconds, up to the last byte of the reply."""

    @property
    def extraction(self) -> ExtractionOptions:
        """The part that decides an extraction."""
        return ExtractionOptions.model_construct(
            **{name: getattr(self, name) for name in ExtractionOptions.model_fields}
        )


class Keywords(TypedDict, total=False):
    """The keywords of ``Extractor`` as type checkers see them: the fields of
    ``ExtractorOptions``.
    """

    tasks: Collection[Task | str] | str
    min_confidence: float
    effort: Effort | str
    fields: Iterable[Declared] | Declared
    max_usd: float | None
    prices: str | Path | Iterable[str | Path] | None
    reasoning: str | None
    model_options: Mapping[str, Any] | None
    replay: str | Path | None
    timeout: float
