"""Sensitivity of a study, its content and its words."""
