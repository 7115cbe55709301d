from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive.encoding.draws import row_bits
from synthohive.encoding.seen import Seen, remember, text_hash
from synthohive.encoding.settings import EncodingSettings
from synthohive.encoding.table import fit_encoder
from synthohive.encoding.text import TextModel, fit_text
from synthohive.randomness import Stream

BITS = row_bits(Stream(2), 3_000)
RANDOM = np.random.default_rng(0)
FORMS = {
    "sku": (
        [f"SKU-{letter}{n:04d}" for n, letter in enumerate("ABCDEFGH" * 60)],
        r"^SKU-[A-H]\d{4}$",
    ),
    "phone": (
        [f"+1 ({n:03d}) 555-{m:04d}" for n, m in RANDOM.integers(0, 900, (400, 2))],
        r"^\+1 \(\d{3}\) 555-\d{4}$",
    ),
    "hash": (
        [f"{n:012x}" for n in RANDOM.integers(16**11, 16**12 - 1, 300)],
        r"^[0-9a-f]{12}$",
    ),
    "tail number": (
        [f"N{n}{end}" for n, end in zip(range(100, 400), ["UA", "AA", "DL"] * 100, strict=True)],
        r"^N\d{3}[A-Z]{2}$",
    ),
    "mail": (
        [f"{name}{n}@mail.example" for n in range(100) for name in ("ada", "bob", "cy")],
        r"^[a-z]+\d+@mail\.example$",
    ),
}


@pytest.mark.parametrize("name", FORMS)
def test_forms_are_kept_and_no_text_is_real(name: str) -> None:
    texts, pattern = FORMS[name]
    real = pl.Series(texts).unique().sort()
    model = fit_text(real, Stream(1))
    written = model.write(BITS)
    assert written.str.contains(pattern).all()
    assert not written.is_in(real.implode()).any()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=40, unique=True))
def test_any_texts_can_be_learned(texts: list[str]) -> None:
    real = pl.Series(texts)
    model = fit_text(real, Stream(1), min_texts=2, min_word_texts=2)
    again = TextModel.from_dict(json.loads(json.dumps(model.to_dict())))
    written = model.write(BITS[:200])
    assert again.write(BITS[:200]).equals(written)
    assert written.null_count() == 0
    assert not written.is_in(real.filter(real != "").implode()).any()


def test_words_that_many_share_stay_and_others_are_invented() -> None:
    real = pl.Series(
        [
            f"order of {word}"
            for word in (f"person{'abcdefghij'[n % 10] * (n // 10 + 1)}" for n in range(100))
        ]
    )
    written = fit_text(real, Stream(1)).write(BITS)
    assert written.str.starts_with("order of ").all()
    assert not written.str.contains("person").any()


def test_no_word_of_a_personal_text_stays() -> None:
    real = pl.Series([f"Patient {n} has gout" for n in range(200)])
    written = fit_text(real, Stream(1), min_word_texts=None).write(BITS)
    assert not written.str.contains("Patient|gout").any()
    assert written.str.contains(r"^\p{Lu}\p{Ll}{6} \d+ \p{Ll}{3} \p{Ll}{4}$").all()


def test_lengths_of_prose_survive() -> None:
    words = [f"w{n}x" for n in range(500)]
    real = pl.Series(
        [
            " ".join(RANDOM.choice(words, size)) + "!" * (size % 7)
            for size in RANDOM.integers(8, 60, 800)
        ]
    ).unique()
    model = fit_text(real, Stream(1))
    assert model.prose is not None
    written = model.write(BITS).str.len_chars()
    quantiles = [0.1, 0.5, 0.9]
    expected = [real.str.len_chars().quantile(q) for q in quantiles]
    assert [written.quantile(q) for q in quantiles] == pytest.approx(expected, rel=0.1)


def test_as_many_different_texts_as_there_were() -> None:
    texts = pl.Series([f"{n * 7919 % 10**6} Lane" for n in range(300)])
    model = fit_text(texts, Stream(1), rows=900)
    assert 290 < model.write(row_bits(Stream(3), 10_000)).n_unique() <= 300


def test_a_full_form_grows() -> None:
    real = pl.Series(
        [a + b for a in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" for b in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"]
    )
    written = fit_text(real, Stream(1)).write(BITS)
    assert written.str.contains(r"^[A-Z]{4,}$").all()
    numbers = pl.Series([f"no {n}" for n in range(1000)])
    written = fit_text(numbers, Stream(1)).write(BITS)
    assert written.str.contains(r"^no \d{4,}$").all()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=12), max_size=60))
def test_a_memory_never_forgets(texts: list[str]) -> None:
    seen = Seen.from_dict(remember(pl.Series(texts, dtype=pl.String)).to_dict())
    assert seen.contains(pl.Series(texts, dtype=pl.String)).all()


def test_a_memory_seldom_errs() -> None:
    seen = remember(pl.Series([f"a{n}" for n in range(20_000)]))
    assert seen.contains(pl.Series([f"b{n}" for n in range(20_000)])).mean() < 0.01


def test_hashes_are_the_same_everywhere() -> None:
    # fixed numbers: a saved memory must mean the same in every version
    assert text_hash(pl.Series(["", "a", "Ünïcode"])).tolist() == HASHES


HASHES = [7960286522194355700, 3227297116311277035, 4260358744452293138]


def test_rare_categories_are_neither_copied_nor_lost() -> None:
    common = ["Berlin"] * 400 + ["Paris"] * 300
    rare = [f"Village{n} am See" for n in range(100)]
    frame = pl.DataFrame({"city": common + rare})
    encoder = fit_encoder(frame, {}, stream=Stream(1))
    assert encoder.layout.sizes == (3,)
    decoded = encoder.decode(encoder.encode(frame), Stream(2))["city"]
    assert decoded[:700].equals(frame["city"][:700])
    assert not decoded.is_in(pl.Series(rare).implode()).any()
    assert decoded[700:].str.ends_with(" am See").all()


def test_names_of_a_tiny_table_are_invented() -> None:
    genres = pl.DataFrame({"genre": ["Rock", "Jazz", "Metal", "Alternative & Punk", "Blues"]})
    encoder = fit_encoder(genres, {}, stream=Stream(1))
    assert encoder.layout.names == ()
    decoded = encoder.decode(encoder.encode(genres), Stream(2))["genre"]
    assert not decoded.is_in(genres["genre"].implode()).any()


def test_vocabulary_is_capped() -> None:
    frame = pl.DataFrame({"c": [f"v{n}" for n in range(300) for _ in range(6)]})
    settings = EncodingSettings(vocabulary=200)
    encoder = fit_encoder(frame, {}, stream=Stream(1), settings=settings)
    assert encoder.layout.sizes == (201,)


def test_null_share_of_text_survives() -> None:
    frame = pl.DataFrame({"note": [f"call {n}" if n % 4 else None for n in range(400)]})
    encoder = fit_encoder(frame, {}, stream=Stream(1))
    assert encoder.layout.sizes == (2,)
    decoded = encoder.decode(encoder.encode(frame), Stream(2))["note"]
    assert decoded.is_null().equals(frame["note"].is_null())
