"""The concepts of a trial record. Each has a folder with its rules and reader; ``prove`` and
``assemble`` are there if a concept needs its own, otherwise in ``evidence`` and ``assembly``.

``parse`` reads a whole record, ``provenance`` records the origin of each field, ``resolve`` chooses
between rules and model, ``places`` compares positions and ``aliases`` finds the names of agents.
"""
