"""Prompt files: ``<task>.v<N>.md`` with its worked examples, ``<task>.v<N>.examples.json``.

A prompt has two parts. The system part is the same for every record, so that providers cache it; the user part
has placeholders (``string.Template``) for what one record holds.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

from extractor.errors import PromptError
from extractor.parse.parsed import Chunk, ChunkKind, Span
from extractor.schemas import Task

from .call import PromptVersion, Question
from .lines import render_line

__all__ = ["Example", "Prompt", "find_prompts", "load_prompt", "read_prompt"]

_PARTS = re.compile(r"<!-- system -->\n(?P<system>.*?)\n<!-- user -->\n(?P<user>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Example:
    """A worked example: questions, what a model should write, and the values that this stands for (as JSON)."""

    questions: tuple[Question, ...]
    answer: Mapping[str, Any]
    values: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt as read from its files. ``system`` is ready to send."""

    version: PromptVersion
    system: str
    user: Template
    examples: tuple[Example, ...]

    def fill(self, **values: str) -> str:
        """The user part with its placeholders filled. Raises ``PromptError`` for one that has no value."""
        return _fill(self.user, self.version, values)


def load_prompt(task: Task, version: int | None = None) -> Prompt:
    """The prompt of a task, the newest unless a version is given. Raises ``PromptError`` if there is none.

    >>> load_prompt(Task.DOSING).version.name
    'dosing'
    """
    return read_prompt(find_prompts(Path(__file__).resolve().parents[1]), task, version)


def find_prompts(package: Path) -> Path:
    """The prompts' folder: inside the package in a wheel, beside it in a checkout."""
    inside, beside = package / "prompts", package.parent / "prompts"
    return inside if inside.is_dir() else beside


@cache
def read_prompt(folder: Path, task: Task, version: int | None = None) -> Prompt:
    """The prompt of a task in ``folder``. Raises ``PromptError`` if it is missing or broken."""
    version = _newest(folder, task) if version is None else version
    name = f"{task}.v{version}"
    try:
        template = (folder / f"{name}.md").read_text("utf-8")
        examples_text = (folder / f"{name}.examples.json").read_text("utf-8")
        examples = tuple(_read_example(task, raw) for raw in json.loads(examples_text))
    except OSError as error:
        raise PromptError(f"prompt {name}: {error.strerror}: {error.filename}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise PromptError(f"prompt {name}: broken examples: {error!r}") from error
    found = PromptVersion(task.value, version, hashlib.sha256((template + examples_text).encode()).hexdigest())
    system, user = _cut(template, name)
    shown = "\n".join(_render_example(example) for example in examples)
    return Prompt(found, _fill(system, found, {"examples": shown}), user, examples)


def _newest(folder: Path, task: Task) -> int:
    found = (re.fullmatch(rf"{task}\.v(\d+)\.md", path.name) for path in folder.glob("*.md"))
    return max((int(name[1]) for name in found if name), default=1)


def _cut(template: str, name: str) -> tuple[Template, Template]:
    """System and user part. A user part that would lose the lines is refused."""
    parts = _PARTS.fullmatch(template)
    if not parts:
        raise PromptError(f"prompt {name}: the parts <!-- system --> and <!-- user --> are not both there")
    user = Template(parts["user"].strip())
    if "lines" not in user.get_identifiers():
        raise PromptError(f"prompt {name}: the user part has no placeholder $lines")
    return Template(parts["system"].strip()), user


def _fill(template: Template, version: PromptVersion, values: Mapping[str, str]) -> str:
    try:
        return template.substitute(values)
    except (KeyError, ValueError) as error:
        raise PromptError(f"prompt {version.name}.v{version.version}: no value for placeholder {error}") from error


def _read_example(task: Task, raw: Mapping[str, Any]) -> Example:
    # Lines are numbered from 901 in the files, so that an example copied into an answer has no line of its own.
    questions = []
    for line in raw["lines"]:
        place = Span("example", 0, len(line["text"]))
        chunk = Chunk(line["n"], ChunkKind.ITEM, place, line["text"])
        questions.append(Question(task, chunk, tuple(line["fields"]), line.get("hint", "")))
    return Example(tuple(questions), raw["answer"], tuple(raw["values"]))


def _render_example(example: Example) -> str:
    answer = json.dumps(example.answer, ensure_ascii=False, separators=(",", ":"))
    return "\n".join([*map(render_line, example.questions), answer])
