from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from synthohive.errors import LandingError
from synthohive.landing.stage import Stage


def test_parts_hold_the_rows_in_order_and_the_folder_goes():
    with Stage() as stage:
        for start in (0, 2, 4):
            stage.write("t", pl.DataFrame({"*": [start, start + 1]}))
        found = pl.read_parquet(list(stage.parts("t")))
        folder = stage.parts("t")[0].parent
        assert found["c0"].to_list() == [0, 1, 2, 3, 4, 5]
        assert stage.rows("t") == 6
    assert not folder.exists()


def test_the_folder_goes_after_an_error_too(tmp_path):
    def fail() -> None:
        with Stage(tmp_path) as stage:
            stage.write("t", pl.DataFrame({"a": [1]}))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(Path(tmp_path).iterdir()) == []


def test_empty_blocks_add_no_parts():
    with Stage() as stage:
        stage.empty("t", {"a": pl.Int64()})
        stage.empty("t", {"a": pl.Int64()})
        stage.write("t", pl.DataFrame({"a": [1]}))
        assert len(stage.parts("t")) == 2
        assert stage.tables == ("t",)


def test_parts_of_other_types_are_refused():
    with Stage() as stage:
        stage.write("t", pl.DataFrame({"a": [1]}))
        with pytest.raises(LandingError, match=r"has columns a String, earlier ones had a Int64"):
            stage.write("t", pl.DataFrame({"a": ["x"]}))
