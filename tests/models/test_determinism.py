"""The same bytes on any number of threads, in any process; no global state is touched."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import hypothesis
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from planted import LAYOUT, TINY, table

from synthohive.models import BLOCK_ROWS, CTGANSettings, learning, train
from synthohive.models.learning import FEWEST_TOGETHER
from synthohive.models.pinned import pinned_torch
from synthohive.models.plan import plan_training
from synthohive.parallel import crew
from synthohive.randomness import Stream

ROWS = 3_000

ELSEWHERE = """
import hashlib, sys
import torch
sys.path.insert(0, {folder!r})
torch.set_num_threads({threads})
from planted import LAYOUT, TINY, table
from synthohive.models import train
from synthohive.randomness import Stream
generator = train(table(500), LAYOUT, settings=TINY, stream=Stream(4))
drawn = generator.sample(9_000, stream=Stream(5), threads={threads})
print(hashlib.sha256(drawn.tobytes()).hexdigest())
"""


def digest(generator, threads):
    drawn = generator.sample(9_000, stream=Stream(5), threads=threads)
    return hashlib.sha256(drawn.tobytes()).hexdigest()


def test_another_process_with_other_threads_gets_the_same(request):
    generator = train(table(500), LAYOUT, settings=TINY, stream=Stream(4))
    here = {digest(generator, threads) for threads in (1, 2, 3)}
    script = ELSEWHERE.format(folder=str(request.path.parent), threads=2)
    there = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert here == {there.stdout.decode().strip()}


def test_training_two_tables_at_once_changes_neither():
    def work(seed):
        return digest(train(table(300), LAYOUT, settings=TINY, stream=Stream(seed)), 1)

    alone = [work(seed) for seed in (1, 2)]
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(work, (1, 2))) == alone
    assert alone[0] != alone[1]


def test_a_table_is_learned_alike_on_any_number_of_threads():
    settings = CTGANSettings(max_steps=9, width=32)
    plan = plan_training(ROWS, 30, settings)
    assert plan.has_muon
    assert plan.batch >= FEWEST_TOGETHER
    kept = []
    for threads in (1, 2, 5):
        made = train(table(ROWS), LAYOUT, settings=settings, stream=Stream(4), threads=threads)
        kept.append([weight.detach() for weight in made.parts.network.parameters()])
    assert all(torch.equal(*pair) for pair in zip(kept[0], kept[1], strict=True))
    assert all(torch.equal(*pair) for pair in zip(kept[0], kept[2], strict=True))


def test_portions_of_a_batch_give_the_gradient_of_the_whole(monkeypatch):
    settings = CTGANSettings(max_steps=1, width=32)
    kept = []
    for fewest in (FEWEST_TOGETHER, FEWEST_TOGETHER * 1_000):
        monkeypatch.setattr(learning, "FEWEST_TOGETHER", fewest)
        made = train(table(ROWS), LAYOUT, settings=settings, stream=Stream(4))
        kept.append(made.history)
    assert np.allclose(kept[0][:, 1:3], kept[1][:, 1:3], rtol=1e-4)


@given(st.lists(st.integers(0, 3), max_size=6), st.integers(1, 4))
@hypothesis.settings(deadline=None, max_examples=30)
def test_a_crew_gives_results_in_order_and_does_what_nobody_has_begun(items, threads):
    def work(item):
        time.sleep(item / 1_000)
        return item * 2

    with crew(threads) as together:
        assert together(work, items) == [item * 2 for item in items]
        assert together(work, items) == [item * 2 for item in items]


def test_rows_may_be_asked_for_block_by_block(alone):
    generator, _ = alone
    rows = 2 * BLOCK_ROWS + 100
    whole = generator.sample(rows, stream=Stream(6))
    first = generator.sample(BLOCK_ROWS, stream=Stream(6))
    rest = generator.sample(rows - BLOCK_ROWS, stream=Stream(6), start=BLOCK_ROWS)
    assert (whole == np.concatenate([first, rest])).all()
    with pytest.raises(ValueError, match="not a multiple of 8192"):
        generator.sample(1, stream=Stream(6), start=5)


@pytest.mark.parametrize("settings", [TINY, CTGANSettings.classic(max_steps=3, width=16)])
def test_the_callers_random_numbers_and_switches_stay_as_they_are(settings):
    torch.manual_seed(3)
    np.random.seed(3)  # noqa: NPY002  the global state is what must not change
    random.seed(3)
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    switches = torch.get_num_threads(), torch.get_float32_matmul_precision()
    train(table(200), LAYOUT, settings=settings, stream=Stream(1)).sample(10, stream=Stream(1))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (np.random.get_state()[1] == before[1]).all()  # noqa: NPY002
    assert random.getstate() == before[2]
    assert (torch.get_num_threads(), torch.get_float32_matmul_precision()) == switches


def test_switches_come_back_when_the_last_of_several_threads_is_done():
    before = torch.get_num_threads(), torch.get_float32_matmul_precision()

    def work(_):
        with pinned_torch(), pinned_torch():
            return torch.get_num_threads(), torch.get_float32_matmul_precision()

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(work, range(20))) == {(1, "medium")}
    assert (torch.get_num_threads(), torch.get_float32_matmul_precision()) == before
    with pytest.raises(KeyError), pinned_torch():
        raise KeyError
    assert torch.get_num_threads() == before[0]
