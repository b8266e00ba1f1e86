"""One field, item by item: where the rules and a model differ, who was right, and how sure the model was."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.judging import compare_values
from benchmarks.models.asking import Asked
from benchmarks.policy.situations import pair_stretches
from benchmarks.reliability.records import FIELDS_OF, Match, match_items
from extractor.assemble import Inquiry, assemble_extraction
from extractor.assemble.settle import agree
from extractor.evaluation.report import to_json_value
from extractor.ground.shown import show_value
from extractor.parse.parsed import Reading
from extractor.schemas import TrialExtraction

from .tables import format_table

__all__ = ["DETAIL_FIELDS", "Disagreement", "find_disagreements", "format_detail", "list_as_json", "tally_by_sureness"]

_STANDS = "eligibility.stands"
_PATHS = {f"{path.partition('.')[0]}.{name}": (path, name) for path, names in FIELDS_OF.items() for name in names}
DETAIL_FIELDS = (*_PATHS, _STANDS)
"""The fields that can be listed, as policies name them: ``eligibility.category``."""
_LEVELS = ((0.9, "from 0.9"), (0.6, "0.6 to 0.9"), (0.0, "below 0.6"))
_RIGHT = ("rules", "model", "both", "neither")
_LONGEST = 90


@dataclass(frozen=True, slots=True)
class Disagreement:
    """What the rules and the model read for one item, what gold says, and who was right.

    Each has its confidence; of a reading of the rules 0 says that they could not tell.
    """

    record_id: str
    text: str
    rules: Any
    rules_confidence: float
    model: Any
    model_confidence: float
    gold: Any
    right: str


def find_disagreements(asked: Asked, gold: TrialExtraction, field: str) -> list[Disagreement]:
    """Where the model's reading of ``field`` is another one than that of the rules, in one record.

    Items that the rules alone did not find have no reading of theirs, and are left out.
    """
    return [one for one in _list_answers(asked, gold, field) if not agree(one.rules, one.model)]


def tally_by_sureness(found: Sequence[Disagreement]) -> dict[str, Counter[str]]:
    """Who was right how often, by how sure the model was.

    >>> one = Disagreement("A", "Active hepatitis", "other", 0.6, "infection", 0.95, "infection", "model")
    >>> {level: dict(counts) for level, counts in tally_by_sureness([one]).items() if counts}
    {'from 0.9': {'model': 1}}
    """
    levels: dict[str, Counter[str]] = {name: Counter() for _, name in _LEVELS}
    for one in found:
        level = next(name for floor, name in _LEVELS if one.model_confidence >= floor)
        levels[level][one.right] += 1
    return levels


def format_detail(name: str, field: str, found: Sequence[Disagreement]) -> str:
    """The disagreements of one model about one field: how many by sureness, then each, where it was surest first."""
    levels = tally_by_sureness(found)
    counts = [[level, *(str(levels[level][who]) for who in _RIGHT)] for level in levels]
    counts.append(["all", *(str(sum(one.right == who for one in found)) for who in _RIGHT)])
    items = [
        [
            _cell(one.record_id),
            _cell(one.text),
            f"{_show(one.rules)} ({one.rules_confidence:.2f})",
            f"{_show(one.model)} ({one.model_confidence:.2f})",
            _show(one.gold),
            one.right,
        ]
        for one in sorted(found, key=lambda one: -one.model_confidence)
    ]
    title = f"{field}: {len(found)} items that {name} reads otherwise than the rules. Right, by how sure {name} was:"
    tables = [format_table(["sureness", *_RIGHT], counts)]
    if items:
        tables.append(format_table(["record", "text", "rules", "model", "gold", "right"], items, "---"))
    return "\n\n".join([title, *tables])


def list_as_json(found: Sequence[Disagreement]) -> list[dict[str, Any]]:
    """The disagreements as JSON has them."""
    shown = ("rules", "model", "gold")
    return [asdict(one) | {name: to_json_value(getattr(one, name)) for name in shown} for one in found]


def _list_answers(asked: Asked, gold: TrialExtraction, field: str) -> Iterator[Disagreement]:
    parsed = asked.parsed
    matches = list(match_items(parsed, assemble_extraction(parsed, Inquiry()), gold))
    list_them = _list_standings if field == _STANDS else _list_values
    yield from list_them(asked, matches, field)


def _list_standings(asked: Asked, matches: Sequence[Match], _: str) -> Iterator[Disagreement]:
    """Whether what may be a criterion is one. What is none in gold either, or was merged there, does not stand."""
    paired = {id(match.read) for match in matches}
    for criterion in asked.parsed.eligibility.criteria:
        if answer := asked.inquiry.reading(criterion.chunk.number, "stands"):
            label, rule = id(criterion) in paired, criterion.stands
            right = _name_right(rules=rule.value == label, model=answer.value == label)
            yield _note(asked, criterion.chunk.text, (rule, answer), label, right)


def _list_values(asked: Asked, matches: Sequence[Match], field: str) -> Iterator[Disagreement]:
    path, name = _PATHS[field]
    reread = pair_stretches(asked.parsed, asked.inquiry)
    for match in matches:
        inquiry = reread.get(id(match.read), asked.inquiry) if match.path == path else None
        if inquiry and (answer := inquiry.reading(match.read.chunk.number, name)):
            rule, label = getattr(match.read, name), getattr(match.gold, name)
            told = (compare_values(f"{path}.{name}", reading.value, label).right for reading in (rule, answer))
            right = _name_right(*told)
            yield _note(asked, match.text, (rule, answer), label, right)


def _note(asked: Asked, text: str, readings: tuple[Reading[Any], Reading[Any]], label: Any, right: str) -> Disagreement:
    rule, model = readings
    record_id = asked.parsed.record.record_id
    return Disagreement(record_id, text, rule.value, rule.confidence, model.value, model.confidence, label, right)


def _name_right(rules: bool, model: bool) -> str:  # noqa: FBT001 - of two that are alike
    return "both" if rules and model else "rules" if rules else "model" if model else "neither"


def _show(value: Any) -> str:
    if value is None or value == ():
        return "-"
    return _cell("; ".join(map(show_value, value)) if isinstance(value, tuple) else show_value(value))


def _cell(text: str) -> str:
    """A text as a cell of a table: one line, not too long, and no bar of its own."""
    flat = " ".join(text.split())
    return (flat if len(flat) <= _LONGEST else f"{flat[: _LONGEST - 1]}…").replace("|", "\\|")
