"""The same generated code for a GPU, one thread per patient."""
