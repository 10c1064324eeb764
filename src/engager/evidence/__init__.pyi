# Public names of this layer and the module each stands in: the one list, for type checkers and at run time.
from .curves.printed import (
    CurveInformation as CurveInformation,
    curve_information as curve_information,
    information_of as information_of,
)
from .curves.reconstruction import (
    Anchor as Anchor,
    RebuiltCurve as RebuiltCurve,
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
    forest_table as forest_table,
)
from .figures.map import (
    EvidenceMap as EvidenceMap,
    draw_map as draw_map,
    make_map as make_map,
    map_table as map_table,
)
from .figures.network import (
    draw_network as draw_network,
    network_remarks as network_remarks,
    network_table as network_table,
)
from .records.baseline import (
    published_share as published_share,
)
from .records.catalogue import (
    find_records as find_records,
    regimen_summary as regimen_summary,
    summary as summary,
)
from .records.citations import (
    citation_corrections as citation_corrections,
    citation_remarks as citation_remarks,
    cite as cite,
    cite_all as cite_all,
)
from .records.export import (
    export_evidence as export_evidence,
    record_schema as record_schema,
    write_evidence_sheets as write_evidence_sheets,
)
from .records.intervals import (
    exact_interval_of as exact_interval_of,
    exact_limits as exact_limits,
)
from .records.library import (
    load_records as load_records,
    read_record as read_record,
    record as record,
)
from .records.outcome import (
    Outcome as Outcome,
)
from .records.overlaps import (
    LeftOut as LeftOut,
    Overlap as Overlap,
    find_overlaps as find_overlaps,
    without_overlap as without_overlap,
)
from .records.record import (
    Record as Record,
)
from .records.regimens import (
    DrugDose as DrugDose,
    PublishedRegimen as PublishedRegimen,
    load_regimens as load_regimens,
    regimen as regimen,
)
from .records.schema import (
    Citation as Citation,
    Contrast as Contrast,
    Figure as Figure,
    Population as Population,
    PublishedArm as PublishedArm,
    Quantity as Quantity,
    SubgroupFigure as SubgroupFigure,
)
from .records.vocabulary import (
    STATISTICS_OF as STATISTICS_OF,
    KnownEndpoint as KnownEndpoint,
    TrialEndpoint as TrialEndpoint,
    endpoint as endpoint,
    known_endpoint as known_endpoint,
    months as months,
    trial_endpoints as trial_endpoints,
    trial_names as trial_names,
)
from .records.words import (
    contribution_remarks as contribution_remarks,
    contribution_words as contribution_words,
    quantity_words as quantity_words,
    span_words as span_words,
)
from .synthesis.beta_mixture import (
    BetaMixture as BetaMixture,
)
from .synthesis.historical_median import (
    HistoricalMedian as HistoricalMedian,
    NormalMixture as NormalMixture,
    median_prior_from_records as median_prior_from_records,
)
from .synthesis.historical_prior import (
    HistoricalPrior as HistoricalPrior,
    prior_from_records as prior_from_records,
)
from .synthesis.matching import (
    Matched as Matched,
    match as match,
)
from .synthesis.network import (
    NetworkFit as NetworkFit,
    NetworkStudy as NetworkStudy,
    fit_network as fit_network,
)
from .synthesis.patient_table import (
    event_of as event_of,
    read_patients as read_patients,
    read_targets as read_targets,
    write_weights as write_weights,
)
from .synthesis.pooled import (
    Pooled as Pooled,
    Regression as Regression,
)
from .synthesis.pooling import (
    pool_hazard_ratios as pool_hazard_ratios,
    pool_medians as pool_medians,
    pool_proportions as pool_proportions,
)
from .synthesis.pooling_survival import (
    pool_survival as pool_survival,
)
from .synthesis.published_baseline import (
    baseline_targets as baseline_targets,
)
from .synthesis.randomized_network import (
    published_network as published_network,
)
from .synthesis.selection import (
    CONTROL_CLASS as CONTROL_CLASS,
    POOLED_CLASS as POOLED_CLASS,
    Selection as Selection,
    Study as Study,
    covariates as covariates,
    select as select,
    with_defaults as with_defaults,
)
