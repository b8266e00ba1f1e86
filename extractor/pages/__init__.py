"""What the project's pages of HTML share: their look, their template engine, their policy, and safe JSON in them."""

from .assets import read_assets
from .embed import escape_json, to_utf16
from .policy import state_policy
from .template import render_template

__all__ = ["escape_json", "read_assets", "render_template", "state_policy", "to_utf16"]
