"""The results of a reader: the content of a record, or the reason why the record cannot be read.

Readers do not know about files. They convert a byte stream to ``RecordContent`` and
``UnreadableSource`` values, and ``records`` adds the file, the id and the place.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TypeVar

from extractor.errors import RecordError
from extractor.language.clean import unify_line_ends
from extractor.schemas import (
    DocumentText,
    OtherLanguage,
    Part,
    Piece,
    RegistryFields,
    Section,
)
from extractor.schemas.record import TRIAL_NUMBER
from extractor.schemas.record_limits import MAX_SECTIONS

_OTHER_ENDS = "\r\v\f\x1c\x1d\x1e"
_Value = TypeVar("_Value")

DOWNLOAD = (
    "download the record from its registry, or export it from trialsearch.who.int "
    "(docs/reference/formats.md lists the supported formats)"
)
"""The remedy for a file without a record in a known format."""
UNREAD = "columns of the table that are not read"
"""The beginning of a note that is about a whole table, so that only its first record has it."""
Sections = tuple[Section, ...]
Columns = Mapping[str, str]
"""What the columns of a table contain, keyed by their names."""
NONE_CHOSEN: Columns = {}
AGAIN = "check or download the file again"
"""The remedy for damaged data."""

STARTS_TIME = re.compile(
    r"\W{0,5}(?:measure(?:ment)? )?time[ -]?(?:frames?|points?)\b", re.IGNORECASE
)
"""The start of a text that is the time frame of the preceding outcome rather than an outcome."""


@dataclass(frozen=True, slots=True)
class RecordContent:
    """A record's content, without its file and id.

    Attributes:
        sections: The sections of free text.
        format: The source format.
        trial_id: The trial's registry number, or None.
        registry: The structured fields.
        place: The place in the file, or None.
        notes: Repairs and guesses that the reader made, as sentences that become findings.
        document: The text of a PDF or a Word file.
        given: The original free text.
        ids: The ids of a paper, keyed by ``pmid``, ``pmcid`` and ``doi``; of a stored record, also
            its ``registry_id``.
        listed_numbers: The registry numbers that a paper lists as those of its trial.
        number_text: The text that may state the registry number, if it is not the given text.
    """

    sections: Sections
    format: str
    trial_id: str | None = None
    registry: RegistryFields = field(default_factory=RegistryFields)
    place: str | None = None
    notes: tuple[str, ...] = ()
    document: DocumentText | None = None
    given: str | None = None
    ids: Mapping[str, str] = field(default_factory=dict)
    listed_numbers: tuple[str, ...] = ()
    number_text: str = ""


class UnreadableSource(Exception):
    """A problem that prevents reading, with a remedy for the user.

    A reader yields the problem if it can read the rest of the document; otherwise, it raises the
    problem. ``trial_id`` is the registry number of a record without text, or None.
    """

    trial_id: str | None = None

    def __init__(
        self, problem: str, remedy: str = AGAIN, *, place: str | None = None
    ) -> None:
        self.problem = problem
        self.remedy = remedy
        self.place = place
        super().__init__(problem, remedy, place)

    def nest_place(self, above: str | None) -> "UnreadableSource":
        """Nest the place of the problem in ``above`` unless that is None. Return the problem."""
        self.place = join_place(above, self.place)
        return self

    def locate(self, path: str) -> RecordError:
        """Return the problem as an error about a file, to be shown to the user."""
        error = RecordError(path, self.problem, self.remedy, place=self.place)
        error.record_id = self.trial_id
        return error


def join_place(*places: str | None) -> str | None:
    """Return nested places as a single string, outermost first. None values are ignored; the
    result is None if no place remains.

    >>> join_place("trials.zip", None, "line 3")
    'trials.zip, line 3'
    """
    return ", ".join(filter(None, places)) or None


ReadResult = RecordContent | UnreadableSource


def build_content(
    build: Callable[[_Value], RecordContent], value: _Value, place: str | None
) -> ReadResult:
    """Return the content that ``build`` makes from a record's value, with the record's place
    added; if that fails, return a problem. Records without text, and unexpected errors raised by
    ``build``, also become problems, so this function never raises.
    """
    try:
        content = build(value)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - one record's failure must not stop the others
        return refuse_unexpected(error).nest_place(place)
    if not content.sections:
        problem = UnreadableSource(
            "the record contains no text", "pass a record with text", place=place
        )
        problem.trial_id = content.trial_id
        return problem
    return replace(content, place=place)


def refuse_unexpected(error: BaseException) -> UnreadableSource:
    """Return an ``UnreadableSource`` unchanged, and any other error as a problem in this
    program. Only a record that is nested too deeply exceeds Python's limit of recursion, and only
    half of a surrogate pair, which JSON may contain, cannot be encoded.
    """
    if isinstance(error, UnreadableSource):
        return error
    if isinstance(error, RecursionError):
        return UnreadableSource(
            "the record is nested too deeply", "correct the record, or leave it out"
        )
    if isinstance(error, UnicodeEncodeError):
        return UnreadableSource(
            "the text is not valid Unicode", "correct it, or leave the record out"
        )
    return UnreadableSource(
        f"an unexpected {type(error).__name__}", "please report it with the record"
    )


def find_trial_id(text: str) -> str | None:
    """Return the text as a registry number (NCT, ISRCTN, EU CT) if it consists only of such a
    number; otherwise, return None.

    >>> find_trial_id(" nct90000001 "), find_trial_id("2021-000001-10")
    ('NCT90000001', None)
    """
    number = text.strip().upper()
    if TRIAL_NUMBER.fullmatch(number):
        return number
    return None


def take_sections(sections: Iterable[Section]) -> Sections:
    """Return the sections, stopping after one section more than a record may have. A record with
    too many sections is rejected later.
    """
    return tuple(islice(sections, MAX_SECTIONS + 1))


class FoundText(str):
    """A part of the source text, with its offset (or None) and, if it is not in English, its
    language.

    >>> words = FoundText("Alter ab 18", at=7, language="German")
    >>> words, words.at, words.language
    ('Alter ab 18', 7, 'German')
    """

    at: int | None
    language: str | None

    def __new__(
        cls, text: str, *, at: int | None = None, language: str | None = None
    ) -> "FoundText":
        words = super().__new__(cls, text)
        words.at = at
        words.language = language
        return words


def text_section(name: str, *texts: str | None) -> Sections:
    """Return a tuple whose only element is a section with the texts on separate lines. Return an
    empty tuple if all texts are blank.

    >>> text_section("title", " ")
    ()
    """
    return join_parts(name, [("", text) for text in texts])


def join_parts(name: str, parts: Iterable[tuple[str, str | None]]) -> Sections:
    r"""Return a tuple whose only element is a section with the texts of (part name, text) pairs on
    separate lines. A text with the name "" does not become a part. Blank texts are omitted; return
    an empty tuple if all texts are blank. Where a ``FoundText`` has an offset in the source, or
    another language than English, the section says so.

    >>> [section] = join_parts(
    ...     "arms[0]", [("label", "Cohort 1"), ("description", "5 mg")]
    ... )
    >>> section.text, section.part("description")
    ('Cohort 1\n5 mg', '5 mg')
    """
    lines: list[str] = []
    section_parts: list[Part] = []
    # which offset in the source belongs to which offset in the section
    pieces: list[Piece] = []
    foreign: list[OtherLanguage] = []
    start = 0
    for part, text in parts:
        if not text or text.isspace():
            continue
        end = start + len(text)
        lines.append(text)
        if part:
            section_parts.append(Part(name=part, start=start, end=end))
        if isinstance(text, FoundText) and text.at is not None:
            pieces.append(Piece(start=start, at=text.at))
        if isinstance(text, FoundText) and text.language:
            foreign.append(OtherLanguage(start=start, end=end, language=text.language))
        start = end + len("\n")
    if not lines:
        return ()
    text = "\n".join(lines)
    # slow, so only if necessary; the length stays the same, so the offsets remain valid
    if not text.isascii() or any(map(text.__contains__, _OTHER_ENDS)):
        text = unify_line_ends(text)
    return (
        Section(
            name=name,
            text=text,
            parts=tuple(section_parts),
            pieces=tuple(pieces),
            other_languages=tuple(foreign),
        ),
    )
