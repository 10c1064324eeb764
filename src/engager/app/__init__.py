"""Command line. It reads options, calls `study` and other layers, and prints; it computes nothing itself."""

__all__: list[str] = []
