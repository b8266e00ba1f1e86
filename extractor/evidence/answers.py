"""What a model was asked about a record, and what the text bears out of its answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from extractor.evidence.drafts import Draft
from extractor.schemas import Usage


@dataclass(frozen=True)
class ModelResult:
    """What a model said of a record.

    Attributes:
        drafts: One for each line that was asked about, and one for the record if that was. A line
            with several regimens has several. A line without an answer has one that says what was
            asked.
        dropped: Why answers could not be read at all.
        remarks: What is doubtful about how replies were read.
        usage: Calls and tokens.
    """

    drafts: tuple[Draft, ...] = ()
    dropped: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)

    def complete(self, draft: Draft) -> Draft:
        """Add to a draft of the rules what the model said of it."""
        said = self.by_number.get(draft.number)
        if said is None:
            return draft
        return replace(
            draft,
            model=said.model,
            refused=said.refused,
            own=_join(draft, said),
            asked=said.asked,
            is_skipped=said.is_skipped,
        )

    @cached_property
    def by_number(self) -> Mapping[int, Draft]:
        """One draft for each line. Of several answers about a field, the first counts."""
        found: dict[int, Draft] = {}
        for one in self.drafts:
            first = found.get(one.number)
            if first:
                model = {**one.model, **first.model}
                refused = (*first.refused, *one.refused)
                found[one.number] = replace(
                    first, model=model, refused=refused, own=_join(first, one)
                )
            else:
                found[one.number] = one
        return found

    @cached_property
    def passages(self) -> Sequence[Draft]:
        """What was said of the passages whose regimens the model was to list, in reading order."""
        return sorted(
            (one for one in self.drafts if "regimens" in one.asked), key=lambda one: one.number
        )

    @property
    def lists_regimens(self) -> bool:
        """Whether a model gave a list of the record's regimens, be it empty."""
        return any(one.is_answered for one in self.passages)

    def list_regimens(self) -> list[Draft]:
        """Return the model's regimens."""
        return [one for one in self.passages if {"agent", "quote"} & one.model.keys()]


def _join(first: Draft, other: Draft) -> Mapping[str, tuple[Draft, ...]]:
    """Return the values of a user's own fields in both drafts."""
    return {
        name: (*first.own.get(name, ()), *other.own.get(name, ()))
        for name in {**first.own, **other.own}
    }
