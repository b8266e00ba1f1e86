"""What the project's pages of HTML share: their frame and look, their policy, and safe JSON in them."""

from .assets import name_label, read_assets, read_shared_script
from .embed import escape_json, to_utf16
from .page import render_page

__all__ = ["escape_json", "name_label", "read_assets", "read_shared_script", "render_page", "to_utf16"]
