"""Small made-up results to draw; shapes are those of docs/architecture.md, numbers mean nothing."""

import numpy as np
import polars as pl
import pytest

from engager.report import BaselineRow, CoursesSection, DoseSegment, Panel, ReportContent, Source


def comparison(arm="A", endpoint="CR", statistic="proportion", inside=True, **more):
    """One comparison dict; `published` and `simulated` can be replaced."""
    usual = {
        "arm": arm,
        "endpoint": endpoint,
        "statistic": statistic,
        "time_months": None,
        "published": {"value": 0.336, "low": 0.28, "high": 0.395, "n": 271, "source": "made-up-2020#S1"},
        "simulated": {"median": 0.35, "low": 0.29, "high": 0.41},
        "inside": inside,
    }
    return usual | more


@pytest.fixture(scope="session")
def comparisons():
    return [
        comparison(),
        comparison(
            "B",
            inside=False,
            published={"value": 0.16, "low": None, "high": None, "n": 134, "source": []},
        ),
        comparison(
            endpoint="OS",
            statistic="median",
            published={"value": 7.7, "low": 5.6, "high": 9.6, "n": 271, "source": ["made-up-2020", "other"]},
            simulated={"median": 8.4, "low": 6.5, "high": None},
        ),
        comparison(
            endpoint="OS",
            statistic="survival_at",
            time_months=6,
            published={"value": 0.54, "low": 0.48, "high": 0.6, "n": 271, "source": "made-up-2020"},
        ),
        comparison(
            "A vs B",
            "OS",
            "hazard_ratio",
            published={"value": 0.71, "low": 0.55, "high": 0.93, "n": None, "source": None},
            simulated={"median": 0.74, "low": 0.58, "high": 0.95},
        ),
    ]


@pytest.fixture(scope="session")
def bands():
    months = np.arange(0.0, 13.0)
    frames = [
        pl.DataFrame(
            {
                "arm": [arm] * 13,
                "endpoint": ["OS"] * 13,
                "month": months,
                "survival": np.exp(-months * rate),
                "low": np.exp(-months * rate * 1.2),
                "high": np.exp(-months * rate * 0.8),
                "at_risk": np.round(100 * np.exp(-months * rate)),
                "n_replicates": [40] * 13,
            }
        )
        for arm, rate in (("A", 0.08), ("B", 0.15))
    ]
    return pl.concat(frames)


@pytest.fixture(scope="session")
def trajectories():
    days = np.arange(0.0, 43.0)
    frames = [
        pl.DataFrame(
            {
                "replicate": [0] * 43,
                "arm": [arm] * 43,
                "patient": [patient] * 43,
                "day": days,
                "drug": np.where(days < 28, 600.0 + patient, 0.0),
                "blasts": 0.8 * np.exp(-days * 0.1 * patient),
            }
        )
        for arm in ("A", "B")
        for patient in (1, 2, 3)
    ]
    return pl.concat(frames)


@pytest.fixture(scope="session")
def estimates():
    rows = [
        {
            "arm": arm, "endpoint": endpoint, "statistic": statistic, "time_months": None,
            "value": value + 0.01 * i, "low": 0.0, "high": 1.0, "n": 100 + i, "events": 30, "n_failed": 0,
            "replicate": i, "subgroup": None, "p_value": float("nan"), "request": 2 * k + (arm == "B"),
        }
        for k, (endpoint, statistic, value) in enumerate(
            [("CR", "proportion", 0.3), ("CRS_grade3plus", "proportion", 0.05), ("OS", "median", 7.0)]
        )
        for arm in ("A", "B")
        for i in range(5)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema_overrides={"time_months": pl.Float64, "subgroup": pl.String})


@pytest.fixture(scope="session")
def patients():
    return pl.DataFrame(
        {
            "replicate": [0, 0, 0, 1, 1, 1],
            "arm": ["A", "A", "B", "A", "A", "B"],
            "failed": [False, False, False, True, False, False],
            "treated": [True, False, True, None, True, True],
            "best_response": ["CR", "none", "none", None, "CRi", "CRh"],
            "hsct_day": [50.0, None, None, None, None, 80.0],
            "relapse_day": [None, None, None, None, 100.0, None],
            "death_day": [None, 30.0, 60.0, None, 200.0, None],
        }
    )


@pytest.fixture(scope="session")
def content(comparisons, bands, trajectories, estimates, patients):
    return ReportContent(
        title="A trial <of layout>",
        study="layout",
        run="layout-1",
        arms={"A": 271, "B": 134},
        replicates=40,
        seed=7,
        model="b-all",
        summary=["Nothing here was simulated."],
        versions={"engager": "0"},
        comparisons=comparisons,
        sources=[
            Source("made-up-2020", "Nobody. Nothing. 2020.", ["an abstract"], "https://example.org/x"),
            Source("bad", "Bad link", [], "javascript:alert(1)"),
        ],
        baseline=[BaselineRow("Age, years", {"A": "40", "B": "41"}, {"A": "37"}, "made-up-2020#S2")],
        estimates=estimates,
        patients=patients,
        survival=bands,
        courses=CoursesSection(
            trajectories,
            [
                Panel("Drug", {"drug": "drug"}, "ng/L", floor=1.0),
                Panel("Leukemia", {"blasts": "blasts"}, "fraction", limits={1e-2: "MRD limit"}),
            ],
            ["A", "B"],
            {"A": [DoseSegment(0, 7, 9), DoseSegment(7, 28, 28)]},
        ),
        limits=["One compartment."],
        seconds=3.0,
    )
