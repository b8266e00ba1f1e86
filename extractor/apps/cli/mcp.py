"""``extractor mcp``: tools for agents, by the Model Context Protocol."""

import asyncio

from extractor.apps.cli.console import needing
from extractor.apps.mcp.settings import ToolOptions, ToolSettings


def mcp(options: ToolOptions) -> None:
    """Serve tools to an agent on this machine over standard input and output.

    Four tools of the Model Context Protocol: extract_text, extract_record (an NCT
    number, or a file below --files), verify_quote and list_fields. An agent's
    program starts this command; it ends with its client.

        {"mcpServers": {"extractor": {"command": "extractor", "args": ["mcp"]}}}

    Without --model the rules work alone. --max-usd limits all calls since the start.
    """
    with needing("mcp", "mcp"):
        from extractor.apps.mcp.server import serve_stdio
    from extractor.apps.cli.environment import choose_model

    if not options.files.is_dir():
        raise ValueError(f"--files {options.files}: there is no such folder")
    asyncio.run(serve_stdio(ToolSettings(options, *choose_model(options))))
