"""Which runs share a program, and in which order they start."""

from hypothesis import given
from hypothesis import strategies as st

from sweeps.cohorts import cohort_seconds, keep_or_plan, plan
from sweeps.estimates import CORE_RATES, START_SECONDS, core_rate, makespan

RECORDS = st.lists(st.tuples(st.integers(0, 4), st.floats(1e9, 1e14)), min_size=1, max_size=30).map(
    lambda items: [
        {"id": str(i), "cohort_key": key, "flops": 1e9 * 10**key, "parameters": 10**key * 100}
        for i, (key, _) in enumerate(items)
    ]
)
SIZES = st.one_of(st.just("auto"), st.integers(1, 5))


@given(RECORDS, SIZES, st.integers(1, 4))
def test_every_run_is_in_one_cohort_of_its_own_key_and_size(records, size, workers):
    by_id = {record["id"]: record for record in records}
    cohorts = plan(records, size=size, workers=workers)
    assert sorted(run for cohort in cohorts for run in cohort) == sorted(by_id)
    for cohort in cohorts:
        assert len({by_id[run]["cohort_key"] for run in cohort}) == 1
        assert size == "auto" or len(cohort) <= size
    seconds = [cohort_seconds([by_id[run] for run in cohort]) for cohort in cohorts]
    assert seconds == sorted(seconds, reverse=True)


@given(RECORDS, st.integers(1, 4))
def test_auto_is_no_slower_than_its_fair_share_or_single_runs_would_allow(records, workers):
    by_id = {record["id"]: record for record in records}
    cohorts = plan(records, size="auto", workers=workers)
    seconds = [cohort_seconds([by_id[run] for run in cohort]) for cohort in cohorts]
    alone = max(cohort_seconds([record]) for record in records)
    assert makespan(seconds, workers) <= sum(seconds) / workers + max(alone, *seconds)


@given(RECORDS, SIZES, st.integers(1, 4), st.integers(0, 30))
def test_runs_planned_before_stay_together(records, size, workers, known):
    first = plan(records[:known], size=size, workers=workers)
    again = keep_or_plan(first, records, size=size, workers=workers + 1)
    assert {tuple(cohort) for cohort in first} <= {tuple(cohort) for cohort in again}
    assert sorted(run for cohort in again for run in cohort) == sorted(r["id"] for r in records)


def test_the_makespan_of_textbook_tasks():
    # Graham's worst case for longest first on 4 machines: 4/3 - 1/12 of the best, which is 12.
    assert makespan([7, 7, 6, 6, 5, 5, 4, 4, 4], 4) == 15
    assert makespan([START_SECONDS], 3) == START_SECONDS


def test_rates_pass_through_the_measured_ones_and_stay_flat_outside():
    for parameters, rate in CORE_RATES:
        assert abs(core_rate(parameters) / rate - 1) < 1e-12
    assert core_rate(10) == CORE_RATES[0][1]
    assert core_rate(1e9) == CORE_RATES[-1][1]
