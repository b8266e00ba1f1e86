"""What a request asks about, for stand-ins of models: the numbers of its lines and places, and the
keys that an item for each may have.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_LINE = re.compile(
    r"^ *\[(?P<number>\d+)(?:\|(?P<asked>[^|\]]*))?(?:\|(?P<note>[^\]]*))?\] (?P<text>.*)$",
    re.MULTILINE,
)
_OF_CRITERION = ("ok", "list", "cat", "limits", "windows", "rule")
_OF_PEOPLE = ("min", "max", "sex", "healthy")
OF_REGIMEN = ("quote", "agent", "role", "dose", "arms", "route", "freq", "cycle")
OF_REGIMEN += ("for", "when")
_OF_OUTCOME = ("split", "concept", "domain", "times", "span", "tool", "start", "ends")
_OF_OUTCOME += ("censored", "specimens", "methods")
_OF_STATED = (
    "quote",
    "rank",
    "time_frame",
    *(key for key in _OF_OUTCOME if key != "split"),
)
_KEYS = {
    "criteria": ("quote", *(key for key in _OF_CRITERION if key not in ("ok", "rule"))),
    "endpoints": _OF_STATED,
    "criterion": _OF_CRITERION,
    "people": _OF_PEOPLE,
    "regimens": OF_REGIMEN,
    "outcome": _OF_OUTCOME,
}
"""The keys of an item by what a line asks for. The name of a custom field is a key itself."""


class Asked(NamedTuple):
    """A place of the eligibility text, which asks for a criterion and people, or another line."""

    number: int
    asked: tuple[str, ...]
    note: str
    text: str

    @property
    def keys(self) -> set[str]:
        """The keys that an item may have."""
        return {key for one in self.asked for key in _KEYS.get(one, (one,))}

    @property
    def is_heading(self) -> bool:
        """Whether the line is one such as "Inclusion Criteria:"."""
        return "criterion" in self.asked and self.text.endswith(":")

    @property
    def needs_item(self) -> bool:
        """Whether a model that read the line gives an item for it."""
        return not {"criterion", "outcome"}.isdisjoint(self.asked)


def list_asked(content: str) -> Iterator[Asked]:
    """Yield what the user part of a request asks about. A place within a line belongs to the place
    before it.
    """
    for line in _LINE.finditer(content):
        asked = (
            ("criterion", "people") if line["asked"] is None else line["asked"].split()
        )
        yield Asked(int(line["number"]), tuple(asked), line["note"] or "", line["text"])


def describe_heading(text: str) -> dict[str, object]:
    """The keys of an item about a heading, with its list if its words name one."""
    for kind in ("in", "ex"):
        if f"{kind}clusion" in text.lower():
            return {"ok": False, "list": kind}
    return {"ok": False}
