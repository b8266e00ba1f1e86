"""The training loop: every batch once an epoch, the rate warmed up and let down to nothing."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from .llama import TunedLlama
from .tokens import IGNORED, Batch

__all__ = ["Learning", "Progress", "learn"]


@dataclass(frozen=True, slots=True)
class Learning:
    """How fast is learned: the highest rate, the share of steps until it is reached, and the longest gradient.

    ``stop_after`` ends it after so many steps, at the rate that it has there; else all batches are learned.
    """

    rate: float = 1e-3
    warmup: float = 0.04
    longest_gradient: float = 1.0
    stop_after: int | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """After some steps: the mean loss of these (nats a token), tokens so far and tokens a second."""

    step: int
    steps: int
    loss: float
    tokens: int
    rate: float


def learn(model: TunedLlama, batches: Sequence[Batch], how: Learning, report: Callable[[Progress], None]) -> None:
    """Train the additions of ``model`` on these batches, in their order; ``report`` is called every 20 steps."""
    learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=how.rate, betas=(0.9, 0.98), weight_decay=0.0)
    rates = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _share(step, len(batches), how.warmup))
    began, tokens, losses = time.monotonic(), 0, []
    last = min(len(batches), how.stop_after or len(batches))
    for step, batch in enumerate(batches[:last], 1):
        hidden = model(batch.ids).flatten(0, 1)
        loss = functional.cross_entropy(model.logits(hidden[batch.places]).float(), batch.wanted, ignore_index=IGNORED)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learned, how.longest_gradient)
        optimizer.step()
        rates.step()
        tokens += batch.ids.numel()
        losses.append(loss.item())
        if step % 20 == 0 or step == last:
            report(Progress(step, len(batches), sum(losses) / len(losses), tokens, tokens / (time.monotonic() - began)))
            losses.clear()


def _share(step: int, steps: int, warmup: float) -> float:
    """The rate's share of the highest one."""
    first = max(1, int(steps * warmup))
    if step < first:
        return (step + 1) / first
    return 0.5 * (1 + math.cos(math.pi * (step - first) / max(1, steps - first)))
