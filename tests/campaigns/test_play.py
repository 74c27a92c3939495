"""Campaigns: the same seed, the same weeks; what providers say leads to inbox, and what they warn of does not."""

from __future__ import annotations

from dataclasses import asdict
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.campaigns.assumptions import PATIENT, STRICT, Assumptions
from labkit.campaigns.audience import KINDS, Audience
from labkit.campaigns.chance import binomial, share_out
from labkit.campaigns.plan import Plan
from labkit.campaigns.play import Campaign, play
from labkit.campaigns.receiver import ramp

ASKED = Audience(wanted=20_000, stale=8_000, unknown=300, traps=2)
BOUGHT = Audience(wanted=500, never=20_000, unknown=4_000, traps=60)
SLOWLY = Plan.growing(100, 1.3, 10_000, 42)
BOTH = pytest.mark.parametrize("rules", [PATIENT, STRICT], ids=lambda rules: str(rules.name))


def run(plan: Plan, audience: Audience, rules: Assumptions, **how: bool) -> Campaign:
    return play(plan, audience, rules, seed=7, **how)


@BOTH
def test_slow_growth_to_people_who_asked_is_never_throttled(rules: Assumptions) -> None:
    campaign = run(SLOWLY, ASKED, rules)
    assert campaign.throttled == ()
    assert campaign.inbox_share > 0.95


@BOTH
def test_everything_on_the_first_day_is_throttled(rules: Assumptions) -> None:
    assert 1 in run(Plan((20_000,) * 20), ASKED, rules).throttled


def test_what_fits_one_receiver_need_not_fit_the_other() -> None:
    doubling = Plan.growing(150, 2, 10_000, 42)
    assert run(doubling, ASKED, PATIENT).throttled == ()
    assert run(doubling, ASKED, STRICT).throttled


@BOTH
def test_a_bought_list_ends_in_junk_and_refusal(rules: Assumptions) -> None:
    campaign = run(Plan.growing(100, 1.3, 10_000, 42, best_first=False), BOUGHT, rules)
    assert campaign.inbox_share < 0.1
    assert campaign.days[-1].refused
    assert campaign.total("unknown") > 300


def test_authenticated_and_still_junk() -> None:
    bought = run(Plan.growing(100, 1.3, 2_000, 30, best_first=False), BOUGHT, PATIENT, authenticated=True)
    assert bought.total("junk") > bought.total("inbox")


def test_without_authentication_the_name_earns_less() -> None:
    with_it, without = run(SLOWLY, ASKED, STRICT), run(SLOWLY, ASKED, STRICT, authenticated=False)
    assert without.reputation < with_it.reputation
    assert without.throttled


def test_ignoring_deferrals_costs_reputation() -> None:
    waits, hurries = (
        run(Plan((20_000,) * 42, backs_off=patience), ASKED, STRICT) for patience in (True, False)
    )
    assert hurries.reputation < waits.reputation - 0.3


def test_mail_to_those_who_stopped_reading_moves_to_junk() -> None:
    everybody = run(Plan.growing(100, 1.3, 28_000, 42), ASKED, PATIENT)
    assert everybody.inbox_share < run(SLOWLY, ASKED, PATIENT).inbox_share
    assert everybody.total("complaints") > run(SLOWLY, ASKED, PATIENT).total("complaints")


def test_a_new_address_does_not_reset_the_domain() -> None:
    plan = Plan.growing(100, 1.3, 5_000, 40, best_first=False)
    moved = Plan(plan.volumes, best_first=False, moves_on=30)
    stayed, changed = run(plan, BOUGHT, PATIENT), run(moved, BOUGHT, PATIENT)
    assert changed.days[29].reputation > stayed.days[29].reputation  # the address is new
    assert changed.inbox_share < 0.1  # and it does not help


def test_one_click_spares_complaints_and_cleaning_spares_unknown() -> None:
    plan = Plan.growing(500, 1.3, 28_000, 20, one_click=True)
    without = Plan(plan.volumes, one_click=False, cleans=False)
    assert run(plan, ASKED, PATIENT).total("complaints") < run(without, ASKED, PATIENT).total("complaints")
    assert run(plan, ASKED, PATIENT).left.unknown < ASKED.unknown
    assert run(without, ASKED, PATIENT).left.unknown == ASKED.unknown


@BOTH
def test_every_recipient_of_a_day_is_accounted_for(rules: Assumptions) -> None:
    for audience in (ASKED, BOUGHT):
        for day in run(SLOWLY, audience, rules).days:
            assert day.tried == day.accepted + day.deferred + day.unknown + day.refused
            assert day.accepted == day.inbox + day.junk + day.traps
            assert day.reads + day.complaints + day.unsubscribed <= day.inbox


@given(seed=st.integers(0, 1000), volumes=st.lists(st.integers(0, 30_000), min_size=1, max_size=12))
def test_same_seed_same_weeks(seed: int, volumes: list[int]) -> None:
    plan = Plan(tuple(volumes), best_first=bool(seed % 2), backs_off=bool(seed % 3))
    once, again = (play(plan, ASKED, STRICT, seed=seed) for _ in range(2))
    assert [asdict(day) for day in once.days] == [asdict(day) for day in again.days]
    assert all(0 <= day.reputation <= 1 for day in once.days)


@given(st.integers(0, 10_000), st.floats(0, 1), st.integers(0, 9))
def test_binomial_stays_in_its_range(n: int, p: float, seed: int) -> None:
    assert 0 <= binomial(Random(seed), n, p) <= n


@pytest.mark.parametrize(("n", "p"), [(10, 0.3), (1000, 0.001), (1000, 0.4), (50, 0.95)])
def test_binomial_has_the_right_mean_and_spread(n: int, p: float) -> None:
    rng = Random(1)
    drawn = [binomial(rng, n, p) for _ in range(4000)]
    mean = sum(drawn) / len(drawn)
    assert mean == pytest.approx(n * p, abs=5 * (n * p * (1 - p) / 4000) ** 0.5)
    spread = sum((one - mean) ** 2 for one in drawn) / len(drawn)
    assert spread == pytest.approx(n * p * (1 - p), rel=0.15)


@given(st.integers(0, 500), st.lists(st.integers(0, 100), min_size=5, max_size=5), st.integers(0, 9))
def test_sharing_out_takes_what_there_is(taken: int, counts: list[int], seed: int) -> None:
    kinds = dict(zip(KINDS, counts, strict=True))
    drawn = share_out(Random(seed), taken, kinds)
    assert sum(drawn.values()) == min(taken, sum(counts))
    assert all(0 <= drawn[kind] <= kinds[kind] for kind in kinds)


def test_every_figure_says_what_it_is_and_where_it_comes_from() -> None:
    figures = list(PATIENT.figures())
    assert {one.name for one in figures} == set(asdict(PATIENT)) - {"name"}
    assert all(one.unit and one.text and one.source for one in figures)


@pytest.mark.parametrize(("name", "value"), [("growht", 2), ("growth", -1), ("growth", "much")])
def test_a_wrong_change_is_refused_with_what_there_is(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        PATIENT.but(**{name: value})


def test_wrong_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one day"):
        Plan(())
    with pytest.raises(ValueError, match="0 or more"):
        Plan((1, -1))
    with pytest.raises(ValueError, match="factor"):
        Plan.growing(1, 0.5, 10, 3)
    with pytest.raises(ValueError, match="wanted"):
        Audience(wanted=-1)


def test_a_ramp() -> None:
    assert [ramp(value, 1, 3) for value in (0, 1, 2, 3, 9)] == [0, 0, 0.5, 1, 1]
