"""Time courses and dose-response within patients: observations, fit and check."""
