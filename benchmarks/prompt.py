"""Copy the guideline into the prompt: `python -m benchmarks.prompt`.

In the copy, the names in backquotes are replaced by the keys and words of a reply. Passages for
people, bold type, table rules and line breaks inside paragraphs are omitted.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from extractor.model.asking.prompt import PROMPT
from extractor.model.asking.reply_models import FORMS, list_choice_words
from extractor.schemas import Task, ValueKind, list_fields

GUIDELINE = PROMPT.with_name("guideline.md")
_FOR_PEOPLE = re.compile(r"<!--people-->.*?(?:<!--/people-->|\Z)", re.DOTALL)
_MARKUP = re.compile(r"\*\*|^\|(?:-+\|)+\n|\n(?=\n\n)", re.MULTILINE)
"""Bold type, table rules, and repeated empty lines."""
_WRAP = re.compile(r"(?<!\n)\n *(?=[^\s|#-])")
_NAME = re.compile(r"`([^`]+)`")
_PLACE = re.compile(r"(?<=\}, \.\.\.\]\}\.\n\n).*(?=\n\n# How to write it)", re.DOTALL)


def write_guideline(prompt: str, guideline: str) -> str:
    """Return the prompt with its guideline replaced by the given guideline."""
    shortened = shorten_guideline(guideline.strip())
    return _PLACE.sub(lambda _: shortened, prompt, count=1)


def shorten_guideline(guideline: str) -> str:
    """Return the guideline as it is given to a model.

    >>> shorten_guideline(
    ...     "## Endpoints <!--people-->All <!--/people-->`time_points` of `overall_survival`"
    ... )
    '## Endpoints times of OS'
    """
    parts = re.split(r"^(?=## )", _FOR_PEOPLE.sub("", guideline), flags=re.MULTILINE)
    worded = "".join(map(_replace_names, parts))
    return _WRAP.sub(" ", _MARKUP.sub("", worded))


def _replace_names(part: str) -> str:
    """Replace the names in backquotes by the words of a reply, in a part of the guideline about a
    task. Other names only lose their backquotes.
    """
    words: Mapping[str, str] = {}
    for task in Task:
        if part.startswith(f"## {task.capitalize()}"):
            words = name_words(task)
    return _NAME.sub(lambda name: words.get(name[1], name[1]), part)


def name_words(task: Task) -> Mapping[str, str]:
    """Return the words in a reply for a task's field names and the members of closed sets."""
    words: dict[str, str] = {}
    infos = list_fields(task)
    for info in infos:
        if info.kind is ValueKind.CHOICE and info.name in FORMS[task]:
            words |= {
                member.value: word for word, member in list_choice_words(info).items()
            }
    return words | {info.name: info.key for info in infos}


def main() -> None:
    """Write the guideline into the prompt."""
    path = Path(PROMPT)
    written = write_guideline(path.read_text("utf-8"), GUIDELINE.read_text("utf-8"))
    path.write_text(written, "utf-8")


if __name__ == "__main__":
    main()
