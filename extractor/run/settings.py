"""What decides a run's results, for its manifest: the same settings continue a run, others do not."""

from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import extractor
from extractor.api import Extractor
from extractor.llm.prompt import list_prompt_versions

__all__ = ["describe_settings", "digest_rules"]

_STAGES = (
    "schemas",
    "prompts",
    "text",
    "rulebook",
    "parse",
    "llm",
    "ground",
    "assemble",
    "audit",
    "pipeline.py",
)
_DIGESTED = frozenset({".py", ".toml", ".json", ".txt", ".npz"})
"""What stages are made of: code, vocabularies and pins of models, examples, learned weights. Markdown is a prompt
below ``prompts``, and a description elsewhere."""


def describe_settings(chosen: Extractor) -> dict[str, Any]:
    """Versions, rules, options, model and prompts with their hashes, ready for JSON. Never a key."""
    return {
        "extractor": version("trial-extractor"),
        "rules": digest_rules(),
        "tasks": sorted(chosen.options.tasks),
        "assist": chosen.options.assist.value,
        "min_confidence": chosen.options.min_confidence,
        "model": str(chosen.choice),
        "prompts": {f"{prompt.name}.v{prompt.version}": prompt.sha256 for prompt in list_prompt_versions()},
    }


@cache
def digest_rules() -> str:
    """A digest of the code and data that decide what is asked and made of a text, and of the answers about it.

    >>> len(digest_rules())
    16
    """
    digest = sha256()
    package = Path(extractor.__file__).parent
    for stage in _STAGES:
        for path in sorted((package / stage).rglob("*")) or [package / stage]:
            if path.suffix in _DIGESTED or (path.suffix == ".md" and stage == "prompts"):
                digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
