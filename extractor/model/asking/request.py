"""The request about a record: one text that a model reads from beginning to end.

It has the eligibility section with a number at each place where an item might begin, then every
other line that may state who can take part, what is given or what is measured. The items of the
reply define what there is; the rules prove it (``dialogue``).

A request whose reply would be too long is cut into parts, at the borders of items.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count, pairwise

from extractor.concepts.criteria.structure import list_offered_borders
from extractor.concepts.doses.passages import GROUPS, list_dose_passages
from extractor.concepts.own.declaration import CustomField, CustomFields, Of
from extractor.concepts.parse import parse_record
from extractor.concepts.places import DESCRIPTIONS
from extractor.evidence.drafts import Chunk, Draft, Span, span_of
from extractor.evidence.parsed import ParsedRecord
from extractor.language.clean import clean_text
from extractor.model.asking.prompt import (
    PLACE,
    TrialContext,
    count_output_tokens,
    describe_trial,
    flatten,
    load_prompt,
    render_line,
)
from extractor.model.asking.questions import Question
from extractor.model.asking.reply_models import (
    CRITERIA,
    ENDPOINTS,
    FIELDS,
    PEOPLE,
    REGIMENS,
    STATED_CRITERION,
    STATED_OUTCOME,
    is_listing,
    reply_for,
)
from extractor.model.calls import Call
from extractor.model.cost.tokens import RequestSize, measure_call
from extractor.options import ExtractionOptions
from extractor.schemas import CriterionKind, Task, TrialRecord
from extractor.schemas.record import PROSE_FORMATS

ELIGIBILITY = "eligibility"
_PEOPLE_IN = ("title", "official_title", "brief_summary")
"""Sections, other than the criteria, that may state who can take part."""
_EXPECTED_OUTPUT = 8000
"""The expected length of a reply, in tokens, from which a request is cut into parts. A part has
room for twice as many tokens (``MOST_OUTPUT``). It is reached at some 200 criteria.
"""
MOST_OUTPUT = 16_000
"""The largest output limit of a call, in tokens, which current models can write."""
_PER_CRITERION = 35
_PER_PASSAGE = 40
_PER_OUTCOME = 60
"""The expected output tokens for a criterion, a passage that may state regimens, and an outcome,
as a capable model wrote them (``model/cost/answer_sizes.toml`` has the sizes in characters).
"""
_LONGEST_ABOVE = 300


@dataclass(frozen=True, slots=True)
class Border:
    """A place at which the rules begin an item, where a request may be cut.

    Attributes:
        number: The number of the place.
        kind: The list of the item, or None.
        above: The number of the place of the line above it, or None.
    """

    number: int
    kind: CriterionKind | None = None
    above: int | None = None


@dataclass(frozen=True)
class Request:
    """What a model is asked about a record.

    Attributes:
        trial: The title, the conditions, the names of interventions and the arms.
        text: The cleaned eligibility section; "" without one.
        places: The offsets in ``text`` at which an item might begin, numbered from 1.
        borders: The places at which the rules begin an item.
        lines: The other lines, which are numbered after the places.
        custom: The custom fields.
    """

    trial: TrialContext
    text: str
    places: tuple[int, ...]
    borders: tuple[Border, ...]
    lines: tuple[Question, ...]
    custom: CustomFields

    @property
    def end(self) -> int:
        """The number after the last one."""
        return len(self.places) + len(self.lines) + 1

    @cached_property
    def parts(self) -> tuple[range, ...]:
        """The numbers of each call: usually one range of all numbers."""
        parts: list[range] = []
        start = 1
        expected = 0
        for number, size in self._list_sizes():
            if expected and expected + size > _EXPECTED_OUTPUT:
                parts.append(range(start, number))
                start = number
                expected = 0
            expected += size
        return (*parts, range(start, self.end))

    def _list_sizes(self) -> Iterator[tuple[int, int]]:
        """Yield the numbers at which a request may be cut, with the expected output tokens for what
        begins there.
        """
        for border in self.borders:
            yield border.number, _PER_CRITERION
        for line in self.lines:
            yield line.number, _expect_tokens(line)

    def halve(self, part: range) -> tuple[range, ...]:
        """Return two halves of a part, cut at the border of an item; the part itself if it cannot
        be cut.
        """
        numbers = [number for number, _ in self._list_sizes() if number in part]
        inner = [number for number in numbers if number > part.start]
        if not inner:
            return (part,)
        middle = inner[len(inner) // 2]
        return range(part.start, middle), range(middle, part.stop)

    def list_lines(self, part: range) -> tuple[Question, ...]:
        """Return the lines of a part."""
        return tuple(line for line in self.lines if line.number in part)

    def count_items(self, part: range) -> int:
        """Return how many items the rules begin in a part, with its other lines."""
        borders = sum(border.number in part for border in self.borders)
        return borders + len(self.list_lines(part))

    def allows_one(self, number: int) -> bool:
        """Return whether a number has one item: a place, a criterion or an outcome. A passage may
        have several.
        """
        if number <= len(self.places):
            return True
        return not is_listing(self.lines[number - len(self.places) - 1])

    def needs_items(self, part: range) -> bool:
        """Return whether a reply about a part must have items: the rules begin a criterion there,
        or it has an outcome.
        """
        if any(border.number in part for border in self.borders):
            return True
        return any(self.allows_one(line.number) for line in self.list_lines(part))

    def has_places(self, part: range) -> bool:
        """Return whether a part shows some of the eligibility text."""
        return part.start <= len(self.places)

    def render(self, part: range) -> Call:
        """Return the call for a part."""
        lines = self.list_lines(part)
        shown = [*self.trial.context, *self.trial.treatments]
        shown += self._show_text(part)
        shown += map(render_line, lines)
        borders = sum(border.number in part for border in self.borders)
        limit = count_output_tokens(lines, borders, self.custom)
        return Call(
            prompt=load_prompt(self.custom),
            user="\n".join(shown),
            reply_model=reply_for(self.custom),
            max_output_tokens=min(limit, MOST_OUTPUT),
            record_id=self.trial.record_id,
        )

    def _show_text(self, part: range) -> Iterator[str]:
        """Yield the eligibility text of a part. A part that begins within the text names the list
        and shows the line above its first item.
        """
        last = min(part.stop - 1, len(self.places))
        if not self.has_places(part):
            return
        yield "Eligibility:"
        start = 0
        if part.start > 1:
            start = self.places[part.start - 1]
            yield from self._show_above(part.start)
        end = len(self.text)
        if last < len(self.places):
            end = self.places[last]
        places = self.places[part.start - 1 : last]
        yield show_places(self.text, places, part.start, start, end)

    def _show_above(self, number: int) -> Iterator[str]:
        """Yield what the rules read above the place at which a part begins."""
        border = self._find_border(number)
        if border is None:
            return
        if border.kind:
            yield f"({border.kind.value} list, continued)"
        if border.above:
            # a place ends where the next one begins
            edges = (*self.places, len(self.text))
            start = edges[border.above - 1]
            end = edges[border.above]
            words = flatten(self.text[start:end])
            # the text may look like the number of a place
            words = PLACE.sub("[ ", words)
            yield f"(above, [{border.above}]) {words[:_LONGEST_ABOVE]}"

    def _find_border(self, number: int) -> Border | None:
        """Return the border with this number, or None if no item begins there."""
        for border in self.borders:
            if border.number == number:
                return border
        return None


def _expect_tokens(line: Question) -> int:
    """Return the expected output tokens for a line."""
    if line.task is Task.ENDPOINTS:
        return _PER_OUTCOME
    size = _PER_CRITERION
    if REGIMENS in line.fields:
        size = _PER_PASSAGE
    # most passages of a paper state neither
    if CRITERIA in line.fields:
        size += _PER_CRITERION
    if ENDPOINTS in line.fields:
        size += _PER_OUTCOME
    return size


def show_places(
    text: str, places: tuple[int, ...], first: int, start: int, end: int
) -> str:
    r"""Return ``text[start:end]`` with the number of each place before it, without empty lines. The
    first of the places has the number ``first``.

    >>> text = "Inclusion: \n\n * Age [2]"
    >>> show_places(text, (0, 14), 1, 0, len(text))
    '[1] Inclusion:\n [2] * Age [ 2]'
    """
    shown: list[str] = []
    edges = (start, *places, end)
    for number, (begin, stop) in enumerate(pairwise(edges), first - 1):
        part = PLACE.sub("[ ", text[begin:stop])
        # the text above the first place has no number
        if number >= first:
            part = f"[{number}] {part}"
        shown.append(part)
    lines = []
    for line in "".join(shown).splitlines():
        words = flatten(line)
        if words:
            indent = line[: len(line) - len(line.lstrip(" "))]
            lines.append(indent + words)
    return "\n".join(lines)


def estimate_record(record: TrialRecord, options: ExtractionOptions) -> RequestSize:
    """Estimate the size of the calls about a record, assuming that no reply is cut. The size is 0
    if nothing is asked.
    """
    parsed = parse_record(record, options.fields)
    request = plan_request(parsed, options)
    if request is None:
        return RequestSize()
    sizes = [measure_call(request.render(part)) for part in request.parts]
    questions = sum(map(request.count_items, request.parts))
    return sum(sizes, RequestSize())._replace(questions=questions)


def plan_request(parsed: ParsedRecord, options: ExtractionOptions) -> Request | None:
    """Return the request about a record that was read by the rules alone; None if ``options`` do
    not allow one, or if the record has nothing to ask about.
    """
    if not options.asks:
        return None
    section = parsed.sections.get(ELIGIBILITY)
    text = ""
    places: tuple[int, ...] = ()
    if section and Task.ELIGIBILITY in options.tasks:
        text = section.tokens.text
        places = list_offered_borders(section)
    numbers = count(len(places) + 1)
    lines = tuple(_list_lines(parsed, options, numbers))
    if not places and not lines:
        return None
    trial = describe_trial(parsed.record)
    if Task.DOSING not in options.tasks:
        trial = trial._replace(treatments=())
    borders = tuple(_list_borders(parsed, places))
    return Request(trial, text, places, borders, lines, options.fields)


def _list_borders(parsed: ParsedRecord, places: tuple[int, ...]) -> Iterator[Border]:
    """Yield the places at which the rules begin a criterion, in order."""

    def find_place(span: Span) -> int:
        """Return the number of the last place that is not behind the beginning of a span."""
        begin, _ = parsed.passage(span).clean_span
        return bisect_left(places, begin + 1)

    if not places:
        return
    last = 0
    for item in parsed.criteria:
        if item.span.section != ELIGIBILITY:
            continue
        number = find_place(item.span)
        if number <= last:
            continue
        last = number
        kind = item.read("kind").value
        above = None
        lead_in = item.read("lead_in").spans
        if lead_in:
            above = find_place(lead_in[0])
        yield Border(number, kind, above)


def _list_lines(
    parsed: ParsedRecord, options: ExtractionOptions, numbers: Iterator[int]
) -> Iterator[Question]:
    """Yield the lines other than the eligibility section: criteria of other sections, passages that
    may state regimens, who can take part or, in running text, criteria and endpoints, outcomes, and
    lines that may state a custom field. What a passage asks for is no line of its own.
    """
    passages = list(_list_passages(parsed, options))
    lines: list[Question] = []
    if Task.ELIGIBILITY in options.tasks and ELIGIBILITY not in parsed.sections:
        lines += _list_criteria(parsed, passages)
    lines += passages
    if Task.ELIGIBILITY in options.tasks:
        shown = {line.chunk.span.section for line in passages}
        lines = [*_add_people(lines), *_list_people(parsed, shown)]
    if Task.ENDPOINTS in options.tasks:
        lines += _list_outcomes(parsed, passages)
    wanted = [field for field in options.fields if field.is_wanted(options.tasks)]
    lines = [_add_fields(line, wanted) for line in lines]
    lines += _list_own(parsed, wanted, lines)
    for line in lines:
        yield replace(line, chunk=replace(line.chunk, number=next(numbers)))


def _list_passages(
    parsed: ParsedRecord, options: ExtractionOptions
) -> Iterator[Question]:
    """Yield the passages that may state regimens or, in running text, criteria and endpoints."""
    lists = _name_lists(parsed, options)
    asks_regimens = Task.DOSING in options.tasks
    if not asks_regimens and not lists:
        return
    for chunk in list_dose_passages(parsed, count()):
        fields: tuple[str, ...] = ()
        if chunk.span.section in DESCRIPTIONS:
            fields = lists
        if asks_regimens:
            fields = (*fields, REGIMENS)
        if fields:
            yield _ask_passage(chunk, fields)


def _name_lists(parsed: ParsedRecord, options: ExtractionOptions) -> tuple[str, ...]:
    """Return the lists that the running text of a record may state: criteria and endpoints, unless
    a section lists them. The text of a registry's record states neither.
    """
    if parsed.record.source.format not in PROSE_FORMATS:
        return ()
    lists: list[str] = []
    if Task.ELIGIBILITY in options.tasks and ELIGIBILITY not in parsed.sections:
        lists.append(CRITERIA)
    is_listed = any("_outcomes" in name for name in parsed.sections)
    if Task.ENDPOINTS in options.tasks and not is_listed:
        lists.append(ENDPOINTS)
    return tuple(lists)


def is_shown(span: Span, name: str, lines: Iterable[Question]) -> bool:
    """Return whether one of the lines asks for a list in which an item would stand."""
    return any(name in line.fields and line.chunk.span.contains(span) for line in lines)


def ask_listed(name: str, item: Draft, line: Question | None) -> Question:
    """Return the question about a criterion or endpoint of running text. ``line`` is the passage
    whose reply names it; None if none does. Its list or rank, and its time frame, are part of the
    structure.
    """
    if name == CRITERIA:
        task, own, fields = Task.ELIGIBILITY, Of.CRITERION, STATED_CRITERION
    else:
        task, own, fields = Task.ENDPOINTS, Of.ENDPOINT, STATED_OUTCOME
    question = Question(task, item.chunk, fields)
    for field in line.custom if line else ():
        if field.of is own:
            question = question.add(field)
    return question


def _list_criteria(
    parsed: ParsedRecord, passages: Sequence[Question]
) -> Iterator[Question]:
    """Yield the criteria that the rules read in a record without an eligibility section, other than
    those of passages that ask for criteria.
    """
    for item in parsed.criteria:
        if is_shown(item.span, CRITERIA, passages):
            continue
        fields = ("kind", *list_criterion_fields(item.rules), PEOPLE)
        hint = item.span.section.replace("_", " ")
        yield Question(Task.ELIGIBILITY, item.chunk, fields, hint)


def list_criterion_fields(rules: Mapping[str, object]) -> tuple[str, ...]:
    """Return the fields of a criterion that a model is asked for. Only a line above others has a
    rule; the list of an item and the line above it are part of the structure.
    """
    left_out = {"lead_in", "kind"}
    if "rule" not in rules:
        left_out.add("rule")
    return tuple(name for name in FIELDS[Task.ELIGIBILITY] if name not in left_out)


def _ask_passage(chunk: Chunk, fields: tuple[str, ...]) -> Question:
    """Return the question about the regimens, criteria or endpoints of a passage."""
    hint = chunk.span.section.replace("_", " ")
    # an arm's or an intervention's own text begins with its name
    if chunk.span.section.startswith(GROUPS):
        hint = ""
    task = Task.DOSING if REGIMENS in fields else Task.ELIGIBILITY
    return Question(task, chunk, fields, hint)


def _add_people(lines: Iterable[Question]) -> Iterator[Question]:
    """Yield lines; those that may state who can take part are asked for that, too."""
    for line in lines:
        may_state = line.chunk.span.section in _PEOPLE_IN or CRITERIA in line.fields
        asks = may_state and PEOPLE not in line.fields
        yield replace(line, fields=(*line.fields, PEOPLE)) if asks else line


def _list_people(parsed: ParsedRecord, shown: set[str]) -> Iterator[Question]:
    """Yield the sections that may state who can take part and that are not shown anyway."""
    for name in _PEOPLE_IN:
        text = parsed.record.raw_text(name)
        if text and name not in shown:
            chunk = Chunk(0, Span(name, 0, len(text)), clean_text(text).text)
            hint = name.replace("_", " ")
            yield Question(Task.ELIGIBILITY, chunk, (PEOPLE,), hint)


def _list_outcomes(
    parsed: ParsedRecord, passages: Sequence[Question]
) -> Iterator[Question]:
    """Yield the outcomes, each with all fields, other than those of passages that ask for
    endpoints. Only an outcome whose parts the registry does not store separately may be split.
    """
    for outcome in parsed.outcomes:
        if is_shown(outcome.span, ENDPOINTS, passages):
            continue
        section = parsed.record.section(outcome.span.section)
        names = FIELDS[Task.ENDPOINTS]
        if section and section.parts:
            names = tuple(name for name in names if name != "split")
        yield Question(Task.ENDPOINTS, outcome.chunk, names)


def _add_fields(line: Question, wanted: Iterable[CustomField]) -> Question:
    """Return a line that is asked for the custom fields of its kind, too."""
    for field in wanted:
        if _belongs(field, line):
            line = line.add(field)
    return line


def _belongs(field: CustomField, line: Question) -> bool:
    """Return whether a line may state a custom field."""
    section = line.chunk.span.section
    match field.of:
        case Of.REGIMEN:
            return REGIMENS in line.fields
        case Of.ENDPOINT:
            return ENDPOINTS in line.fields or line.task is Task.ENDPOINTS
        case Of.CRITERION:
            is_criterion = line.task is Task.ELIGIBILITY and "category" in line.fields
            return is_criterion or CRITERIA in line.fields
    return field.searches(section) and field.is_mentioned_in(line.chunk.text)


def _list_own(
    parsed: ParsedRecord, wanted: Iterable[CustomField], known: Iterable[Question]
) -> Iterator[Question]:
    """Yield the lines that are shown only because they may state a custom field of the record, in
    the order of the text.
    """
    of_record = [field for field in wanted if field.of is Of.RECORD]
    if not of_record:
        return
    shown = [line.chunk.span for line in known]
    for name, section in parsed.sections.items():
        # the eligibility section is shown as a whole
        if name == ELIGIBILITY:
            continue
        fields = [field for field in of_record if field.searches(name)]
        # cutting a section into lines takes time
        if not fields:
            continue
        hint = name.replace("_", " ")
        for passage in section.lines():
            text = passage.text
            mentioned = [field for field in fields if field.is_mentioned_in(text)]
            if not mentioned:
                continue
            span = span_of(passage)
            is_shown_already = any(map(span.overlaps, shown))
            if is_shown_already:
                continue
            line = Question(Task.ELIGIBILITY, Chunk(0, span, text), (), hint)
            for field in mentioned:
                line = line.add(field)
            yield line
