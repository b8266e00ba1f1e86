"""The options of an extraction. The name, type, bounds, default and help of each option are
declared here once.

In Python, they are keyword arguments of ``Extractor``; on the command line, they are options
(``extractor.apps.cli.options`` converts these models for typer); and in the service, they are
request parameters.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Annotated,
    Final,
    Literal,
    Self,
    TypedDict,
    TypeVar,
)

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
)

from extractor.concepts.own.declaration import CustomFields, Declarations
from extractor.errors import ArgumentError, FieldError
from extractor.masking import remember_options
from extractor.resources import parse_json
from extractor.schemas import Task
from extractor.schemas.vocabulary import Effort

if TYPE_CHECKING:
    from extractor.concepts.own.declaration import CustomField, Declared
else:  # few extractions have custom fields; `read_own_fields` checks them
    CustomField = Declared = object

T = TypeVar("T")

FILES: Final = "Input and output"
WHAT: Final = "What to extract"
MODEL: Final = "Model"
COST: Final = "Cost"
SPEED: Final = "Speed"
RARE: Final = "Rarely needed"
SERVICE: Final = "Service"
LIMITS: Final = "Limits"

_OF_REQUEST = ("extra_headers", "extra_query", "extra_body")
"""Parameters through which SDKs accept additional headers, query parameters and body fields."""


@dataclass(frozen=True, slots=True)
class Shown:
    """How the command line presents an option: the group in the help, the placeholder for the
    value, and the environment variable.

    ``kind`` is the type that the command line reads, if it differs from the type of the option.
    ``name`` is the name of the option, if it is not derived from the name of the field. If
    ``group`` is None, the option is a positional argument.
    """

    group: str | None
    metavar: str | None = None
    kind: object = None
    name: str | None = None
    envvar: str | None = None


class Options(BaseModel):
    """Base class of the option models. The docstring of a field is its help text."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True
    )

    @classmethod
    def read(
        cls, values: Mapping[str, object], spell: Callable[[str], str] = str
    ) -> Self:
        """Validate the given options, and return them together with the defaults of the other
        options.

        For messages, ``spell`` converts the name of a field to the name that the user writes.
        Raises ``FieldError`` if the first problem is in the declaration of a custom field, and
        ``ArgumentError`` for any other problem.

        >>> ExtractionOptions.read({"effort": "low"}, spell="--{}".format)
        Traceback (most recent call last):
        extractor.errors.ArgumentError: --effort: 'low': input should be 'none' or 'full'
        """
        try:
            return cls(**values)
        except ValidationError as error:
            problem = error.errors()[0]
        name = str(problem["loc"][0])
        reason = problem.get("ctx", {}).get("error")
        if isinstance(reason, FieldError):
            raise reason
        if name not in cls.model_fields:
            reason = f"no such option; choose from {', '.join(cls.model_fields)}"
        reason = reason or f"{problem['input']!r}: {problem['msg'].lower()}"
        if problem["type"] == "less_than_equal" and problem["ctx"]["le"] == 1:
            reason = f"{reason}; for 85 %, write 0.85"
        raise ArgumentError(f"{spell(name)}: {reason}")


def split_comma_list(text: str) -> list[str]:
    """Split a comma-separated list of names."""
    return [name.strip() for name in text.split(",") if name.strip()]


def list_several(value: Iterable[T] | T | None) -> tuple[T, ...]:
    """Return one or more values as a tuple. For None, the tuple is empty; a string or a path is
    treated as a single value.
    """
    if value is None:
        return ()
    if isinstance(value, Iterable) and not isinstance(value, str | Path):
        return tuple(value)
    return (value,)


def read_columns(source: Mapping[str, str] | Iterable[str] | None) -> dict[str, str]:
    """Read the user's names of columns from a mapping or from ``OURS=YOURS,...`` strings, and
    return them keyed by ours. Raises ``ArgumentError`` like ``choose_columns``.

    >>> read_columns(["id=trial,title=Name, short"])
    {'id': 'trial', 'title': 'Name, short'}
    """
    if not source:
        return {}
    from extractor.formats.tables import choose_columns, name_ours  # noqa: PLC0415 - few runs have such columns

    return {
        name_ours(column): yours for yours, column in choose_columns(source).items()
    }


def _list_tasks(value: object) -> Collection[object]:
    if isinstance(value, str):
        return split_comma_list(value)
    return list_several(value)


def read_own_fields(
    declarations: Declarations | None,
) -> CustomFields:
    """Read custom fields. Raises ``FieldError`` if a declaration is invalid."""
    if not declarations:
        return ()
    from extractor.concepts.own.models import read_fields  # noqa: PLC0415 - few extractions have custom fields

    return read_fields(declarations)


def _read_parameters(
    source: Mapping[str, object] | Iterable[str] | None,
) -> dict[str, object]:
    """Read the parameters of a request from a mapping or from ``KEY=VALUE`` strings, whose values
    are JSON or plain text. Credentials among them are masked from now on.

    Raises ``ValueError`` for an invalid parameter. The message does not quote the value, which may
    be a key.

    >>> _read_parameters(
    ...     ["top_k=40", "service_tier=flex", 'thinking={"type": "adaptive"}']
    ... )
    {'top_k': 40, 'service_tier': 'flex', 'thinking': {'type': 'adaptive'}}
    """
    parameters: dict[str, object] = {}
    texts: tuple[str, ...] = ()
    if isinstance(source, Mapping):
        parameters.update(source)
    else:
        texts = list_several(source)
    for text in map(str, texts):
        name, equals, value = text.partition("=")
        if not equals:
            raise ValueError(
                "an option does not have the form KEY=VALUE; write, for example, top_k=40"
            )
        try:
            parameters[name] = parse_json(value)
        except ValueError:
            parameters[name] = value
    remember_options(parameters)
    for name in _OF_REQUEST:
        if not isinstance(parameters.get(name), Mapping | None):
            raise ValueError(  # noqa: TRY004 - pydantic does not report a TypeError
                f'{name}: not a JSON object; write {name}=\'{{"NAME": "VALUE"}}\''
            )
    return parameters


Seconds = Annotated[float, Field(ge=0.1), Shown(SPEED, "S")]
"""The longest time that something may take."""
AtOnce = Annotated[int, Field(ge=1), Shown(SPEED, "N")]
"""How many things may happen at the same time."""
Workers = Annotated[int | None, Field(ge=1, le=10_000), Shown(SPEED, "N")]
"""A number of processes."""
Count = Annotated[int, Field(ge=1), Shown(LIMITS, "N")]
"""The most of something that is accepted."""


_EARLIER_EFFORTS = ("medium", "all")


def _refuse_earlier(effort: object) -> object:
    """Return an effort level. Raises ``ValueError`` for one of earlier versions, with the name of
    today's.
    """
    if effort in _EARLIER_EFFORTS:
        raise ValueError(
            "a model reads the whole record once now, instead of lines that were chosen; use full"
        )
    return effort


class Choice(Options):
    """The options that determine what to extract and how much of it to ask a model about."""

    tasks: Annotated[
        frozenset[Task],
        BeforeValidator(_list_tasks),
        PlainSerializer(sorted),
        Field(min_length=1),
        Shown(WHAT, "NAME,...", str),
    ] = frozenset(Task)
    """One or more of eligibility,dosing,endpoints."""
    min_confidence: Annotated[float, Field(ge=0, le=1), Shown(WHAT, "0..1")] = 0.0
    """Omit values below this confidence."""
    effort: Annotated[
        Effort, BeforeValidator(_refuse_earlier), Shown(MODEL, "none|full", str)
    ] = Effort.FULL
    """Ask a model nothing, or let it read the whole record once."""


class ExtractionOptions(Choice):
    """The options that control an extraction. The same object is passed through all layers and
    processes.

    >>> ExtractionOptions(tasks=["dosing"], effort="none").asks
    False
    """

    fields: Annotated[
        CustomFields,
        BeforeValidator(read_own_fields),
        Shown(WHAT, "FILE.py:NAME", list[str] | None),
    ] = ()
    """A pydantic model of custom fields. Repeatable."""

    @property
    def asks(self) -> bool:
        """Whether a model may be asked."""
        return self.effort is not Effort.NONE


class ModelOptions(Options):
    """The options for the model: which model is asked, how it is asked, and its maximum cost."""

    model: Annotated[str | None, Shown(MODEL, "SPEC", envvar="EXTRACTOR_MODEL")] = None
    """A hosted model, or http://host:port/v1#NAME. Without one, only the rules run."""
    max_usd: Annotated[
        float | None, Field(ge=0, allow_inf_nan=False), Shown(COST, "USD")
    ] = None
    """Maximum cost in US dollars, including earlier invocations of the run."""
    prices: Annotated[
        tuple[Path, ...],
        BeforeValidator(list_several),
        Shown(RARE, "FILE", list[Path] | None),
    ] = ()
    """A price file. Repeatable."""
    reasoning: Annotated[
        Literal["none", "low", "medium", "high"] | None, Shown(RARE)
    ] = None
    """How much the model reasons; by default, only a little."""
    model_options: Annotated[
        dict[str, object],
        BeforeValidator(_read_parameters),
        Shown(RARE, "KEY=VALUE", list[str] | None, name="--model-option"),
    ] = {}
    """A parameter for each request, as JSON or text. Repeatable."""


ColumnNames = Annotated[
    dict[str, str],
    BeforeValidator(read_columns),
    Shown(FILES, "OURS=YOURS,...", list[str] | None),
]
"""The user's names of the columns of tables."""


class ExtractorOptions(ExtractionOptions, ModelOptions):
    """The keyword arguments of ``Extractor``."""

    replay: Annotated[Path | None, Shown(MODEL, "DIR")] = None
    """Reuse the answers from an earlier run, without network access."""
    timeout: Seconds = 600.0
    """Timeout in seconds for one request, including the whole reply."""

    @property
    def extraction(self) -> ExtractionOptions:
        """The options that determine the result of an extraction."""
        return ExtractionOptions.model_construct(
            **{name: getattr(self, name) for name in ExtractionOptions.model_fields}
        )


class Keywords(TypedDict, total=False):
    """The keyword arguments of ``Extractor``, for type checkers. They correspond to the fields of
    ``ExtractorOptions``.
    """

    tasks: Collection[Task | str] | str
    min_confidence: float
    effort: Effort | str
    fields: Declarations
    max_usd: float | None
    prices: str | Path | Iterable[str | Path] | None
    reasoning: str | None
    model_options: Mapping[str, object] | None
    replay: str | Path | None
    timeout: float
