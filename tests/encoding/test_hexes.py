from __future__ import annotations

import hashlib
import json
import uuid

import numpy as np
import polars as pl
import pytest

from synthohive.encoding.hexes import find_alphabets
from synthohive.encoding.table import TableEncoder, fit_encoder
from synthohive.randomness import Stream
from synthohive.schema.model import Column, Constraint

RANDOM = np.random.default_rng(0)
UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-%s[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"


def uuids(count: int, version: int = 4) -> list[str]:
    return [
        str(uuid.UUID(bytes=bytes(RANDOM.bytes(16)), version=version))  # type: ignore[arg-type]
        for _ in range(count)
    ]


def digests(count: int, algorithm: str) -> list[str]:
    return [hashlib.new(algorithm, str(n).encode()).hexdigest() for n in range(count)]


HEXES = {
    "uuid 4": (uuids(300), UUID % "4"),
    "uuid 1": (uuids(300, 1), UUID % "1"),
    "uuid 4 and 5": (uuids(200) + uuids(200, 5), UUID % "[45]"),
    "capital uuid": (
        [text.upper() for text in uuids(300)],
        (UUID % "4").upper(),
    ),
    "few uuids": (uuids(3), UUID % "4"),
    "one uuid": (uuids(1), UUID % "4"),
    "md5": (digests(300, "md5"), r"^[0-9a-f]{32}$"),
    "few md5": (digests(3, "md5"), r"^[0-9a-f]{32}$"),
    "sha1": (digests(300, "sha1"), r"^[0-9a-f]{40}$"),
    "sha256": ([text.upper() for text in digests(300, "sha256")], r"^[0-9A-F]{64}$"),
    "sha512": (digests(20, "sha512"), r"^[0-9a-f]{128}$"),
    "short hash": ([text[:8] for text in digests(300, "md5")], r"^[0-9a-f]{8}$"),
}


def restored(encoder: TableEncoder) -> TableEncoder:
    return TableEncoder.from_dict(json.loads(json.dumps(encoder.to_dict())))


@pytest.mark.parametrize("pii", [None, "text"])
@pytest.mark.parametrize("name", HEXES)
def test_identifiers_keep_their_form_and_none_is_real(name: str, pii: str | None) -> None:
    texts, pattern = HEXES[name]
    frame = pl.DataFrame({"id": [*texts, None]})
    columns = {"id": Column(name="id", pii=pii)}
    encoder = restored(fit_encoder(frame, columns, stream=Stream(1)))
    decoded = encoder.decode(encoder.encode(pl.concat([frame] * 5)), Stream(2))["id"].drop_nulls()
    assert len(decoded) == 5 * len(texts)
    assert decoded.str.contains(pattern).all()
    assert not decoded.is_in(frame["id"].implode()).any()
    if "uuid" in name:
        assert all(str(uuid.UUID(text)) == text.lower() for text in decoded)


def test_a_shared_identifier_gets_a_stand_in_that_is_as_frequent() -> None:
    often, seldom, once = uuids(2), uuids(40), uuids(200)
    frame = pl.DataFrame({"plan": often * 1_000 + seldom * 10 + once})
    encoder = restored(fit_encoder(frame, {}, stream=Stream(1)))
    codes = encoder.encode(frame)
    decoded = encoder.decode(codes, Stream(2))
    assert decoded["plan"].str.contains(UUID % "4").all()
    assert not decoded["plan"].is_in(frame["plan"].implode()).any()
    counts = decoded["plan"].value_counts()["count"].sort(descending=True)
    assert counts[:42].to_list() == [1_000] * 2 + [10] * 40
    # synthetic rows can be encoded too, and mean the same
    kept = codes["plan"] < 42
    assert encoder.encode(decoded).filter(kept).equals(codes.filter(kept))
    text = json.dumps(encoder.to_dict())
    assert not any(real in text for real in often + seldom + once)


def test_declared_values_are_public() -> None:
    known = uuids(2)
    column = Column(name="plan", constraint=Constraint(accepted_values=tuple(known)))
    frame = pl.DataFrame({"plan": known * 50})
    encoder = fit_encoder(frame, {"plan": column}, stream=Stream(1))
    assert encoder.decode(encoder.encode(frame), Stream(2)).equals(frame)


@pytest.mark.parametrize(
    "texts",
    [
        [f"DE{n:08d}" for n in range(100)],
        [f"{n:010d}" for n in range(100)],
        ["deadbeef", "cafebabe", "facade00"],
        [text + "x" for text in digests(50, "md5")],
        [text[: 20 + n % 3] for n, text in enumerate(digests(50, "md5"))],
        [text[:6] for text in digests(50, "md5")],
        [],
    ],
)
def test_codes_are_no_hashes(texts: list[str]) -> None:
    assert find_alphabets(pl.Series(texts, dtype=pl.String)) is None
