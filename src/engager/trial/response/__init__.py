"""What visits see of a disease, and what response that is called."""
