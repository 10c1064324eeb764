# Public names of this layer and the module each stands in: the one list, for type checkers and at run time.
from .catalogue import (
    executable_regimen as executable_regimen,
)
from .decision import (
    DesignBlock as DesignBlock,
    NullArm as NullArm,
    PriorChoice as PriorChoice,
)
from .decision_checks import (
    design_problems as design_problems,
)
from .design import (
    STRATA as STRATA,
    Allocation as Allocation,
    Arm as Arm,
    DataCut as DataCut,
    FollowUp as FollowUp,
    MrdAssay as MrdAssay,
    Transplant as Transplant,
    Visits as Visits,
)
from .disease.model_choice import (
    ModelChoice as ModelChoice,
    disease_of as disease_of,
)
from .distribution import (
    Bins as Bins,
    Constant as Constant,
    Distribution as Distribution,
    MeanSpread as MeanSpread,
    MedianRange as MedianRange,
    Share as Share,
    Table as Table,
)
from .endpoints import (
    WINDOWED_RESPONSES as WINDOWED_RESPONSES,
    Endpoint as Endpoint,
    Target as Target,
)
from .estimand import Estimand as Estimand
from .files.headings import (
    Heading as Heading,
    shipped_headings as shipped_headings,
    shipped_protocols as shipped_protocols,
)
from .files.text import (
    as_template as as_template,
    protocol_schema as protocol_schema,
    read_protocol as read_protocol,
    read_protocol_file as read_protocol_file,
    schema_text as schema_text,
    shipped_design as shipped_design,
    shipped_protocol as shipped_protocol,
    write_protocol as write_protocol,
)
from .later_therapy import (
    LaterLine as LaterLine,
    LaterTherapyBlock as LaterTherapyBlock,
)
from .population import (
    PopulationBlock as PopulationBlock,
    broken_rule_of as broken_rule_of,
)
from .protocol import (
    Protocol as Protocol,
)
from .regimen import (
    LABEL_RULES as LABEL_RULES,
    DoseLine as DoseLine,
    Regimen as Regimen,
    Segment as Segment,
    ToxicityRule as ToxicityRule,
    WeightBand as WeightBand,
)
from .slips.numbers import (
    what_to_write as what_to_write,
)
from .spans import (
    Spans as Spans,
)
