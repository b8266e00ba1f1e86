"""Tables: changed quotes that were accepted or refused, by kind of change, with Wilson's 95 % interval."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.scores import wilson

from .trials import Trial

__all__ = ["Tally", "Verdict", "format_comparison", "format_kinds", "format_values", "tally_verdicts"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a checker said of a changed quote. It is wrong if it accepts a harmful or refuses a harmless one."""

    trial: Trial
    accepted: bool
    named: bool = False
    """Whether it said which token is in conflict."""

    @property
    def wrong(self) -> bool:
        return self.accepted is self.trial.harmful


@dataclass(frozen=True, slots=True)
class Tally:
    """How many changed quotes of one kind there were, on how many the verdict was wrong, and named the conflict."""

    kind: str
    harmful: bool
    count: int
    wrong: int
    named: int


def tally_verdicts(verdicts: Iterable[Verdict]) -> list[Tally]:
    """A tally for each kind, the harmful ones first, each group with its sum at the end."""
    groups: dict[tuple[bool, str], list[Verdict]] = {}
    for verdict in verdicts:
        for kind in (verdict.trial.kind, "all"):
            groups.setdefault((verdict.trial.harmful, kind), []).append(verdict)
    order = sorted(groups, key=lambda key: (not key[0], key[1] == "all", key[1]))
    return [_count(kind, harmful, groups[harmful, kind]) for harmful, kind in order]


def _count(kind: str, harmful: bool, verdicts: Sequence[Verdict]) -> Tally:  # noqa: FBT001  # a column
    return Tally(kind, harmful, len(verdicts), sum(v.wrong for v in verdicts), sum(v.named for v in verdicts))


def format_kinds(tallies: Sequence[Tally]) -> str:
    """One checker's wrong verdicts, a line a kind."""
    return "\n".join((*_format_half(tallies, harmful=True), "", *_format_half(tallies, harmful=False)))


def _format_half(tallies: Sequence[Tally], *, harmful: bool) -> Iterator[str]:
    title, wrong = ("says something else", "escaped") if harmful else ("says the same", "refused")
    yield f"{title:26}{'quotes':>8}{wrong:>9}{'share':>9}   {'95 %':<18}" + ("conflict named" if harmful else "")
    for one in tallies:
        if one.harmful is harmful:
            low, high = wilson(one.wrong, one.count)
            interval = f"{low:.2%} to {high:.2%}"
            named = f"{one.named / one.count:.1%}" if harmful else ""
            line = f"{one.kind:26}{one.count:>8}{one.wrong:>9}{one.wrong / one.count:>9.2%}   {interval:<18}{named}"
            yield line.rstrip()


def format_values(judged: Iterable[tuple[str, bool, bool]]) -> str:
    """Values by name: whether they were changed, and whether they were found supported. A line a name."""
    counts: dict[str, list[bool]] = {}
    for name, changed, supported in judged:
        counts.setdefault(f"{name} ({'passed' if changed else 'refused'})", []).append(changed is supported)
    lines = [f"{'value':54}{'values':>8}{'wrong':>7}{'share':>9}   95 %"]
    for name, wrong in sorted(counts.items()):
        low, high = wilson(sum(wrong), len(wrong))
        share = f"{sum(wrong) / len(wrong):.2%}"
        lines.append(f"{name:54}{len(wrong):>8}{sum(wrong):>7}{share:>9}   {low:.2%} to {high:.2%}")
    return "\n".join(lines)


def format_comparison(systems: Mapping[str, Sequence[Tally]]) -> str:
    """Wrong verdicts of several checkers side by side, in per cent, as a Markdown table."""
    names = list(systems)
    lines = [f"| change | quotes | {' | '.join(names)} |", f"|---|---|{'---|' * len(names)}"]
    for rows in zip(*systems.values(), strict=True):
        what = "escaped" if rows[0].harmful else "refused"
        shares = " | ".join(f"{row.wrong / row.count:.1%}" for row in rows)
        lines.append(f"| {rows[0].kind} ({what}) | {rows[0].count} | {shares} |")
    return "\n".join(lines)
