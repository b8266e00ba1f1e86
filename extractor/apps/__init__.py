"""What people do with extractions. Nothing below imports an app; commands stand in ``cli``."""
