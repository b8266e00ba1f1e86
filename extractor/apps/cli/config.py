"""Take options from a file: ``extractor.toml`` of the working folder, or the table
``[tool.extractor]`` of its ``pyproject.toml``.

The command line has precedence over the environment, which has precedence over the file. A file
that merely lies in the working folder may be a stranger's. So it may not say where records go, what
money is spent on, or what code runs, unless the user has named it with ``--config`` or trusts it
(``extractor.apps.cli.trust``).
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from extractor.errors import ArgumentError
from extractor.masking import names_credential
from extractor.options import ExtractionOptions, ModelOptions, find_shown
from extractor.schemas.arguments import suggest

OWN_FILE: Final = "extractor.toml"
SHARED_FILE: Final = "pyproject.toml"
NO_FILE: Final = "none"
"""What ``EXTRACTOR_CONFIG`` says if no file is to be read."""

_LARGEST_BYTES = 1_000_000
_EXTRACTING = ("run", "batch submit", "batch collect", "serve", "mcp")
"""The commands for which the options at the top of a file are."""
_COMMON_BESIDE_MODELS = frozenset({"out", "workers", "concurrency", "quiet"})
_OF_ONE_COMMAND = frozenset(
    {"fresh", "force", "dry-run", "live", "ask-again", "check", "version", "replay"}
    | {"answers", "requests", "config", "no-config"}
    | {"install-completion", "show-completion"}
)
"""Options that say what a single command is to do."""
_FREE = frozenset(
    {"tasks", "min-confidence", "max-usd", "limit", "quiet"}
    | {"concurrency", "workers", "timeout", "batch-tokens", "rounds", "poll"}
    | {"severity", "only", "format", "tables", "partial", "removed", "bundles"}
    | {"examples", "resamples", "fail-under", "json", "explain", "verbose", "needs"}
    | {"condition", "intervention", "term", "status", "phase", "updated-since"}
    | {"page-size", "requests-per-minute", "annotator"}
    | {"port", "queue", "jobs", "max-bytes", "max-upload-bytes", "days"}
)
"""Options that any file may set: they send nothing, run nothing and write nowhere else. Without
``max-usd`` there is no limit, so a file can only lower it.
"""
_FREE_VALUES = {"effort": ("none", "medium"), "reasoning": ("none",)}
"""The values that any file may set of options with which the user's own model costs more: none
above the default.
"""
_FREE_INSIDE = frozenset({"out", "to", "html", "gold", "records"})
"""Paths that any file may set if they lie in the working folder."""
_REASONS = {
    "model": "sends records to a model and may spend money",
    "effort": "may let your model cost more",
    "reasoning": "may let your model cost more",
    "base-url": "says which server is asked",
    "fields": "runs Python code",
    "ray": "sends records to other machines",
    "model-option": "changes what is sent to a model",
    "prices": "changes what counts as spent",
    "log-json": "names a file that is written",
    "host": "opens the service to others",
    "root": "names the folder of keys and jobs",
}
_LIKE_KEY = re.compile(
    r"\b(?:sk|pk|gsk|xai|ghp|hf)[-_][\w-]{16,}|\bAKIA[A-Z0-9]{12,}|://[^\s/?#]*@"
)
_TEXTS = "a list of texts"
_KEYS_BELONG = (
    "a key or password does not belong in a file of options; set it in the environment "
    "(docs/reference/environment.md)"
)

Commands = Mapping[str, Any]
"""The commands by their words, such as "batch submit", as typer has them."""


@dataclass(frozen=True)
class OptionsFile:
    """A file of options, with its tables. ``is_named`` if the user named it."""

    path: Path
    tables: Mapping[str, Any]
    is_named: bool = False
    within: str = ""
    """The table of a shared file that has the options, such as "tool.extractor"."""

    def __str__(self) -> str:
        """Return the file's name as messages have it."""
        return f"{self.path} [{self.within}]" if self.within else str(self.path)


@dataclass(frozen=True)
class FileOption:
    """An option in a file: its place there, such as ``run.out``, its name, and its value."""

    place: str
    name: str
    value: Any

    @property
    def risk(self) -> str:
        """Why a file that merely lies in the working folder may not set this; empty if it may."""
        if self.name in _FREE:
            return ""
        # effort = "medium" is the default: with the file a run costs no more than without it
        if self.value in _FREE_VALUES.get(self.name, ()):
            return ""
        if self.name in _FREE_INSIDE:
            for path in _list_texts(self.value):
                if not _is_inside(path):
                    return f"names {path}, outside of this folder"
            return ""
        return _REASONS.get(self.name, "decides about files or servers")


def find_file(named: str | None) -> OptionsFile | None:
    """Return the file that the user named, or else that of the working folder; None without one.

    ``named`` may be "none". Raises ``ArgumentError`` for a file that cannot be read.
    """
    if named == NO_FILE:
        return None
    if named:
        path = Path(named)
        if not path.is_file():
            raise ArgumentError(f"--config {named}: there is no such file")
        return _read(path, is_named=True)
    for name in (OWN_FILE, SHARED_FILE):
        path = Path(name)
        file = _read(path, is_named=False) if path.is_file() else None
        if file:
            return file
    return None


def _read(path: Path, *, is_named: bool) -> OptionsFile | None:
    """Read a file of options; None for a ``pyproject.toml`` without a table ``tool.extractor``.

    ``is_named``: ``--config`` names the file. Raises ``ArgumentError`` for a file that is too
    large, cannot be read, or is no TOML, and for a ``tool.extractor`` that is no table. A
    ``pyproject.toml`` in which the word "extractor" does not stand is not parsed: its faults are
    not this program's.
    """
    is_shared = path.name == SHARED_FILE
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise ArgumentError(
                f"{path}: larger than {_LARGEST_BYTES:,} bytes; name another file with --config"
            )
        text = path.read_bytes()
    except OSError as error:
        raise ArgumentError(
            f"{path}: {error.strerror}; --no-config leaves it out"
        ) from None
    if is_shared and b"extractor" not in text:
        return None
    try:
        tables = tomllib.loads(text.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ArgumentError(
            f"{path}: not TOML in UTF-8 ({error}); mend it, or leave it out with --no-config"
        ) from None
    if not is_shared:
        return OptionsFile(path, tables, is_named)
    tools = tables.get("tool")
    own = tools.get("extractor") if isinstance(tools, dict) else None
    if own is None:
        return None
    if not isinstance(own, dict):
        raise ArgumentError(
            f"{path}: tool.extractor is no table; write [tool.extractor]"
        )
    return OptionsFile(path, own, is_named, "tool.extractor")


def list_commands(group: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the commands of a group, and those of groups inside, by their words."""
    for name, command in group.commands.items():
        words = f"{above} {name}".strip()
        yield words, command
        if hasattr(command, "commands"):
            yield from list_commands(command, words)


def check_file(file: OptionsFile, commands: Commands) -> tuple[FileOption, ...]:
    """Return all options of a file.

    Raises ``ArgumentError`` that names file and key for a key, an unknown name or a wrong type.
    """
    _refuse_keys(file, file.tables, "")
    return tuple(_check_table(file, commands, file.tables, ""))


def choose_defaults(
    options: tuple[FileOption, ...], words: str, command: Any
) -> dict[str, FileOption]:
    """Return the options of a file that are for a command, by the names of typer's parameters. The
    narrowest table decides.
    """
    is_extracting = words in _EXTRACTING
    chosen: dict[str, FileOption] = {}
    parameters = _list_options(command)
    # A file's order does not matter: the top comes first, the narrowest table last.
    for option in sorted(options, key=lambda option: option.place.count(".")):
        parameter = parameters.get(option.name)
        *above, _ = option.place.split(".")
        table = " ".join(above)
        is_for_all = not table and is_extracting
        is_of_table = table and f"{words} ".startswith(f"{table} ")
        if parameter is not None and (is_for_all or is_of_table):
            chosen[parameter.name] = option
    return chosen


def _refuse_keys(file: OptionsFile, table: Mapping[str, Any], above: str) -> None:
    """Raise ``ArgumentError`` if a name or a value looks like a key. The value is not shown."""
    for name, value in table.items():
        place = f"{above}{name}"
        if names_credential(name):
            raise ArgumentError(f"{file}: {place}: {_KEYS_BELONG}")
        if isinstance(value, Mapping):
            _refuse_keys(file, value, f"{place}.")
            continue
        for text in _list_texts(value):
            # As in model-option = ["api_key=..."].
            parameter, equals, _ = text.partition("=")
            is_named_key = bool(equals) and names_credential(parameter.strip())
            if is_named_key or _LIKE_KEY.search(text):
                raise ArgumentError(f"{file}: {place}: {_KEYS_BELONG}")


def _check_table(
    file: OptionsFile, commands: Commands, table: Mapping[str, Any], words: str
) -> Iterator[FileOption]:
    """Yield the options of a table, and of the tables inside, in the order of the file.

    ``words`` are the words of the table's command, such as "batch submit"; "" for the top of the
    file. Raises ``ArgumentError`` for a name that is neither an option nor a command, a command
    that is no table, and a value that the option cannot have.
    """
    known = _list_known(commands, words)
    names_of_tables = {
        name.removeprefix(words).split()[0]
        for name in commands
        if name.startswith(f"{words} ".lstrip()) and name != words
    }
    for name, value in table.items():
        place = ".".join((*words.split(), name))
        if name in names_of_tables:
            if not isinstance(value, Mapping):
                raise ArgumentError(f"{file}: {place} is a command; write [{place}]")
            inner = f"{words} {name}".strip()
            yield from _check_table(file, commands, value, inner)
            continue
        parameter = known.get(name)
        if parameter is None:
            _refuse_name(file, commands, words, name, [*known, *names_of_tables])
        yield FileOption(place, name, _check_value(file, place, parameter, value))


def _list_known(commands: Commands, words: str) -> dict[str, Any]:
    """Return the options that a table may have, by name: those of its command, and of the commands
    inside. At the top of the file (``words`` is ""), they are those that all commands share which
    extract.
    """
    if not words:
        common = _list_common()
        options: dict[str, Any] = {}
        for name in _EXTRACTING:
            options |= _list_options(commands[name])
        return {name: options[name] for name in common if name in options}
    known: dict[str, Any] = {}
    for name, command in commands.items():
        if f"{name} ".startswith(f"{words} "):
            known = _list_options(command) | known
    return known


def _list_common() -> list[str]:
    """Return the names of the options that commands which extract share."""
    names = set(_COMMON_BESIDE_MODELS)
    for model in (ExtractionOptions, ModelOptions):
        for name, field in model.model_fields.items():
            shown = find_shown(field)
            if shown:
                written = shown.name or f"--{name.replace('_', '-')}"
                names.add(written.removeprefix("--"))
    return sorted(names)


def _list_options(command: Any) -> dict[str, Any]:
    """Return the parameters of a command that a file may set, by the names of their options."""
    options = {}
    for parameter in command.params:
        if parameter.param_type_name != "option":
            continue
        long = next(name for name in parameter.opts if name.startswith("--"))
        name = long.removeprefix("--")
        if name not in _OF_ONE_COMMAND:
            options[name] = parameter
    return options


def _refuse_name(
    file: OptionsFile, commands: Commands, words: str, name: str, known: list[str]
) -> None:
    """Raise ``ArgumentError`` for a name that a table cannot have: it is only for the command line,
    belongs in another table, or is unknown. For an unknown name the nearest of ``known`` is
    suggested.
    """
    table = f"[{words.replace(' ', '.')}]" if words else "the top of the file"
    if name in _OF_ONE_COMMAND:
        raise ArgumentError(
            f"{file}: {name} is for a single command; write it on the command line"
        )
    nearest = suggest(name, known)
    elsewhere = [
        f"[{other.replace(' ', '.')}]"
        for other, command in commands.items()
        if name in _list_options(command)
    ]
    if elsewhere:
        raise ArgumentError(
            f"{file}: {name} does not belong in {table}; write it in {' or '.join(elsewhere)}"
        )
    raise ArgumentError(
        f"{file}: {name}: no such option or command in {table}{nearest}; "
        f"`extractor {words} --help` lists the options".replace("  ", " ")
    )


def _check_value(file: OptionsFile, place: str, parameter: Any, value: Any) -> Any:
    """Return a value as the command line reads it. Raises ``ArgumentError`` for a wrong type, an
    unknown choice, or a number out of range.
    """
    kind = parameter.type_descriptor
    names_several = str(parameter.metavar).startswith("NAME,...")
    has_texts = isinstance(value, list) and len(_list_texts(value)) == len(value)
    if has_texts and names_several and not kind.is_list:
        value = ",".join(value)
    if isinstance(value, date):
        value = value.isoformat()
    wanted = _name_type(parameter)
    if kind.is_list and isinstance(value, str):
        value = [value]
    if not _has_type(value, wanted):
        raise ArgumentError(f"{file}: {place} is {value!r}; write {wanted}")
    if kind.choices and value not in map(str, kind.choices):
        choices = [str(choice) for choice in kind.choices]
        raise ArgumentError(
            f"{file}: {place} is {value!r}{suggest(value, choices)}; choose from "
            f"{', '.join(choices)}"
        )
    is_number = wanted in ("a number", "a whole number")
    if is_number:
        _check_range(file, place, parameter, value)
    return value


def _name_type(parameter: Any) -> str:
    """Return what a value has to be, in words."""
    kind = parameter.type_descriptor
    if kind.is_list:
        return _TEXTS
    names = {bool: "true or false", int: "a whole number", float: "a number"}
    return names.get(kind.annotation, "a text")


def _has_type(value: Any, wanted: str) -> bool:
    """Return whether a value of TOML is of a type, which ``_name_type`` names."""
    if wanted == "true or false":
        return isinstance(value, bool)
    if wanted == "a whole number":
        return isinstance(value, int) and not isinstance(value, bool)
    if wanted == "a number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    if wanted == _TEXTS:
        return isinstance(value, list) and len(_list_texts(value)) == len(value)
    return isinstance(value, str)


def _check_range(file: OptionsFile, place: str, parameter: Any, value: float) -> None:
    """Raise ``ArgumentError`` for a number below the least or above the most that an option allows;
    either may be None.
    """
    least = parameter.min
    most = parameter.max
    is_too_small = least is not None and value < least
    is_too_large = most is not None and value > most
    if not is_too_small and not is_too_large:
        return
    allowed = f"from {least} to {most}"
    if most is None:
        allowed = f"of at least {least}"
    elif least is None:
        allowed = f"of at most {most}"
    raise ArgumentError(f"{file}: {place} is {value}; choose a number {allowed}")


def _list_texts(value: Any) -> list[str]:
    """Return a text, or those of a list."""
    parts = value if isinstance(value, list) else [value]
    return [part for part in parts if isinstance(part, str)]


def _is_inside(path: str) -> bool:
    """Return whether a path leads to the working folder or into it, also by links."""
    if "://" in path:
        return False
    return Path(path).resolve().is_relative_to(Path.cwd().resolve())
