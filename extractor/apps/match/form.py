"""A screening form: the facts that decide most lines of given trials, to be filled in."""

import csv
import io
from collections.abc import Iterable

from extractor.face import Need, list_needs, plan_trial, tell_kind
from extractor.schemas import TrialExtraction

MOST_FACTS = 30
HEAD = ("kind", "name", "question", "lines", "trials", "answer")
"""The columns of a form. The answer is a number with its unit, or yes, no or unknown."""
_YES = frozenset({"yes", "y", "true", "1", "ja", "oui", "si"})
_NO = frozenset({"no", "n", "false", "0", "nein", "non"})
_UNKNOWN = frozenset({"", "unknown", "?", "n/a", "na", "not known"})
_FIELDS = {
    # the fields for yes and no
    "has": ("conditions", "absent"),
    "had": ("had", "never"),
    "takes": ("drugs", "absent"),
    "took": ("had", "never"),
}


def write_form(trials: Iterable[TrialExtraction], most: int = MOST_FACTS) -> str:
    """Return a form in CSV with the facts that touch most lines of trials."""
    needs = list_needs((plan_trial(trial) for trial in trials), most)
    written = io.StringIO(newline="")
    table = csv.writer(written, lineterminator="\n")
    table.writerow(HEAD)
    table.writerows(_list_cells(need) for need in needs)
    return written.getvalue()


def _list_cells(need: Need) -> tuple[object, ...]:
    return (need.kind, need.name, need.question, need.lines, need.trials, "")


def is_form(head: Iterable[str]) -> bool:
    """Return whether a table with these columns is a form."""
    return tuple(head) == HEAD


def _choose_fields(kind: str, name: str) -> tuple[str, str]:
    """Return the fields for yes and no, by what a name means.

    >>> _choose_fields("has", "metformin"), _choose_fields("has", "asthma")
    (('drugs', 'absent'), ('conditions', 'absent'))
    >>> _choose_fields("has", "fracture")
    ('had', 'never')
    """
    if kind == "has":
        meant = tell_kind(name.casefold())
        # the question is whether it is taken
        if meant == "drug":
            kind = "takes"
        # the question is whether it has ever happened
        elif meant == "event":
            kind = "had"
    return _FIELDS[kind]


def read_form(rows: Iterable[list[str]]) -> list[tuple[str, object]]:
    """Return what a filled form says, as the columns of a patient's row."""
    pairs: list[tuple[str, object]] = [("id", "patient")]
    lists: dict[str, list[str]] = {}
    for row in rows:
        if len(row) != len(HEAD):
            continue
        kind, name, *_, answer = row
        said = answer.strip().casefold()
        if said in _UNKNOWN:
            continue
        if kind in ("age", "sex"):
            pairs.append((kind, answer.strip()))
        elif kind == "value":
            pairs.append((name, answer.strip()))
        elif kind not in _FIELDS:
            pairs.append((f"since {name}", answer.strip()))
        elif said in _YES or said in _NO:
            field = _choose_fields(kind, name)[said in _NO]
            lists.setdefault(field, []).append(name)
        else:
            pairs.append(
                (f"{kind} {name}", f"{answer.strip()} (say yes, no or unknown)")
            )
    # who ever had something may have it no more: nothing is said of when
    had = lists.pop("had", None)
    if had:
        pairs.append(("had", had))
    pairs += list(lists.items())
    return pairs
