"""A llama of 40,000 random weights and adapters for it, which the real runtime serves in a moment."""

from pathlib import Path

import numpy as np
import pytest

from .conftest import NEEDS_LOCAL

WIDTH, INNER, LAYERS, HEADS, RANK = 32, 64, 2, 2, 2
MATRICES = {"attn_q": (WIDTH, WIDTH), "attn_k": (WIDTH, WIDTH), "attn_v": (WIDTH, WIDTH), "attn_output": (WIDTH, WIDTH)}
MATRICES |= {"ffn_gate": (INNER, WIDTH), "ffn_up": (INNER, WIDTH), "ffn_down": (WIDTH, INNER)}
CONTROL, BYTE, UNKNOWN = 3, 6, 2


def write_base(path: Path) -> Path:
    """A model whose tokens are bytes. It says nonsense, and the same each time."""
    random = np.random.default_rng(7)
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    writer = _open(path, "llama")
    writer.add_context_length(512)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types([UNKNOWN, CONTROL, CONTROL, *[BYTE] * 256])
    tensors = {"token_embd": (len(tokens), WIDTH), "output": (len(tokens), WIDTH), "output_norm": (WIDTH,)}
    for layer in range(LAYERS):
        shapes = MATRICES | {"attn_norm": (WIDTH,), "ffn_norm": (WIDTH,)}
        tensors |= {f"blk.{layer}.{name}": shape for name, shape in shapes.items()}
    for name, shape in tensors.items():
        values = np.ones(shape) if name.endswith("_norm") else random.standard_normal(shape) / 2
        writer.add_tensor(f"{name}.weight", values.astype(np.float32))
    return _close(writer, path)


def write_adapter(path: Path, strength: float, *, width: int = WIDTH) -> Path:
    """A LoRA of rank 2 on each layer's questions of attention. With ``strength`` 0 it changes nothing; with another
    ``width`` it fits no model of ours.
    """
    random = np.random.default_rng(8)
    writer = _open(path, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(RANK))
    for layer in range(LAYERS):
        down, up = random.standard_normal((RANK, width)), strength * random.standard_normal((width, RANK))
        writer.add_tensor(f"blk.{layer}.attn_q.weight.lora_a", down.astype(np.float32))
        writer.add_tensor(f"blk.{layer}.attn_q.weight.lora_b", up.astype(np.float32))
    return _close(writer, path)


def _open(path: Path, architecture: str):
    pytest.importorskip("xllamacpp", reason=NEEDS_LOCAL)
    gguf = pytest.importorskip("gguf", reason=NEEDS_LOCAL)
    return gguf.GGUFWriter(path, architecture)


def _close(writer, path: Path) -> Path:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
