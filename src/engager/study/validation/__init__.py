"""Every published figure beside its simulated value, and the fit behind it."""
