"""The frame that all pages of HTML share: their look, their security policy, and safe JSON in them."""

from .page import escape_json, name_label, read_assets, read_shared_script, render_page, state_policy, to_utf16

__all__ = ["escape_json", "name_label", "read_assets", "read_shared_script", "render_page", "state_policy", "to_utf16"]
