"""The tools for agents, asked by the SDK's own client."""
