"""The pages: each takes what `study` gives and a template; none computes."""
