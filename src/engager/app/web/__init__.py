"""The dashboard: pages over `study`. It computes nothing itself; pages say how to make the same without them."""
