"""What the program would lose with a perfect model: every question is answered from gold, the rest is real.

    python -m benchmarks.oracle GOLD RECORDS... [--effort EFFORT] [--folds 0,1,2]
                                [--examples N [--field FIELD] [--cause CAUSE]]

GOLD is a folder of gold JSON, or a file without text such as benchmarks/gold/gold.jsonl. Prints macro-F1 of the rules
alone and with the oracle, estimated tokens, and for each field the losses by cause (``Cause``), with the points of
macro-F1 that they cost. ``--folds`` keeps the trials of these folds. ``--examples`` prints losses to read, of folds 0
to 2 alone: 3 and 4 are for measuring; ``--field`` and ``--cause`` choose among them.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from benchmarks.data import format_table, parse_options, read_pairs
from benchmarks.gold import GROUPS as AREAS
from benchmarks.gold import name_group, read_gold
from benchmarks.matching import pair_positions, quote_span
from benchmarks.perfect_model import Asked, ask_oracle
from extractor.assemble import ModelResult, assemble_extraction
from extractor.evaluation.alignment import KINDS
from extractor.evaluation.fields import CRITERIA, DOSING, ELIGIBILITY, ENDPOINTS, FIELDS, GROUPS, Field, Group
from extractor.evaluation.record_score import RecordScore, compare_values
from extractor.evaluation.scoring import evaluate
from extractor.options import Effort, ExtractionOptions
from extractor.parse.parsed import ParsedRecord, Reading
from extractor.schemas import Task, TrialExtraction

_TO_READ = frozenset({0, 1, 2})
"""Folds whose errors the writers of rules may read."""


class Cause(StrEnum):
    """Why a value of gold is lost, or a wrong one stands, though the model is perfect.

    - ``certain``: never asked, since the rules were certain, of a wrong value or that there is nothing;
    - ``unasked``: never asked though the rules were in doubt, since the question was not worth its tokens;
    - ``refused``: asked, and the right answer was not among those offered, did not fit the schema, or was refused or
      changed by the checks;
    - ``merged``: answered rightly, and lost where rules and answers become one extraction;
    - ``item``: a value of an item that is missing or superfluous as a whole. The item has the cause.
    """

    CERTAIN = "certain"
    UNASKED = "unasked"
    REFUSED = "refused"
    MERGED = "merged"
    ITEM = "item"


class Loss(NamedTuple):
    """One value that is lost, wrong or superfluous; an absent side is None. ``item`` is the text of its item."""

    record_id: str
    field: str
    cause: Cause
    gold: Any
    found: Any
    item: str

    @property
    def errors(self) -> int:
        """How many values an evaluation counts as wrong: a value of gold, a predicted one, or both."""
        return (self.gold is not None) + (self.found is not None)


class Trial(NamedTuple):
    """A trial of gold: what the rules alone find, what is found with the oracle, and every loss that is left."""

    gold: TrialExtraction
    rules: TrialExtraction
    oracle: TrialExtraction
    losses: tuple[Loss, ...]
    tokens: Counter[str]


def main() -> None:
    """Print the figures, the losses, and examples if asked for."""
    options: dict[str, Any] = {
        "effort": str,
        "folds": "0,1,2,3,4",
        "examples": 0,
        "field": str,
        "cause": Cause,
    }
    chosen = parse_options(__doc__, "gold", "records+", **options)
    known = read_gold()
    folds = {record_id: int(line["fold"]) for record_id, line in known.items()}
    trials: dict[str, list[Trial]] = defaultdict(list)
    for parsed, gold in read_pairs(chosen.gold, chosen.records):
        if str(folds.get(gold.record_id, 0)) in chosen.folds.split(","):
            area = known.get(gold.record_id, {}).get("area")
            trials[name_group(area) if area else "area unknown"].append(
                judge_trial(parsed, gold, ExtractionOptions(effort=chosen.effort or Effort.MEDIUM))
            )
    if not trials:
        raise SystemExit(f"{chosen.gold}: no trial whose record is at hand; name its records after it")
    groups = {group: trials[group] for group in (*AREAS, "area unknown") if trials[group]}
    print(format_figures(groups))
    for group, found in groups.items():
        spent = sum((trial.tokens for trial in found), Counter[str]())
        print(f"{group}, a record:", ", ".join(f"{count / len(found):.2f} {name}" for name, count in spent.items()))
    for group, found in groups.items():
        print(f"\n{group}\n{format_losses(found)}")
    losses = (loss for found in groups.values() for trial in found for loss in trial.losses)
    wanted = (one for one in losses if chosen.field in (None, one.field) and chosen.cause in (None, one.cause))
    if chosen.examples:
        print(f"\n{format_examples(wanted, folds, chosen.examples)}")


def judge_trial(parsed: ParsedRecord, gold: TrialExtraction, options: ExtractionOptions) -> Trial:
    """Extract a record by the rules alone and with the oracle."""
    asked = ask_oracle(parsed, gold, options)
    final = assemble_extraction(parsed, asked.result)
    rules = assemble_extraction(parsed, ModelResult())
    return Trial(gold, rules, final, tuple(list_losses(asked, gold, final)), asked.tokens)


def format_figures(trials: Mapping[str, Sequence[Trial]]) -> str:
    """Macro-F1 by task, by the rules alone and with the oracle, a pair of columns for each group."""
    head = [f"{group} ({len(found)}): {name}" for group, found in trials.items() for name in ("rules", "oracle")]
    scores = [_score(found, name) for found in trials.values() for name in ("rules", "oracle")]
    return format_table(["task", *head], [(total, *(score[total] for score in scores)) for total in (*Task, "all")])


def format_losses(trials: Sequence[Trial]) -> str:
    """One line a field: F1 by the rules and with the oracle, losses by cause, and the points of macro-F1 lost.

    A point is a hundredth; together they are what the oracle lacks of 100.
    """
    rules, oracle = (_score(trials, name) for name in ("rules", "oracle"))
    fields = [one.name for one in FIELDS if oracle[one.name] is not None]
    losses = [loss for trial in trials for loss in trial.losses]
    counts: Counter[Any] = Counter()
    errors: Counter[str] = Counter()
    for loss in losses:
        counts.update([(loss.field, loss.cause), loss.cause])
        errors[loss.field] += loss.errors
    points: dict[Any, float] = defaultdict(float)
    for loss in losses:
        lost = 100 * (1 - (oracle[loss.field] or 0.0)) / len(fields) * loss.errors / errors[loss.field]
        for key in (loss.field, loss.cause, None):
            points[key] += lost
    rows: list[tuple[object, ...]] = [
        (name, rules[name], oracle[name], *(counts[name, cause] or "-" for cause in Cause), f"{points[name]:.2f}")
        for name in fields
    ]
    rows.append(("losses", "", "", *(counts[cause] for cause in Cause), ""))
    rows.append(("points", "", "", *(f"{points[cause]:.2f}" for cause in Cause), f"{points[None]:.2f}"))
    return format_table(["field", "rules", "oracle", *Cause, "points"], rows)


def format_examples(losses: Iterable[Loss], folds: Mapping[str, int], number: int) -> str:
    """Losses to read, spread over the records; none of a trial whose fold is for measuring."""
    found = [loss for loss in losses if folds.get(loss.record_id, 0) in _TO_READ]
    return "\n\n".join(
        f"{loss.record_id} {loss.field}: {loss.cause}\n  item:  {loss.item}\n"
        f"  gold:  {_show(loss.gold)}\n  found: {_show(loss.found)}"
        for loss in found[:: max(1, len(found) // number)][:number]
    )


def _show(value: Any) -> str:
    return value.model_dump_json() if hasattr(value, "model_dump_json") else str(value)


def _score(trials: Sequence[Trial], name: str) -> dict[str, float | None]:
    found = [getattr(trial, name) for trial in trials]
    return evaluate([trial.gold for trial in trials], found, resamples=0, examples=0).figures()


def list_losses(asked: Asked, gold: TrialExtraction, final: TrialExtraction) -> Iterator[Loss]:
    """Every value of a record in which ``final`` and gold differ, paired and compared as an evaluation does it."""
    for group in GROUPS:
        ours, theirs = group.items(gold), group.items(final)
        pairs = {0: 0} if group is ELIGIBILITY else pair_positions(group.path, ours, theirs)
        explain = _Explainer(asked, group, theirs)
        for row, column in pairs.items():
            for one, wanted, found in _compare(group, ours[row], theirs[column]):
                cause = explain.value(one, row, theirs[column], wanted, found)
                yield Loss(gold.record_id, one.name, cause, wanted, found, _label(group, ours[row]))
        for row in set(range(len(ours))) - pairs.keys():
            for name, cause, value in _list_values(group, ours[row], explain.missing(row, ours[row])):
                yield Loss(gold.record_id, name, cause, value, None, _label(group, ours[row]))
        for column in set(range(len(theirs))) - set(pairs.values()):
            for name, cause, value in _list_values(group, theirs[column], explain.superfluous(theirs[column])):
                yield Loss(gold.record_id, name, cause, None, value, _label(group, theirs[column]))


def _compare(group: Group, ours: Any, theirs: Any) -> Iterator[tuple[Field, Any, Any]]:
    for one in (field for field in group.fields if field.attribute):
        values = getattr(ours, one.attribute or ""), getattr(theirs, one.attribute or "")
        for _, wanted, found in compare_values(RecordScore(""), one, *values):
            keys = [one.comparer.key(value) for value in (wanted, found) if value is not None]
            if len(keys) < 2 or keys[0] != keys[1]:  # else it is a remark, which costs nothing
                yield one, wanted, found


def _list_values(group: Group, item: Any, cause: Cause) -> Iterator[tuple[str, Cause, Any]]:
    """An item that stands alone, with the cause, and its values, which go with it."""
    for one in group.fields:
        if one.attribute is None:
            yield one.name, cause, _label(group, item)
        else:
            yield from ((one.name, Cause.ITEM, value) for value in one.comparer.spread(getattr(item, one.attribute)))


def _label(group: Group, item: Any) -> str:
    return KINDS[group.path].label(item) if group.path in KINDS else ""


class _Explainer:
    """Says why values of one group are lost. ``final`` are the items that were assembled."""

    def __init__(self, asked: Asked, group: Group, final: Any) -> None:
        self._asked, self._group, self._final = asked, group, final
        self._criteria = {criterion.chunk.span: criterion for criterion in asked.parsed.eligibility.criteria}

    def value(self, one: Field, row: int, item: Any, wanted: Any, found: Any) -> Cause:
        """Why a value of paired items differs: that of gold, and the one found; either may be None."""
        name = one.attribute or ""
        given = self._asked.given.get((self._group.path, row))
        if given is None or name not in given.fields:
            reading = self._read_by_rules(item, name)
            return Cause.UNASKED if reading and not reading.certain else Cause.CERTAIN
        kept = given.grounded.readings.get("quote" if name == "section" else name) if given.grounded else None
        value = kept.spans[0].section if kept and name == "section" else kept.value if kept else None
        keys = {one.comparer.key(member) for member in (() if value is None else one.comparer.spread(value))}
        if wanted is None:
            return Cause.REFUSED if one.comparer.key(found) in keys else Cause.MERGED
        return Cause.MERGED if one.comparer.key(wanted) in keys else Cause.REFUSED

    def missing(self, row: int, item: Any) -> Cause:
        """Why an item of gold has no counterpart."""
        given = self._asked.given.get((self._group.path, row))
        if self._group is CRITERIA:
            read = self._asked.criteria.get(row)
            if read and given and "stands" in given.fields:
                return Cause.MERGED if given.grounded else Cause.REFUSED
            if read is None or (not read.stands.value and read.stands.certain):
                return Cause.CERTAIN
            return Cause.MERGED if read.stands.value else Cause.UNASKED
        if given is None:
            candidates = () if self._asked.result.reread else self._asked.parsed.dosing.candidates
            is_doubted = self._group is DOSING and any(item.quote in chunk.text for chunk in candidates)
            return Cause.UNASKED if is_doubted else Cause.CERTAIN
        agent = given.grounded.readings.get("agent") if given.grounded else None
        return Cause.REFUSED if self._group is DOSING and not (agent and agent.value) else Cause.MERGED

    def superfluous(self, item: Any) -> Cause:
        """Why an item stands that gold does not have."""
        reading = self._read_by_rules(item, "stands" if self._group is CRITERIA else "agent")
        asked = self._group is DOSING and bool(self._asked.result.reread)
        if self._group is CRITERIA:
            number = self._criteria[quote_span(item)].chunk.number
            asked = "stands" in self._asked.result.asked.get(number, ())
        return Cause.MERGED if asked else Cause.UNASKED if reading and not reading.certain else Cause.CERTAIN

    def _read_by_rules(self, item: Any, name: str) -> Reading[Any] | None:
        """The rules' reading of a field of an item that was assembled; None if they have none."""
        parsed = self._asked.parsed
        read: Any = parsed.eligibility
        if self._group is ENDPOINTS:
            read = next(one for one in parsed.outcomes if (one.rank, one.index) == (item.rank, item.index))
        elif self._group is CRITERIA:
            read = self._criteria[quote_span(item)]
        elif self._group is DOSING:
            place = quote_span(item)
            of_place = (one for one in parsed.dosing.regimens if one.quote == place and one.agent.value == item.agent)
            read = next(of_place, None)
        reading = getattr(read, name, None)
        return reading if isinstance(reading, Reading) else None


if __name__ == "__main__":
    main()
