"""Count how many changes between two versions of a trial `extractor diff` finds, and how many it invents.

    python -m benchmarks.diff --versions DIR [--half NAME] [--show PART]
    python -m benchmarks.diff --data DIR [--limit 200] [--show KIND]

With ``--versions``, somebody has read pairs of versions of registered trials. DIR holds the folders ``old`` and ``new``
of records, and ``real_changes.jsonl``, a line for each change: ``trial``, its ``part`` (criteria, limits, windows,
lead-ins, ages, doses, endpoints, arms, enrolment, dates, status), words that it took away (``old``) and brought
(``new``), the ``kinds`` that may be told (none: any), and ``optional`` if the change of meaning is a matter of opinion.
``halves.json`` may assign each trial to a half. "found" are real changes that were told, "right" told changes that are
real. A change told twice is right once.

With ``--data``, every record gets each kind of change once, where its text has a place for it. "found" are plants that
were told as what they are, "other" those told as another change of the same item, "missed" those not told at all.
"invented" are changes told beside the plant; for a rewording, all that are told. ``--show`` prints the plants of one
kind, or of all, that were not found or not alone, and what was told.
"""

import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from extractor.api import Extractor
from extractor.diff import StatedValue, TrialChange, diff_trials
from extractor.schemas import Section, TrialExtraction, TrialRecord

from .data import format_table, parse_options, read_lines, read_once

_EXCLUSION = re.compile(r"exclusion|not eligible|ineligib", re.IGNORECASE)
_BULLET = re.compile(
    r"(?m)^[ \t]*(?:[*•-]|\d{1,2}[.)])[ \t]+(?P<text>\S.{12,160}(?<![:\s]))[ \t]*$"
    r"(?=\s*\n\s*\n|\s*\n\s*(?:[*•-]|\d{1,2}[.)])\s|\s*\Z)"
)
_INNER_MARK = re.compile(r"[;.,]\s*\d{1,2}[.)]\s")
_LIMIT = re.compile(r"(?P<sign>≥|≤|\\?[<>]=?)\s?(?P<number>\d+(?:\.\d+)?)(?![\d,.]*\s?[x*×/^-]|,\d|\d| years? \d)")
_MANY = re.compile(r"\b(?:or|and)\b|[,;(]|\bnot?\b", re.IGNORECASE)
_ADDED = "Known infection with the example virus of Utopia"


class Planted(NamedTuple):
    """A changed record, and what should be told of it: an item and kinds of change; None for a rewording."""

    record: TrialRecord
    item: str = "criterion"
    kinds: frozenset[str] | None = None


Plant = Callable[[TrialRecord, random.Random], Planted | None]


def _edit(record: TrialRecord, name: str, text: str) -> TrialRecord:
    sections = (
        section.model_copy(update={"text": text}) if section.name == name else section for section in record.sections
    )
    return record.model_copy(update={"sections": tuple(sections)})


def _list_bullets(record: TrialRecord) -> Iterator[tuple[re.Match[str], bool]]:
    """Yield the bullets that are one criterion each, and whether they stand behind the heading of the exclusions.

    A bullet that introduces a list ("one of:"), goes on in the next line, or holds further numbers is not one.
    """
    text = record.raw_text("eligibility") or ""
    heading = re.search(r"(?im)^\W*(?:key |main )?exclusion criteria\W*$", text)
    again = heading and re.search(r"(?im)^\W*(?:key |main )?(?:in|ex)clusion criteria\W*$", text[heading.end() :])
    for found in _BULLET.finditer(text) if not again else ():
        if heading and not _EXCLUSION.search(found["text"]) and not _INNER_MARK.search(found["text"]):
            yield found, found.start() > heading.start()


def _replace(record: TrialRecord, start: int, end: int, new: str) -> TrialRecord:
    text = record.raw_text("eligibility") or ""
    return _edit(record, "eligibility", text[:start] + new + text[end:])


def _change_limit(record: TrialRecord, rng: random.Random) -> Planted | None:
    found = [(one, bullet, out) for bullet, out in _list_bullets(record) for one in _LIMIT.finditer(bullet["text"])]
    found = [each for each in found if float(each[0]["number"]) and not _MANY.search(each[1]["text"])]
    if not found:
        return None
    limit, bullet, excludes = rng.choice(found)
    higher, start = rng.random() < 0.5, bullet.start("text")
    value = float(limit["number"])
    new = f"{value * 2 if higher else value / 2:g}"
    tightens = (higher is (limit["sign"].strip("\\")[0] in "≥>")) is not excludes
    edited = _replace(record, start + limit.start("number"), start + limit.end("number"), new)
    return Planted(edited, "criterion", frozenset({"tightened" if tightens else "loosened"}))


_WINDOW = re.compile(r"(?<=within )(?P<number>\d{1,2}) months?\b")
_SOME = re.compile(r"(?im)\b(?P<some>at least one|one or more|any)(?= of the following[^\n]*:[ \t]*$)")
_WINDOW_ABOVE = re.compile(r"(?im)(?<=within )(?P<number>\d{1,2})(?= (?:days|weeks|months)\b[^\n]*:[ \t]*$)")


def _change_window(record: TrialRecord, rng: random.Random) -> Planted | None:
    """Say a window of months in weeks, half or twice as long."""
    found = [(one, bullet) for bullet, out in _list_bullets(record) if out for one in _WINDOW.finditer(bullet["text"])]
    found = [each for each in found if not _MANY.search(each[1]["text"])]
    if not found:
        return None
    window, bullet = rng.choice(found)
    longer, start = rng.random() < 0.5, bullet.start("text") + window.start()
    weeks = max(1, round(int(window["number"]) * 4.35 * (2 if longer else 0.5)))
    edited = _replace(record, start, bullet.start("text") + window.end(), f"{weeks} weeks")
    return Planted(edited, "criterion", frozenset({"tightened" if longer else "loosened"}))


def _change_lead_in(pattern: re.Pattern[str], new: Callable[[re.Match[str]], str]) -> Plant:
    def plant(record: TrialRecord, rng: random.Random) -> Planted | None:
        found = list(pattern.finditer(record.raw_text("eligibility") or ""))
        if not found:
            return None
        one = rng.choice(found)
        edited = _replace(record, one.start(), one.end(), new(one))
        return Planted(edited, "criterion", frozenset({"tightened", "loosened", "changed"}))

    return plant


def _change_enrolment(record: TrialRecord, _: random.Random) -> Planted | None:
    if not record.registry.enrollment:
        return None
    changed = record.registry.model_copy(update={"enrollment": f"{record.registry.enrollment}0"})
    return Planted(record.model_copy(update={"registry": changed}), "registration", frozenset({"changed"}))


def _remove(record: TrialRecord, rng: random.Random) -> Planted | None:
    bullets = list(_list_bullets(record))
    if len(bullets) < 3:
        return None
    bullet, _ = rng.choice(bullets)
    return Planted(_replace(record, bullet.start(), bullet.end(), ""), "criterion", frozenset({"removed"}))


def _add(record: TrialRecord, rng: random.Random) -> Planted | None:
    bullets = [bullet for bullet, excludes in _list_bullets(record) if excludes]
    if not bullets:
        return None
    bullet = rng.choice(bullets)
    mark = bullet[0][: bullet.start("text") - bullet.start()]
    edited = _replace(record, bullet.start(), bullet.start(), f"{mark}{_ADDED}\n")
    return Planted(edited, "criterion", frozenset({"added"}))


def _move(record: TrialRecord, rng: random.Random) -> Planted | None:
    bullets = list(_list_bullets(record))
    here, there = ([one for one, out in bullets if out is side] for side in (True, False))
    if len(here) < 2 or not there:
        return None
    moved, place = rng.choice(here), there[-1].end()
    text = record.raw_text("eligibility") or ""
    edited = text[:place] + "\n" + moved[0] + text[place : moved.start()] + text[moved.end() :]
    return Planted(_edit(record, "eligibility", edited), "criterion", frozenset({"moved"}))


def _swap(record: TrialRecord, rng: random.Random) -> Planted | None:
    bullets = [one for one, excludes in _list_bullets(record) if excludes]
    if len(bullets) < 2:
        return None
    first, second = sorted(rng.sample(bullets, 2), key=lambda one: one.start())
    text = record.raw_text("eligibility") or ""
    between = text[first.end("text") : second.start("text")]
    swapped = second["text"] + between + first["text"]
    return Planted(_replace(record, first.start("text"), second.end("text"), swapped))


def _reword(pattern: str, new: Callable[[re.Match[str]], str]) -> Plant:
    def plant(record: TrialRecord, rng: random.Random) -> Planted | None:
        text = record.raw_text("eligibility") or ""
        found = [
            (bullet.start("text") + one.start(), bullet.start("text") + one.end(), new(one))
            for bullet, _ in _list_bullets(record)
            for one in re.finditer(pattern, bullet["text"])
        ]
        found = [(start, end, words) for start, end, words in found if text[start:end] != words]
        return Planted(_replace(record, *rng.choice(found))) if found else None

    return plant


_WORDS = {"2": "two", "3": "three", "4": "four", "6": "six", "12": "twelve"}


def _edit_dose(pattern: str, new: Callable[[re.Match[str]], str], kinds: str) -> Plant:
    def plant(record: TrialRecord, rng: random.Random) -> Planted | None:
        found = [
            (section, one)
            for section in record.sections
            if section.name.startswith(("arms", "interventions"))
            for one in re.finditer(pattern, section.text)
        ]
        if not found:
            return None
        section, one = rng.choice(found)
        edited = section.text[: one.start()] + new(one) + section.text[one.end() :]
        grown = len(edited) - len(section.text)
        parts = tuple(
            part.model_copy(
                update={
                    "start": part.start + grown * (part.start > one.start()),
                    "end": part.end + grown * (part.end > one.start()),
                }
            )
            for part in section.parts
        )
        changed = section.model_copy(update={"text": edited, "parts": parts})
        sections = tuple(changed if each is section else each for each in record.sections)
        return Planted(record.model_copy(update={"sections": sections}), "regimen", frozenset({kinds}))

    return plant


def _list_outcomes(record: TrialRecord, rank: str) -> list[Section]:
    return [section for section in record.sections if section.name.startswith(f"{rank}_outcomes[")]


def _with_outcomes(record: TrialRecord, primary: list[Section], secondary: list[Section]) -> TrialRecord:
    others = [section for section in record.sections if "_outcomes[" not in section.name]
    named = [
        section.model_copy(update={"name": f"{rank}_outcomes[{n}]"})
        for rank, outcomes in (("primary", primary), ("secondary", secondary))
        for n, section in enumerate(outcomes)
    ]
    rest = _list_outcomes(record, "other")
    return record.model_copy(update={"sections": (*others, *named, *rest)})


def _edit_outcomes(kind: str) -> Plant:
    def plant(record: TrialRecord, rng: random.Random) -> Planted | None:
        primary, secondary = _list_outcomes(record, "primary"), _list_outcomes(record, "secondary")
        if not primary or len(secondary) < 2:
            return None
        one = secondary.pop(rng.randrange(len(secondary)))
        if kind == "promoted":
            primary.append(one)
        if kind == "demoted":
            secondary, primary = [*secondary, one, primary[-1]], primary[:-1]
        if kind == "redefined":
            time = one.part("time_frame") or ""
            number = re.search(r"(?<![\d.])\d{1,2}(?![\d.])", time)
            if not number or not one.text.endswith(time):
                return None
            later = time[: number.start()] + str(int(number[0]) + 40) + time[number.end() :]
            last = one.parts[-1].model_copy(update={"end": one.parts[-1].end + len(later) - len(time)})
            text = one.text.removesuffix(time) + later
            secondary.append(one.model_copy(update={"text": text, "parts": (*one.parts[:-1], last)}))
        return Planted(_with_outcomes(record, primary, secondary), "endpoint", frozenset({kind}))

    return plant


def _reorder_outcomes(record: TrialRecord, _: random.Random) -> Planted | None:
    secondary = _list_outcomes(record, "secondary")
    if len(secondary) < 2:
        return None
    return Planted(_with_outcomes(record, _list_outcomes(record, "primary"), secondary[::-1]))


def _say_at_least(sign: re.Match[str]) -> str:
    return " " * sign.string[: sign.start()][-1:].isalnum() + "at least "


PLANTS: dict[str, Plant] = {
    "limit changed": _change_limit,
    "window in another unit": _change_window,
    "some needed, now all": _change_lead_in(_SOME, lambda _: "all"),
    "window in a lead-in": _change_lead_in(_WINDOW_ABOVE, lambda one: str(3 * int(one[0]))),
    "enrolment changed": _change_enrolment,
    "criterion removed": _remove,
    "criterion added": _add,
    "criterion moved": _move,
    "dose doubled": _edit_dose(
        r"(?<![\d.,-])(\d{1,3})(?= ?mg\b(?!/m?L))", lambda one: str(2 * int(one[0])), "changed"
    ),
    "route changed": _edit_dose(r"(?i)\bintravenous(?:ly)?\b|\bi\.?v\.?(?=\s)", lambda _: "subcutaneously", "changed"),
    "endpoint promoted": _edit_outcomes("promoted"),
    "endpoint demoted": _edit_outcomes("demoted"),
    "endpoint removed": _edit_outcomes("removed"),
    "time frame changed": _edit_outcomes("redefined"),
    "criteria swapped": _swap,
    "full stop": _reword(r"(?<=[a-z])$", lambda _: "."),
    "white space": _reword(r"(?<=[a-z]) (?=[a-z])", lambda _: "  "),
    "number word": _reword(
        r"(?<![\d.,-])(?:2|3|4|6|12)(?= (?:weeks|months|years)\b)", lambda one: _WORDS[one[0]]
    ),
    "weeks as days": _reword(r"(?<![\d.,-])(\d) weeks\b", lambda one: f"{7 * int(one[1])} days"),
    "sign in words": _reword(r"\\?≥ ?(?=\d)|\\>=? ?(?=\d)(?<==)", _say_at_least),
    "synonym": _reword(r"\b[Pp]rior (?=[a-z])", lambda _: "previous "),
    "patients who": _reword(r"(?<=^)(?:Patients|Subjects|Participants) (?=with\b)", lambda _: "Participant "),
    "outcomes reordered": _reorder_outcomes,
}  # fmt: skip
"""Changes by name; those of a rewording or of order alone should tell nothing."""


def compare(
    before: tuple[TrialRecord, TrialExtraction], planted: Planted, rules: Extractor
) -> tuple[str, list[TrialChange]]:
    """Return the result for a plant, and all changes of meaning that were told."""
    record, extraction = before
    found = diff_trials(extraction, rules.extract(planted.record), record, planted.record)
    told = [change for change in found.changes if change.is_of_meaning]
    if planted.kinds is None:
        return ("other" if told else "found"), told
    kinds = {change.kind.value for change in told if change.item == planted.item}
    ages = {change.kind.value for change in told if change.item == "eligibility"}
    if (kinds | ages) & planted.kinds:
        return "found", told
    return ("other" if kinds else "missed"), told


PARTS = {
    "criterion": ("criteria", "limits", "windows", "lead-ins"),
    "eligibility": ("ages",),
    "regimen": ("doses",),
    "endpoint": ("endpoints",),
    "arm": ("arms",),
    "registration": ("enrolment", "dates", "status"),
}
"""The parts of real changes by the item of a told change."""


def match_changes(real: Sequence[dict[str, Any]], told: Sequence[TrialChange]) -> list[dict[str, Any] | None]:
    """Return the real change of each told one, or None if it is not real or was told before."""
    left = sorted(real, key=lambda one: (one.get("optional", False), not one["old"] or not one["new"]))
    found = []
    for change in told:
        sides = [_fold(f"{_quote(side)} {change.message}") for side in (change.old, change.new)]
        match = next(
            (
                one
                for one in left
                if one["part"] in PARTS[change.item]
                and (not one["kinds"] or change.kind in one["kinds"])
                and all(_fold(one[name]) in side for name, side in zip(("old", "new"), sides, strict=True))
            ),
            None,
        )
        if match:
            left.remove(match)
        found.append(match)
    return found


def _quote(side: StatedValue | None) -> str:
    return " ".join(one.quote for one in side.citations) if side else ""


def _fold(text: str) -> str:
    return " ".join(["", *re.findall(r"[^\W_]+", text.casefold()), ""]) if text else ""


def measure_versions(folder: Path, half: str, show: str) -> None:
    """Print a table of real and told changes by part."""
    rules = Extractor(assist="never")
    sides = [{one.record_id: one for one in read_once(folder / name)} for name in ("old", "new")]
    halves = json.loads((folder / "halves.json").read_text("utf-8")) if half else {}
    trials = [name for name in sides[0] if name in sides[1] and halves.get(name, "") == half]
    counts: dict[str, Counter[str]] = {part: Counter() for parts in PARTS.values() for part in parts}
    listed = read_lines(folder / "real_changes.jsonl")
    for trial in trials:
        old, new = (side[trial] for side in sides)
        real = [one for one in listed if one["trial"] == trial]
        found = diff_trials(rules.extract(old), rules.extract(new), old, new)
        told = [change for change in found.changes if change.is_of_meaning]
        matches = match_changes(real, told)
        for change, match in zip(told, matches, strict=True):
            part = match["part"] if match else PARTS[change.item][0]
            counts[part].update(told=1, right=int(match is not None))
            if not match and show in (part, "all"):
                print(f"{trial} not real: {change.item} {change.kind}: {change.message}")
                print(f"    - {_quote(change.old)}\n    + {_quote(change.new)}")
        for one in real:
            if not one.get("optional"):
                counts[one["part"]].update(real=1, found=int(one in matches))
                if one not in matches and show in (one["part"], "all"):
                    print(f"{trial} missed: {one['part']} {'/'.join(one['kinds'])}: {one['old']!r} -> {one['new']!r}")
    columns = ("real", "found", "told", "right")
    rows = [(name, *(one[column] for column in columns)) for name, one in counts.items()]
    total = sum(counts.values(), Counter[str]())
    print(f"{len(trials)} pairs of versions")
    print(format_table(["part", *columns], [*rows, ("all", *(total[column] for column in columns))]))


def main() -> None:
    """Print a table of plants by kind."""
    options = parse_options(__doc__, data=Path, versions=Path, half="", limit=200, seed=22, show="")
    if options.versions:
        measure_versions(options.versions, options.half, options.show)
        return
    rng, rules = random.Random(options.seed), Extractor(assist="never")
    records = [record for record in read_once(options.data) if record.raw_text("eligibility")]
    counts: dict[str, Counter[str]] = {name: Counter() for name in PLANTS}
    for record in rng.sample(records, min(options.limit, len(records))):
        before = record, rules.extract(record)
        for name, plant in PLANTS.items():
            planted = plant(record, rng)
            if planted is None:
                continue
            result, told = compare(before, planted, rules)
            counts[name].update({result: 1, "planted": 1})
            counts[name]["invented"] += max(0, len(told) - (planted.kinds is not None and result != "missed"))
            if options.show in (name, "all") and (result != "found" or len(told) > 1):
                print(record.record_id, name, result, *(f"\n    {one.item} {one.kind}: {one.message}" for one in told))
    columns = ("planted", "found", "other", "missed", "invented")
    rows = [(name, *(one[column] for column in columns)) for name, one in counts.items()]
    total = sum(counts.values(), Counter[str]())
    print(format_table(["plant", *columns], [*rows, ("all", *(total[column] for column in columns))]))


if __name__ == "__main__":
    main()
