from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive.encoding.table import TableEncoder, code_dtype, fit_encoder
from synthohive.errors import ConfigError, ModelFileError
from synthohive.randomness import Stream
from synthohive.schema.model import Column, Constraint

ROWS = 2_000


def every_dtype(rows: int = ROWS, seed: int = 0) -> pl.DataFrame:
    """A column of every dtype that a table may have."""
    r = np.random.default_rng(seed)
    seconds = pl.Series(r.integers(1_500_000_000, 1_600_000_000, rows))
    days = pl.Series(r.integers(18_000, 19_000, rows)).cast(pl.Int32)
    cents = pl.Series(r.integers(-(10**6), 10**6, rows))
    columns = {
        **{
            f"int {dtype}": pl.Series(r.integers(0, 120, rows)).cast(dtype)
            for dtype in (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32)
        },
        "uint64": pl.Series(r.integers(0, 2**64 - 1, rows, dtype=np.uint64)),
        "huge uint64": pl.Series(r.integers(2**64 - 1000, 2**64 - 1, rows, dtype=np.uint64)),
        "int64": pl.Series(r.integers(-(2**62), 2**62, rows)),
        "int128": pl.Series(r.integers(0, 10**9, rows)).cast(pl.Int128),
        "float32": pl.Series(r.normal(size=rows).astype(np.float32)),
        "float64": pl.Series(r.normal(size=rows)),
        "float with specials": pl.Series(
            np.where(r.random(rows) < 0.1, [np.nan, np.inf][rows % 2], r.normal(size=rows))
        ),
        "decimal(10,2)": pl.select(
            (pl.lit(cents).cast(pl.Decimal(38, 0)) * pl.lit("0.01").cast(pl.Decimal(10, 2))).cast(
                pl.Decimal(10, 2)
            )
        ).to_series(),
        "decimal(38,0)": pl.Series(r.integers(0, 10**9, rows)).cast(pl.Decimal(38, 0)),
        "bool": pl.Series(r.random(rows) < 0.3),
        "date": days.cast(pl.Date),
        "time": pl.Series(r.integers(0, 86_400, rows) * 10**9).cast(pl.Time),
        "duration": pl.Series(r.integers(0, 10**6, rows)).cast(pl.Duration("ms")),
        **{
            f"datetime {unit} {zone}": (seconds * factor).cast(pl.Datetime(unit, zone))
            for unit, factor in (("ms", 10**3), ("us", 10**6), ("ns", 10**9))
            for zone in (None, "UTC", "America/New_York")
        },
        "string": pl.Series(r.choice(["red", "green", "blue"], rows)),
        "text": pl.Series([f"note {n} of {rows}" for n in range(rows)]),
        "enum": pl.Series(r.choice(["s", "m"], rows), dtype=pl.Enum(["s", "m", "l"])),
        "categorical": pl.Series(r.choice(["x", "y"], rows), dtype=pl.Categorical),
        "constant": pl.Series([7]).new_from_index(0, rows),
        "all null": pl.Series([None], dtype=pl.Int32).new_from_index(0, rows),
        "null dtype": pl.Series([None]).new_from_index(0, rows),
        "list": pl.Series([[1, 2]]).new_from_index(0, rows),
        "struct": pl.Series([{"a": 1}]).new_from_index(0, rows),
        "binary": pl.Series([b"\x00"]).new_from_index(0, rows),
        'quo"te, spacé\n': pl.Series(r.integers(0, 5, rows)),
    }
    frame = pl.DataFrame({name: series.alias(name) for name, series in columns.items()})
    gone = pl.Series(r.random(rows) < 0.2)
    return frame.with_columns(
        pl.when(pl.lit(gone)).then(None).otherwise(pl.col(name)).alias(f"{name} or null")
        for name in ("int64", "float64", "date", "bool", "string", "text", "datetime us UTC")
    )


@pytest.fixture(scope="module")
def real() -> pl.DataFrame:
    return every_dtype()


@pytest.fixture(scope="module")
def encoder(real: pl.DataFrame) -> TableEncoder:
    return fit_encoder(real, {}, stream=Stream(1))


@pytest.fixture(scope="module")
def synthetic(real: pl.DataFrame, encoder: TableEncoder) -> pl.DataFrame:
    return encoder.decode(encoder.encode(real), Stream(2))


def test_codes_fit_the_layout(real: pl.DataFrame, encoder: TableEncoder) -> None:
    codes = encoder.encode(real)
    assert tuple(codes.columns) == encoder.layout.names
    assert codes.height == ROWS
    for column in encoder.layout.columns:
        assert codes[column.name].dtype == code_dtype(column.size)
        assert codes[column.name].null_count() == 0
        assert codes[column.name].max() < column.size
        assert column.size > 1
        assert column.coarse is None or column.coarse in encoder.layout.names


def test_decoding_gives_the_real_names_order_and_dtypes(
    real: pl.DataFrame, synthetic: pl.DataFrame
) -> None:
    assert synthetic.schema == real.schema
    assert synthetic.columns == real.columns


def test_nulls_and_specials_stay_where_they_were(
    real: pl.DataFrame, synthetic: pl.DataFrame
) -> None:
    unsupported = {"list", "struct", "binary"}
    for name in set(real.columns) - unsupported:
        assert synthetic[name].is_null().equals(real[name].is_null()), name
        if real[name].dtype.is_float():
            assert synthetic[name].is_nan().equals(real[name].is_nan()), name
            assert synthetic[name].is_infinite().equals(real[name].is_infinite()), name
    for name in unsupported:
        assert synthetic[name].null_count() == ROWS


def test_small_sets_of_values_come_back_exactly(
    real: pl.DataFrame, synthetic: pl.DataFrame
) -> None:
    for name in ("bool", "string", "enum", "categorical", "constant", 'quo"te, spacé\n'):
        assert synthetic[name].equals(real[name]), name


def test_marginals_survive(real: pl.DataFrame, synthetic: pl.DataFrame) -> None:
    for name in real.columns:
        if real[name].dtype.is_nested() or not (
            real[name].dtype.is_numeric() or real[name].dtype.is_temporal()
        ):
            continue
        assert ks_distance(real[name], synthetic[name]) < 0.01, name


def ks_distance(a: pl.Series, b: pl.Series) -> float:
    """Largest difference of the two cumulated shares, of finite values."""
    left, right = (
        np.sort(s.drop_nulls().to_physical().cast(pl.Float64).to_numpy()) for s in (a, b)
    )
    left, right = left[np.isfinite(left)], right[np.isfinite(right)]
    if not len(left) and not len(right):
        return 0.0
    both = np.concatenate([left, right])
    shares = [np.searchsorted(x, both, side="right") / len(x) for x in (left, right)]
    return float(np.abs(shares[0] - shares[1]).max())


def test_unsupported_columns_are_reported(encoder: TableEncoder) -> None:
    text = "\n".join(encoder.notices)
    assert all(f"'{name}' is of type" in text for name in ("list", "struct", "binary"))
    assert len(encoder.notices) == 3


@settings(max_examples=10, deadline=None)
@given(cut=st.integers(0, 300))
def test_any_split_into_blocks_decodes_equally(cut: int) -> None:
    whole = SPLIT.decode(SPLIT_CODES, Stream(5), start=11)
    blocks = [
        SPLIT.decode(SPLIT_CODES[:cut], Stream(5), start=11),
        SPLIT.decode(SPLIT_CODES[cut:], Stream(5), start=11 + cut),
    ]
    assert pl.concat(blocks).equals(whole, null_equal=True)


SPLIT_FRAME = every_dtype(300, seed=1)
SPLIT = fit_encoder(
    SPLIT_FRAME, {"string or null": Column(name="string or null", pii="name")}, stream=Stream(1)
)
SPLIT_CODES = SPLIT.encode(SPLIT_FRAME)


def test_other_seed_other_values_same_codes() -> None:
    one, two = (SPLIT.decode(SPLIT_CODES, Stream(seed))["float64"] for seed in (1, 2))
    assert not one.equals(two)


def test_global_random_state_is_untouched() -> None:
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    fit_encoder(SPLIT_FRAME, {}, stream=Stream(1)).decode(SPLIT_CODES, Stream(1))
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


@pytest.mark.parametrize("rows", [0, 1, 2, 7])
def test_acceptance_16_hardly_any_rows(rows: int, real: pl.DataFrame) -> None:
    few = real.head(rows)
    encoder = fit_encoder(few, {}, stream=Stream(1))
    codes = encoder.encode(few)
    assert codes.height == rows
    decoded = encoder.decode(codes, Stream(2))
    assert decoded.schema == real.schema
    assert decoded.height == rows
    assert encoder.decode(codes.head(0), Stream(2)).schema == real.schema


def test_a_table_without_code_columns_keeps_its_height() -> None:
    frame = pl.DataFrame({"a": [1, 1, 1]})
    encoder = fit_encoder(frame, {}, stream=Stream(1))
    codes = encoder.encode(frame)
    assert codes.shape == (3, 0)
    assert encoder.decode(codes, Stream(2)).equals(frame)


def test_columns_may_be_called_like_codes() -> None:
    r = np.random.default_rng(0)
    names = ["x", "x#fine", "x#fine#", "t#time", "t"]
    frame = pl.DataFrame({name: r.normal(size=1_000) for name in names[:4]}).with_columns(
        t=pl.Series(r.integers(0, 10**9, 1_000) * 10**6).cast(pl.Datetime("us"))
    )
    encoder = fit_encoder(frame, {}, stream=Stream(1))
    assert len(set(encoder.layout.names)) == len(encoder.layout)
    assert {code.coarse for code in encoder.layout.columns if code.coarse} == set(names)
    decoded = encoder.decode(encoder.encode(frame), Stream(1))
    for name in names:
        assert ks_distance(frame[name], decoded[name]) < 0.01


def test_save_and_load(
    tmp_path, real: pl.DataFrame, encoder: TableEncoder, synthetic: pl.DataFrame
) -> None:
    encoder.save(tmp_path / "encoder")
    loaded = TableEncoder.load(tmp_path / "encoder")
    assert loaded.layout == encoder.layout
    assert loaded.schema == encoder.schema
    assert loaded.notices == encoder.notices
    assert loaded.decode(loaded.encode(real), Stream(2)).equals(synthetic, null_equal=True)


def test_damaged_files_are_refused(tmp_path, encoder: TableEncoder) -> None:
    with pytest.raises(ModelFileError, match="cannot read"):
        TableEncoder.load(tmp_path)
    state = json.loads(json.dumps(encoder.to_dict()))
    with pytest.raises(ModelFileError, match="format 99"):
        TableEncoder.from_dict(state | {"version": 99})
    del state["columns"][0][2]["state"]["grid"]
    with pytest.raises(ModelFileError, match="damaged"):
        TableEncoder.from_dict(state)


def test_values_never_seen_have_a_code_and_are_counted() -> None:
    frame = pl.DataFrame({"n": [1, 2, 3, 4] * 50, "c": ["a", "b", "b", "b"] * 50})
    encoder = fit_encoder(frame, {}, stream=Stream(1))
    new = pl.DataFrame({"n": [-5, 99, None, 2], "c": ["z", "a", None, "b"]})
    codes = encoder.encode(new)
    assert codes["n"].to_list()[:2] == [0, 3]
    assert codes["n"].null_count() == 0
    # the most frequent category stands for one never seen
    assert codes["c"].to_list() == [0, 1, 0, 0]
    assert encoder.unseen(new) == {"n": 3, "c": 2}
    assert encoder.unseen(frame) == {}


def test_missing_columns_are_named() -> None:
    encoder = fit_encoder(pl.DataFrame({"a": [1, 2]}), {}, stream=Stream(1))
    with pytest.raises(ConfigError, match="'a'"):
        encoder.encode(pl.DataFrame({"b": [1]}))


def test_accepted_values_are_public_and_nothing_else_is_written() -> None:
    frame = pl.DataFrame({"status": ["open", "shut", "shut", "odd"], "size": [5, 40, 40, 40]})
    columns = {
        "status": Column(
            name="status", constraint=Constraint(accepted_values=("open", "shut", "lost"))
        ),
        "size": Column(name="size", constraint=Constraint(accepted_values=(5, 40))),
    }
    encoder = fit_encoder(frame, columns, stream=Stream(1))
    decoded = encoder.decode(encoder.encode(frame), Stream(2))
    assert decoded["status"].to_list() == ["open", "shut", "shut", "shut"]
    assert decoded["size"].to_list() == [5, 40, 40, 40]
    assert encoder.layout.columns[0].size == 3
    assert encoder.notices == ("'status' has 1 rows that are none of its accepted values",)


def test_undeclared_addresses_are_reported() -> None:
    frame = pl.DataFrame({"mail": [f"person{n}@mail.example" for n in range(200)]})
    encoder = fit_encoder(frame, {}, stream=Stream(1))
    assert encoder.notices == ("'mail' holds e-mail addresses; declare it as pii: email",)


def test_a_strict_relation_between_numbers_survives_two_level_codes() -> None:
    r = np.random.default_rng(3)
    x, y = r.normal(size=20_000), r.exponential(size=20_000)
    frame = pl.DataFrame({"x": x, "y": y, "z": x + y})
    encoder = fit_encoder(frame, {}, stream=Stream(1))
    decoded = encoder.decode(encoder.encode(frame), Stream(2))
    residual = (decoded["z"] - decoded["x"] - decoded["y"]).abs().to_numpy()
    assert np.median(residual) < 0.005
    assert np.quantile(residual, 0.9) < 0.03
    assert encoder.layout.sizes == (32, 16) * 3
