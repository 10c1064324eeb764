"""Records of publications: their schema, reading, checks, citations and export."""
