"""Train the adapter of ``registry-135m`` on labelled items, as the product asks about them.

    python -m training --data DIR --base FILE.gguf --out FILE.gguf [--exclude GOLD] [--held-out FOLD] [--epochs N]
                       [--stop-after STEPS] [--seed N] [--rank N] [--rate X] [--threads N]

``--held-out`` is the fold of trials (0 to 4, or "none") of which nothing is learned: what the model may decide is
counted on it. ``--exclude`` names a folder of gold annotations; its records are never learned from. Beside the adapter
a ``.json`` tells how it was made: versions, seeds, hashes of the labels and of the base, and the loss on the way.
"""

import argparse
import hashlib
import json
import os
import platform
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import Any

import torch

from benchmarks.label_files import FOLDS, add_data_option
from extractor.ask.prompting.prompt_files import load_frame

from .adapter_file import write_adapter
from .dialogues import make_dialogues
from .learn import Learning, Progress, learn
from .left_out import choose_trials
from .llama import TunedLlama
from .sources import list_trials
from .tokens import LONGEST, Batch, batch_tokens, load_tokenizer, tokenize

_NAME = "registry-135m"
_SCALE = 2.0
_SAVED_EVERY = 200
_LABELS = ("criteria", "outcomes", "limits", "time_frames", "instruments", "dosing")


def main() -> None:
    """Read, train, write."""
    chosen = _read_arguments()
    torch.manual_seed(chosen.seed)
    torch.set_num_threads(chosen.threads)
    model = TunedLlama(chosen.base, chosen.rank, _SCALE)
    batches, counted = _make_batches(chosen)
    print(
        f"{len(batches)} batches, {sum(batch.ids.numel() for batch in batches):,} tokens; {dict(counted)}", flush=True
    )
    losses: list[dict[str, float]] = []

    def report(progress: Progress) -> None:
        shown = f"{progress.step}/{progress.steps} loss {progress.loss:.4f} {progress.rate:.0f} tokens/s"
        print(shown, flush=True)
        losses.append({"step": progress.step, "loss": round(progress.loss, 4)})
        if progress.step % _SAVED_EVERY == 0 or progress.step in (progress.steps, chosen.stop_after):
            write_adapter(model, chosen.rank, _SCALE, chosen.out, _NAME)

    learn(model, batches, Learning(chosen.rate, stop_after=chosen.stop_after), report)
    chosen.out.with_suffix(".json").write_text(json.dumps(_describe(chosen, counted, losses), indent=1) + "\n", "utf-8")


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_data_option(parser)
    parser.add_argument("--base", type=Path, required=True, help="the GGUF file that the adapter will be served with")
    parser.add_argument("--out", type=Path, required=True, help="the adapter, a GGUF file")
    parser.add_argument("--exclude", type=Path, help="folder of gold annotations: their records are left out")
    parser.add_argument("--held-out", choices=[*map(str, range(FOLDS)), "none"], default="0")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--stop-after", type=int, metavar="STEPS", help="leave the rest of the batches out")
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    return parser.parse_args()


def _make_batches(chosen: argparse.Namespace) -> tuple[list[Batch], Counter[str]]:
    """The batches of all epochs: each epoch asks other keys of the same lines, and packs them otherwise."""
    tokenizer = load_tokenizer(chosen.base)
    may_teach = choose_trials(chosen.held_out, chosen.exclude)
    batches: list[Batch] = []
    counted: Counter[str] = Counter()
    for epoch in range(chosen.epochs):
        draw = Random(chosen.seed * 1000 + epoch)
        trials = list(list_trials(chosen.data, draw, may_teach))
        counted.update(one.kind for trial in trials for one in trial.answered)
        tokens = [tokenize(tokenizer, dialogue) for dialogue in make_dialogues(trials, draw)]
        batches += batch_tokens([one for one in tokens if len(one.ids) <= LONGEST], draw)
    return batches, counted


def _describe(chosen: argparse.Namespace, counted: Counter[str], losses: list[dict[str, float]]) -> dict[str, Any]:
    prompt = load_frame("tuned").version
    return {
        "name": _NAME,
        "prompt": {"name": prompt.name, "version": prompt.version, "sha256": prompt.sha256},
        "base_sha256": _hash(chosen.base),
        "labels_sha256": {name: _hash(chosen.data / "labels" / f"{name}.jsonl") for name in _LABELS},
        "held_out_fold": chosen.held_out,
        "settings": {
            name: getattr(chosen, name) for name in ("epochs", "stop_after", "seed", "rank", "rate", "threads")
        },
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("torch", "numpy", "gguf", "transformers")},
        "answered": dict(counted),
        "losses": losses,
    }


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    main()
