"""How llama.cpp computes: what changes its speed and memory, and none of its answers but by rounding."""

from dataclasses import dataclass

__all__ = ["Tuning"]


@dataclass(frozen=True, slots=True)
class Tuning:
    """Settings of the runtime, with the defaults that ``benchmarks.local`` chose (see ``docs/local.md``).

    ``batch`` is how many tokens of a prompt are computed at once; ``flash_attention`` None leaves it to the runtime;
    ``cache_bits`` is the precision of what is kept of each token, 16 or 8; ``prefix_cache`` keeps what a prompt
    begins with for the next one of the same slot; from ``reuse`` tokens on (0: never) also a part that has shifted.

    Raises ``ValueError`` for numbers that the runtime does not know.
    """

    batch: int = 512
    flash_attention: bool | None = None
    cache_bits: int = 16
    prefix_cache: bool = True
    reuse: int = 0

    def __post_init__(self) -> None:
        if self.cache_bits not in (8, 16):
            raise ValueError(f"{self.cache_bits} bits are no precision of the cache; choose 16 or 8")
        if not 1 <= self.batch <= 4096 or self.reuse < 0:
            raise ValueError("a batch is 1 to 4096 tokens, and a reused part 0 or more")
