"""``extractor mcp``: serve tools to agents over the Model Context Protocol."""

import asyncio

from extractor.apps.cli.console import requiring
from extractor.apps.cli.environment import choose_model
from extractor.apps.mcp.settings import ToolOptions, ToolSettings


def mcp(options: ToolOptions) -> None:
    """Serve tools to an agent on this machine over standard input and output.

    The four tools are extract_text, extract_record (an NCT number, or a file under
    --files), verify_quote and list_fields. The agent's program starts this command,
    which exits when its client disconnects.

        {"mcpServers": {"extractor": {"command": "extractor", "args": ["mcp"]}}}

    Without --model, only the rules are used. --max-usd limits the total cost of all calls since the
    server started.
    """
    with requiring("mcp", "mcp"):
        from extractor.apps.mcp.server import serve_stdio  # noqa: PLC0415 - belongs to an extra
    if not options.files.is_dir():
        raise ValueError(f"--files {options.files}: the folder does not exist")
    asyncio.run(serve_stdio(ToolSettings(options, *choose_model(options))))
