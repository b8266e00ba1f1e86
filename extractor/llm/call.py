"""Questions to a model, the calls that carry them, and what comes back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import BaseModel

from extractor.parse.parsed import Chunk
from extractor.schemas import Task, Usage

__all__ = ["LINE_BREAK", "Call", "PromptVersion", "Question", "Render", "Reply"]

LINE_BREAK = " // "
"""What stands for a line break of the record where its text is one line of a prompt."""


@dataclass(frozen=True, slots=True)
class Question:
    """Fields that are open for one numbered chunk.

    ``hint`` is what a reader must know beside the chunk's text: the list it stands in, the arm it belongs to.
    ``options`` are the values between which the rules waver, by field; where it names none, all are possible.
    """

    task: Task
    chunk: Chunk
    fields: tuple[str, ...]
    hint: str = ""
    options: Mapping[str, frozenset[StrEnum]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PromptVersion:
    """Which prompt file was used: name, version, and SHA-256 of the file."""

    name: str
    version: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Call:
    """Questions about one record in one exchange.

    ``system`` holds the definitions that these questions need; ``user`` this record's chunks.
    ``reply_model`` has a field ``items``, a list of models with the chunk's number ``n``; it is
    validated with ``context``. ``line_grammar`` writes the grammar of a reply to these very lines, for
    ``AnswerMode.LINES``.
    """

    prompt: PromptVersion
    questions: tuple[Question, ...]
    system: str
    user: str
    reply_model: type[BaseModel]
    max_output_tokens: int
    context: Mapping[str, object] = field(default_factory=dict)
    line_grammar: Callable[[], str] | None = field(default=None, compare=False)


Render = Callable[[Sequence[Question]], Call]
"""Makes the call for any part of a record's questions."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The valid items of a call's answer, what it took, and why the rest was dropped. ``pending``: more is to come."""

    items: tuple[BaseModel, ...]
    usage: Usage
    model: str
    rejected: tuple[str, ...] = ()
    pending: bool = False
