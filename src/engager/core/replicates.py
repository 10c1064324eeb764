"""How many virtual trials are run when nobody says, and from how many on something can be said.

With R replicates the range of their figures covers a new trial's with probability (R - 1) / (R + 1): 39 are the
fewest whose range is a 95 % prediction interval.
"""

from __future__ import annotations

TRIAL_REPLICATES = 40
VALIDATION_REPLICATES = 40
DESIGN_REPLICATES = 200
MOST_REPLICATES = 1_000_000
FEWEST_FOR_95_PERCENT = 39
# The range of 9 covers 80 %: too little to call a published figure inside or outside.
FEWEST_FOR_A_VERDICT = 10
