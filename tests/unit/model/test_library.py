"""The library of models: tables, variants, changed values."""

from __future__ import annotations

import pytest

from engager.core import InputError
from engager.model import load_model, model_ids
from engager.model.library import read_model

EQUATIONS = "model tiny()\n  var x\n  x' = infusion - k*x\n  infusion = 0\n  x = start\nend\n"
TABLE = """
model: tiny
inputs: [infusion]
sources: {book: "a book"}
variants:
  fast: {meaning: "twice as fast", source: book, values: {k: 4.8}}
parameters:
  - {name: k, value: 2.4, unit: 1/day, model_unit: 1/h, meaning: loss, source: book}
  - {name: start, value: 1, unit: ug, meaning: start, assumed: why not, range: [0, 2]}
"""


def write(folder, table=TABLE, equations=EQUATIONS):
    (folder / "model.ant").write_text(equations)
    (folder / "parameters.yaml").write_text(table)
    return read_model(folder / "model.ant", folder / "parameters.yaml")


def test_both_models_ship():
    assert {"b-all", "hosseini-2020"} <= set(model_ids())


@pytest.mark.parametrize("model_id", ["b-all", "hosseini-2020"])
def test_every_parameter_has_a_unit_and_a_source_or_an_assumption_with_its_range(model_id):
    model = load_model(model_id)
    for row in model.parameters.values():
        assert row.unit
        assert row.meaning
        assert row.source in model.sources or (row.assumed and row.low is not None)
        if row.low is not None:
            assert row.low <= row.value <= row.high


@pytest.mark.parametrize("model_id", ["b-all", "hosseini-2020"])
def test_every_parameter_is_used_by_the_equations(model_id):
    model = load_model(model_id)
    assert set(model.parameters) == set(model.system.parameters)


def test_models_share_what_is_looked_at():
    for model_id in ("b-all", "hosseini-2020"):
        system = load_model(model_id).system
        assert {"cd8_per_uL", "b_per_uL", "drug_pg_per_mL", "IL6"} <= set(system.outputs) | set(system.states)
        assert "infusion" in system.inputs


def test_units_are_converted_to_those_of_the_equations(tmp_path):
    model = write(tmp_path)
    assert model.parameters["k"].value == 2.4
    assert model.system.defaults["k"] == pytest.approx(0.1)


def test_a_variant_replaces_values_in_the_tables_units(tmp_path):
    model = write(tmp_path)
    fast = model.with_variant("fast")
    assert fast.system.defaults["k"] == pytest.approx(0.2)
    assert fast.parameters["k"].value == pytest.approx(4.8)
    assert fast.hash != model.hash
    with pytest.raises(InputError, match="fast"):
        model.with_variant("fasst")


def test_values_are_changed_in_model_units(tmp_path):
    changed = write(tmp_path).with_values({"k": 0.5})
    assert changed.system.defaults["k"] == 0.5
    assert changed.parameters["k"].value == pytest.approx(12.0)


def test_all_problems_of_a_table_are_told_together(tmp_path):
    table = TABLE.replace("unit: 1/day, model_unit: 1/h", "unit: kg, model_unit: 1/h")
    table = table.replace("assumed: why not, range: [0, 2]", "assumd: x, range: [2, 3]")
    table = table.replace("values: {k: 4.8}", "values: {q: 1}")
    with pytest.raises(InputError) as error:
        write(tmp_path, table)
    text = str(error.value)
    for part in ("assumd", "needs `source`", "within its range", "dimension", "values.q"):
        assert part in text


def test_a_parameter_without_value_or_use_is_refused(tmp_path):
    with pytest.raises(InputError, match="the equations need a value for it"):
        write(tmp_path, TABLE.replace("name: start", "name: strat"))
    with pytest.raises(InputError, match="the equations do not use it"):
        write(tmp_path, TABLE.replace("name: start", "name: strat"))


def test_unknown_models_and_variants_are_offered_the_nearest():
    with pytest.raises(InputError, match="b-all"):
        load_model("ball")
    with pytest.raises(InputError, match="lymphoma"):
        load_model("b-all", variant="lymfoma")
