"""One list of patients is dealt to the arms in permuted blocks within strata, and nobody changes by being dealt."""

from __future__ import annotations

import numpy as np
import pytest

from engager.core import Stream
from engager.model import load_model
from engager.population import PopulationValues
from engager.protocol import Protocol, shipped_protocol
from engager.trial.allocation import Strata, deal, dealt, one_stratum
from engager.trial.recruit import covariate_frame, recruit

TABLE = PopulationValues()


@pytest.fixture(scope="module")
def model():
    return load_model("b-all")


def study(**allocation):
    raw = {
        "study": "two-arms", "arms": {"a": {"n": 60, "regimen": "flag"}, "b": {"n": 30, "regimen": "flag"}},
        "allocation": allocation, "follow_up": {"months": 3},
    }  # fmt: skip
    return Protocol.model_validate(raw)


def patients(protocol, arm, model, replicates=(0,)):
    return recruit(protocol, arm, model, 1, replicates, lambda replicate: TABLE)


def test_every_block_of_every_stratum_has_the_ratio():
    place = Stream(5).uniform(np.arange(1800)).round().astype(int).reshape(2, 900)
    lists = deal(Strata(["0", "1"], place), (2, 1), 6, [Stream(1, "x"), Stream(1, "x", 1)])
    assert not np.array_equal(*lists)
    for stratum, arms, strata in [(0, lists[0], place[0]), (1, lists[0], place[0]), (1, lists[1], place[1])]:
        own = arms[strata == stratum]
        blocks = own[: own.size // 6 * 6].reshape(-1, 6)
        assert np.all((blocks == 0).sum(axis=1) == 4)
        assert len({tuple(block) for block in blocks.tolist()}) > 10  # permuted, all 15 orders come up in time


def test_all_orders_of_a_block_are_as_likely():
    streams = [Stream(2, "x")]
    arms = deal(one_stratum(streams, np.arange(60_000)), (2, 1), 3, streams).reshape(-1, 3)
    first = np.bincount(np.argmax(arms, axis=1), minlength=3) / 20_000
    np.testing.assert_allclose(first, 1 / 3, atol=4 * np.sqrt(2 / 9 / 20_000))


def test_an_arm_has_its_n_and_no_two_arms_share_a_patient():
    streams = [Stream(3, "x")]
    both = dealt({0: 271, 1: 134}, (2, 1), 6, streams, one_stratum)
    lists = [both[0][0], both[1][0]]
    alone = dealt({1: 134}, (2, 1), 6, streams, one_stratum)
    assert np.array_equal(alone[1], both[1])
    assert [one.size for one in lists] == [271, 134]
    assert not set(lists[0]) & set(lists[1])
    more = dealt({0: 500}, (2, 1), 6, streams, one_stratum)[0][0]
    assert np.array_equal(more[:271], lists[0])


def test_a_list_is_searched_on_until_every_arm_is_full():
    # a hundred strata in turn, each with a block hardly begun: about every tenth patient is of the second arm
    def stratify(asked, numbers):
        lengths.append((len(asked), numbers.size))
        return Strata([str(k) for k in range(100)], np.tile(numbers % 100, (len(asked), 1)))

    streams, lengths = [Stream(3, "x", k) for k in range(20)], []
    found = dealt({1: 8}, (9, 1), 10, streams, stratify)[1]
    assert [size for _, size in lengths[:2]] == [98, 196]
    assert 0 < lengths[1][0] < 20
    assert np.all(np.diff(found, axis=1) > 0)
    for one, stream in zip(found, streams, strict=True):
        assert np.array_equal(one, dealt({1: 8}, (9, 1), 10, [stream], stratify)[1][0])


def test_tower_balances_its_strata_where_independent_arms_would_not(model):
    tower = shipped_protocol("tower")
    independent = tower.model_copy(update={"allocation": tower.allocation.model_copy(update={"randomized": False})})

    def difference(protocol):
        """Share with a prior transplant, arm against arm, of each replicate [percentage points]."""
        share = [
            patients(protocol, arm, model, range(40)).covariates["prior_hsct"].reshape(40, -1).mean(axis=1)
            for arm in protocol.arms
        ]
        return 100 * (share[0] - share[1])

    dealt, drawn = difference(tower), difference(independent)
    assert dealt.std() < 1.6
    assert drawn.std() > 3.5  # sqrt(0.347 * 0.653 * (1/271 + 1/134)) = 5.0
    assert abs(dealt.mean()) < 4 * dealt.std() / np.sqrt(40)


def test_all_strata_are_balanced_together(model):
    tower = shipped_protocol("tower")
    counts = []
    for arm in tower.arms:
        table = covariate_frame(patients(tower, arm, model).covariates)
        cells = table.select(
            young=table["age_years"] < 35, later=table["salvage_line"] > 1, before=table["prior_hsct"]
        ).to_numpy()
        counts.append(np.bincount(cells.astype(int) @ [4, 2, 1], minlength=8))
    # whole blocks are exact; what is left over is less than a block in a stratum, and where an arm was full
    assert np.all(np.abs(counts[0] - 2 * counts[1]) <= 2 * 6)


def test_who_a_patient_is_does_not_hang_on_where_she_is_sent(model):
    whole, halves = study(ratio=[2, 1]), study(ratio=[1, 1], strata=["prior_hsct"])
    seen = {}
    for protocol in (whole, halves):
        for arm in protocol.arms:
            found = patients(protocol, arm, model)
            for key, age, row in zip(found.key, found.covariates["age_years"], found.parameters, strict=True):
                seen.setdefault(int(key), []).append((float(age), row.tobytes()))
    twice = [one for one in seen.values() if len(one) > 1]
    assert len(twice) > 50
    assert all(len(set(one)) == 1 for one in twice)


def test_without_randomization_arms_draw_their_own(model):
    found = patients(study(randomized=False), "b", model)
    assert np.array_equal(found.key, np.arange(30))
    assert not np.array_equal(
        found.covariates["age_years"], patients(study(randomized=False), "a", model).covariates["age_years"][:30]
    )


@pytest.mark.parametrize(
    ("changed", "is_other"),
    [({"block": 6}, True), ({"block": 3}, False), ({"strata": ["sex"]}, True), ({"randomized": False}, True)],
)
def test_every_key_of_the_allocation_sends_patients_elsewhere(model, changed, is_other):
    base = patients(study(ratio=[2, 1]), "a", model).covariates["age_years"]
    other = patients(study(**{"ratio": [2, 1], **changed}), "a", model).covariates["age_years"]
    assert np.array_equal(base, other) != is_other


@pytest.mark.parametrize(
    ("sizes", "ratio"), [((271, 134), (2, 1)), ((50, 50), (1, 1)), ((30, 20), (3, 2)), ((9, 1), (9, 1))]
)
def test_a_ratio_left_out_is_that_of_the_arms(sizes, ratio):
    assert study().allocation.ratio_for(sizes) == ratio


def test_keys_that_do_nothing_are_told():
    assert any("allocation.block does nothing" in note for note in study(randomized=False, block=6).notes())
    assert any("holds no whole shares of 2:1" in note for note in study(block=4).notes())
    one = {"study": "one", "arms": {"a": {"n": 9, "regimen": "flag"}}, "allocation": {"randomized": False}}
    assert any("with one arm there is nothing" in note for note in Protocol.model_validate(one).notes())
    assert study(ratio=[2, 1], block=6, strata=["sex"]).how_allocated() == (
        "Patients are randomized 2:1 in permuted blocks of 6 within strata (sex)."
    )


def test_strata_are_told_as_readers_know_them():
    allocation = study(strata=["age_group", "prior_hsct", "marrow_blasts_percent >= 50"]).allocation
    assert allocation.stratum_words() == ("age group", "earlier transplant", "marrow blasts 50 % or more")
