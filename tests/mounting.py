"""Temporary disks that are read-only, full or small, and visible to a single command."""

import os
import shutil
import subprocess

import pytest

UNSHARE = (
    ["unshare", "--mount"]
    if os.name == "posix" and os.geteuid() == 0
    else ["unshare", "--user", "-r", "--mount"]
)


def _can_mount() -> bool:
    trial = [*UNSHARE, "true"]
    return (
        bool(shutil.which("unshare"))
        and subprocess.run(trial, capture_output=True, check=False).returncode == 0
    )


needs_mount = pytest.mark.skipif(not _can_mount(), reason="needs a mount of its own")
