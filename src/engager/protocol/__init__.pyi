# Public names of this layer and the module each stands in: the one list, for type checkers and at run time.
from .catalogue import (
    executable_regimen as executable_regimen,
)
from .decision import (
    DesignBlock as DesignBlock,
)
from .decision import (
    NullArm as NullArm,
)
from .decision import (
    PriorChoice as PriorChoice,
)
from .decision_checks import (
    design_problems as design_problems,
)
from .design import (
    STRATA as STRATA,
)
from .design import (
    Allocation as Allocation,
)
from .design import (
    Arm as Arm,
)
from .design import (
    DataCut as DataCut,
)
from .design import (
    FollowUp as FollowUp,
)
from .design import (
    MrdAssay as MrdAssay,
)
from .design import (
    Transplant as Transplant,
)
from .design import (
    Visits as Visits,
)
from .distribution import (
    Bins as Bins,
)
from .distribution import (
    Constant as Constant,
)
from .distribution import (
    Distribution as Distribution,
)
from .distribution import (
    MeanSpread as MeanSpread,
)
from .distribution import (
    MedianRange as MedianRange,
)
from .distribution import (
    Share as Share,
)
from .distribution import (
    Table as Table,
)
from .endpoints import (
    BINARY_ENDPOINTS as BINARY_ENDPOINTS,
)
from .endpoints import (
    SIMULATED_ENDPOINTS as SIMULATED_ENDPOINTS,
)
from .endpoints import (
    TIME_ENDPOINTS as TIME_ENDPOINTS,
)
from .endpoints import (
    WINDOWED_RESPONSES as WINDOWED_RESPONSES,
)
from .endpoints import (
    Endpoint as Endpoint,
)
from .endpoints import (
    Target as Target,
)
from .population import (
    PopulationBlock as PopulationBlock,
)
from .protocol import (
    FORMAT_VERSION as FORMAT_VERSION,
)
from .protocol import (
    Protocol as Protocol,
)
from .regimen import (
    CHEMOTHERAPY as CHEMOTHERAPY,
)
from .regimen import (
    DoseLine as DoseLine,
)
from .regimen import (
    Regimen as Regimen,
)
from .regimen import (
    Segment as Segment,
)
from .regimen import (
    ToxicityRule as ToxicityRule,
)
from .regimen import (
    WeightBand as WeightBand,
)
from .spans import (
    Spans as Spans,
)
from .text import (
    protocol_schema as protocol_schema,
)
from .text import (
    read_protocol as read_protocol,
)
from .text import (
    read_protocol_file as read_protocol_file,
)
from .text import (
    schema_text as schema_text,
)
from .text import (
    shipped_protocol as shipped_protocol,
)
from .text import (
    shipped_protocols as shipped_protocols,
)
from .text import (
    write_protocol as write_protocol,
)
