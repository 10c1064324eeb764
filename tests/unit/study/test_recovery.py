"""A recovery study told in a document: the counts are those of the ranks, and chance is said."""

from engager.calibration import Recovered, recovery_plan
from engager.study import recovery_text


def test_the_document_counts_truths_within_their_intervals():
    plan = recovery_plan(None, None, None)
    names = tuple(one.name for one in plan.unknowns)
    truths = [_recovered(names, rank) for rank in (0.01, 0.3, 0.5, 0.7)]
    text = recovery_text(plan, truths, "engager calibrate --recover 4 --markdown recovery.md")
    rows = dict(line.strip("| ").split(" | ", 1) for line in text.splitlines() if line.startswith("|"))
    # 0.01 lies below the central 90 %
    assert rows[f"{len(names)} unknowns"] == f"75 % | {len(names)} {len(names)} {len(names)} {len(names)} 0"
    assert rows["1 figures of a new trial"] == "100 % | 0 0 4 0 0"
    assert "Made by `engager calibrate --recover 4 --markdown recovery.md`" in text
    # of four truths, two to four in their 90 % intervals are no surprise (binomial, 0.995 of the chance)
    assert "4 truths: 2 to 4 in its interval" in text
    assert f"{plan.members} draws, {plan.rounds} rounds" in text


def _recovered(names, rank):
    return Recovered(names, (rank,) * len(names), ("tower blinatumomab CR",), (0.5,))
