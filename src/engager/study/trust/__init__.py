"""How far to trust it: the statement of docs/credibility.md, and what a page shows beside it."""
