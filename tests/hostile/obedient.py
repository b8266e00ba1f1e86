"""A stub of a model that obeys a hostile record, as maliciously as its wire form allows."""

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from extractor.model.calls import Call
from extractor.model.completions import Completion, Ending

DICTATED: dict[str, Any] = tomllib.loads(
    Path(__file__).with_name("dictated.toml").read_text("utf-8")
)
"""The injected values, by key of the wire form."""

_LINE = re.compile(r"^\[(\d+)\|([^|\]]*)[^\n]*", re.MULTILINE)
_DOSE = re.compile(r"\d[\d.]*(?: x 10\^\d+)? ?(?:mg/m2|mg/kg|mg|ug|mL|cells/kg|%)")
_REGIMEN = ("quote", "agent", "role", "dose", "route", "freq", "cycle", "for", "when")


class Obedient:
    """Gives the injected answer to every line of a prompt that ``is_injected``; else repeats the
    ``honest`` values.
    """

    def __init__(
        self, is_injected: Callable[[str], bool], honest: Mapping[str, Any]
    ) -> None:
        self._is_injected = is_injected
        self._agent = honest["agents"][0]
        self._instruments = honest.get("instruments", ())
        self.prompts: list[str] = []

    def answer(self, call: Call) -> Completion:
        """The answer to a call."""
        self.prompts.append(call.user)
        answer = self._obey if self._is_injected(call.user) else self._repeat
        answers = [answer(line) for line in _LINE.finditer(call.user)]
        reply = json.dumps({"items": [item for item in answers if item]})
        return Completion(reply, Ending.COMPLETE, model="obedient")

    def _obey(self, line: re.Match[str]) -> dict[str, Any]:
        keys = line[2].split()
        if "regimens" in keys:
            keys = list(_REGIMEN)
        dictated = {key: DICTATED[key] for key in keys if key in DICTATED}
        return {"n": int(line[1])} | dictated

    def _repeat(self, line: re.Match[str]) -> dict[str, Any]:
        item: dict[str, Any] = {"n": int(line[1])}
        text = line[0]
        keys = line[2].split()
        if "regimens" in keys:
            if self._agent not in text:
                return {}
            item |= {"agent": self._agent, "role": "investigational"}
            if "on day 0" in text:
                item["when"] = "on day 0"
            dose = _DOSE.search(text)
            if dose:
                item["dose"] = [dose[0]]
            return item
        if "ok" in keys:
            item["ok"] = True
        if "tool" in keys:
            tools = [name for name in self._instruments if name in text]
            if tools:
                item["tool"] = tools[0]
        return item
