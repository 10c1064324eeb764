# Public names of this layer and the module each stands in: the one list, for type checkers and at run time.
from .curves.printed import (
    CurveInformation as CurveInformation,
)
from .curves.printed import (
    curve_information as curve_information,
)
from .curves.reconstruction import (
    RebuiltCurve as RebuiltCurve,
)
from .curves.reconstruction import (
    rebuild_curve as rebuild_curve,
)
from .figures.curve import (
    draw_curve as draw_curve,
)
from .figures.file import (
    write_figure as write_figure,
)
from .figures.forest import (
    draw_forest as draw_forest,
)
from .figures.forest import (
    forest_table as forest_table,
)
from .figures.map import (
    EvidenceMap as EvidenceMap,
)
from .figures.map import (
    draw_map as draw_map,
)
from .figures.map import (
    make_map as make_map,
)
from .figures.map import (
    map_table as map_table,
)
from .figures.network import (
    draw_network as draw_network,
)
from .figures.network import (
    network_remarks as network_remarks,
)
from .figures.network import (
    network_table as network_table,
)
from .records.catalogue import (
    find_records as find_records,
)
from .records.catalogue import (
    regimen_summary as regimen_summary,
)
from .records.catalogue import (
    summary as summary,
)
from .records.citations import (
    cite as cite,
)
from .records.citations import (
    cite_all as cite_all,
)
from .records.export import (
    evidence_tables as evidence_tables,
)
from .records.export import (
    export_evidence as export_evidence,
)
from .records.export import (
    record_schema as record_schema,
)
from .records.library import (
    contribution_remarks as contribution_remarks,
)
from .records.library import (
    load_records as load_records,
)
from .records.library import (
    read_record as read_record,
)
from .records.library import (
    read_records as read_records,
)
from .records.library import (
    record as record,
)
from .records.outcome import (
    Outcome as Outcome,
)
from .records.overlaps import (
    LeftOut as LeftOut,
)
from .records.overlaps import (
    Overlap as Overlap,
)
from .records.overlaps import (
    find_overlaps as find_overlaps,
)
from .records.overlaps import (
    without_overlap as without_overlap,
)
from .records.published_baseline import (
    baseline_targets as baseline_targets,
)
from .records.regimens import (
    DrugDose as DrugDose,
)
from .records.regimens import (
    Regimen as Regimen,
)
from .records.regimens import (
    load_regimens as load_regimens,
)
from .records.regimens import (
    regimen as regimen,
)
from .records.schema import (
    Arm as Arm,
)
from .records.schema import (
    Citation as Citation,
)
from .records.schema import (
    Contrast as Contrast,
)
from .records.schema import (
    Figure as Figure,
)
from .records.schema import (
    Population as Population,
)
from .records.schema import (
    Quantity as Quantity,
)
from .records.schema import (
    Record as Record,
)
from .records.schema import (
    SubgroupFigure as SubgroupFigure,
)
from .records.vocabulary import (
    Endpoint as Endpoint,
)
from .records.vocabulary import (
    endpoint as endpoint,
)
from .records.vocabulary import (
    known_endpoint as known_endpoint,
)
from .records.vocabulary import (
    months as months,
)
from .synthesis.beta_mixture import (
    BetaMixture as BetaMixture,
)
from .synthesis.historical_median import (
    HistoricalMedian as HistoricalMedian,
)
from .synthesis.historical_median import (
    NormalMixture as NormalMixture,
)
from .synthesis.historical_median import (
    median_prior_from_records as median_prior_from_records,
)
from .synthesis.historical_median import (
    prior_from_log_medians as prior_from_log_medians,
)
from .synthesis.historical_prior import (
    HistoricalPrior as HistoricalPrior,
)
from .synthesis.historical_prior import (
    prior_from_counts as prior_from_counts,
)
from .synthesis.historical_prior import (
    prior_from_records as prior_from_records,
)
from .synthesis.intervals import (
    exact_interval as exact_interval,
)
from .synthesis.intervals import (
    exact_interval_of as exact_interval_of,
)
from .synthesis.matching import (
    Matched as Matched,
)
from .synthesis.matching import (
    match as match,
)
from .synthesis.network import (
    NetworkFit as NetworkFit,
)
from .synthesis.network import (
    NetworkStudy as NetworkStudy,
)
from .synthesis.network import (
    fit_network as fit_network,
)
from .synthesis.network import (
    study_of_counts as study_of_counts,
)
from .synthesis.network import (
    study_of_ratio as study_of_ratio,
)
from .synthesis.patient_table import (
    event_of as event_of,
)
from .synthesis.patient_table import (
    read_patients as read_patients,
)
from .synthesis.patient_table import (
    read_targets as read_targets,
)
from .synthesis.patient_table import (
    write_weights as write_weights,
)
from .synthesis.pooled import (
    Pooled as Pooled,
)
from .synthesis.pooled import (
    Regression as Regression,
)
from .synthesis.pooling import (
    pool_hazard_ratios as pool_hazard_ratios,
)
from .synthesis.pooling import (
    pool_medians as pool_medians,
)
from .synthesis.pooling import (
    pool_proportions as pool_proportions,
)
from .synthesis.pooling_survival import (
    pool_survival as pool_survival,
)
from .synthesis.randomized_network import (
    published_network as published_network,
)
from .synthesis.randomized_network import (
    treatment_node as treatment_node,
)
from .synthesis.selection import (
    Selection as Selection,
)
from .synthesis.selection import (
    Study as Study,
)
from .synthesis.selection import (
    covariates as covariates,
)
from .synthesis.selection import (
    select as select,
)
