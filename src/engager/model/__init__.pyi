# Public names of this layer and the module each stands in: the one list, for type checkers and at run time.
from .derivative import (
    derivative as derivative,
)
from .drug import (
    Drug as Drug,
    apply_drug as apply_drug,
    drug_from as drug_from,
    drug_ids as drug_ids,
    read_drug as read_drug,
)
from .evaluate import (
    evaluate_nodes as evaluate_nodes,
    evaluate_outputs as evaluate_outputs,
    evaluate_rates as evaluate_rates,
    initial_states as initial_states,
    parameters_by_column as parameters_by_column,
)
from .export.antimony import (
    to_antimony as to_antimony,
)
from .export.sbml import (
    to_sbml as to_sbml,
)
from .expression import (
    Entry as Entry,
    Graph as Graph,
    Node as Node,
)
from .library import (
    load_model as load_model,
    model_ids as model_ids,
)
from .parameters import (
    Effect as Effect,
    Model as Model,
    Parameter as Parameter,
    Variant as Variant,
)
from .presets import (
    Presets as Presets,
    Slider as Slider,
    presets_of as presets_of,
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
    Event as Event,
    System as System,
)
