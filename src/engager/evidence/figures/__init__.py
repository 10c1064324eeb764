"""Pictures of the evidence: forest, network, map and curve."""
