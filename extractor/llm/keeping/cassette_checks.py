"""Whether the cassettes still hold: recorded, unedited, with today's prompts and schemas, and without secrets."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from extractor.errors import MissingExtra
from extractor.llm.call import PromptVersion

from .cassettes import NOTE, digest_exchanges, schema_digest

__all__ = ["check_cassettes"]

_SECRETS = re.compile(
    r"bearer\s+[\w.~+/-]{8,}|\bsk-[\w-]{8,}|^\s*(authorization|x-api-key|api-key|cookie)\s*:", re.I | re.M
)
_AGAIN = "record it again"


def check_cassettes(
    folder: Path, prompts: Iterable[PromptVersion], schemas: Mapping[str, str] | None = None
) -> list[str]:
    """What is wrong with the cassettes in a folder, one line per problem.

    ``prompts`` are today's. ``schemas`` maps names of reply models to the ``schema_digest`` of what is sent today;
    names that it lacks are not checked (a replay finds out). Raises ``CassetteError`` if PyYAML is missing.
    """
    today = {prompt.name: prompt for prompt in prompts}
    problems = []
    for path in sorted(folder.glob("**/*.yaml")):
        problems += [f"{path.relative_to(folder)}: {problem}" for problem in _check(path, today, schemas or {})]
    return problems


def _check(path: Path, prompts: Mapping[str, PromptVersion], schemas: Mapping[str, str]) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    if found := _SECRETS.search(text):
        line = text.count("\n", 0, found.start()) + 1
        yield f"line {line} looks like a key; remove the file from the history and revoke the key"
    cassette = _load(text)
    if cassette is None:
        yield f"no cassette; {_AGAIN}"
        return
    note = (cassette.get("metadata") or {}).get(NOTE)
    if not note:
        yield f"no note of a recording, so written by hand or by another tool; {_AGAIN}"
        return
    yield from _check_note(note, cassette["interactions"])
    yield from _check_prompts(note.get("prompts") or [], prompts)
    yield from _check_schemas(cassette["interactions"], schemas)


def _load(text: str) -> dict[str, Any] | None:
    try:
        import yaml  # noqa: PLC0415 - comes with vcrpy, of the dev extra
    except ImportError:
        raise MissingExtra("cassettes need vcrpy; install it with: pip install 'trial-extractor[dev]'") from None
    try:
        loaded = yaml.safe_load(text)
    except yaml.YAMLError:
        return None
    whole = isinstance(loaded, dict) and isinstance(loaded.get("interactions"), list)
    return loaded if whole else None


def _check_note(note: Mapping[str, Any], interactions: list[dict[str, Any]]) -> Iterator[str]:
    bodies = [(i["request"]["body"], i["response"]["body"]["string"]) for i in interactions]
    if note.get("digest") != digest_exchanges(bodies):
        yield f"edited after it was recorded; {_AGAIN}"
    if not interactions:
        yield f"holds no exchange; {_AGAIN}"
    if not note.get("models"):
        yield f"does not say which model answered; {_AGAIN}"


def _check_prompts(recorded: list[dict[str, Any]], prompts: Mapping[str, PromptVersion]) -> Iterator[str]:
    if not recorded:
        yield f"does not say which prompt was used; {_AGAIN}"
    for used in recorded:
        name, current = used.get("name", ""), prompts.get(used.get("name", ""))
        if current is None:
            yield f"recorded with prompt {name!r}, which is gone; {_AGAIN}"
        elif current.sha256 != used.get("sha256"):
            versions = f"version {used.get('version')}, today {current.version}"
            yield f"recorded with another text of prompt {name!r} ({versions}); {_AGAIN}"


def _check_schemas(interactions: list[dict[str, Any]], schemas: Mapping[str, str]) -> Iterator[str]:
    stale = set()
    for interaction in interactions:
        for name, schema in _schemas_of(interaction["request"]["body"]):
            if name in schemas and schemas[name] != schema_digest(schema):
                stale.add(name)
    for name in sorted(stale):
        yield f"recorded with another schema of {name!r}; {_AGAIN}"


def _schemas_of(body: str | bytes | None) -> Iterator[tuple[str, Any]]:
    request = json.loads(body or "{}")
    asked = (request.get("response_format") or {}).get("json_schema")
    if asked:
        yield asked["name"], asked["schema"]
    for tool in request.get("tools") or []:
        yield tool["function"]["name"], tool["function"]["parameters"]
