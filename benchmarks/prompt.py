"""Copy the guideline into the prompt: `python -m benchmarks.prompt`.

The copy has the keys and words of a reply in place of the names in backquotes. It does not contain
passages that only people need, bold type, table rules and line wrapping.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from extractor.model.asking.prompt import PROMPT
from extractor.model.asking.reply_models import FORMS
from extractor.schemas import Task, list_fields

GUIDELINE = PROMPT.with_name("guideline.md")
_FOR_PEOPLE = re.compile(r"<!--people-->.*?(?:<!--/people-->|\Z)", re.DOTALL)
_MARKUP = re.compile(r"\*\*|^\|(?:-+\|)+\n|\n(?=\n\n)", re.MULTILINE)
"""Bold type, rules of tables, more than one empty line."""
_WRAP = re.compile(r"(?<!\n)\n *(?=[^\s|#-])")
_NAME = re.compile(r"`([^`]+)`")
_PLACE = re.compile(r"(?<=\}, \.\.\.\]\}\.\n\n).*(?=\n\n# How to write it)", re.DOTALL)


def write_guideline(prompt: str, guideline: str) -> str:
    """Return the prompt with the guideline in its place."""
    shortened = shorten_guideline(guideline.strip())
    return _PLACE.sub(lambda _: shortened, prompt, count=1)


def shorten_guideline(guideline: str) -> str:
    """Return the guideline as a model gets it.

    >>> shorten_guideline(
    ...     "## Endpoints <!--people-->All <!--/people-->`time_points` of `overall_survival`"
    ... )
    '## Endpoints times of OS'
    """
    parts = re.split(r"^(?=## )", _FOR_PEOPLE.sub("", guideline), flags=re.MULTILINE)
    worded = "".join(map(_replace_names, parts))
    return _WRAP.sub(" ", _MARKUP.sub("", worded))


def _replace_names(part: str) -> str:
    """Write the words of a reply for the names in backquotes: in the part of the guideline about a
    task those of the task. Other names only lose their backquotes.
    """
    words: Mapping[str, str] = {}
    for task in Task:
        if part.startswith(f"## {task.capitalize()}"):
            words = name_words(task)
    return _NAME.sub(lambda name: words.get(name[1], name[1]), part)


def name_words(task: Task) -> Mapping[str, str]:
    """Return what a model writes for the names of a task's fields and for the members of their
    closed sets.
    """
    words: dict[str, str] = {}
    infos = list_fields(task)
    for info in infos:
        form = FORMS[task].get(info.name)
        if form:
            words |= {member.value: word for word, member in form.words.items()}
    return words | {info.name: info.metadata.key or info.name for info in infos}


def main() -> None:
    """Write the guideline into the prompt."""
    path = Path(PROMPT)
    written = write_guideline(path.read_text("utf-8"), GUIDELINE.read_text("utf-8"))
    path.write_text(written, "utf-8")


if __name__ == "__main__":
    main()
