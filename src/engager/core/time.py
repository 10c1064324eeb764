"""How days, weeks, months and years are counted, wherever one becomes another."""

from __future__ import annotations

DAYS_PER_WEEK = 7
DAYS_PER_YEAR = 365.25
# Papers print months; a month is a twelfth of a year, as in `core.units` and the evidence vocabulary.
DAYS_PER_MONTH = DAYS_PER_YEAR / 12
# Trials of relapsed leukemia judge a response by the end of two cycles: 12 weeks (TOWER, doi:10.1056/NEJMoa1609783).
RESPONSE_WINDOW_DAYS = 84.0
# How long a single virtual patient is followed when nobody says: until then.
PATIENT_DAYS = RESPONSE_WINDOW_DAYS
# Months in one of each unit that a paper may print a time in.
MONTHS_PER = {"months": 1.0, "weeks": DAYS_PER_WEEK / DAYS_PER_MONTH, "days": 1.0 / DAYS_PER_MONTH, "years": 12.0}
