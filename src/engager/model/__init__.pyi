# Public names of this layer and the module each stands in: the one list, for type checkers and at run time.
from .derivative import (
    derivative as derivative,
)
from .drug import (
    Drug as Drug,
)
from .drug import (
    drug_ids as drug_ids,
)
from .drug import (
    read_drug as read_drug,
)
from .evaluate import (
    evaluate_nodes as evaluate_nodes,
)
from .evaluate import (
    evaluate_outputs as evaluate_outputs,
)
from .evaluate import (
    initial_states as initial_states,
)
from .export.antimony import (
    to_antimony as to_antimony,
)
from .export.sbml import (
    to_sbml as to_sbml,
)
from .expression import (
    Entry as Entry,
)
from .expression import (
    Graph as Graph,
)
from .expression import (
    Node as Node,
)
from .library import (
    Effect as Effect,
)
from .library import (
    Model as Model,
)
from .library import (
    Parameter as Parameter,
)
from .library import (
    load_model as load_model,
)
from .library import (
    model_ids as model_ids,
)
from .library import (
    read_model as read_model,
)
from .roles import (
    DiseaseRoles as DiseaseRoles,
)
from .sbml.antimony import (
    read_antimony as read_antimony,
)
from .sbml.read import (
    read_sbml as read_sbml,
)
from .system import (
    TIME as TIME,
)
from .system import (
    Event as Event,
)
from .system import (
    System as System,
)
from .variant import (
    Variant as Variant,
)
