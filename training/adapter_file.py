"""The adapter as the GGUF file that llama.cpp applies to its base."""

from pathlib import Path

import numpy as np
from gguf import GGUFWriter

from .llama import ADAPTED, TunedLlama

__all__ = ["write_adapter"]


def write_adapter(model: TunedLlama, rank: int, scale: float, path: Path, name: str) -> None:
    """Write all additions, in 16 bits. llama.cpp scales them by alpha / rank."""
    writer = GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_name(name)
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", scale * rank)
    for place, layer in enumerate(model.layers):
        for matrix in ADAPTED:
            for part in ("lora_a", "lora_b"):
                tensor = getattr(getattr(layer, matrix), part).detach().numpy().astype(np.float16)
                writer.add_tensor(f"blk.{place}.{matrix}.weight.{part}", tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
