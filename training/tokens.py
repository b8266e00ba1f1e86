"""Dialogues as tokens, just as the server's template makes them of a request."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import Tensor

from .dialogues import Dialogue

__all__ = ["IGNORED", "LONGEST", "Batch", "Tokens", "batch_tokens", "load_tokenizer", "tokenize"]

IGNORED = -100
"""A wanted token that is none: it fills up a batch."""
_LENGTHS = (64, 96, 128, 160, 192, 224, 256, 288, 320, 384, 512, 768, 1280)
"""The lengths that rows are padded to."""
LONGEST = _LENGTHS[-1]
"""No dialogue with more tokens fits into a batch."""
_ANSWERS = 128
"""A batch's number of learned tokens is a multiple of this."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """A dialogue's tokens; those from ``answer`` on are to be learned."""

    ids: tuple[int, ...]
    answer: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of tokens, padded on the right. ``places`` count through all rows: the token behind each of them, which
    stands in ``wanted``, is learned.
    """

    ids: Tensor
    places: Tensor
    wanted: Tensor


def load_tokenizer(path: Path) -> Any:
    """The tokenizer in a GGUF file."""
    from transformers import AutoTokenizer  # noqa: PLC0415  (takes seconds)

    return AutoTokenizer.from_pretrained(str(path.parent), gguf_file=path.name)


def tokenize(tokenizer: Any, dialogue: Dialogue) -> Tokens:
    """The tokens of a dialogue under the chat template; learned are those of the answer and the mark of its end."""
    prompt = (
        f"<|im_start|>system\n{dialogue.system}<|im_end|>\n"
        f"<|im_start|>user\n{dialogue.user}<|im_end|>\n<|im_start|>assistant\n"
    )
    before = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    answer = tokenizer(f"{dialogue.answer}<|im_end|>", add_special_tokens=False)["input_ids"]
    return Tokens((*before, *answer), len(before))


def batch_tokens(dialogues: Sequence[Tokens], draw: Random, size: int = 2560) -> list[Batch]:
    """Batches of about ``size`` tokens, of dialogues of like length, in random order.

    Lengths and numbers of answers come in steps: for each new shape the library makes a new kernel, which takes longer
    than the batch.
    """
    ordered = sorted(dialogues, key=lambda one: (_length(one), draw.random()))
    groups: list[list[Tokens]] = []
    for one in ordered:
        if not groups or _length(one) != _length(groups[-1][0]) or _length(one) * (len(groups[-1]) + 1) > size:
            groups.append([])
        groups[-1].append(one)
    draw.shuffle(groups)
    return [_stack(group, max(1, size // _length(group[0]))) for group in groups]


def _length(one: Tokens) -> int:
    return next(step for step in _LENGTHS if len(one.ids) <= step)


def _stack(group: Sequence[Tokens], rows: int) -> Batch:
    length = _length(group[0])
    filled = [[*one.ids, *([0] * (length - len(one.ids)))] for one in group]
    filled += [[0] * length] * (rows - len(group))
    learned = [
        (row * length + place, one.ids[place + 1])
        for row, one in enumerate(group)
        for place in range(one.answer - 1, len(one.ids) - 1)
    ]
    learned += [(0, IGNORED)] * (-len(learned) % _ANSWERS)
    places, wanted = zip(*learned, strict=True)
    return Batch(torch.tensor(filled), torch.tensor(places), torch.tensor(wanted))
