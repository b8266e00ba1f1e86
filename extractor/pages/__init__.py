"""What the project's pages of HTML share: their frame and look, their policy, and safe JSON in them."""

from .assets import read_assets
from .embed import escape_json, to_utf16
from .page import render_page

__all__ = ["escape_json", "read_assets", "render_page", "to_utf16"]
