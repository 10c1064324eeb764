# Public names of this layer and the module each stands in: the one list, for type checkers and at run time.
from .adam.export import (
    AdamExport as AdamExport,
    export_adam as export_adam,
)
from .browse import (
    evidence_choices as evidence_choices,
    evidence_rows as evidence_rows,
    record_rows as record_rows,
    regimen_classes as regimen_classes,
    regimens_for_arms as regimens_for_arms,
)
from .compare.result import (
    RunComparison as RunComparison,
)
from .compare.runs import (
    compare_runs as compare_runs,
    curves_of as curves_of,
    figures_by_replicate as figures_by_replicate,
    study_differences as study_differences,
)
from .compare.words import (
    arms_of as arms_of,
    comparison_json as comparison_json,
    coverage_words as coverage_words,
    difference_cell as difference_cell,
    outside_words as outside_words,
    row_title as row_title,
    run_cell as run_cell,
)
from .compare.write import (
    comparison_html as comparison_html,
    write_comparison as write_comparison,
)
from .design.content import (
    power_figure as power_figure,
)
from .design.document import (
    design_json as design_json,
)
from .design.folder import (
    arms_place as arms_place,
    check_addition as check_addition,
    check_new_design as check_new_design,
)
from .design.inputs import (
    patients_simulated as patients_simulated,
)
from .design.judge import (
    design_study as design_study,
)
from .design.result import (
    DesignResult as DesignResult,
)
from .design.sheets import (
    write_design_tables as write_design_tables,
)
from .design.words import (
    COLUMNS as COLUMNS,
    LOOK_COLUMNS as LOOK_COLUMNS,
    characteristics_cells as characteristics_cells,
    look_cells as look_cells,
    prior_sentences as prior_sentences,
    rule_sentences as rule_sentences,
)
from .design.write import (
    write_design as write_design,
)
from .figures import (
    export_figures as export_figures,
)
from .gallery import (
    GALLERY_CASES as GALLERY_CASES,
    Case as Case,
    case_picture as case_picture,
)
from .handout import (
    Handout as Handout,
    handout_of as handout_of,
    survival_pictures as survival_pictures,
)
from .load import (
    load_protocol as load_protocol,
    regimen_by_id as regimen_by_id,
)
from .model_table import (
    model_table as model_table,
)
from .notes import (
    run_notes as run_notes,
)
from .parameters import (
    emulator_named as emulator_named,
    posterior_named as posterior_named,
)
from .patients.as_model import (
    patient_antimony as patient_antimony,
)
from .patients.band import (
    PatientBand as PatientBand,
    simulate_band as simulate_band,
)
from .patients.drawing import (
    story_svgs as story_svgs,
)
from .patients.hundred import (
    FATES as FATES,
    Hundred as Hundred,
    hundred_of as hundred_of,
)
from .patients.looks import (
    COURSES as COURSES,
)
from .patients.own_data import (
    OwnData as OwnData,
    read_own_data as read_own_data,
)
from .patients.own_regimen import (
    OwnRegimen as OwnRegimen,
    own_regimen as own_regimen,
)
from .patients.patient import (
    VirtualPatient as VirtualPatient,
    check_figure_path as check_figure_path,
    draw_patients as draw_patients,
    simulate_patient as simulate_patient,
)
from .patients.story import (
    Story as Story,
    outcome_sentence as outcome_sentence,
    patient_story as patient_story,
    patient_traits as patient_traits,
    reason_sentence as reason_sentence,
    traits as traits,
    verdict_sentence as verdict_sentence,
)
from .review.result import (
    Review as Review,
    ReviewRow as ReviewRow,
)
from .review.rows import (
    review_of as review_of,
)
from .review.sheets import (
    write_review_tables as write_review_tables,
)
from .review.summary import (
    shipped_review_summary as shipped_review_summary,
    simulate_summary as simulate_summary,
    warnings_of as warnings_of,
    write_review_summary as write_review_summary,
)
from .review.words import (
    figure_cells as figure_cells,
    headline as headline,
    review_json as review_json,
    review_text as review_text,
)
from .review.write import (
    review_html as review_html,
    write_review as write_review,
)
from .run.folder import (
    RunFolder as RunFolder,
)
from .run.replay import (
    Replay as Replay,
    replay as replay,
)
from .run.sheets import (
    TablesExport as TablesExport,
    export_tables as export_tables,
)
from .run.simulate import (
    RunProgress as RunProgress,
    run_study as run_study,
)
from .scope import (
    outside_fit as outside_fit,
)
from .sensitivity.content import (
    strongest_rows as strongest_rows,
)
from .sensitivity.drivers import (
    write_summary as write_summary,
)
from .sensitivity.kept import (
    check_new_sensitivity as check_new_sensitivity,
    kept_place as kept_place,
)
from .sensitivity.result import (
    Sensitivity as Sensitivity,
)
from .sensitivity.sheets import (
    write_sensitivity_tables as write_sensitivity_tables,
)
from .sensitivity.study import (
    study_sensitivity as study_sensitivity,
)
from .sensitivity.write import (
    write_sensitivity as write_sensitivity,
)
from .synthesis.own_record import (
    CheckedRecord as CheckedRecord,
    check_record_text as check_record_text,
    record_choices as record_choices,
    record_text as record_text,
)
from .synthesis.pooled import (
    chosen_by_default as chosen_by_default,
    pooled_endpoint as pooled_endpoint,
)
from .synthesis.sheets import (
    write_pooled_tables as write_pooled_tables,
)
from .synthesis.views import (
    EvidenceView as EvidenceView,
    forest_view as forest_view,
    map_view as map_view,
    network_view as network_view,
    poolable_endpoints as poolable_endpoints,
)
from .trust.content import (
    shipped_review as shipped_review,
    trust_content as trust_content,
)
from .validation.calibrate import (
    Calibration as Calibration,
    calibrate_population as calibrate_population,
)
from .validation.credibility import (
    calibration_content as calibration_content,
    credibility_content as credibility_content,
    write_credibility as write_credibility,
)
from .validation.document import (
    validation_text as validation_text,
)
from .validation.leave_out import (
    leave_out as leave_out,
    left_out_text as left_out_text,
)
from .validation.recovery import (
    recovery_json as recovery_json,
    recovery_rows as recovery_rows,
    recovery_text as recovery_text,
)
from .validation.sheets import (
    write_validation_tables as write_validation_tables,
)
from .validation.validate import (
    Validation as Validation,
    studies_named as studies_named,
    studies_with_targets as studies_with_targets,
    validate_studies as validate_studies,
)
