"""How requests reach a server: connections, limits, faults, turns."""
