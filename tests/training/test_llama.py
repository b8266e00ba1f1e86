"""The model that is trained is the one that is served, and what it learns is what the adapter's file holds."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest

from extractor.ask.local import ServerSettings, Weights, serve_model
from tests.ask.local.conftest import NEEDS_LOCAL

from .tiny_llama import INNER, LAYERS, NEEDS_TRAIN, VOCABULARY, WIDTH, compute, read_tensors, write_llama

pytest.importorskip("torch", reason=NEEDS_TRAIN)
pytest.importorskip("gguf", reason=NEEDS_TRAIN)

import gguf
import torch

from training.adapter_file import write_adapter
from training.learn import Learning, Progress, learn
from training.llama import ADAPTED, TunedLlama
from training.tokens import IGNORED, Batch

ROWS = [[3, 17, 5, 5, 29, 0, 11, 38, 2, 3, 17, 21], [39, 1, 1, 8, 30, 12, 7, 7, 25, 14, 2, 36]]
RANK, SCALE = 3, 2.0
ROUNDED = 0.02
"""How far 16 bits are from 64, as a share of all numbers; other ways to compute it are much further."""


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Several wait for each other longer than they work on so little."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_llama(tmp_path_factory.mktemp("base") / "base.gguf")


@pytest.fixture
def model(base: Path) -> TunedLlama:
    torch.manual_seed(4)
    return TunedLlama(base, RANK, SCALE)


def change(model: TunedLlama) -> TunedLlama:
    """The model with additions that are not zero."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("lora_b"):
                parameter.normal_(std=0.2)
    return model


def distance(computed: Any, wanted: np.ndarray[Any, Any]) -> float:
    found = computed.detach().float().numpy()
    return float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))


def test_hidden_states_are_those_of_a_plain_llama(base: Path, model: TunedLlama) -> None:
    tensors, hidden = read_tensors(base), model(torch.tensor(ROWS))
    for row, states in zip(ROWS, hidden, strict=True):
        assert distance(states, compute(tensors, row)) < ROUNDED
        assert distance(states, compute(tensors, row, halves=True)) > 5 * ROUNDED
        assert distance(states, compute(tensors, row, apart=True)) > 5 * ROUNDED


@pytest.mark.parametrize("tied", [True, False])
def test_tokens_are_told_by_the_head_of_the_file_or_by_what_reads_them(tmp_path: Path, *, tied: bool) -> None:
    path = write_llama(tmp_path / "base.gguf", tied=tied)
    tensors, untuned = read_tensors(path), TunedLlama(path, RANK, SCALE)
    logits = untuned.logits(untuned(torch.tensor(ROWS[:1]))[0])
    assert logits.shape == (len(ROWS[0]), VOCABULARY)
    head = tensors["token_embd" if tied else "output"]
    assert distance(logits, compute(tensors, ROWS[0]) @ head.T) < ROUNDED


def test_what_fills_a_row_up_changes_nothing_before_it(model: TunedLlama) -> None:
    short = model(torch.tensor([ROWS[0][:7]]))
    filled = model(torch.tensor([[*ROWS[0][:7], *[0] * 5], ROWS[1]]))
    assert torch.allclose(short[0], filled[0, :7], atol=0.05)
    assert not torch.allclose(filled[0, 7:], model(torch.tensor(ROWS))[0, 7:], atol=0.05)


def test_additions_change_nothing_before_anything_is_learned(base: Path, model: TunedLlama) -> None:
    torch.manual_seed(5)
    other = TunedLlama(base, 2 * RANK, 4 * SCALE)
    assert torch.equal(model(torch.tensor(ROWS)), other(torch.tensor(ROWS)))
    assert not torch.equal(change(model)(torch.tensor(ROWS)), other(torch.tensor(ROWS)))


def test_additions_are_the_scaled_product_of_both_parts(base: Path, model: TunedLlama) -> None:
    tensors, learned = read_tensors(base), dict(change(model).named_parameters())
    for layer in range(LAYERS):
        for name in ADAPTED:
            down, up = (learned[f"layers.{layer}.{name}.{part}"].detach().numpy() for part in ("lora_a", "lora_b"))
            tensors[f"blk.{layer}.{name}"] = tensors[f"blk.{layer}.{name}"] + SCALE * up @ down
    hidden = model(torch.tensor(ROWS))
    for row, states in zip(ROWS, hidden, strict=True):
        assert distance(states, compute(tensors, row)) < ROUNDED
        assert distance(states, compute(read_tensors(base), row)) > 5 * ROUNDED


def test_nothing_but_the_additions_is_learned(model: TunedLlama) -> None:
    learned = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    parts = ("lora_a", "lora_b")
    assert learned == {f"layers.{layer}.{name}.{part}" for layer in range(LAYERS) for name in ADAPTED for part in parts}


def make_batch() -> Batch:
    """Of the first row the last five tokens, of the second the last three, and two places that are none."""
    length = len(ROWS[0])
    learned = [(place, ROWS[0][place + 1]) for place in range(6, length - 1)]
    learned += [(length + place, ROWS[1][place + 1]) for place in range(8, length - 1)]
    places, wanted = zip(*learned, (0, IGNORED), (0, IGNORED), strict=True)
    return Batch(torch.tensor(ROWS), torch.tensor(places), torch.tensor(wanted))


def mean_loss(model: TunedLlama) -> float:
    """Written out: the mean of what the learned tokens were surprising, without those that are ignored."""
    logits = model.logits(model(torch.tensor(ROWS))).float().log_softmax(-1)
    told = [logits[0, place, ROWS[0][place + 1]].item() for place in range(6, len(ROWS[0]) - 1)]
    told += [logits[1, place, ROWS[1][place + 1]].item() for place in range(8, len(ROWS[1]) - 1)]
    return -sum(told) / len(told)


def test_learning_makes_the_answers_likely_and_leaves_the_base_as_it_is(model: TunedLlama) -> None:
    kept = {name: tensor.clone() for name, tensor in model.state_dict().items() if "lora" not in name}
    before, told = mean_loss(model), list[Progress]()
    learn(model, [make_batch()] * 50, Learning(rate=0.02), told.append)
    assert mean_loss(model) < before / 4
    after = model.state_dict()
    assert all(torch.equal(tensor, after[name]) for name, tensor in kept.items())
    assert [(one.step, one.steps, one.tokens) for one in told] == [(n, 50, n * 24) for n in (20, 40, 50)]
    assert told[-1].loss == pytest.approx(mean_loss(model), abs=0.1)  # of the last steps alone


def test_the_loss_that_is_told_is_that_of_answers_alone(model: TunedLlama) -> None:
    told: list[Progress] = []
    before = mean_loss(model)
    learn(model, [make_batch()], Learning(rate=1e-9), told.append)
    assert [one.loss for one in told] == [pytest.approx(before, abs=0.02)]


def test_learning_again_from_the_same_seed_gives_the_same(base: Path) -> None:
    states = []
    for _ in range(2):
        torch.manual_seed(9)
        model = TunedLlama(base, RANK, SCALE)
        learn(model, [make_batch()] * 5, Learning(), lambda _: None)
        states.append(model.state_dict())
    assert all(torch.equal(tensor, states[1][name]) for name, tensor in states[0].items())


def test_the_file_holds_what_was_learned(model: TunedLlama, tmp_path: Path) -> None:
    write_adapter(change(model), RANK, SCALE, tmp_path / "tuned.gguf", "tuned")
    read = gguf.GGUFReader(tmp_path / "tuned.gguf")
    told = {name: read.fields[name].contents() for name in ("general.architecture", "general.type", "adapter.type")}
    assert told == {"general.architecture": "llama", "general.type": "adapter", "adapter.type": "lora"}
    assert read.fields["adapter.lora.alpha"].contents() / RANK == SCALE
    tensors = {tensor.name: np.array(tensor.data) for tensor in read.tensors}
    assert len(tensors) == 2 * LAYERS * len(ADAPTED)
    assert tensors["blk.1.ffn_down.weight.lora_a"].shape == (RANK, INNER)
    assert tensors["blk.1.ffn_down.weight.lora_b"].shape == (WIDTH, RANK)
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            _, layer, matrix, part = name.split(".")
            kept = tensors[f"blk.{layer}.{matrix}.weight.{part}"]
            assert kept.dtype == np.float16
            assert kept == pytest.approx(parameter.detach().numpy(), rel=1e-3, abs=1e-6)


def test_the_server_computes_what_was_trained(base: Path, tmp_path: Path) -> None:
    """The same base with the same adapter: how likely the likeliest tokens are, here and in llama.cpp."""
    pytest.importorskip("xllamacpp", reason=NEEDS_LOCAL)
    adapter = tmp_path / "tuned.gguf"
    torch.manual_seed(6)
    untuned, tuned = TunedLlama(base, RANK, SCALE), change(TunedLlama(base, RANK, SCALE))
    write_adapter(tuned, RANK, SCALE, adapter, "tuned")
    prompt = [1, 80, 81, 82, 90, 91, 80, 81]
    with serve_model(Weights(base, adapter, "tuned"), ServerSettings(context=256, threads=1)) as server:
        body = {"model": server.model, "prompt": prompt, "max_tokens": 1, "temperature": 0, "logprobs": 5}
        headers = {"Authorization": f"Bearer {server.token}"}
        with httpx2.Client(trust_env=False) as client:
            reply = client.post(f"{server.base_url}/completions", json=body, headers=headers, timeout=60).json()
    (token,) = reply["choices"][0]["logprobs"]["content"]
    told = {one["id"]: one["logprob"] for one in token["top_logprobs"]}
    assert len(told) >= 5
    likely, before = (
        one.logits(one(torch.tensor([prompt]))[0, -1]).float().log_softmax(-1) for one in (tuned, untuned)
    )
    assert max(abs(likely[number].item() - logprob) for number, logprob in told.items()) < 0.1
    assert max(abs(before[number].item() - logprob) for number, logprob in told.items()) > 1.0
