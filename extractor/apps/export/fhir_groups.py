"""Export criteria that are alternatives as Groups within the Group of those who are eligible.

"all of" and ``exclude`` combine the criteria that decide alone. For the others, a characteristic
refers to a Group with a method of its own: any of its characteristics, at least two of them, or all
of them together.
"""

from collections.abc import Iterable

from extractor.apps.export.fhir_shared import find_alternatives
from extractor.apps.export.fhir_types import EBM, Json, TrialResources, is_sure
from extractor.schemas import CriterionGroup, CriterionKind, GroupRule

CriterionValues = list[Json] | str
"""A criterion as codes and values; or, as a text, what it says beside its limits, so that it has no
values. That text is empty if its limits are not sure.
"""
_METHODS = {
    GroupRule.ALL: "all-of",
    GroupRule.ANY: "any-of",
    GroupRule.AT_LEAST: "at-least",
}


def make_group(
    name: str,
    characteristics: list[Json],
    method: str = "all-of",
    threshold: int | None = None,
) -> Json:
    """Return the content of a Group of people: those who have all of the characteristics, or as
    the code ``method`` combines them; ``threshold`` is the number of "at-least".
    """
    combined: list[Json] = [{"url": f"{EBM}/combination-method", "valueCode": method}]
    if threshold is not None:
        url = f"{EBM}/combination-threshold"
        combined.append({"url": url, "valuePositiveInt": threshold})
    return {
        "meta": {"profile": [f"{EBM}/study-eligibility-criteria|1.0.0-ballot"]},
        "extension": combined,
        "type": "person",
        "membership": "definitional",
        "name": name,
        "characteristic": characteristics,
    }


class NestedGroups:
    """The groups within the eligible one, whose ``characteristics`` they add to. Groups that are
    not sure are listed.

    Args:
        trial: The trial's resources.
        characteristics: Those of the eligible Group.
    """

    def __init__(self, trial: TrialResources, characteristics: list[Json]) -> None:
        eligibility = trial.extraction.eligibility
        self._trial = trial
        self._outer = characteristics
        self._places = {
            group.id: place for place, group in enumerate(eligibility.groups)
        }
        self._held: dict[str, list[Json]] = {}
        """Characteristics by group."""
        self._excluded: dict[str, bool] = {}
        """Whether a group is among the exclusions, as its first criterion is."""
        self._unsure = set[str]()
        for place, group in enumerate(eligibility.groups):
            lacks_number = group.rule is GroupRule.AT_LEAST and not group.n
            if is_sure(eligibility, f"groups[{place}]") and not lacks_number:
                continue
            self._unsure.add(group.id)
            trial.leave_out(f"eligibility.groups[{place}]", group, "unsure")
        self.around = find_alternatives(eligibility, self._unsure)
        """The groups around each criterion, innermost first; none if it decides alone."""

    def check(self, index: int, values: CriterionValues) -> CriterionValues:
        """Return the values of a criterion, or why they cannot stand in its group: its rule is
        not sure, or it can take one value of a criterion, and there are several.
        """
        around = self.around[index]
        if not around or not isinstance(values, list):
            return values
        # Criteria of a group whose rule is not sure stay texts.
        if self._has_unsure(around):
            return "a group whose rule is not sure"
        if len(values) != 1:
            return "several values in a group"
        return values

    def _has_unsure(self, groups: Iterable[CriterionGroup]) -> bool:
        """Return whether the rule of one of some groups is not sure."""
        return any(group.id in self._unsure for group in groups)

    def open(self, index: int) -> tuple[list[Json], bool]:
        """Return where the characteristics of a criterion belong, and whether their ``exclude`` is
        turned there.

        A criterion that decides alone, or whose group is not sure, belongs to the eligible Group.
        Else it belongs to its innermost group; the groups around it that have no criteria yet are
        begun, each as a reference in the group around it. If the outermost group is of exclusions,
        this reference excludes, so what is in the groups says only what there is.
        """
        criterion = self._trial.extraction.eligibility.criteria[index]
        around = self.around[index]
        if not around or self._has_unsure(around):
            return self._outer, False
        outermost = around[-1]
        is_excluded = self._excluded.setdefault(
            outermost.id, criterion.kind is CriterionKind.EXCLUSION
        )
        within = self._outer
        for group in reversed(around):
            if group.id not in self._held:
                self._held[group.id] = []
                # The reference to the outermost group excludes all that is within it.
                exclude = is_excluded and group is outermost
                within.append(self._refer(group, exclude=exclude))
            within = self._held[group.id]
        return within, is_excluded

    def _refer(self, group: CriterionGroup, *, exclude: bool) -> Json:
        """Return the characteristic that refers to the Group of a group."""
        name = f"group-{self._places[group.id]}"
        return {
            "id": name,
            "code": {"text": str(group)},
            "valueReference": {"reference": f"Group/{self._trial.id}-{name}"},
            "exclude": exclude,
        }

    def add(self) -> None:
        """Add a Group for each group that has criteria."""
        for group in self._trial.extraction.eligibility.groups:
            characteristics = self._held.get(group.id)
            if characteristics is None:
                continue
            place = self._places[group.id]
            least = group.n if group.rule is GroupRule.AT_LEAST else None
            content = make_group(
                group.lead_in or str(group),
                characteristics,
                _METHODS[group.rule],
                least,
            )
            self._trial.add("Group", f"-group-{place}", content)
            self._trial.leave_out(
                f"eligibility.groups[{place}].n_high", group.n_high, "no_element"
            )
