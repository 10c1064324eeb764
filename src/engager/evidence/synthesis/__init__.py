"""What many records say together: pooling, networks, historical priors, matching."""
