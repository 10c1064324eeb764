"""What pydantic finds is told in the words of a file, whoever reads the file."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engager.core import broken_rule, dotted
from engager.protocol.parts import refuse


class Inner(BaseModel):
    model_config = ConfigDict(strict=True)
    names: Annotated[list[str], Field(min_length=1)] = ["a"]
    pair: Annotated[list[int], Field(min_length=2)] = [1, 2]
    share: Annotated[float, Field(ge=0)] = 0.5
    kind: Literal["one", "two"] = "one"
    is_on: bool = True


@pytest.mark.parametrize(
    ("content", "rule", "next_step"),
    [
        ({"names": []}, "must not be empty", ""),
        ({"names": [3]}, "must be text", "Put it in quotes."),
        ({"names": [["a"]]}, "must be text", ""),
        ({"names": "a"}, "must be a list, such as [a, b]", ""),
        ({"pair": [1]}, "must have at least 2 items", ""),
        ({"pair": [1, 2.5]}, "must be a whole number", "Write it without quotes or decimals."),
        ({"share": -0.1}, "must be greater than or equal to 0", ""),
        ({"share": "half"}, "must be a number", "Write it without quotes or unit."),
        ({"kind": "three"}, "must be 'one' or 'two'", ""),
        ({"is_on": "x"}, "must be true or false", ""),
        ("x", "must be a mapping of keys and values", ""),
    ],
)
def test_a_broken_rule_is_told_in_the_words_of_a_file(content, rule, next_step):
    with pytest.raises(ValidationError) as caught:
        Inner.model_validate(content)
    assert broken_rule(caught.value.errors()[0]) == (rule, next_step)


def test_a_rule_of_our_own_says_itself_what_to_do():
    with pytest.raises(Exception, match="must be odd") as caught:
        refuse("must be odd", "Write {3}.")
    assert broken_rule({"type": "refused", "ctx": caught.value.context}) == ("must be odd", "Write {3}.")


def test_a_place_is_written_as_in_a_path():
    assert dotted(["arms", "A", "doses", 2, "amount"]) == "arms.A.doses[2].amount"
    assert dotted([]) == ""
