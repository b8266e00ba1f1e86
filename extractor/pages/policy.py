"""What a page may do."""

import base64
import hashlib

__all__ = ["state_policy"]


def state_policy(style: str, script: str) -> str:
    """A content security policy: nothing may be loaded, sent or run but this style and this script.

    >>> state_policy("", "").split("; ")[0]
    "default-src 'none'"
    """
    hashes = (base64.b64encode(hashlib.sha256(part.encode()).digest()).decode() for part in (style, script))
    style_hash, script_hash = hashes
    return (
        f"default-src 'none'; style-src 'sha256-{style_hash}'; script-src 'sha256-{script_hash}'; "
        "base-uri 'none'; form-action 'none'"
    )
