"""The plan of the fit to courses: its names are the model's, and what moves is not held."""

from engager.calibration.courses.plan import course_plan
from engager.model import load_model


def test_every_name_of_the_plan_is_a_parameter_of_the_model():
    plan, model = course_plan(), load_model("b-all")
    assert {*plan.effects, *plan.starts, *plan.held} <= set(model.parameters)
    moved = {name for name, one in plan.effects.items() if one.typical}
    assert not moved & set(plan.held)
    assert set(plan.starts) <= moved


def test_who_does_not_move_freely_has_a_reason():
    for name, one in course_plan().effects.items():
        assert one.why or (one.typical and one.spread_too), name
        assert one.spread > 0


def test_what_cytokine_readings_move_is_named_by_the_roles_of_the_model():
    bounds = course_plan().cytokine_bounds(load_model("b-all"))
    assert list(bounds) == ["k_IL6", "k_IL6.sd", "k_refractory"]
    assert all(0 < low < high for low, high in bounds.values())
