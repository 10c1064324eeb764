"""What every page, file and help text says of itself."""

RESEARCH_USE = "For research and teaching; never advice on treating a patient."
