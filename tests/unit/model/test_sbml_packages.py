"""Packages of Level 3: parts are put together, drawings are ignored, the rest is refused by name."""

import numpy as np
import pytest

from engager.core import InputError, UnsupportedModel
from engager.engine import simulate_model, verify_directory
from engager.model import read_antimony, read_sbml, to_antimony, to_sbml

CORE = "http://www.sbml.org/sbml/level3/version1/core"
COMP = "http://www.sbml.org/sbml/level3/version1/comp/version1"
FBC = "http://www.sbml.org/sbml/level3/version1/fbc/version2"
MATH = "http://www.w3.org/1998/Math/MathML"


def hierarchical(definitions, submodels):
    """A document of model definitions, and a model made of parts."""
    return f"""<sbml xmlns="{CORE}" xmlns:comp="{COMP}" level="3" version="1" comp:required="true">
    <model id="whole"><comp:listOfSubmodels>{submodels}</comp:listOfSubmodels></model>{definitions}</sbml>"""


DECAY = f"""<comp:listOfModelDefinitions><comp:modelDefinition id="decay">
    <listOfParameters><parameter id="y" value="3" constant="false"/></listOfParameters>
    <listOfRules><rateRule variable="y"><math xmlns="{MATH}"><apply><minus/><ci>y</ci></apply></math></rateRule>
    </listOfRules>
    </comp:modelDefinition></comp:listOfModelDefinitions>"""


def test_parts_of_a_model_are_put_together():
    parts = "".join(f'<comp:submodel comp:id="{name}" comp:modelRef="decay"/>' for name in ("A", "B"))
    system = read_sbml(hierarchical(DECAY, parts))
    assert system.states == ("A__y", "B__y")
    course = simulate_model(system, 2, 1)
    np.testing.assert_allclose(course["B__y"], 3 * np.exp(-course.time), rtol=1e-6)


def test_a_part_in_another_file_is_refused_unread(tmp_path):
    outside = f"""<comp:listOfExternalModelDefinitions><comp:externalModelDefinition comp:id="far"
        comp:source="{tmp_path}/secret.xml"/></comp:listOfExternalModelDefinitions>"""
    with pytest.raises(UnsupportedModel, match="another file"):
        read_sbml(hierarchical(outside, '<comp:submodel comp:id="A" comp:modelRef="far"/>'))


def test_a_part_counts_its_own_time_and_loses_what_is_deleted():
    """Minutes in seconds: the part decays at 1/60; without its rule nothing moves."""
    marked = DECAY.replace("<rateRule variable", '<rateRule metaid="rule" variable')
    parts = """<comp:submodel comp:id="A" comp:modelRef="decay" comp:timeConversionFactor="minute"/>
        <comp:submodel comp:id="B" comp:modelRef="decay"><comp:listOfDeletions><comp:deletion comp:metaIdRef="rule"/>
        </comp:listOfDeletions></comp:submodel>"""
    minute = '<listOfParameters><parameter id="minute" value="60" constant="true"/></listOfParameters>'
    text = hierarchical(marked, parts).replace('<model id="whole">', f'<model id="whole">{minute}')
    system = read_sbml(text)
    assert system.states == ("A__y",)
    course = simulate_model(system, 90, 30)
    np.testing.assert_allclose(course["A__y"], 3 * np.exp(-course.time / 60), rtol=1e-6)


@pytest.mark.parametrize(
    ("inside", "told"),
    [
        ('<comp:deletion comp:idRef="nobody"/>', "no such SId in the model: 'nobody'"),
        ('<comp:deletion comp:portRef="nobody"/>', "the port it references ('nobody') could not be found"),
        ('<comp:deletion comp:metaIdRef="nobody"/>', "no such metaid in the model: 'nobody'"),
    ],
)
def test_what_is_deleted_must_be_there(inside, told):
    part = f"""<comp:submodel comp:id="A" comp:modelRef="decay">
        <comp:listOfDeletions>{inside}</comp:listOfDeletions></comp:submodel>"""
    with pytest.raises(InputError, match="parts cannot be put together") as caught:
        read_sbml(hierarchical(DECAY, part))
    assert told in str(caught.value)
    assert "::" not in str(caught.value)


def test_parts_that_double_at_every_level_do_not_explode():
    levels = [
        f'<comp:modelDefinition id="m{k}"><comp:listOfSubmodels>'
        f'<comp:submodel comp:id="a" comp:modelRef="m{k + 1}"/><comp:submodel comp:id="b" comp:modelRef="m{k + 1}"/>'
        "</comp:listOfSubmodels></comp:modelDefinition>"
        for k in range(40)
    ]
    levels.append('<comp:modelDefinition id="m40"/>')
    text = hierarchical(
        f"<comp:listOfModelDefinitions>{''.join(levels)}</comp:listOfModelDefinitions>",
        '<comp:submodel comp:id="A" comp:modelRef="m0"/>',
    )
    with pytest.raises(InputError, match="parts"):
        read_sbml(text)


FLUX = f"""<sbml xmlns="{CORE}" xmlns:fbc="{FBC}" level="3" version="1" fbc:required="false">
    <model id="m" fbc:strict="false">
    <listOfCompartments><compartment id="c" size="1" constant="true"/></listOfCompartments>
    <listOfSpecies><species id="S" compartment="c" initialAmount="1" hasOnlySubstanceUnits="true"
    boundaryCondition="false" constant="false"/></listOfSpecies><listOfReactions>
    <reaction id="R" reversible="false" fast="false"><listOfReactants><speciesReference species="S" stoichiometry="1"
    constant="true"/></listOfReactants></reaction></listOfReactions></model></sbml>"""


def test_a_flux_balance_case_counts_as_refused_whatever_its_results_look_like(tmp_path):
    with pytest.raises(UnsupportedModel, match="flux balance"):
        read_sbml(FLUX)
    case = tmp_path / "00001"
    case.mkdir()
    (case / "model.xml").write_text(FLUX)
    (case / "settings.txt").write_text("variables: R\nabsolute: 1e-6\nrelative: 1e-6\n")
    (case / "results.csv").write_text("R\nten\n")
    assert verify_directory(tmp_path).cases["00001"].status == "refused"


LEVEL_2 = """<sbml xmlns="http://www.sbml.org/sbml/level2/version4" {more} level="2" version="4"><model id="m">
    <listOfParameters><parameter id="y" value="3" constant="false" {slip}/></listOfParameters>
    <listOfRules><rateRule variable="y"><math xmlns="http://www.w3.org/1998/Math/MathML"><apply><minus/><ci>y</ci></apply>
    </math></rateRule></listOfRules></model></sbml>"""


def test_a_drawing_where_the_schema_has_none_is_no_obstacle():
    layout = 'xmlns:layout="http://www.sbml.org/sbml/level3/version1/layout/version1" layout:required="false"'
    system = read_sbml(LEVEL_2.format(more=layout, slip=""))
    assert system.states == ("y",)


def test_a_slip_against_the_schema_is_told_with_its_element():
    with pytest.raises(InputError, match="wheel"):
        read_sbml(LEVEL_2.format(more="", slip='wheel="1"'))


def no_dimensions(size, start, only_amounts):
    return f"""<sbml xmlns="{CORE}" level="3" version="1"><model id="m"><listOfCompartments>
    <compartment id="c" spatialDimensions="0" {size} constant="true"/></listOfCompartments><listOfSpecies>
    <species id="A" compartment="c" {start} hasOnlySubstanceUnits="{only_amounts}" boundaryCondition="false"
    constant="false"/></listOfSpecies>
    <listOfParameters><parameter id="k" value="0.5" constant="true"/></listOfParameters>
    <listOfReactions><reaction id="J" reversible="false" fast="false"><listOfReactants>
    <speciesReference species="A" stoichiometry="1" constant="true"/></listOfReactants><kineticLaw><math xmlns="{MATH}">
    <apply><times/><ci>k</ci><ci>A</ci></apply></math></kineticLaw></reaction></listOfReactions></model></sbml>"""


@pytest.mark.parametrize(
    ("size", "start", "only_amounts", "amount", "speed"),
    [
        ("", 'initialAmount="3"', "false", 3, 0.5),
        ('size="2"', 'initialAmount="3"', "true", 3, 0.5),
        ('size="2"', 'initialAmount="3"', "false", 3, 0.25),
        ('size="2"', 'initialConcentration="3"', "true", 6, 0.5),
        ('size="2"', 'initialConcentration="3"', "false", 6, 0.25),
    ],
)
def test_a_compartment_without_dimensions_may_have_a_size_in_level_3(size, start, only_amounts, amount, speed):
    """Amounts as libRoadRunner gives them."""
    course = simulate_model(read_sbml(no_dimensions(size, start, only_amounts)), 2, 1)
    np.testing.assert_allclose(course["A"], amount * np.exp(-speed * course.time), rtol=1e-6)


@pytest.mark.parametrize("place", ["", "compartment c; species A in c, U in c;", "compartment c = 2; species U in c;"])
@pytest.mark.parametrize(("write", "read"), [(to_sbml, read_sbml), (to_antimony, read_antimony)])
def test_a_species_without_a_value_is_exported_without_one(place, write, read):
    system = read_antimony(f"model m; {place} species A, U; A = 10; k = 0.1; J: A -> U; k*A; end")
    again = read(write(system))
    values = {name: again.defaults[name] for name in again.parameters}
    start = dict(zip(again.states, again.graph.evaluate(again.initial, {"time": 0.0, **values}), strict=True))
    assert np.isnan(start["U"])
