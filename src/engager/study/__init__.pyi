# Public names of this layer and the module each stands in: the one list, for type checkers and at run time.
from .adam.export import (
    AdamExport as AdamExport,
)
from .adam.export import (
    export_adam as export_adam,
)
from .design.judge import (
    DesignResult as DesignResult,
)
from .design.judge import (
    design_study as design_study,
)
from .design.words import (
    COLUMNS as COLUMNS,
)
from .design.words import (
    LOOK_COLUMNS as LOOK_COLUMNS,
)
from .design.words import (
    characteristics_cells as characteristics_cells,
)
from .design.words import (
    look_cells as look_cells,
)
from .design.words import (
    prior_sentences as prior_sentences,
)
from .design.words import (
    rule_sentences as rule_sentences,
)
from .load import (
    load_protocol as load_protocol,
)
from .load import (
    regimen_by_id as regimen_by_id,
)
from .patient import (
    VirtualPatient as VirtualPatient,
)
from .patient import (
    check_figure_path as check_figure_path,
)
from .patient import (
    draw_patients as draw_patients,
)
from .patient import (
    simulate_patient as simulate_patient,
)
from .run.folder import (
    RunFolder as RunFolder,
)
from .run.replay import (
    Replay as Replay,
)
from .run.replay import (
    replay as replay,
)
from .run.requests import (
    requests_of as requests_of,
)
from .run.simulate import (
    RunProgress as RunProgress,
)
from .run.simulate import (
    run_study as run_study,
)
from .sensitivity.drivers import (
    sensitivity_summary as sensitivity_summary,
)
from .sensitivity.drivers import (
    write_summary as write_summary,
)
from .sensitivity.study import (
    Sensitivity as Sensitivity,
)
from .sensitivity.study import (
    check_folder as check_folder,
)
from .sensitivity.study import (
    study_sensitivity as study_sensitivity,
)
from .validation.calibrate import (
    Calibration as Calibration,
)
from .validation.calibrate import (
    calibrate_population as calibrate_population,
)
from .validation.calibrate import (
    calibration_plan as calibration_plan,
)
from .validation.credibility import (
    calibration_content as calibration_content,
)
from .validation.credibility import (
    credibility_content as credibility_content,
)
from .validation.credibility import (
    write_credibility as write_credibility,
)
from .validation.document import (
    validation_text as validation_text,
)
from .validation.validate import (
    Validation as Validation,
)
from .validation.validate import (
    studies_named as studies_named,
)
from .validation.validate import (
    studies_with_targets as studies_with_targets,
)
from .validation.validate import (
    validate_studies as validate_studies,
)
