"""What SBML constructs become in a `System`."""

import math

import numpy as np
import pytest

from engager.core import InputError, UnsupportedModel
from engager.engine import OdeProblem
from engager.engine.reference.backend import solve_reference
from engager.model import evaluate_outputs, initial_states, read_antimony, read_sbml

HEAD = '<sbml xmlns="http://www.sbml.org/sbml/level3/version{v}/core" level="3" version="{v}">'


def math_ml(inside):
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML">{inside}</math>'


def model(inside, version=2):
    return HEAD.format(v=version) + f'<model id="m">{inside}</model></sbml>'


def rule(formula, version=2):
    """A model with y := formula of parameters a = 3, b = -2 and c = 0."""
    parameters = "".join(
        f'<parameter id="{name}" value="{value}" constant="true"/>' for name, value in (("a", 3), ("b", -2), ("c", 0))
    )
    return model(
        f'<listOfParameters>{parameters}<parameter id="y" constant="false"/></listOfParameters><listOfRules>'
        f'<assignmentRule variable="y">{math_ml(formula)}</assignmentRule></listOfRules>',
        version,
    )


def value(formula):
    system = read_sbml(rule(formula))
    return system.graph.evaluate([system.outputs["y"]], system.defaults)[0]


def apply(op, *args):
    return f"<apply><{op}/>" + "".join(args) + "</apply>"


A, B, C = "<ci>a</ci>", "<ci>b</ci>", "<ci>c</ci>"


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (apply("plus"), 0), (apply("times"), 1), (apply("plus", A, B, A), 4), (apply("minus", A), -3),
        (apply("divide", A, B), -1.5), (apply("power", B, A), -8), (apply("abs", B), 2),
        (apply("root", A), math.sqrt(3)), (apply("root", "<degree><cn>3</cn></degree>", A), 3 ** (1 / 3)),
        (apply("log", A), math.log10(3)), (apply("log", "<logbase><cn>2</cn></logbase>", A), math.log2(3)),
        (apply("ln", A), math.log(3)), (apply("exp", B), math.exp(-2)), (apply("factorial", A), 6),
        (apply("floor", apply("divide", A, B)), -2), (apply("ceiling", apply("divide", A, B)), -1),
        (apply("quotient", A, B), -1), (apply("rem", A, B), 1), (apply("rem", B, A), -2),
        (apply("max", A, B, C), 3), (apply("min", A, B, C), -2),
        (apply("lt", B, C, A), 1), (apply("lt", B, A, C), 0), (apply("gt", A, C, B), 1),
        (apply("leq", A, A), 1),
        (apply("geq", B, A), 0), (apply("eq", A, A, A), 1), (apply("neq", A, B), 1),
        (apply("and"), 1), (apply("or"), 0), (apply("xor"), 0), (apply("and", A, C), 0),
        (apply("or", A, C), 1),
        (apply("xor", "<true/>", "<true/>", "<true/>"), 1), (apply("not", C), 1),
        (apply("implies", "<true/>", "<false/>"), 0), (apply("implies", "<false/>", "<false/>"), 1),
        (apply("sec", A), 1 / math.cos(3)), (apply("csc", A), 1 / math.sin(3)),
        (apply("cot", A), 1 / math.tan(3)),
        (apply("sech", A), 1 / math.cosh(3)), (apply("csch", A), 1 / math.sinh(3)),
        (apply("coth", A), 1 / math.tanh(3)), (apply("arcsec", A), math.acos(1 / 3)),
        (apply("arccsc", A), math.asin(1 / 3)), (apply("arccot", B), math.atan(-0.5)),
        (apply("arcsech", "<cn>0.4</cn>"), math.acosh(2.5)), (apply("arccsch", B), math.asinh(-0.5)),
        (apply("arccoth", A), math.atanh(1 / 3)), ("<pi/>", math.pi), ("<exponentiale/>", math.e),
        ('<cn type="rational">1<sep/>8</cn>', 0.125), ('<cn type="e-notation">2<sep/>-3</cn>', 0.002),
        ("<infinity/>", math.inf), ("<notanumber/>", math.nan),
        (f"<piecewise><piece>{A}{apply('lt', A, B)}</piece><piece>{B}{apply('lt', B, A)}</piece></piecewise>",
         -2),
        (f"<piecewise><piece>{A}{apply('lt', A, B)}</piece><otherwise>{C}</otherwise></piecewise>", 0),
        (f"<piecewise><piece>{A}{apply('lt', A, B)}</piece></piecewise>", math.nan),
        (f"<piecewise><otherwise>{B}</otherwise></piecewise>", -2),
    ],
)  # fmt: skip
def test_mathematics_means_what_mathml_says(formula, expected):
    np.testing.assert_allclose(value(formula), expected, rtol=1e-15)


@pytest.mark.parametrize(
    ("inside", "name"),
    [
        (
            '<listOfParameters><parameter id="y" constant="false"/></listOfParameters><listOfRules>'
            '<assignmentRule variable="y">' + math_ml(
                '<apply><csymbol encoding="text" definitionURL="http://www.sbml.org/sbml/symbols/delay">delay</csymbol>'
                '<ci>y</ci><cn>1</cn></apply>'
            ) + "</assignmentRule></listOfRules>",
            "delay",
        ),
        (
            '<listOfParameters><parameter id="y" constant="false" value="1"/></listOfParameters><listOfRules>'
            "<algebraicRule>" + math_ml("<apply><plus/><apply><sin/><ci>y</ci></apply><ci>y</ci></apply>")
            + "</algebraicRule></listOfRules>",
            "algebraicRule",
        ),
    ],
)  # fmt: skip
def test_unsupported_constructs_are_refused_by_name(inside, name):
    with pytest.raises(UnsupportedModel, match=name):
        read_sbml(model(inside))


def test_fast_reactions_and_required_packages_are_refused_by_name():
    text = (
        '<listOfCompartments><compartment id="V" size="1" constant="true"/></listOfCompartments>'
        "<listOfSpecies>"
        '<species id="S" compartment="V" initialAmount="1" hasOnlySubstanceUnits="false" '
        'boundaryCondition="false" '
        'constant="false"/></listOfSpecies><listOfReactions><reaction id="J" reversible="false" fast="true">'
        '<listOfReactants><speciesReference species="S" stoichiometry="1" constant="true"/></listOfReactants>'
        "</reaction></listOfReactions>"
    )
    with pytest.raises(UnsupportedModel, match="fast"):
        read_sbml(model(text, version=1))
    for name in ("multi", "distrib"):  # models made of parts (comp) are flattened; see test_sbml_packages
        package = f"http://www.sbml.org/sbml/level3/version1/{name}/version1"
        head = HEAD.format(v=1).removesuffix(">") + f' xmlns:{name}="{package}" {name}:required="true">'
        with pytest.raises(UnsupportedModel, match=name):
            read_sbml(head + '<model id="m"/></sbml>')


def solve(text, times):
    system = read_antimony(text)
    parameters = np.array([[system.defaults[name] for name in system.parameters]])
    solved = solve_reference(OdeProblem(system, parameters, np.array(times)), rtol=1e-10, atol=1e-12)
    found = evaluate_outputs(system, list(system.outputs), solved.values, parameters, None, np.array([times]))
    return system, {name: array[0] for name, array in found.items()}


def test_species_states_are_amounts_and_concentrations_are_outputs():
    system, found = solve("model m; compartment V = 4; species S in V; S = 3; S -> ; k*S*V; k = 0.1; end", [0.0, 5.0])
    assert system.states == ("S",)
    np.testing.assert_allclose(found["amount(S)"], [12, 12 * math.exp(-0.5)], rtol=1e-8)
    np.testing.assert_allclose(found["[S]"], [3, 3 * math.exp(-0.5)], rtol=1e-8)


def test_growing_compartment_dilutes_and_keeps_amounts():
    _, found = solve("model m; compartment V; V = 1; V' = 0.5; species S in V, T in V; S = 3; T = 1; end", [0.0, 2.0])
    np.testing.assert_allclose(found["amount(S)"], [3, 3])
    np.testing.assert_allclose(found["[S]"], [3, 1.5])


def test_initial_assignment_to_a_constant_is_a_formula_of_parameters():
    system = read_antimony("model m; k2 = 2*k; k = 0.5; x' = -k2*x; x = k2; end")
    assert system.parameters == ("k",)
    assert initial_states(system, np.array([[0.5], [2.0]]))[:, 0].tolist() == [1.0, 4.0]
    assert system.graph.evaluate([system.outputs["k2"]], {"k": 3.0}) == [6.0]


def test_local_parameters_are_named_after_their_reaction():
    text = model(
        '<listOfCompartments><compartment id="V" size="1" constant="true"/></listOfCompartments>'
        "<listOfSpecies>"
        '<species id="S" compartment="V" initialAmount="8" hasOnlySubstanceUnits="true" '
        'boundaryCondition="false" '
        'constant="false"/></listOfSpecies><listOfParameters><parameter id="k" value="9" constant="true"/>'
        '</listOfParameters><listOfReactions><reaction id="J" reversible="false"><listOfReactants>'
        '<speciesReference species="S" stoichiometry="2" constant="true"/></listOfReactants><kineticLaw>'
        + math_ml("<apply><times/><ci>k</ci><ci>S</ci></apply>")
        + '<listOfLocalParameters><localParameter id="k" value="0.25"/></listOfLocalParameters></kineticLaw>'
        "</reaction></listOfReactions>"
    )
    system = read_sbml(text)
    assert set(system.parameters) == {"V", "k", "J.k"}
    assert system.graph.evaluate(system.rates, {"S": 8.0, "J.k": 0.25, "k": 9.0, "V": 1.0}) == [-4.0]


def test_inputs_are_kept_apart_and_must_be_free():
    system = read_antimony("model m; x' = rate - k*x; x = 0; rate = 2; k = 1; end", inputs=["rate"])
    assert system.inputs == ("rate",)
    assert system.parameters == ("k",)
    assert system.defaults["rate"] == 2.0
    with pytest.raises(InputError, match="input"):
        read_antimony("model m; x' = rate; rate := time; x = 0; end", inputs=["rate"])
    with pytest.raises(InputError, match="Did you mean rate"):
        read_antimony("model m; x' = rate; rate = 1; x = 0; end", inputs=["ratte"])


def test_rules_in_a_circle_are_told_by_their_names():
    names = ("a", "b", "c")
    rules = "".join(
        f'<assignmentRule variable="{name}">{math_ml(f"<ci>{names[(k + 1) % 3]}</ci>")}</assignmentRule>'
        for k, name in enumerate(names)
    )
    parameters = "".join(f'<parameter id="{name}" constant="false"/>' for name in names)
    text = model(f"<listOfParameters>{parameters}</listOfParameters><listOfRules>{rules}</listOfRules>")
    with pytest.raises(InputError, match=r"a -> b -> c -> a.*themselves"):
        read_sbml(text)
    with pytest.raises(InputError, match="Loop"):
        read_antimony("model m; a := b + 1; b := c; c := a; end")


def test_undefined_names_are_told_together():
    text = rule("<apply><plus/><ci>nothing</ci><ci>nowhere</ci></apply>")
    with pytest.raises(InputError) as caught:
        read_sbml(text)
    assert {str(one.value) for one in caught.value.problems} == {"nothing", "nowhere"}


def test_functions_in_a_circle_are_refused():
    def function(name, other):
        return (
            f'<functionDefinition id="{name}">'
            + math_ml(f"<lambda><bvar><ci>x</ci></bvar><apply><ci>{other}</ci><ci>x</ci></apply></lambda>")
            + "</functionDefinition>"
        )

    with pytest.raises(InputError, match="circle"):
        read_sbml(
            model(f"<listOfFunctionDefinitions>{function('f', 'g')}{function('g', 'f')}</listOfFunctionDefinitions>")
        )


def test_unset_values_are_nan_not_zero():
    system = read_sbml(model('<listOfParameters><parameter id="p" constant="true"/></listOfParameters>'))
    assert math.isnan(system.defaults["p"])


def test_a_quantity_called_time_is_not_the_time():
    text = model(
        '<listOfParameters><parameter id="time" value="5" constant="true"/>'
        '<parameter id="y" constant="false"/></listOfParameters><listOfRules>'
        '<assignmentRule variable="y">' + math_ml("<ci>time</ci>")
        + "</assignmentRule></listOfRules>"
    )  # fmt: skip
    system = read_sbml(text)
    assert system.parameters == ("time_",)
    assert system.graph.evaluate([system.outputs["y"]], {"time_": 5.0, "time": 1.0}) == [5.0]


def test_linear_algebraic_rules_are_solved_together():
    text = (
        '<listOfParameters><parameter id="p" constant="false"/><parameter id="q" constant="false"/>'
        '<parameter id="a" value="4" constant="true"/></listOfParameters><listOfRules><algebraicRule>'
        + math_ml("<apply><minus/><apply><plus/><ci>p</ci><ci>q</ci></apply><ci>a</ci></apply>")
        + "</algebraicRule><algebraicRule>"
        + math_ml("<apply><minus/><ci>p</ci><apply><times/><cn>3</cn><ci>q</ci></apply></apply>")
        + "</algebraicRule></listOfRules>"
    )
    system = read_sbml(model(text))
    assert system.graph.evaluate([system.outputs["p"], system.outputs["q"]], {"a": 4.0}) == [3.0, 1.0]


def test_units_are_kept_as_text():
    system = read_antimony("model m; unit conc = 1e-3 mole / litre; S = 1; k = 2; k has conc; S' = -k; end")
    assert system.units["k"] == "0.001*mole/liter"
