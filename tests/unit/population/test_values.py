"""Values of a population have one written form, and a misspelt one is refused instead of being the table's value."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import engager
from engager.calibration import shipped_posterior
from engager.core import InputError, Stream
from engager.model import load_model
from engager.population import PopulationValues, ValueName, sample_patients, spread
from engager.protocol import Protocol
from engager.trial import assumption_table, regimen_strengths, simulate_trial

WRITTEN = {
    "k_kill": 2.0,
    "potency.sd": 0.5,
    "sensitivity~salvage_line": -0.2,
    "trial:mrd_sensitivity": 0.2,
    "trial_effect:growth": 0.1,
    "regimen:flag": 3.0,
}


def test_every_kind_is_read_and_written_back():
    values = PopulationValues.read(WRITTEN)
    assert values.written() == WRITTEN
    assert values.typical == {"k_kill": 2.0}
    assert values.spread == {"potency": 0.5}
    assert values.slope == {("sensitivity", "salvage_line"): -0.2}
    assert values.strength == {"flag": 3.0}
    assert values.assumption == {"mrd_sensitivity": 0.2}
    assert values.trial_effect == {"growth": 0.1}
    assert all(name in values and str(ValueName.read(name)) == name for name in WRITTEN)
    assert "k_kill.sd" not in values
    assert PopulationValues.read(values) is values


def test_later_values_count_and_spreads_can_be_taken_away():
    values = PopulationValues.read(WRITTEN) | PopulationValues(typical={"k_kill": 5.0, "growth": 0.1})
    assert values.typical == {"k_kill": 5.0, "growth": 0.1}
    assert values.strength == {"flag": 3.0}
    assert values.without_spread(["potency", "growth"]).spread == {"potency": 0.0, "growth": 0.0}


@pytest.mark.parametrize("name", ["trail:crs", "regimen:", "k kill", "k_kill.mean", "a~b~c", "", "~age_years"])
def test_a_name_of_no_form_is_refused(name):
    with pytest.raises(InputError, match="population value"):
        PopulationValues.read({name: 1.0})


def test_a_value_that_is_no_number_is_refused():
    with pytest.raises(InputError, match="finite"):
        PopulationValues.read({"k_kill": float("nan")})


@pytest.mark.parametrize("name", ["k_kil", "k_kil.sd", "sensitivity~salvage_lin", "k_kill~salvage_line"])
def test_names_the_model_does_not_have_are_refused_with_the_nearest(name):
    values = PopulationValues.read({name: 1.0, "growth": 0.1})
    burden = {"marrow_blasts_percent": spread.constant(80.0)}
    with pytest.raises(InputError, match=re.escape(f"population value {name}")) as caught:
        sample_patients(load_model("b-all"), burden, Stream(1), np.arange(1), population=values)
    assert len(caught.value.problems) == 1
    assert "Did you mean" in caught.value.problems[0].next_step


def test_an_assumption_the_trial_does_not_make_is_refused():
    raw = {"study": "one", "arms": {"a": {"n": 1, "regimen": "blinatumomab"}}, "follow_up": {"months": 1}}
    with pytest.raises(InputError, match="trial:later_therapy_shar"):
        simulate_trial(
            Protocol.model_validate(raw), replicates=[0], seed=1, settings=lambda _: {"trial:later_therapy_shar": 0.1}
        )


def test_the_shipped_posterior_names_what_there_is():
    posterior = shipped_posterior("b-all")
    values = posterior.settings(1)(0)
    values.refuse_unknown(load_model("b-all"))
    assert set(values.assumption) <= set(assumption_table())
    drawn = {f"regimen:{slug}" for slug, row in regimen_strengths().items() if row.sd_log}
    named = {*posterior.names, *posterior.fixed, *(f"trial_effect:{name}" for name in posterior.trial_effects)}
    assert named <= set(values.written()) <= named | drawn


def test_only_one_module_glues_and_parses_the_names():
    package = Path(engager.__file__).parent
    glue = re.compile(
        r"""f"\{[^"}]*\}(\.sd"|~)|endswith\("\.sd|removesuffix\(["']\.sd|["'](trial|trial_effect|regimen):\{?"""
    )
    files = [path for path in package.rglob("*.py") if path.name != "values.py" and "evidence" not in path.parts]
    found = [f"{path.name}: {line}" for path in files for line in path.read_text().splitlines() if glue.search(line)]
    assert not found
