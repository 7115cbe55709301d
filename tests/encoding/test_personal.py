from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from synthohive.encoding.personal import PersonalCodec, fit_personal
from synthohive.encoding.table import fit_encoder
from synthohive.randomness import Stream
from synthohive.schema.model import PII_KINDS, Column

FORMS = {
    "email": r"^[a-z]+\.[a-z]+\d+@example\.(com|net|org)$",
    "name": r"^\p{Lu}\w+ \p{Lu}\w+$",
    "first_name": r"^\p{Lu}\w+$",
    "last_name": r"^\p{Lu}\w+$",
    "phone": r"^\+44 20 \d{3} \d{3}$",
    "address": r"^\d+ .+, .+ \d{5}$",
    "street": r"^\d+ \p{Lu}\w+ \p{Lu}\w+$",
    "city": r"^\p{Lu}\w+$",
    "postcode": r"^\+?\d+ \d+ \d+ \d+$",
    "company": r"^\p{Lu}\w+ .+$",
    "url": r"^https://www\.example\.com/\w+$",
    "ip": r"^10\.\d{1,3}\.\d{1,3}\.\d{1,3}$",
    "username": r"^[a-z]+_[a-z]+\d+$",
    "iban": r"^XX00\d{18}$",
    "text": r"^\+?\d+ \d+ \d+ \d+$",
}


def real(kind: str) -> pl.Series:
    """Real values, every fourth one missing; names that the public lists have too."""
    if kind in ("first_name", "name", "last_name"):
        values = ["James", "Mary", "Ada"] if kind == "first_name" else ["James Smith", "Smith"]
    else:
        values = [f"+44 20 {n:03d} {n * 7:03d}" for n in range(100, 140)]
    return pl.Series("who", [values[n % len(values)] if n % 4 else None for n in range(400)])


@pytest.mark.parametrize("kind", PII_KINDS)
def test_acceptance_30_no_declared_personal_value_is_written(kind: str) -> None:
    series = real(kind)
    codec = fit_personal(series, kind, Stream(1))
    state = json.loads(json.dumps(codec.to_dict()))
    codec = PersonalCodec.from_dict(state, name="who", dtype=pl.String())
    assert [(c.name, c.size) for c in codec.code_columns] == [("who", 2)]
    written = codec.decode(codec.encode(series), Stream(2), len(series))
    assert written.is_null().equals(series.is_null())
    known = written.drop_nulls()
    assert known.str.contains(FORMS[kind]).all()
    assert not known.is_in(series.drop_nulls().implode()).any()
    assert known.n_unique() > 100


def test_saved_codecs_hold_no_real_value() -> None:
    names = [f"Xq{'abcdefghij'[n % 10] * (n // 10 + 1)}" for n in range(50)]
    series = pl.Series("who", [f"{name} Qu{name[2:]}" for name in names])
    for kind in PII_KINDS:
        text = json.dumps(fit_personal(series, kind, Stream(1)).to_dict())
        assert not any(name in text for name in names)


def test_acceptance_30_personal_columns_of_any_dtype() -> None:
    r = np.random.default_rng(0)
    frame = pl.DataFrame(
        {
            "ssn": pl.Series(r.integers(10**8, 10**9, 500)),
            "born": pl.Series(r.integers(0, 15_000, 500)).cast(pl.Int32).cast(pl.Date),
            "seen": pl.Series(r.integers(0, 10**9, 500) * 10**6).cast(pl.Datetime("us", "UTC")),
            "income": r.lognormal(10, 1, 500),
            "is ill": r.random(500) < 0.01,
            "blood": pl.Series(["A"] * 500, dtype=pl.Enum(["A", "B", "0"])),
        }
    )
    columns = {name: Column(name=name, pii="text") for name in frame.columns}
    encoder = fit_encoder(frame, columns, stream=Stream(1))
    assert encoder.layout.names == ()
    decoded = encoder.decode(encoder.encode(frame), Stream(2))
    assert decoded.schema == frame.schema
    for name in ("ssn", "seen", "income"):
        assert not decoded[name].is_in(frame[name].implode()).any()
    assert 0.4 < decoded["is ill"].mean() < 0.6
    assert decoded["blood"].n_unique() == 3


def test_unique_values_are_unique_beyond_all_combinations() -> None:
    series = real("first_name").drop_nulls()
    codec = fit_personal(series, "first_name", Stream(1))
    written = codec.writer.write_unique(np.arange(5_000), Stream(2))
    assert written.n_unique() == 5_000
    assert not written.is_in(series.implode()).any()
