"""Evidence synthesis for whoever shows it: pooled figures, forest, network and map, and records of one's own."""
