# Public names of this layer and the module each stands in: the one list, for type checkers and at run time.
from .arrays import (
    BoolArray as BoolArray,
    FloatArray as FloatArray,
    IntArray as IntArray,
)
from .chance.randomness import (
    Stream as Stream,
    Streams as Streams,
    as_exponential as as_exponential,
    as_normal as as_normal,
    key_table as key_table,
    normal_of as normal_of,
    uniform_of as uniform_of,
    uniform_with as uniform_with,
)
from .columns import (
    B_CELLS_GONE_PER_UL as B_CELLS_GONE_PER_UL,
    COMPARED_RUNS as COMPARED_RUNS,
    COMPARISONS as COMPARISONS,
    DISEASES as DISEASES,
    ESTIMATES as ESTIMATES,
    EVENTS as EVENTS,
    FAILED as FAILED,
    IL6_HIGH_PG_PER_ML as IL6_HIGH_PG_PER_ML,
    KEY as KEY,
    OUTCOMES as OUTCOMES,
    TRAJECTORIES as TRAJECTORIES,
    VISITS as VISITS,
    Column as Column,
    meanings as meanings,
    patient_columns as patient_columns,
)
from .condition import (
    Condition as Condition,
    parse_condition as parse_condition,
)
from .condition_words import (
    condition_words as condition_words,
    covariate_words as covariate_words,
)
from .covariates import (
    COVARIATES as COVARIATES,
    WHOLE_NUMBERS as WHOLE_NUMBERS,
    Covariate as Covariate,
    covariate as covariate,
)
from .disk.files import (
    publish_folder as publish_folder,
    read_at_most as read_at_most,
    read_json as read_json,
    remove as remove,
    restore_folder as restore_folder,
    sha256_of as sha256_of,
    sync_tree as sync_tree,
    unfinished_of as unfinished_of,
    whole_file as whole_file,
    whole_folder as whole_folder,
    write_whole as write_whole,
)
from .disk.kept import (
    cache_folder as cache_folder,
    read_kept as read_kept,
    remembered as remembered,
    write_kept as write_kept,
)
from .disk.lock import (
    LOCK_FILE as LOCK_FILE,
    FolderLock as FolderLock,
    clear_away as clear_away,
    lock_file as lock_file,
    reserved as reserved,
    working_in as working_in,
)
from .disk.parquet import (
    parquet_bytes as parquet_bytes,
)
from .disk.places import (
    check_places as check_places,
    naming as naming,
    problems_of as problems_of,
    unwritable as unwritable,
    writing_to as writing_to,
)
from .disk.spreadsheet import (
    check_tables_path as check_tables_path,
    spreadsheet_bytes as spreadsheet_bytes,
    write_tables as write_tables,
)
from .errors import (
    EngagerError as EngagerError,
    InputError as InputError,
    Interrupted as Interrupted,
    Problem as Problem,
    UnitError as UnitError,
    UnsupportedModel as UnsupportedModel,
    WorkerLost as WorkerLost,
    nearest as nearest,
)
from .findings import (
    broken_rule as broken_rule,
    dotted as dotted,
)
from .interrupts import (
    held_back as held_back,
    ignore_from_now_on as ignore_from_now_on,
)
from .number_words import (
    DASH as DASH,
    axis_of as axis_of,
    figure as figure,
    interval as interval,
    landmark as landmark,
    number as number,
    quantity as quantity,
    signed as signed,
    whole_percent as whole_percent,
)
from .plain_yaml import (
    PlainDumper as PlainDumper,
    compose_plain as compose_plain,
    read_plain as read_plain,
    read_shipped_data as read_shipped_data,
)
from .provenance import (
    digest as digest,
    digest_object as digest_object,
    versions as versions,
)
from .replicates import (
    DESIGN_REPLICATES as DESIGN_REPLICATES,
    FEWEST_FOR_95_PERCENT as FEWEST_FOR_95_PERCENT,
    FEWEST_FOR_A_VERDICT as FEWEST_FOR_A_VERDICT,
    MOST_REPLICATES as MOST_REPLICATES,
    TRIAL_REPLICATES as TRIAL_REPLICATES,
    VALIDATION_REPLICATES as VALIDATION_REPLICATES,
)
from .research_use import (
    RESEARCH_USE as RESEARCH_USE,
)
from .time import (
    DAYS_PER_MONTH as DAYS_PER_MONTH,
    DAYS_PER_WEEK as DAYS_PER_WEEK,
    DAYS_PER_YEAR as DAYS_PER_YEAR,
    MONTHS_PER as MONTHS_PER,
    PATIENT_DAYS as PATIENT_DAYS,
    RESPONSE_WINDOW_DAYS as RESPONSE_WINDOW_DAYS,
)
from .units import (
    convert as convert,
    factor as factor,
)
from .workers import (
    Tell as Tell,
    beside as beside,
    load_module as load_module,
    safe_imports as safe_imports,
    share_out as share_out,
    start_workers as start_workers,
    usable_cpus as usable_cpus,
)
