"""Prompt files: a frame for all calls, ``frame.v<N>.md``, and for each task what its keys mean, ``<task>.v<N>.md``,
with worked examples, ``<task>.v<N>.examples.json``. The files of one version belong together.

A narrow question has a frame of its own, such as ``conflict.v<N>.md``, with versions of its own.

A call's system part is made of the frame and of the definitions that its questions need, and no others: tokens are
the cost of this program. Its user part has placeholders (``string.Template``) for what one record holds.
"""

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

import extractor
from extractor.errors import PromptError
from extractor.llm.requests import PromptVersion, Question
from extractor.parse.parsed import Chunk, ChunkKind, Span
from extractor.schemas import Task

__all__ = ["Definition", "Example", "Frame", "Prompt", "TaskPrompt"]
__all__ += ["fill", "list_prompt_versions", "load_frame", "load_prompt", "read_prompt"]

_PROMPTS = Path(extractor.__file__).parent / "prompts"
_PART = re.compile(r"^<!-- (\w+) -->\n", re.MULTILINE)
_WORD = re.compile(r"- (\w+)(?::.*)?")


@dataclass(frozen=True, slots=True)
class Definition:
    """What a key means, and for a closed set one line for each of its words."""

    text: str
    words: Mapping[str, str]

    def narrow(self, wanted: Collection[str] | None) -> str:
        """The definition with the lines of the ``wanted`` words alone; None for all.

        >>> print(Definition("cat:", {"age": "- age", "sex": "- sex"}).narrow({"sex"}))
        cat:
        - sex
        """
        return "\n".join([self.text, *(line for word, line in self.words.items() if wanted is None or word in wanted)])


@dataclass(frozen=True, slots=True)
class Example:
    """A worked example: a question, the items that a model should write, and the values that these stand for."""

    question: Question
    answer: tuple[Mapping[str, Any], ...]
    values: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class TaskPrompt:
    """What the lines of a task are, what its fields mean, and worked examples."""

    about: str
    definitions: Mapping[str, Definition]
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Prompt:
    """The prompt as read from its files."""

    version: PromptVersion
    system: Template
    user: Template
    tasks: Mapping[Task, TaskPrompt]


def load_prompt(version: int | None = None) -> Prompt:
    """The prompt, the newest unless a version is given. Raises ``PromptError`` if there is none.

    >>> load_prompt().version.name
    'questions'
    """
    return read_prompt(_PROMPTS, version)


@dataclass(frozen=True, slots=True)
class Frame:
    """A prompt of one file, ``<name>.v<N>.md``, for questions that need no examples."""

    version: PromptVersion
    system: Template
    user: Template


@cache
def load_frame(name: str) -> Frame:
    """The newest frame of that name. Raises ``PromptError`` if there is none, or it is broken.

    >>> load_frame("conflict").version.name
    'conflict'
    """
    folder = _PROMPTS
    version = _newest(folder, name)
    file = f"{name}.v{version}.md"
    text = _read(folder / file)
    parts = _cut(text, file, {"system", "user"})
    return Frame(
        PromptVersion(name, version, hashlib.sha256(text.encode()).hexdigest()),
        _template(parts["system"], file, set()),
        _template(parts["user"], file, {"lines"}),
    )


def list_prompt_versions() -> tuple[PromptVersion, ...]:
    """Every prompt that a run may use."""
    return load_prompt().version, load_frame("conflict").version


@cache
def read_prompt(folder: Path, version: int | None = None) -> Prompt:
    """The prompt in ``folder``. Raises ``PromptError`` if a file is missing or broken."""
    version = _newest(folder) if version is None else version
    names = [f"frame.v{version}.md"]
    names += [f"{task}.v{version}{ending}" for task in Task for ending in (".md", ".examples.json")]
    texts = {name: _read(folder / name) for name in names}
    digest = hashlib.sha256("\0".join(texts.values()).encode()).hexdigest()
    frame = _cut(texts[names[0]], names[0], {"system", "user"})
    tasks = {task: _read_task(task, version, texts) for task in Task}
    return Prompt(
        PromptVersion("questions", version, digest),
        _template(frame["system"], names[0], {"definitions"}),
        _template(frame["user"], names[0], {"lines"}),
        tasks,
    )


def fill(template: Template, **values: str) -> str:
    """A template with its placeholders filled. Raises ``PromptError`` for one that has no value."""
    try:
        return template.substitute(values)
    except (KeyError, ValueError) as error:
        raise PromptError(f"prompt: no value for placeholder {error}") from error


def _newest(folder: Path, name: str = "frame") -> int:
    found = (re.fullmatch(rf"{name}\.v(\d+)\.md", path.name) for path in folder.glob(f"{name}.*"))
    return max((int(name[1]) for name in found if name), default=1)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise PromptError(f"prompt {path.name}: {error.strerror}: {path}") from error


def _read_task(task: Task, version: int, texts: Mapping[str, str]) -> TaskPrompt:
    name = f"{task}.v{version}"
    parts = _cut(texts[f"{name}.md"], name, {"about"})
    about = parts.pop("about")
    try:
        examples = tuple(_read_example(task, raw) for raw in json.loads(texts[f"{name}.examples.json"]))
    except (ValueError, KeyError, TypeError) as error:
        raise PromptError(f"prompt {name}: broken examples ({type(error).__name__}: {error})") from error
    return TaskPrompt(about, {field: _define(text) for field, text in parts.items()}, examples)


def _cut(text: str, name: str, needed: Collection[str]) -> dict[str, str]:
    """The parts of a file by their names."""
    _, *found = _PART.split(text)
    parts = {part: content.strip() for part, content in zip(found[::2], found[1::2], strict=True)}
    if missing := sorted(set(needed) - set(parts)):
        raise PromptError(f"prompt {name}: there is no part <!-- {missing[0]} -->")
    return parts


def _template(text: str, name: str, needed: Collection[str]) -> Template:
    template = Template(text)
    if not template.is_valid():
        raise PromptError(f"prompt {name}: a $ that begins no placeholder")
    if missing := sorted(set(needed) - set(template.get_identifiers())):
        raise PromptError(f"prompt {name}: there is no placeholder ${missing[0]}")
    return template


def _define(text: str) -> Definition:
    lines = text.splitlines()
    words = {found[1]: line for line in lines if (found := _WORD.fullmatch(line))}
    return Definition("\n".join(line for line in lines if line not in words.values()), words)


def _read_example(task: Task, raw: Mapping[str, Any]) -> Example:
    # Lines are numbered from 901 in the files, so that an example copied into an answer has no line of its own.
    chunk = Chunk(raw["n"], ChunkKind.ITEM, Span("example", 0, len(raw["text"])), raw["text"])
    question = Question(task, chunk, tuple(raw["fields"]), raw.get("hint", ""))
    return Example(question, tuple(raw["answer"]), tuple(raw["values"]))
