"""The concepts of a trial record. Each concept has a folder with its rules and its reader. If the
concept needs its own ``prove`` and ``assemble``, they are also in the folder; otherwise, the
modules in ``evidence`` and ``assembly`` are used.

``parse`` reads a whole record, ``provenance`` records the origin of each field, ``resolve``
chooses between the rules and the model, ``places`` compares positions and ``aliases`` finds the
names of agents.
"""
