"""The options of an extraction. Each is declared here once, with its default, its help and its
checks.

Python takes them as keywords of ``Extractor``, the command line as options, which
``extractor.apps.cli.options`` makes of the models, and the service as parameters of a request.
"""

import json
import re
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
from pydantic.fields import FieldInfo

from extractor.concepts.own.declaration import CustomField, Declared
from extractor.errors import ArgumentError, FieldError
from extractor.masking import names_credential, remember_options
from extractor.schemas import Task
from extractor.schemas.arguments import refuse_unknown, suggest
from extractor.schemas.vocabulary import Effort

FILES: Final = "Input and output"
WHAT: Final = "What to extract"
MODEL: Final = "Model"
COST: Final = "Cost"
SPEED: Final = "Speed"
RARE: Final = "Rarely needed"


_OF_REQUEST = frozenset({"extra_headers", "extra_query", "extra_body"})
"""Parameters that SDKs take for the headers, the address and the body of a request."""
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_LONGEST_NAME = 24
"""Characters of the name of a parameter. Keys are longer."""


@dataclass(frozen=True, slots=True)
class Shown:
    """How the command line shows an option: its group in help, what stands for its value, and a
    variable for it.

    ``kind`` is the type that the command line reads if it is not the type of the option, ``name``
    the option's name if it is not made of the field's. With ``group`` None it is an argument.
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
        """Return the options that are given, checked, with the defaults of all others.

        ``spell`` returns the name that the user writes for a field, for messages. Raises the
        ``FieldError`` of a user's own field, and else ``ArgumentError`` that names the first wrong
        option, and says what to write.

        >>> ExtractionOptions.read({"effort": "low"}, spell="--{}".format)
        Traceback (most recent call last):
        extractor.errors.ArgumentError: --effort: 'low': input should be 'none', 'medium' or 'all'
        """
        try:
            return cls(**given)
        except ValidationError as error:
            first = error.errors()[0]
            cause = first.get("ctx", {}).get("error")
            name = str(first["loc"][0])
            # it says its place itself
            if isinstance(cause, FieldError):
                raise cause from None
            if name not in cls.model_fields:
                nearest = suggest(name, tuple(cls.model_fields))
                raise ArgumentError(f"{spell(name)}: no such option{nearest}") from None
            if cause:
                reason = str(cause)
            else:
                reason = _explain(first["input"], first["msg"], cls.model_fields[name])
            raise ArgumentError(f"{spell(name)}: {reason}") from None


def _explain(given: Any, problem: str, field: FieldInfo) -> str:
    """Say why a value is not allowed; for a number, between which bounds it must lie."""
    low = _find_bound(field, "ge")
    high = _find_bound(field, "le")
    if low is None:
        return f"{given!r}: {problem[0].lower()}{problem[1:]}"
    allowed = f"of at least {low}" if high is None else f"from {low} to {high}"
    return f"{given} is not allowed; choose a number {allowed}"


def _find_bound(field: FieldInfo, name: str) -> Any:
    """Return the bound ``ge`` or ``le`` of a field, which pydantic keeps in its metadata."""
    bounds = [getattr(check, name) for check in field.metadata if hasattr(check, name)]
    return bounds[-1] if bounds else None


def _read_tasks(given: Collection[Task | str] | str | None) -> frozenset[Task]:
    if isinstance(given, str):
        names = split_names(given)
    else:
        names = list(map(str, _make_several(given)))
    if not names:
        raise ValueError(f"no task is named; choose from {', '.join(Task)}")
    refuse_unknown("task", sorted(names), tuple(Task))
    return frozenset(map(Task, names))


def split_names(text: str) -> list[str]:
    """Split a comma-separated list of names."""
    return [name.strip() for name in text.split(",") if name.strip()]


def read_own_fields(
    given: Iterable[Declared] | Declared | None,
) -> tuple[CustomField, ...]:
    """Read fields of the user's own, and check their examples. Raises ``FieldError``."""
    from extractor.assembly.claims import check_examples  # noqa: PLC0415 - as above
    from extractor.concepts.own.models import read_fields  # noqa: PLC0415 - few extractions have fields of their own

    if given is None or given == ():
        return ()
    return check_examples(read_fields(given))


def _read_parameters(given: Mapping[str, Any] | Iterable[str] | None) -> dict[str, Any]:
    """Return the parameters of a request, checked: of a mapping, or of texts ``KEY=VALUE`` whose
    values are JSON, else text. Nothing gives none.

    Raises ``ValueError`` for any other text, without the part of it that may be a key.

    >>> _read_parameters(
    ...     ["top_k=40", "service_tier=flex", 'thinking={"type": "adaptive"}']
    ... )
    {'top_k': 40, 'service_tier': 'flex', 'thinking': {'type': 'adaptive'}}
    """
    if isinstance(given, Mapping):
        return _check_parameters(dict(given))
    options: dict[str, Any] = {}
    for text in map(str, _make_several(given)):
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            # what follows may be a key, and so may a long word
            word = re.split(r"\W", text, maxsplit=1)[0]
            shown = word if len(word) <= _LONGEST_NAME else "an option"
            raise ValueError(f"{shown}: not KEY=VALUE; write top_k=40")
        try:
            options[name] = json.loads(value)
        except ValueError:
            options[name] = value
    return _check_parameters(options)


def _check_parameters(options: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of a request, and mask their credentials from now on.

    Raises ``ValueError`` for a parameter that must hold others and does not, for a wrong header,
    and for a key with white space. The messages have no value of a parameter.
    """
    remember_options(options)
    for name in _OF_REQUEST & options.keys():
        if options[name] is not None and not isinstance(options[name], Mapping):
            raise ValueError(
                f'{name}: this is no JSON object; write {name}=\'{{"NAME": "VALUE"}}\''
            )
    for header, value in (options.get("extra_headers") or {}).items():
        _check_header(header, value)
    for name, value in options.items():
        if not isinstance(value, str) or not names_credential(name):
            continue
        if any(map(str.isspace, value)):
            raise ValueError(f"{name}: the key has white space; write it without")
    return options


def _check_header(name: Any, value: Any) -> None:
    """Raise ``ValueError`` for what no header of HTTP can have: a name of other characters, or a
    value that is no text, is not ASCII, has a line break, or has a blank at an end.
    """
    if not isinstance(name, str) or not _HEADER.fullmatch(name):
        raise ValueError(
            f"extra_headers: {name!r} is no name of a header; write one such as X-Tenant"
        )
    if isinstance(value, str):
        is_plain = value.isascii() and value.isprintable()
        if is_plain and value == value.strip():
            return
    problem = (
        "is no text, or has a line break or another character that no header can have"
    )
    raise ValueError(f"extra_headers: the value of {name} {problem}")


def _make_several(given: Any) -> Any:
    if given is None:
        return ()
    if isinstance(given, Iterable) and not isinstance(given, str | Path):
        return tuple(given)
    return (given,)


class Choice(Options):
    """What is extracted of a record, and how much a model is asked about it."""

    tasks: Annotated[
        frozenset[Task],
        BeforeValidator(_read_tasks),
        PlainSerializer(sorted),
        Shown(WHAT, "NAME,...", str),
    ] = frozenset(Task)
    """Some of eligibility,dosing,endpoints."""
    min_confidence: Annotated[float, Field(ge=0, le=1), Shown(WHAT, "0..1")] = 0.0
    """Leave out values below this confidence."""
    effort: Annotated[Effort, Shown(MODEL, "none|medium|all")] = Effort.MEDIUM
    """Ask about nothing, what is unsure, or everything."""


class ExtractionOptions(Choice):
    """What decides an extraction. One object is passed through all layers and processes.

    >>> ExtractionOptions(tasks=["dosing"], effort="none").asks
    False
    """

    fields: Annotated[
        tuple[CustomField, ...],
        BeforeValidator(read_own_fields),
        Shown(WHAT, "FILE.py:NAME", list[str] | None),
    ] = ()
    """Fields of your own: pydantic models. Repeatable."""

    @property
    def asks(self) -> bool:
        """Whether a model is asked at all."""
        return self.effort is not Effort.NONE


class ModelOptions(Options):
    """Which model is asked, how, and for how much money."""

    model: Annotated[str | None, Shown(MODEL, "SPEC", envvar="EXTRACTOR_MODEL")] = None
    """A hosted model, or http://host:port/v1#NAME; else only the rules run."""
    max_usd: Annotated[float | None, Field(ge=0), Shown(COST, "USD")] = None
    """Most dollars for the model, with what this resumes."""
    prices: Annotated[
        tuple[Path, ...],
        BeforeValidator(_make_several),
        Shown(RARE, "FILE", list[Path] | None),
    ] = ()
    """A file of prices. Repeatable."""
    reasoning: Annotated[
        Literal["none", "low", "medium", "high"] | None, Shown(RARE)
    ] = None
    """How much the model thinks; else little."""
    model_options: Annotated[
        dict[str, Any],
        BeforeValidator(_read_parameters),
        Shown(RARE, "KEY=VALUE", list[str] | None, name="--model-option"),
    ] = {}
    """A parameter of each request; JSON, else text. Repeatable."""


class ExtractorOptions(ExtractionOptions, ModelOptions):
    """The keywords of ``Extractor``."""

    replay: Annotated[Path | None, Shown(MODEL, "DIR")] = None
    """Take the answers of an earlier run; no network."""
    timeout: Annotated[float, Field(ge=0.1), Shown(SPEED, "S")] = 600.0
    """Seconds for one request, to its last byte."""

    @property
    def extraction(self) -> ExtractionOptions:
        """The part that decides an extraction."""
        values = {name: getattr(self, name) for name in ExtractionOptions.model_fields}
        return ExtractionOptions.model_construct(**values)


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


def find_shown(field: FieldInfo) -> Shown | None:
    """Return how the command line shows an option; None if it does not."""
    for metadata in field.metadata:
        if isinstance(metadata, Shown):
            return metadata
    return None
