"""Self references: no cycles, roots where they belong, managers of the same department."""

from __future__ import annotations

import json
import tracemalloc
from functools import partial

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive.encoding.layout import CodeColumn, Layout
from synthohive.linkage.assignment import NONE
from synthohive.linkage.forest import forest, levels
from synthohive.linkage.hierarchy import Hierarchy, fit_hierarchy
from synthohive.linkage.staffing import ANY, Cells
from synthohive.randomness import Stream

STAFF = Layout(
    (
        CodeColumn(name="department", size=6, source="department"),
        CodeColumn(name="title", size=8, source="title"),
        CodeColumn(name="age", size=30, source="age", is_ordered=True),
    )
)


def parents_of(values):
    return pl.Series("parent", [None if v is None or v < 0 else v for v in values], dtype=pl.UInt32)


def company(rows, seed=0, roots=1):
    """A tree of staff: everybody below the top reports within the own department."""
    generator = np.random.default_rng(seed)
    department, level, parent = (np.zeros(rows, int) for _ in range(3))
    parent[:] = -1
    for i in range(roots, rows):
        department[i] = generator.integers(0, 6)
        above = [j for j in range(i) if level[j] < 4 and department[j] == department[i]][:12]
        parent[i] = generator.choice(above) if above else 0
        level[i] = level[parent[i]] + 1
    title = np.minimum(level, 3) * 2 + generator.integers(0, 2, rows)
    age = generator.integers(0, 30, rows)
    codes = {"department": department, "title": title, "age": age}
    frame = pl.DataFrame({n: c.astype(np.uint8) for n, c in codes.items()})
    return parents_of(parent.tolist()), frame, level


def assign(hierarchy, level, codes, stream, **arguments):
    """Assign in blocks and put the blocks together; nulls for roots."""
    columns = {column.name: column.to_numpy() for column in codes}
    blocks = list(hierarchy.assign(level.to_numpy(), columns, stream, **arguments))
    rows = pl.Series("parent", np.concatenate([np.zeros(0, np.uint32), *blocks]))
    return rows.set(rows == int(NONE), None)


def reports(parents):
    return np.sort(np.bincount(parents.drop_nulls().to_numpy(), minlength=len(parents)))[::-1]


def test_levels_count_steps_to_the_root():
    parents, _, level = company(300)
    assert levels(parents).to_list() == level.tolist()


def test_a_long_chain_is_no_trouble():
    parents = parents_of(range(-1, 99_999))
    assert levels(parents)[-1] == 99_999


def test_self_loops_are_roots_and_cycles_are_cut():
    found = forest(parents_of([0, 0, 3, 4, 2, 4, 7, 6]))
    assert found.self_loops == 1
    assert found.broken_cycles == 2
    assert found.parents.to_list() == [None, 0, None, 4, 2, 4, None, 6]
    assert found.levels.to_list() == [0, 1, 0, 2, 1, 2, 0, 1]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(st.none(), st.integers(0, 24)), min_size=0, max_size=25))
def test_any_reference_becomes_a_forest(values):
    rows = parents_of([None if v is None or v >= len(values) else v for v in values])
    found = forest(rows)
    level = found.levels
    for row, parent in enumerate(found.parents):
        if parent is None:
            assert level[row] == 0
        else:
            assert rows[row] == parent
            assert level[row] == level[parent] + 1
    again = forest(found.parents)
    assert again.broken_cycles == again.self_loops == 0


@pytest.mark.parametrize("rows", [60, 400, 1500])
def test_staff_report_within_their_department_one_level_up(rows):
    parents, codes, level = company(rows)
    hierarchy = fit_hierarchy(parents, codes, STAFF)
    order = np.random.default_rng(1).permutation(rows).astype(np.uint32)
    new_codes, new_level = codes[order], hierarchy.level_codes(parents).gather(order)
    assigned = assign(hierarchy, new_level, new_codes, Stream(3))
    assert levels(assigned).to_list() == new_level.to_list()
    linked = assigned.is_not_null().to_numpy()
    department = new_codes["department"].to_numpy()
    same = (department[assigned.fill_null(0).to_numpy()] == department)[linked & (level[order] > 1)]
    assert same.mean() >= 0.95
    real, synthetic = reports(parents), reports(assigned)
    top = max(1, rows // 50)
    assert synthetic[:top].sum() / synthetic.sum() == pytest.approx(
        real[:top].sum() / real.sum(), abs=0.1
    )


def test_several_roots_keep_their_share():
    parents, codes, _ = company(500, roots=40)
    hierarchy = fit_hierarchy(parents, codes, STAFF)
    assert hierarchy.root_share == pytest.approx(40 / 500)
    assert not hierarchy.is_self_loop_root
    level = hierarchy.level_codes(parents)
    assert assign(hierarchy, level, codes, Stream(1)).null_count() == 40


def test_roots_that_refer_to_themselves_are_told():
    rows = parents_of([0, 0, 1, 1, 4, 4])
    hierarchy = fit_hierarchy(rows, pl.DataFrame(height=6), Layout())
    assert hierarchy.is_self_loop_root
    assert hierarchy.level_codes(rows).to_list() == [0, 1, 2, 2, 0, 1]


def test_a_missing_root_is_made():
    parents, codes, _ = company(100)
    hierarchy = fit_hierarchy(parents, codes, STAFF)
    level = pl.Series([2] * 60 + [4] * 40, dtype=pl.UInt8)
    assigned = assign(hierarchy, level, codes, Stream(1))
    assert assigned.null_count() == 1
    assert levels(assigned).value_counts(sort=True)["count"].to_list() == [59, 40, 1]


def test_a_table_without_attributes_has_a_hierarchy_too():
    parents, _, level = company(200)
    hierarchy = fit_hierarchy(parents, pl.DataFrame(height=200), Layout())
    assigned = assign(
        hierarchy, hierarchy.level_codes(parents), pl.DataFrame(height=200), Stream(1)
    )
    assert levels(assigned).to_list() == level.tolist()


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_hardly_any_rows(rows):
    parents, codes, _ = company(2)
    hierarchy = fit_hierarchy(parents[:rows], codes[:rows], STAFF)
    assigned = assign(hierarchy, hierarchy.level_codes(parents[:rows]), codes[:rows], Stream(1))
    assert assigned.to_list() == [None, 0][:rows]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 120), st.integers(0, 150))
def test_generated_rows_form_a_forest(seed, rows, new_rows):
    parents, codes, _ = company(rows, seed % 5)
    hierarchy = fit_hierarchy(parents, codes, STAFF)
    hierarchy = Hierarchy.from_dict(json.loads(json.dumps(hierarchy.to_dict())))
    generator = np.random.default_rng(seed)
    level = pl.Series(generator.integers(0, hierarchy.size, new_rows).astype(np.uint8))
    new = codes[generator.integers(0, rows, new_rows).astype(np.uint32)]
    assigned = assign(hierarchy, level, new, Stream(seed))
    assert assigned.dtype == pl.UInt32
    assert (assigned.drop_nulls() < new_rows).all()
    shape = forest(assigned)
    assert shape.broken_cycles == shape.self_loops == 0
    assert assigned.null_count() >= (new_rows > 0)
    if (level == 0).any():
        assert assigned.is_null().equals(level == 0, check_names=False)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10_000), st.integers(20, 200), st.integers(1, 15), st.integers(1, 4), st.data()
)
def test_the_law_of_the_real_table_holds_at_any_size(seed, rows, roots, times, data):
    """Roots, levels and the number of reports, where rows come out as the real ones."""
    parents, codes, level = company(rows, seed % 7, min(roots, rows))
    hierarchy = fit_hierarchy(parents, codes, STAFF)
    order = np.random.default_rng(seed).permutation(np.tile(np.arange(rows), times))
    new = codes[order.astype(np.uint32)]
    levels_drawn = hierarchy.level_codes(parents).gather(order.astype(np.uint32))
    block = data.draw(st.integers(1, rows * times))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("synthohive.linkage.staffing.BLOCK", block)
        assigned = assign(hierarchy, levels_drawn, new, Stream(seed))
    assert assigned.equals(assign(hierarchy, levels_drawn, new, Stream(seed)))
    shape = forest(assigned)
    assert shape.broken_cycles == shape.self_loops == 0
    assert assigned.null_count() == parents.null_count() * times
    assert shape.levels.to_list() == level[order].tolist()
    assert reports(assigned).sum() == reports(parents).sum() * times


def test_child_counts_are_the_real_ones():
    parents, codes, _ = company(1500, roots=40)
    hierarchy = fit_hierarchy(parents, codes, STAFF)
    order = np.random.default_rng(1).permutation(np.tile(np.arange(1500), 10)).astype(np.uint32)
    level = hierarchy.level_codes(parents).gather(order)
    assigned = assign(hierarchy, level, codes[order], Stream(3))
    real, synthetic = reports(parents), reports(assigned)
    # Kolmogorov and Smirnov's distance
    grid = np.arange(real.max() + 1)
    below = [np.searchsorted(np.sort(counts), grid, side="right") for counts in (real, synthetic)]
    assert np.abs(below[0] / len(real) - below[1] / len(synthetic)).max() < 0.02
    assert synthetic.max() <= 1.25 * real.max()


def test_columns_on_disk_leave_little_in_memory(tmp_path):
    parents, codes, _ = company(1500, roots=40)
    hierarchy = fit_hierarchy(parents, codes, STAFF)

    def peak(times):
        def new(kind):
            path = tmp_path / str(len(list(tmp_path.iterdir())))
            return np.memmap(path, kind, "w+", shape=len(parents) * times)

        level, *columns = (new(np.uint8) for _ in range(1 + codes.width))
        for column, values in zip(
            (level, *columns), (hierarchy.level_codes(parents), *codes), strict=True
        ):
            column[:] = np.tile(values.to_numpy(), times)
        whole = dict(zip(codes.columns, columns, strict=True))
        tracemalloc.start()
        try:
            blocks = hierarchy.assign(level, whole, Stream(1), new=new)
            return sum(map(len, blocks)), tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    (few, less), (many, more) = peak(100), peak(400)
    assert many == 4 * few
    assert more - less < 4 * (many - few)


def test_cells_are_counted_and_served():
    """All want a parent of the one group that has rows, or of the level as a whole."""
    groups = np.array([0, 0, 1, 1, 1, 0, 0, 0])
    level = np.array([0, 0, 0, 1, 1, 1, 1, 1])
    wanted = np.array([9, 9, 9, 1, 1, 0, 2, int(ANY)])
    new = partial(np.zeros, 8)
    cells = Cells.of([(level, groups, wanted)], 2, 3, new)
    assert cells.sizes.tolist() == [[2, 1, 0], [3, 2, 0]]
    # group 2 has no rows on level 0: two rows take any parent of the level
    assert cells.demand.tolist() == [1, 2, 0, 0, 0, 0, 2, 0, 3]
    assert cells.needed().tolist() == [3, 3, 0, 0, 0, 0]
    order = cells.lay_out(Stream(1), new)
    assert sorted(order[:2]) == [0, 1]
    assert order[2] == 2
    quotas = {0: 0, 1: 3, 2: 3}
    ends = np.cumsum([quotas.get(int(row), 0) for row in order]).astype(np.uint64)
    (parents,) = cells.serve(order, ends, Stream(2))
    assert (parents[:3] == NONE).all()
    assert parents[3:6].tolist() == [2, 2, 1]
    assert sorted(parents[6:]) == [1, 2]
