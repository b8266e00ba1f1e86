"""The applications built on extractions. No lower layer imports an app; commands are in ``cli``."""
