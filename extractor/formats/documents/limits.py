"""Limits for a document and for the process that reads it. Protocols are 60 to 300 pages long and
at most about 20 MB in size.
"""

MAX_DOCUMENT_BYTES = 100 * 1000**2
MAX_PAGES = 2_000
MAX_DOCUMENT_CHARACTERS = 5_000_000
MAX_SECONDS = 120
"""Maximum time for reading a document, in seconds."""
MAX_MEMORY_BYTES = 3 * 1024**3
"""Maximum address space of the child process, in bytes."""
MAX_REPLY_BYTES = 64 * 1000**2
"""Maximum size of the child process's reply, in bytes."""
