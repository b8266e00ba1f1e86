"""Counts of who was right as a table, and as the policy of a class of models."""

import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from extractor.assemble.policy import ModelClass, list_situations

from .situations import Situations

__all__ = ["format_table", "write_counts"]

_HEADER = "# Who was right, counted by `python -m benchmarks.policy`; see policy.py.\n"
_SURE = ("agree", "alone")
_DIFFERENT = ("rule", "model", "neither")
_NARROWEST = 8


def format_table(counts: Situations) -> str:
    """For each field and each situation that occurred how many were right of all, or where they differed who was.

    >>> print(format_table({"dosing.role": {"alone": Counter(right=1, wrong=2), "doubtful": Counter(model=3)}}))
    right/all, and where they differ rule/model/neither
    field                             alone doubtful
    dosing.role                         1/3    0/3/0
    """
    occurred = {name for situations in counts.values() for name in situations}
    columns = [name for name in _all_situations() if name in occurred]
    rows = [["field", *columns]]
    for field, situations in sorted(counts.items()):
        rows.append([field, *(_show(name, situations.get(name, Counter())) for name in columns)])
    wide = [max(_NARROWEST, len(name)) for name in columns]
    lines = (
        f"{name:<30}" + "".join(f" {one:>{w}}" for one, w in zip(found, wide, strict=True)) for name, *found in rows
    )
    return "\n".join(["right/all, and where they differ rule/model/neither", *lines])


def write_counts(path: Path, model_class: ModelClass, counts: Mapping[str, Mapping[str, Mapping[str, int]]]) -> None:
    """Put the counts into the file, in the place of older ones of that class.

    Raises ``ValueError`` for situations that are not told apart for it.
    """
    occurred = {name for situations in counts.values() for name in situations}
    if strange := occurred - set(list_situations(model_class)):
        raise ValueError(f"no {model_class} model was counted: {', '.join(sorted(strange))}")
    kept = tomllib.loads(path.read_text("utf-8")) if path.exists() else {}
    kept[model_class] = {field: {name: dict(who) for name, who in found.items()} for field, found in counts.items()}
    tables = (line for name in sorted(kept) for line in _format_class(ModelClass(name), kept[name].items()))
    path.write_text(_HEADER + "\n".join(tables) + "\n", "utf-8")


def _all_situations() -> Iterator[str]:
    yield from dict.fromkeys(name for model_class in ModelClass for name in list_situations(model_class))


def _show(situation: str, who: Counter[str]) -> str:
    if situation.startswith(_SURE):
        return f"{who['right']}/{who.total()}"
    return "/".join(str(who[one]) for one in _DIFFERENT)


def _format_class(model_class: ModelClass, fields: Iterable[tuple[str, dict[str, dict[str, int]]]]) -> Iterator[str]:
    for field, situations in sorted(fields):
        yield f'\n[{model_class}."{field}"]'
        for name in list_situations(model_class):
            if found := situations.get(name):
                yield f"{name} = {{ {', '.join(f'{who} = {count}' for who, count in sorted(found.items()))} }}"
