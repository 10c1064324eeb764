"""Native code for each model, written as LLVM and compiled when first used."""
