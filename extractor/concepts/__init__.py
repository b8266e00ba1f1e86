"""The concepts of a trial record. Each concept has a folder with its rules and its reader. If the
concept needs its own ``prove``, it is also in the folder; otherwise, the modules in ``evidence``
and ``assembly`` are used. ``assembly`` chooses between the rules and the model, and builds the
items.

``parse`` reads a whole record, ``places`` compares positions and ``aliases`` finds the names of
agents.
"""
