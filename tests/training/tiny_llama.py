"""A llama of random weights whose heads share keys and values and whose tokens are bytes; what it computes, plainly."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.ask.local.gguf_files import BYTE, CONTROL, UNKNOWN

__all__ = ["HEADS", "INNER", "LAYERS", "NEEDS_TRAIN", "VOCABULARY", "WIDTH", "compute", "read_tensors", "write_llama"]

NEEDS_TRAIN = "needs the extra `train`: pip install -e '.[train,dev]'"
VOCABULARY, WIDTH, INNER, LAYERS, HEADS, GROUPS, BASE = 259, 32, 64, 2, 4, 2, 10000.0
SIZE = WIDTH // HEADS
Tensors = Mapping[str, np.ndarray[Any, Any]]


def write_llama(path: Path, *, tied: bool = True) -> Path:
    """The model as a GGUF file; ``tied``: what reads tokens tells them, too."""
    gguf = pytest.importorskip("gguf", reason=NEEDS_TRAIN)
    random = np.random.default_rng(11)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(512)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(GROUPS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(SIZE)
    writer.add_rope_freq_base(BASE)
    writer.add_vocab_size(VOCABULARY)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))])
    writer.add_token_scores([0.0] * VOCABULARY)
    writer.add_token_types([UNKNOWN, CONTROL, CONTROL, *[BYTE] * 256])
    shapes: dict[str, tuple[int, ...]] = {"token_embd": (VOCABULARY, WIDTH), "output_norm": (WIDTH,)}
    if not tied:
        shapes["output"] = (VOCABULARY, WIDTH)
    for layer in range(LAYERS):
        for name, shape in _SHAPES.items():
            shapes[f"blk.{layer}.{name}"] = shape
    for name, shape in shapes.items():
        values = random.uniform(0.5, 1.5, shape) if len(shape) == 1 else random.standard_normal(shape) / shape[1] ** 0.5
        writer.add_tensor(f"{name}.weight", values.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


_SHAPES = {
    "attn_norm": (WIDTH,),
    "attn_q": (WIDTH, WIDTH),
    "attn_k": (GROUPS * SIZE, WIDTH),
    "attn_v": (GROUPS * SIZE, WIDTH),
    "attn_output": (WIDTH, WIDTH),
    "ffn_norm": (WIDTH,),
    "ffn_gate": (INNER, WIDTH),
    "ffn_up": (INNER, WIDTH),
    "ffn_down": (WIDTH, INNER),
}


def read_tensors(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    """The tensors of a GGUF file by name, without their ending."""
    gguf = pytest.importorskip("gguf", reason=NEEDS_TRAIN)
    return {tensor.name.removesuffix(".weight"): np.array(tensor.data) for tensor in gguf.GGUFReader(path).tensors}


def compute(tensors: Tensors, tokens: list[int], *, halves: bool = False, apart: bool = False) -> np.ndarray[Any, Any]:
    """The last hidden states of one row of tokens, place by place and head by head, with 64 bits.

    As other models have it: ``halves`` turns pairs of positions that are half a head apart, and ``apart`` gives
    neighbouring heads other keys and values.
    """
    x = tensors["token_embd"][tokens].astype(np.float64)
    for layer in range(LAYERS):
        part = {name: tensors[f"blk.{layer}.{name}"].astype(np.float64) for name in _SHAPES}
        x = x + _attend(_norm(x, part["attn_norm"]), part, halves=halves, apart=apart)
        inner = _norm(x, part["ffn_norm"])
        gate = inner @ part["ffn_gate"].T
        x = x + (gate / (1 + np.exp(-gate)) * (inner @ part["ffn_up"].T)) @ part["ffn_down"].T
    return _norm(x, tensors["output_norm"])


def _attend(x: np.ndarray[Any, Any], part: Tensors, *, halves: bool, apart: bool) -> np.ndarray[Any, Any]:
    query, key, value = (x @ part[name].T for name in ("attn_q", "attn_k", "attn_v"))
    seen = np.zeros_like(query)
    for head in range(HEADS):
        group = head % GROUPS if apart else head // (HEADS // GROUPS)
        own, shared = slice(head * SIZE, (head + 1) * SIZE), slice(group * SIZE, (group + 1) * SIZE)
        for place in range(len(x)):
            asked = _turn(query[place, own], place, halves=halves)
            scores = [asked @ _turn(key[other, shared], other, halves=halves) for other in range(place + 1)]
            weights = np.exp(np.array(scores) / SIZE**0.5)
            seen[place, own] = weights / weights.sum() @ value[: place + 1, shared]
    mixed: np.ndarray[Any, Any] = seen @ part["attn_output"].T
    return mixed


def _turn(head: np.ndarray[Any, Any], place: int, *, halves: bool) -> np.ndarray[Any, Any]:
    turned = np.empty_like(head)
    for pair in range(SIZE // 2):
        one, other = (pair, pair + SIZE // 2) if halves else (2 * pair, 2 * pair + 1)
        angle = place * BASE ** (-2 * pair / SIZE)
        turned[one] = head[one] * np.cos(angle) - head[other] * np.sin(angle)
        turned[other] = head[one] * np.sin(angle) + head[other] * np.cos(angle)
    return turned


def _norm(x: np.ndarray[Any, Any], weight: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    normed: np.ndarray[Any, Any] = x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5) * weight
    return normed
