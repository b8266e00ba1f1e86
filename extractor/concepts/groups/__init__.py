"""How criteria belong together: all of them, any, or a number of them.

- ``read``: the rule of a line from its words, from "or" and "and" between the items, or from what
  the items are; adjacent items that exclude each other; whether the words of a line support a
  rule. The phrases are in ``rules/groups.toml``.
- ``assemble``: the tree of the lines above each criterion. A line with several members is a group,
  and so is a run of alternatives. A line with one member is none.

A number of members is read, and proven, only where words state it.
"""
