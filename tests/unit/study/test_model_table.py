"""The table of parameters: prior beside posterior, each with its source or the assumption behind it."""

from __future__ import annotations

from engager.calibration import shipped_posterior
from engager.model import load_model
from engager.study import model_table


def test_every_parameter_stands_with_source_or_assumption():
    rows = model_table()
    assert [row["name"] for row in rows] == list(load_model("b-all").parameters)
    assert all(row["source"] or row["assumed"] for row in rows)
    assert all(bool(row["citation"]) == bool(row["source"]) for row in rows)
    assert "10.1007/s40262-019-00823-8" in next(row["citation"] for row in rows if row["name"] == "CL")


def number(text):
    """The value of a number as the table writes it: ``0.17``, ``2 × 10⁹``."""
    mantissa, _, power = text.partition(" × 10")
    return float(mantissa.replace("\u202f", "")) * 10.0 ** int(
        power.translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")) or 0
    )


def test_fitted_typical_values_have_prior_and_posterior():
    fitted = {row["name"] for row in model_table() if row["posterior"]}
    names = set(shipped_posterior("b-all").names) & set(load_model("b-all").parameters)
    assert fitted == names
    for row in model_table():
        if row["posterior"]:
            low, high = (number(one) for one in row["prior"].split(" to "))
            assert low <= number(row["posterior"].split(" (")[0]) <= high
