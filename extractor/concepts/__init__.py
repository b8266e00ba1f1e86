"""The concepts of a trial record. Each has a folder with its rules and reader; the folder also
contains ``prove`` and ``assemble`` if the concept needs its own versions; otherwise, those in
``evidence`` and ``assembly`` are used.

``parse`` reads a whole record, ``provenance`` records the origin of each field, ``resolve``
chooses between the rules and the model, ``places`` compares positions and ``aliases`` finds the
names of agents.
"""
