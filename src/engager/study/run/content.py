"""What the report of a run shows: protocol, tables and comparisons put into the report layer's own form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from engager.analysis import EndpointRequest
from engager.core import InputError, remembered
from engager.protocol import Protocol, Regimen
from engager.report import CoursesSection, DoseSegment, Panel, PredictiveSection, ReportContent, Source
from engager.study.notes import after_cut_sentence, run_notes
from engager.study.parameters import Parameters
from engager.study.run.baseline import baseline_rows
from engager.study.run.requests import definitions_of, page_requests_of, request_for, requests_of
from engager.study.sensitivity.drivers import drivers_section
from engager.trial import TrialData

if TYPE_CHECKING:
    import polars as pl

    from engager.evidence import RebuiltCurve

_SURVIVAL = ("OS", "EFS")
_FEWEST_ANCHORS = 2
_COURSE_CYCLES = 3
_LARGEST_COURSE_DAYS = 168.0

# Panels of the sampled courses, from drug to counts; a panel whose columns a model lacks is left out.
_CYTOKINES = {"il6_pg_per_mL": "IL-6", "il10_pg_per_mL": "IL-10", "ifng_pg_per_mL": "IFN-gamma"}
MARROW = Panel(
    "Leukemic share of marrow cells",
    {"marrow_blasts_percent": "blasts"},
    "share",
    floor=1e-7,
    limits={0.05: "5 %", 1e-4: "10⁻⁴"},
    scale=0.01,
)
# Counts above which a response has recovered (`trial/data/assumptions.yaml`; a test holds them to it).
NEUTROPHILS = Panel(
    "Neutrophils", {"anc_per_uL": "neutrophils"}, "per uL", floor=10.0, limits={1000.0: "CR", 500.0: "CRh"}
)
PLATELETS = Panel(
    "Platelets", {"platelets_per_uL": "platelets"}, "per uL", floor=1000.0, limits={1e5: "CR", 5e4: "CRh"}
)
_PANELS = (
    Panel("Drug in serum, patients on drug", {"drug_pg_per_mL": "drug"}, "pg/mL", floor=10.0, from_floor=True),
    Panel("Lymphocytes in blood", {"cd8_per_uL": "CD8 T cells", "b_per_uL": "B cells"}, "cells/uL", floor=0.1),
    MARROW,
    Panel("Tumor", {"tumor_cells": "tumor cells"}, "cells", floor=1.0),
    Panel("Cytokines", _CYTOKINES, "pg/mL", floor=1.0),
    NEUTROPHILS,
    PLATELETS,
)

_LIMITS = (
    "Virtual patients follow a model. What it leaves out, such as supportive care and differences between sites, does"
    " not show.",
    "A published figure outside its interval is a finding about the model or its fit; it stays in the table.",
)
_NO_DRIVERS = "What drives these outcomes was not analyzed for this study; the command engager sensitivity does it."


def report_content(
    protocol: Protocol,
    data: TrialData,
    estimates: pl.DataFrame,
    comparisons: Sequence[Mapping[str, Any]],
    manifest: dict[str, Any],
    run_id: str,
    values: Parameters,
    predictive: PredictiveSection | None,
    courses: CoursesSection | None,
) -> ReportContent:
    """Everything the report of a run shows.

    Parameters
    ----------
    data : all replicates.
    estimates : of `requests_of` the protocol.
    comparisons : of `told_comparisons`.
    manifest : of the run so far.
    run_id : name of the run folder.
    values : population values of the run.
    predictive : individual patients beside virtual ones, of `predictive_section`.
    courses : of `courses_section`.
    """
    replicates = range(int(manifest["replicates"]))
    drivers = drivers_section(protocol.model.id, values, protocol=protocol)
    return ReportContent(
        title=protocol.title or protocol.study,
        study=protocol.study,
        run=run_id,
        arms={arm_id: arm.n for arm_id, arm in protocol.arms.items()},
        replicates=len(replicates),
        seed=int(manifest["seed"]),
        n_failed=data.n_failed,
        model=str(protocol.model),
        summary=_summary(protocol, manifest),
        outside_fit=manifest["outside_fit"],
        versions=manifest["versions"],
        comparisons=comparisons,
        tells_parameters=values.has_draws,
        predictive=predictive,
        drivers=drivers,
        sources=_sources(protocol, comparisons),
        baseline=baseline_rows(protocol, data.patients),
        estimates=_with_page_requests(protocol, data, estimates, replicates),
        definitions=definitions_of(protocol),
        patients=data.patients,
        survival=_survival(protocol, data, replicates),
        one_trial=_one_trial(protocol, data),
        rebuilt=_rebuilt(protocol),
        curve_notes=_curve_notes(protocol),
        is_counterfactual=protocol.allocation.counterfactual,
        courses=courses,
        limits=[
            *_LIMITS,
            *([] if drivers else [_NO_DRIVERS]),
            protocol.how_allocated(),
            *run_notes(protocol),
            *filter(None, [after_cut_sentence(manifest["n_after_cut"], protocol.n_patients * manifest["replicates"])]),
        ],
        seconds=manifest.get("seconds"),
    )


def courses_section(protocol: Protocol, table: pl.DataFrame) -> CoursesSection | None:
    """Drug and cells of the sampled patients over the first cycles; None when nothing was kept or can be shown."""
    last_day = _course_days(protocol)
    panels = [panel for panel in _PANELS if set(panel.columns) <= set(table.columns)]
    if not (table.height and panels):
        return None
    doses = {arm_id: planned_doses(arm.regimen, _COURSE_CYCLES) for arm_id, arm in protocol.arms.items()}
    # what lies beyond the axis would only be sent in vain
    return CoursesSection(table.filter(table["day"] <= last_day), panels, protocol.arm_ids, doses, last_day)


def planned_doses(regimen: Regimen, n_cycles: int, band: int = 0) -> list[DoseSegment]:
    """Doses of the first cycles as planned, in days from the start, for one weight band (0: the main doses)."""
    found = []
    for cycle in range(1, min(n_cycles, regimen.cycles) + 1):
        start = regimen.cycle_start(cycle)
        for segment in regimen.segments(cycle, band):
            unit = {"infusion": "ug/day", "course": "course"}.get(segment.kind, "ug")
            if segment.basis == "per_m2":
                unit = unit.replace("ug", "ug/m2", 1)
            found.append(
                DoseSegment(
                    float(start + segment.first_day - 1),
                    float(start + segment.last_day),
                    segment.amount,
                    unit,
                    segment.drug,
                )
            )
    return found


def _course_days(protocol: Protocol) -> float:
    ends = [arm.regimen.cycle_start(min(_COURSE_CYCLES, arm.regimen.cycles) + 1) for arm in protocol.arms.values()]
    return min(float(max(ends)), _LARGEST_COURSE_DAYS)


def _with_page_requests(
    protocol: Protocol, data: TrialData, estimates: pl.DataFrame, replicates: Sequence[int]
) -> pl.DataFrame:
    """The run's estimates, and behind them what only the page shows."""
    import polars as pl

    from engager.analysis import estimate_endpoints

    more = estimate_endpoints(
        data, page_requests_of(protocol), protocol.population.setting, arms=protocol.arm_ids, replicates=replicates
    )
    behind = pl.col("request") + len(requests_of(protocol))
    return pl.concat([estimates, more.with_columns(behind.cast(estimates.schema["request"]))])


def _drawn(protocol: Protocol) -> dict[str, EndpointRequest]:
    """The times whose curves are drawn; an endpoint that stands twice as it stands first."""
    times = {one.id: one for one in reversed(protocol.endpoints) if one.is_time_to_event and one.id in _SURVIVAL}
    return {
        name: request_for(protocol, endpoint, protocol.arm_ids[0], "median")
        for name, endpoint in reversed(times.items())
    }


def _curve_notes(protocol: Protocol) -> dict[str, str]:
    """When patients without remission count in event-free survival, which shapes its curve from the first day."""
    request = _drawn(protocol).get("EFS")
    if request is None or (day := request.no_response_event_day) is None:
        return {}
    when = "at the start, hence the first drop" if day <= 1 else f"on day {day:g}"
    return {"EFS": f"A patient who never reaches CR, CRh or CRi counts as an event {when}."}


def _survival(protocol: Protocol, data: TrialData, replicates: Sequence[int]) -> pl.DataFrame | None:
    import polars as pl

    from engager.analysis import survival_bands

    months = np.arange(0.0, protocol.follow_up.months + 1e-9, 0.25)
    frames = [
        survival_bands(data, request, months, protocol.arm_ids, replicates=replicates)
        for request in _drawn(protocol).values()
    ]
    return pl.concat(frames) if frames else None


def _one_trial(protocol: Protocol, data: TrialData) -> pl.DataFrame | None:
    import polars as pl

    from engager.analysis import trial_curves

    frames = [trial_curves(data, request, protocol.arm_ids) for request in _drawn(protocol).values()]
    return pl.concat(frames) if frames else None


def _rebuilt(protocol: Protocol) -> pl.DataFrame | None:
    """Curves through what the study's record prints, where two points or more leave little room between them."""
    if protocol.record is None or protocol.simulated_only:
        return None
    wanted = [
        (arm, endpoint, _where_printed(protocol, protocol.record, arm, endpoint))
        for arm, endpoint in product(protocol.arm_ids, _drawn(protocol))
    ]
    # they hang on the records, not on the run
    return remembered("curves", wanted, lambda: _curves_of(wanted))


def _where_printed(protocol: Protocol, record: str, arm: str, endpoint: str) -> list[tuple[str, str]]:
    """Records with their arms that may print a curve: the arm of this name, then those its targets are about."""
    named = [
        (target.record, target.record_arm or arm)
        for target in protocol.targets
        if target.arm == arm
        and target.endpoint == endpoint
        and target.record
        and not target.subgroup
        and not target.record_subgroup
    ]
    return list(dict.fromkeys([(record, arm), *named]))


def _curves_of(wanted: Sequence[tuple[str, str, list[tuple[str, str]]]]) -> pl.DataFrame | None:
    import polars as pl

    frames = []
    for arm, endpoint, places in wanted:
        if (curve := _printed_curve(places, endpoint)) is not None:
            seen = curve.time_months <= curve.last_printed_months
            table = {"month": curve.time_months[seen], "survival": curve.survival[seen]}
            frames.append(pl.DataFrame(table).with_columns(arm=pl.lit(arm), endpoint=pl.lit(endpoint)))
    return pl.concat(frames) if frames else None


def _printed_curve(places: Sequence[tuple[str, str]], endpoint: str) -> RebuiltCurve | None:
    """The first curve with enough printed points."""
    from engager.evidence import load_records, rebuild_curve

    records = load_records()
    for record_id, arm in places:
        if record_id not in records:
            continue
        try:
            curve = rebuild_curve(records[record_id], arm, endpoint)
        except InputError:
            continue  # no such arm, nothing of it was printed, or points that contradict each other
        if len(curve.anchors) >= _FEWEST_ANCHORS:
            return curve
    return None


def _summary(protocol: Protocol, manifest: dict[str, Any]) -> list[str]:
    arms = " and ".join(f"{arm.n} to {arm_id}" for arm_id, arm in protocol.arms.items())
    if len(protocol.arms) == 1:
        how = "one arm"
    elif protocol.allocation.counterfactual:
        how = "the same patients in every arm"
    else:
        how = "randomized" if protocol.allocation.randomized else "not randomized, patients of each arm their own"
    return [
        f"{manifest['replicates']} virtual trials of {protocol.n_patients} patients ({how}): {arms}.",
        "Every patient is followed visit by visit; the protocol acts on what each visit observed.",
    ]


def _sources(protocol: Protocol, comparisons: Sequence[Mapping[str, Any]]) -> list[Source]:
    """Publications that the comparisons and the baseline table name, where they are records."""
    from engager.evidence import cite, load_records

    records = load_records()
    named: dict[str, set[str]] = {}
    if protocol.record is not None:
        named[protocol.record] = set()
    for source in (one for comparison in comparisons for one in comparison["published"]["source"]):
        record_id, _, key = source.partition("#")
        if record_id in records:
            named.setdefault(record_id, set()).add(key)
    found = []
    for record_id, keys in named.items():
        record = records[record_id]
        texts = [
            f"{key}: {record.sources[key].what} ({record.sources[key].where})"
            for key in sorted(keys, key=lambda key: (len(key), key))
            if key in record.sources
        ]
        doi = record.citation.doi
        found.append(Source(record_id, cite(record), texts, f"https://doi.org/{doi}" if doi else ""))
    return found
