"""``extractor mcp``: tools for agents, by the Model Context Protocol."""

import asyncio

from extractor.apps.mcp.settings import ToolOptions, ToolSettings


def mcp(options: ToolOptions) -> None:
    """Serve tools to an agent on this machine over standard input and output.

    Four tools of the Model Context Protocol: extract_text, extract_record (an NCT
    number, or a file below --files), verify_quote and list_fields. An agent's
    program starts this command; it ends with its client.

        {"mcpServers": {"extractor": {"command": "extractor", "args": ["mcp"]}}}

    Without --model the rules work alone. --max-usd limits all calls of one start.
    """
    try:
        from extractor.apps.mcp.server import serve_stdio
    except ImportError as error:
        from extractor.errors import MissingExtra

        if (error.name or "").partition(".")[0] == "mcp":
            raise MissingExtra("mcp needs the SDK of the protocol", "mcp") from error
        raise
    from extractor.apps.cli.environment import choose_model

    if not options.files.is_dir():
        raise ValueError(f"--files {options.files}: there is no such folder")
    spec, pricing = choose_model(options)
    asyncio.run(serve_stdio(ToolSettings(options, spec, pricing)))
