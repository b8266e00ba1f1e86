"""Groups: whether all, any or a certain number of the criteria in a group must apply.

- ``read`` determines the rule of a line from its words, from "or" and "and" between the items, or
  from the wording of the items. It also finds adjacent items that exclude each other, and checks
  whether the words of a line support a rule. The phrases are in ``rules/groups.toml``.
- ``assemble`` builds the tree of the lines above each criterion. A line with several members
  becomes a group, and so does a run of alternatives; a line with a single member does not.

The required number of members is read, and considered proven, only if the text states it.
"""
