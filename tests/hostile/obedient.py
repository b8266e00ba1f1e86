"""A stub of a model that obeys a hostile record, as maliciously as its wire form allows."""

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from extractor.model.calls import Call
from extractor.model.completions import Completion, Ending
from tests.asked import Asked, describe_heading, list_asked

DICTATED: dict[str, Any] = tomllib.loads(
    Path(__file__).with_name("dictated.toml").read_text("utf-8")
)
"""The injected values, by key of the wire form."""

_DOSE = re.compile(r"\d[\d.]*(?: x 10\^\d+)? ?(?:mg/m2|mg/kg|mg|ug|mL|cells/kg|%)")


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
        answers = [answer(line) for line in list_asked(call.user)]
        reply = json.dumps({"items": [item for item in answers if item]})
        return Completion(reply, Ending.COMPLETE, model="obedient")

    def _obey(self, line: Asked) -> dict[str, Any]:
        dictated = {key: DICTATED[key] for key in DICTATED if key in line.keys}
        return {"n": line.number} | dictated

    def _repeat(self, line: Asked) -> dict[str, Any]:
        item: dict[str, Any] = {"n": line.number}
        text = line.text
        if line.is_heading:
            return item | describe_heading(text)
        if "regimens" in line.asked:
            if self._agent not in text:
                return {}
            item |= {"agent": self._agent, "role": "investigational"}
            if "on day 0" in text:
                item["when"] = "on day 0"
            dose = _DOSE.search(text)
            if dose:
                item["dose"] = [dose[0]]
            return item
        if "outcome" in line.asked:
            tools = [name for name in self._instruments if name in text]
            if tools:
                item["tool"] = tools[0]
        return item
