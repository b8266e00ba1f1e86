"""The base model as the runtime computes it, with a low-rank addition to each matrix that is trained.

The weights are those of the very GGUF file that is served, quantised ones as they come out of it: what rounding took
away, training gives back where it matters. Computed in bfloat16; what is learned is kept in 32 bits. Attention is
written out, since for calls of some hundred tokens that is twice as fast on a processor as the library's.
"""

import math
from pathlib import Path

import torch
from gguf import GGUFReader, dequantize
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["ADAPTED", "TunedLlama"]

ADAPTED = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
"""The matrices of a layer that get an addition, by their names in GGUF."""
_MASKED = -1e4
"""The score of a place that is not seen, small enough for a share of 0, and a number in 16 bits."""


class _Adapted(nn.Module):
    """``W x + s B A x``: W as it is, A and B learned; B is zero at first, so that nothing changes."""

    def __init__(self, weight: Tensor, rank: int, scale: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight.to(torch.bfloat16), requires_grad=False)
        self.lora_a = nn.Parameter(torch.randn(rank, weight.shape[1]) / math.sqrt(weight.shape[1]))
        self.lora_b = nn.Parameter(torch.zeros(weight.shape[0], rank))
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        low = functional.linear(x, self.lora_a.to(x.dtype))
        return functional.linear(x, self.weight) + functional.linear(low, self.lora_b.to(x.dtype) * self.scale)


class _Layer(nn.Module):
    attn_q: _Adapted
    attn_k: _Adapted
    attn_v: _Adapted
    attn_output: _Adapted
    ffn_gate: _Adapted
    ffn_up: _Adapted
    ffn_down: _Adapted
    attn_norm: Tensor
    ffn_norm: Tensor

    def __init__(self, tensors: dict[str, Tensor], place: int, heads: tuple[int, int], rank: int, scale: float) -> None:
        super().__init__()
        self.heads, self.groups = heads
        for name in ADAPTED:
            setattr(self, name, _Adapted(tensors[f"blk.{place}.{name}.weight"], rank, scale))
        for name in ("attn_norm", "ffn_norm"):
            self.register_buffer(name, tensors[f"blk.{place}.{name}.weight"].to(torch.bfloat16))

    def forward(self, x: Tensor, turn: tuple[Tensor, Tensor], mask: Tensor) -> Tensor:
        x = x + self._attend(_norm(x, self.attn_norm), turn, mask)
        inner = _norm(x, self.ffn_norm)
        fed: Tensor = self.ffn_down(functional.silu(self.ffn_gate(inner)) * self.ffn_up(inner))
        return x + fed

    def _attend(self, x: Tensor, turn: tuple[Tensor, Tensor], mask: Tensor) -> Tensor:
        batch, length, width = x.shape
        size, flat = width // self.heads, batch * self.groups
        query = _rotate(self.attn_q(x).view(batch, length, self.heads, size), turn).transpose(1, 2)
        key = _rotate(self.attn_k(x).view(batch, length, self.groups, size), turn).transpose(1, 2)
        value = self.attn_v(x).view(batch, length, self.groups, size).transpose(1, 2).reshape(flat, length, size)
        # The heads of a group share keys and values: they are rows of one matrix.
        query = query.reshape(flat, self.heads // self.groups * length, size)
        key = key.reshape(flat, length, size)
        scores = torch.baddbmm(mask, query, key.transpose(1, 2), alpha=size**-0.5).softmax(-1)
        seen = torch.bmm(scores, value).view(batch, self.heads, length, size)
        mixed: Tensor = self.attn_output(seen.transpose(1, 2).reshape(batch, length, width))
        return mixed


class TunedLlama(nn.Module):
    """The model in a GGUF file of llama's architecture, with additions of a rank."""

    cos: Tensor
    sin: Tensor
    norm: Tensor

    def __init__(self, path: Path, rank: int, scale: float) -> None:
        super().__init__()
        reader = GGUFReader(path)
        tensors = {t.name: torch.from_numpy(dequantize(t.data, t.tensor_type).copy()) for t in reader.tensors}
        told = {name: field.contents() for name, field in reader.fields.items() if name.startswith("llama.")}
        heads = (told["llama.attention.head_count"], told["llama.attention.head_count_kv"])
        self.embedding = nn.Parameter(tensors["token_embd.weight"].to(torch.bfloat16), requires_grad=False)
        head = tensors.get("output.weight", tensors["token_embd.weight"])
        self.head = nn.Parameter(head.to(torch.bfloat16), requires_grad=False)
        self.layers = nn.ModuleList(
            _Layer(tensors, place, heads, rank, scale) for place in range(told["llama.block_count"])
        )
        self.groups_share = heads[0] // heads[1]
        self.register_buffer("norm", tensors["output_norm.weight"].to(torch.bfloat16))
        size = told["llama.rope.dimension_count"]
        speed = told["llama.rope.freq_base"] ** -(torch.arange(0, size, 2) / size)
        angle = torch.outer(torch.arange(told["llama.context_length"]).float(), speed)
        self.register_buffer("cos", angle.cos().to(torch.bfloat16))
        self.register_buffer("sin", angle.sin().to(torch.bfloat16))

    def forward(self, tokens: Tensor) -> Tensor:
        """The last hidden states of a batch of token rows, padded on the right: no place sees one behind it."""
        length = tokens.shape[1]
        turn = (self.cos[None, :length, None], self.sin[None, :length, None])
        mask = torch.full((length, length), _MASKED, dtype=torch.bfloat16).triu(1).repeat(self.groups_share, 1)
        x = functional.embedding(tokens, self.embedding)
        for layer in self.layers:
            x = layer(x, turn, mask)
        return _norm(x, self.norm)

    def logits(self, hidden: Tensor) -> Tensor:
        """Of rows of hidden states: the head is a fifth of all work, so only answers get here."""
        return functional.linear(hidden, self.head)


def _norm(x: Tensor, weight: Tensor) -> Tensor:
    return functional.rms_norm(x, (x.shape[-1],), weight, 1e-5)


def _rotate(x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    """Rotary positions, in neighbouring pairs as GGUF lays them out."""
    cos, sin = turn
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2)
