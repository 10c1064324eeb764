"""One module per group of commands; each calls `study` or a layer and prints."""
