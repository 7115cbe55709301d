from __future__ import annotations

import json
import uuid
from datetime import date, datetime
from math import prod

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive.encoding.key_fit import fit_key_format
from synthohive.encoding.key_forms import find_counter
from synthohive.encoding.keys import KeyFormat
from synthohive.encoding.radix import Radix, unique_choices
from synthohive.errors import CapacityError, ConfigError
from synthohive.randomness import Stream

RANDOM = np.random.default_rng(0)
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
HOURS = pl.datetime_range(datetime(2013, 1, 1), datetime(2013, 1, 5), "1h", eager=True)

REAL = {
    "int": pl.Series([5, 9, 12]),
    "int8": pl.Series([5, 9, 12], dtype=pl.Int8),
    "uint64": pl.Series([2**64 - 1], dtype=pl.UInt64),
    "float": pl.Series([5.0, None, 9.0]),
    "decimal": pl.Series([5, 9]).cast(pl.Decimal(12, 2)),
    "date": pl.date_range(date(2020, 1, 1), date(2020, 3, 1), "1d", eager=True),
    "hour": HOURS,
    "zoned hour": HOURS.dt.replace_time_zone("Europe/Berlin"),
    "counter": pl.Series([f"CUST-{n:04d}" for n in range(1, 200)]),
    "bare counter": pl.Series([f"A{n}/x" for n in range(1, 200)]),
    "unpadded": pl.Series([f"SKU-{n}" for n in range(1, 2_001)]),
    "one width": pl.Series([f"SKU-{n}" for n in range(100, 160)]),
    "high numbers": pl.Series([f"sku_{n}" for n in range(7_000, 7_100)]),
    "far apart": pl.Series([f"cust_{n}" for n in RANDOM.integers(10**3, 10**6, 60)]),
    "far apart of one width": pl.Series([f"cust_{n}" for n in RANDOM.integers(10**5, 10**6, 80)]),
    "number and unit": pl.Series([f"{n}kg" for n in (5, 10, 25)]),
    "uuid": pl.Series(
        [str(uuid.UUID(int=int(n) << 64 | 1, version=4)) for n in RANDOM.integers(0, 2**62, 50)]
    ),
    "hex": pl.Series([f"{n:08x}" for n in RANDOM.integers(16**7, 16**8, 200)]),
    "few hashes": pl.Series([f"{n:016x}" for n in RANDOM.integers(2**60, 2**63, 3)]),
    "capital uuid": pl.Series([str(uuid.UUID(int=n**9, version=4)).upper() for n in (1987, 2531)]),
    "two letters": pl.Series([a + b for a in "ABCDEF" for b in "XYZ"]),
    "tail number": pl.Series([f"N{n}{end}" for n in range(100, 400) for end in ("UA", "DL")]),
    "account": pl.Series([str(n) for n in RANDOM.integers(10**8, 10**9, 300)]),
    "phone": pl.Series([f"({n}) 555-{m}" for n, m in RANDOM.integers(100, 999, (300, 2))]),
    "title": pl.Series(["Blue Lamp", "Garden Chair 2", "Red & Green Cup", "Lamp"]),
    "mail": pl.Series([f"ada.{n}@mail.example" for n in "abcdefgh"]),
    "categorical": pl.Series([f"k{n:03d}" for n in range(99)], dtype=pl.Categorical),
    "empty text": pl.Series([], dtype=pl.String),
    "empty date": pl.Series([], dtype=pl.Date),
}
PATTERNS = {
    "counter": r"^CUST-\d{4,}$",
    "bare counter": r"^A\d+/x$",
    "unpadded": r"^SKU-[1-9]\d*$",
    "one width": r"^SKU-[1-9]\d\d\d*$",
    "high numbers": r"^sku_[1-9]\d{3}$",
    "far apart": r"^cust_[1-9]\d{3,}$",
    "far apart of one width": r"^cust_[1-9]\d{5}$",
    "number and unit": r"^[1-9]\d*kg$",
    "few hashes": r"^[0-9a-f]{16}$",
    "capital uuid": r"^[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$",
    "uuid": r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$",
    "hex": r"^[0-9a-f]{8}$",
    "two letters": r"^[A-Z]{2,}$",
    "tail number": r"^N\d{3}[A-Z]{2,}$",
    "account": r"^\d{9}$",
    "phone": r"^\(\d{3}\) 555-\d{3,}$",
    "title": r"^[A-Z][a-z]+",
    "mail": r"^[a-z]+\.[a-z]+@mail\.example$",
}


def positions(*values: int) -> pl.Series:
    return pl.Series(values, dtype=pl.UInt32)


@pytest.mark.parametrize("name", REAL)
def test_acceptance_17_keys_are_unique_typed_and_formed(name: str) -> None:
    real = REAL[name]
    keys = KeyFormat.from_dict(json.loads(json.dumps(fit_key_format(real).to_dict())))
    count = 100 if name == "int8" else max(1_000, 12 * len(real))
    where = pl.Series(range(count), dtype=pl.UInt32)
    written = keys.format(where, stream=Stream(3))
    assert written.dtype == real.dtype
    assert written.n_unique() == count
    assert written.null_count() == 0
    if name in PATTERNS:
        assert written.str.contains(PATTERNS[name]).all()
    # a key is a function of its position alone
    some = pl.Series(RANDOM.permutation(count)[:50], dtype=pl.UInt64)
    assert keys.format(some, stream=Stream(3)).equals(written.gather(some))
    assert len(keys.format(where.clear(), stream=Stream(3))) == 0


@pytest.mark.parametrize("name", ["int", "float", "decimal", "counter"])
def test_acceptance_17_counting_begins_where_asked(name: str) -> None:
    keys = fit_key_format(REAL[name])
    first = keys.format(positions(0, 1), stream=Stream(1)).cast(pl.String)
    later = keys.format(positions(0, 1), first=501, stream=Stream(1)).cast(pl.String)
    assert [text.strip("CUST-").split(".")[0].lstrip("0") for text in first] == ["1", "2"]
    assert [text.strip("CUST-").split(".")[0] for text in later] in (
        ["501", "502"],
        ["0501", "0502"],
    )


def test_acceptance_17_numbers_keep_their_width_while_it_lasts() -> None:
    keys = fit_key_format(REAL["one width"])
    written = keys.format(pl.Series(range(1_000), dtype=pl.UInt32), stream=Stream(1))
    assert written[:900].to_list() == [f"SKU-{n}" for n in range(100, 1_000)]
    assert written[900:].to_list() == [f"SKU-{n}" for n in range(1_000, 1_100)]
    before = keys.format(positions(0, 1), first=0, stream=Stream(1))
    assert before.to_list() == ["SKU-099", "SKU-100"]


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["", "SKU-", "cust_", "2024/"]),
    st.lists(st.integers(1, 10**6), min_size=2, max_size=40, unique=True),
    st.sampled_from(["", "/x"]),
)
def test_numbers_never_have_fewer_digits_than_the_real_ones(
    prefix: str, numbers: list[int], suffix: str
) -> None:
    keys = fit_key_format(pl.Series([f"{prefix}{number}{suffix}" for number in numbers]))
    written = keys.format(pl.Series(range(300), dtype=pl.UInt32), stream=Stream(1))
    assert written.n_unique() == 300
    digits = written.str.strip_prefix(prefix).str.strip_suffix(suffix)
    assert digits.str.contains(r"^\d+$").all()
    assert digits.str.len_chars().min() >= min(len(str(number)) for number in numbers)


@pytest.mark.parametrize("name", sorted(REAL.keys() - {"int8"}))
@pytest.mark.parametrize("pii", [None, "phone"])
def test_acceptance_17_runs_share_no_key_when_their_numbers_do_not_meet(
    name: str, pii: str | None
) -> None:
    keys = fit_key_format(REAL[name], pii=pii)
    where = pl.Series(range(300), dtype=pl.UInt32)
    for seed in (1, 2):
        runs = [keys.format(where, first=first, stream=Stream(seed, ("k",))) for first in (0, 300)]
        other = keys.format(where, first=600, stream=Stream(7, ("k",)))
        assert pl.concat([*runs, other]).n_unique() == 900


def test_acceptance_30_no_personal_key_is_written() -> None:
    phones = pl.Series([f"555-{n:04d}" for n in RANDOM.permutation(10_000)[:4_000]])
    keys = fit_key_format(phones, pii="phone")
    keys = KeyFormat.from_dict(json.loads(json.dumps(keys.to_dict())))
    written = keys.format(pl.Series(range(5_000), dtype=pl.UInt32), stream=Stream(1))
    assert keys.kind == "form"
    assert written.n_unique() == 5_000
    assert not written.is_in(phones.implode()).any()
    assert written.str.contains(r"^555-\d{4,}$").all()
    full = pl.Series([f"K{n}" for n in range(10, 100)])
    written = fit_key_format(full, pii="phone").format(
        pl.Series(range(500), dtype=pl.UInt32), stream=Stream(1)
    )
    assert written.n_unique() == 500
    assert not written.is_in(full.implode()).any()


def test_no_name_that_is_a_key_is_written() -> None:
    names = pl.Series([a + "i" + b + "a" for a in "BCDFGHKLMNPRSTVZ" for b in "bdklmnrstvz"])
    keys = fit_key_format(names)
    assert keys.kind == "words"
    written = keys.format(pl.Series(range(5_000), dtype=pl.UInt32), stream=Stream(1))
    assert not written.is_in(names.implode()).any()
    single = fit_key_format(pl.Series(["Ada Lovelace 3"]))
    assert not single.format(positions(0), stream=Stream(1)).str.contains("Ada|Lovelace").any()
    assert find_counter(pl.Series(["CUST-0007"])) is not None


def test_times_go_on_in_the_usual_step() -> None:
    keys = fit_key_format(HOURS)
    assert keys.format(positions(0, 25), stream=Stream(1)).to_list() == [
        datetime(2013, 1, 1),
        datetime(2013, 1, 2, 1),
    ]


def test_personal_keys_are_invented() -> None:
    real = pl.Series([f"ada{n}@mail.example" for n in range(300)])
    keys = fit_key_format(real, pii="email")
    keys = KeyFormat.from_dict(json.loads(json.dumps(keys.to_dict())))
    written = keys.format(pl.Series(range(5_000), dtype=pl.UInt32), stream=Stream(1))
    assert written.n_unique() == 5_000
    assert written.str.contains(r"@example\.(com|net|org)$").all()
    text = fit_key_format(pl.Series(["Ada Lovelace", "Alan Turing"] * 9), pii="text")
    assert (
        not text.format(pl.Series(range(50), dtype=pl.UInt32), stream=Stream(1))
        .str.contains("Ada|Alan")
        .any()
    )


@pytest.mark.parametrize(
    ("real", "position"),
    [
        (pl.Series([1, 2], dtype=pl.Int8), 127),
        (pl.Series([1, 2]).cast(pl.Decimal(4, 2)), 99),
        (pl.Series([True, False]), 2),
        (pl.Series(["a", "b"], dtype=pl.Enum(["a", "b", "c"])), 3),
        (pl.Series([date(9999, 12, 30), date(9999, 12, 31)]), 2),
        (pl.Series([0, 3600 * 10**9]).cast(pl.Time), 24),
        (pl.Series([1.0], dtype=pl.Float32), 2**24),
    ],
)
def test_a_full_key_is_an_error(real: pl.Series, position: int) -> None:
    keys = fit_key_format(real.alias("size"))
    keys = KeyFormat.from_dict(json.loads(json.dumps(keys.to_dict())))
    assert keys.capacity == position
    with pytest.raises(CapacityError, match=rf"^sales\.size: .*{position}") as found:
        keys.format(positions(position), stream=Stream(1), table="sales")
    assert (found.value.table, found.value.column) == ("sales", "size")
    assert len(keys.format(positions(position - 1), stream=Stream(1))) == 1


def test_an_enumeration_names_its_members() -> None:
    real = pl.Series("size", ["s", "l"], dtype=pl.Enum(["s", "m", "l"]))
    keys = fit_key_format(real)
    for first in (0, 1):
        written = keys.format(positions(0, 1, 2), first=first, stream=Stream(1))
        assert written.dtype == real.dtype
        assert sorted(written.cast(pl.String)) == ["l", "m", "s"]
    with pytest.raises(CapacityError, match=r"^size: Enum keys have 3 values \(s, m, l\), 4 are"):
        keys.format(positions(3), stream=Stream(1))


def test_the_last_values_can_be_used() -> None:
    enum = pl.Series(["a", "b"], dtype=pl.Enum(["a", "b", "c"]))
    written = fit_key_format(enum).format(positions(0, 1, 2), stream=Stream(1))
    assert written.cast(pl.String).sort().to_list() == ["a", "b", "c"]
    tiny = fit_key_format(pl.Series([1], dtype=pl.Int8)).format(positions(126), stream=Stream(1))
    assert tiny.to_list() == [127]


def test_some_types_cannot_be_keys() -> None:
    with pytest.raises(ConfigError, match="cannot be a key"):
        fit_key_format(pl.Series("k", [[1], [2]]))


@settings(max_examples=30, deadline=None)
@given(
    alphabets=st.lists(st.sampled_from(["x", "01", "abc", LETTERS]), min_size=1, max_size=6),
    growth=st.sampled_from(["01", LETTERS]),
    tail=st.integers(0, 1),
    start=st.integers(0, 2**20),
)
def test_any_form_writes_unique_texts(
    alphabets: list[str], growth: str, tail: int, start: int
) -> None:
    form = Radix(alphabets=tuple(alphabets), growth=(growth,), tail=tail)
    written = form.write(np.arange(start, start + 300), Stream(1))
    assert written.n_unique() == 300
    assert Radix.from_dict(form.to_dict()) == form


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=5), st.integers(0, 2**32 - 1))
def test_choices_are_unique_and_in_range(sizes: list[int], start: int) -> None:
    where = np.unique((start + np.arange(200)) % min(prod(sizes), 2**32))
    choices = unique_choices(where, sizes, Stream(1))
    assert len(set(zip(*(choice.tolist() for choice in choices), strict=True))) == len(where)
    for choice, size in zip(choices, sizes, strict=True):
        assert choice.min() >= 0
        assert choice.max() < size


def test_a_form_that_cannot_grow_is_an_error() -> None:
    form = Radix(alphabets=("01",))
    assert sorted(form.write(np.arange(2), Stream(1))) == ["0", "1"]
    with pytest.raises(CapacityError, match="only 2 keys"):
        form.write(np.arange(3), Stream(1))
