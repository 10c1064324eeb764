"""One patient as a model file: the equations with this patient's numbers, for other software."""

from __future__ import annotations

from engager.model import load_model, to_antimony
from engager.study.patients.patient import VirtualPatient


def patient_antimony(patient: VirtualPatient, model: str = "b-all") -> str:
    """Antimony text of the model in which every parameter has this patient's value.

    Notes
    -----
    Doses are not part of a model: the text names the inputs that take them.
    """
    loaded = load_model(model)
    own = {name: value for name, value in patient.parameters.items() if name in loaded.parameters}
    told = ", ".join(f"{name} {value:g}" for name, value in patient.covariates.items())
    head = f"// {loaded.title}\n// One virtual patient: {told}\n// Doses come in through: "
    return f"{head}{', '.join(loaded.system.inputs)}\n{to_antimony(loaded.with_values(own).system)}"
