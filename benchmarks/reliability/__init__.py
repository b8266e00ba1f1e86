"""Whether the pre-parser's readings are as often right as they say."""
