"""Tables to measure with, drawn from formulas: whoever runs a benchmark has the same data.

What a table is like is fixed; its rows follow from the seed. Every function returns rows to
learn from and rows held out, which nothing learns from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table to learn.

    Attributes:
        train: The rows to learn from.
        held: Rows of the same kind, to judge by.
        rule: What holds in every real row, if there is such a thing.
    """

    train: pl.DataFrame
    held: pl.DataFrame
    rule: pl.Expr | None = None


def read_csv(path: str, rows: int, seed: int) -> Table:
    """Read a CSV file, shuffle it, and split it; at least a fifth is held out."""
    frame = pl.read_csv(path, infer_schema_length=None)
    text = [name for name, dtype in frame.schema.items() if dtype == pl.String]
    frame = frame.with_columns(pl.col(text).str.strip_chars())
    frame = frame.sample(fraction=1.0, shuffle=True, seed=seed)
    return _split(frame, min(rows, frame.height * 4 // 5))


def tight(seed: int, rows: int = 20_000, held: int = 6_000) -> Table:
    """Stones: measures that nearly determine one another, three grades and a price."""
    n, random = rows + held, np.random.default_rng(seed)
    carat = np.exp(random.normal(-0.4, 0.6, n))
    rounded = np.ceil(carat * 2) / 2  # many are cut down to just above a round weight
    carat = np.where(random.random(n) < 0.3, rounded + random.exponential(0.02, n), carat)
    carat = np.maximum(carat, 0.2).round(2)
    cut = np.clip(random.normal(2.8, 1.2, n).round(), 0, 4).astype(int)
    colour = np.clip(random.normal(3 + 0.5 * np.log(carat), 1.6, n).round(), 0, 6).astype(int)
    clarity = np.clip(random.normal(3 - 0.8 * np.log(carat), 1.4, n).round(), 0, 7).astype(int)
    length = (6.45 * carat ** (1 / 3) * np.exp(random.normal(0, 0.008, n))).round(2)
    width = (length * np.exp(random.normal(0, 0.006, n))).round(2)
    share = random.normal(61.8 + 0.6 * (2 - cut), 0.5 + 0.25 * (4 - cut))
    depth = (share / 100 * (length + width) / 2).round(2)
    share = (200 * depth / (length + width)).round(1)
    table = (random.normal(57 - 0.5 * (share - 61.8), 1.2, n)).round()
    worth = 8.2 + 1.7 * np.log(carat) + 0.06 * cut + 0.09 * colour + 0.12 * clarity
    price = np.exp(worth + random.normal(0, 0.08, n)).round().astype(int)
    frame = pl.DataFrame(
        {
            "carat": carat,
            "cut": _named(cut, ["poor", "fair", "good", "fine", "ideal"]),
            "colour": _named(colour, list("JIHGFED")),
            "clarity": _named(clarity, ["I1", "S2", "S1", "V2", "V1", "W2", "W1", "IF"]),
            "depth_share": share,
            "table": table,
            "length": length,
            "width": width,
            "depth": depth,
            "price": price,
        }
    )
    shown = 200 * pl.col("depth") / (pl.col("length") + pl.col("width"))
    return _split(frame, rows, (shown - pl.col("depth_share")).abs() < 0.051)


def counts(seed: int, rows: int = 12_000, held: int = 5_000) -> Table:
    """Hours of a rental shop: two skewed counts, often zero, and their sum."""
    n, random = rows + held, np.random.default_rng(seed)
    day, hour = random.integers(0, 730, n), random.integers(0, 24, n)
    year_part = 2 * np.pi * (day % 365) / 365
    is_workday = (day % 7 < 5) & (day % 53 != 0)
    warmth = 11 - 11 * np.cos(year_part) + 4 * np.sin((hour - 9) * np.pi / 12)
    temperature = (warmth + random.normal(0, 3.5, n)).round(1)
    weather = np.digitize(random.normal(0, 1, n) - 0.03 * temperature, [0.0, 0.9, 1.9])
    humidity = np.clip(70 + 9 * weather - 0.8 * temperature + random.normal(0, 9, n), 8, 100)
    wind = np.maximum(0, random.gamma(2.2, 6.0, n) - 3).round(1)
    rush = np.exp(-((hour - 8) ** 2) / 3) + 1.2 * np.exp(-((hour - 17.5) ** 2) / 4)
    leisure = np.exp(-((hour - 14.5) ** 2) / 22)
    mood = np.exp(0.05 * temperature - 0.45 * weather - 0.01 * wind)
    member = 45 * mood * (0.25 * leisure + np.where(is_workday, rush, 0.9 * leisure) + 0.02)
    casual = 22 * mood**1.4 * leisure * np.where(is_workday, 0.45, 1.5)
    members, casuals = (random.poisson(random.gamma(2, mean / 2)) for mean in (member, casual))
    frame = pl.DataFrame(
        {
            "season": _named((day % 365) * 4 // 365, ["winter", "spring", "summer", "autumn"]),
            "month": (day % 365) // 31 + 1,
            "hour": hour,
            "weekday": day % 7,
            "is_workday": is_workday,
            "weather": _named(weather, ["clear", "cloudy", "rain", "storm"]),
            "temperature": temperature,
            "humidity": humidity.round().astype(int),
            "wind": wind,
            "casual": casuals,
            "member": members,
            "total": casuals + members,
        }
    )
    return _split(frame, rows, pl.col("casual") + pl.col("member") == pl.col("total"))


def panel(seed: int, rows: int = 2_000, held: int = 600) -> Table:
    """Years of 200 districts, with figures that are missing together; the year is one of 13."""
    random = np.random.default_rng(seed)
    unit, year = np.repeat(np.arange(200), 13), np.tile(np.arange(13), 200)
    wealth = np.repeat(random.normal(0, 1, 200), 13) + 0.03 * year
    drift = np.repeat(random.normal(0, 0.05, 200), 13) * year
    noise = random.normal(0, 1, (8, len(unit)))
    income = np.exp(8.5 + 1.1 * wealth + 0.1 * noise[0])
    values = {
        "income": income.round(2),
        "life_expectancy": (69 + 6.5 * wealth + drift + 0.5 * noise[1]).round(1),
        "child_deaths": random.poisson(np.exp(3.2 - 1.1 * wealth)),
        "schooling": np.clip(11 + 2.4 * wealth + 0.3 * noise[2], 0, 20).round(1),
        "doctors": np.maximum(0, 2 + 1.2 * wealth + 0.3 * noise[3]).round(2),
        "vaccinated": np.clip(84 + 9 * wealth + 6 * noise[4], 2, 99).round().astype(int),
        "people": np.repeat(np.exp(random.normal(15, 1.6, 200)), 13).round().astype(int),
        "spent_on_health": (income * 0.06 * np.exp(0.4 * noise[5])).round(1),
    }
    poor = 1 / (1 + np.exp(2.2 + 1.1 * wealth))
    # figures of one office are missing together, and more often where there is less money
    offices = [("income", "spent_on_health"), ("schooling", "doctors"), ("people",)]
    frame = pl.DataFrame({"district": [f"district {u:03}" for u in unit], "year": 2010 + year})
    frame = frame.with_columns(
        _named((np.repeat(random.random(200), 13) > 0.8).astype(int), ["rural", "urban"]).alias(
            "status"
        ),
        *(pl.Series(name, column) for name, column in values.items()),
    )
    for office in offices:
        is_missing = random.random(len(unit)) < np.repeat(poor[::13], 13) * 1.5
        for name in office:
            also = random.random(len(unit)) < 0.01
            frame = frame.with_columns(frame[name].set(pl.Series(is_missing | also), None))
    frame = frame.sample(fraction=1.0, shuffle=True, seed=seed)
    return _split(frame[: rows + held], rows)


def months(seed: int, held: int = 1_700) -> Table:
    """Months of 46 places: homes sold and offered, prices, and how long the offer lasts."""
    random, places, span = np.random.default_rng(46), 46, 187
    place, month = np.repeat(np.arange(places), span), np.tile(np.arange(span), places)
    size, dear, growth, choice = (
        random.normal(mean, spread, places)[place]
        for mean, spread in ((5.0, 1.3), (11.7, 0.25), (0.0035, 0.0008), (1.9, 0.25))
    )
    market = np.interp(np.arange(span), [0, 84, 132, 186], [0.0, 0.5, -0.07, 0.36])[month]
    season = np.cos(2 * np.pi * (month % 12 - 5.5) / 12)
    sold = random.poisson(
        np.exp(size + market + 0.25 * season + random.normal(0, 0.08, len(month)))
    )
    spread = 0.03 + 0.25 / np.sqrt(sold + 1)
    median = np.exp(dear + growth * month + 0.3 * market + spread * random.normal(0, 1, len(month)))
    median = (median / 100).round() * 100
    worth = median * np.exp(random.normal(0.18, 0.06, len(month))) * sold
    offered = np.exp(
        size + choice - 0.4 * market + 0.1 * season + random.normal(0, 0.1, len(month))
    )
    year = np.stack([np.convolve(row, np.ones(12) / 12)[:span] for row in sold.reshape(places, -1)])
    frame = pl.DataFrame(
        {
            "place": [f"place {p:02}" for p in place],
            "year": 2000 + month // 12,
            "month": month % 12 + 1,
            "sold": sold,
            "worth": (worth / 10_000).round().astype(int) * 10_000,
            "median": median.astype(int),
            "offered": offered.round().astype(int),
            "supply": (offered / np.maximum(year.ravel(), 1)).round(1),
            "date": 2000 + month / 12,
        }
    )
    # some places report late, and what is offered later still
    began = random.choice([0, 0, 0, 24, 60, 100, 140], places)[place]
    is_late = (month < began) | (random.random(len(month)) < 0.01)
    is_open = is_late | (random.random(len(month)) < 0.08)
    for names, is_missing in (
        (("sold", "worth", "median"), is_late),
        (("offered", "supply"), is_open),
    ):
        frame = frame.with_columns(frame[name].set(pl.Series(is_missing), None) for name in names)
    frame = frame.sample(fraction=1.0, shuffle=True, seed=seed)
    return _split(frame, frame.height - held)


def wide(seed: int, rows: int = 8_000, held: int = 4_000) -> Table:
    """Sixty columns of four kinds, all of them driven by six things that no column shows."""
    fixed, random = np.random.default_rng(60), np.random.default_rng(seed)
    n = rows + held
    latent = random.normal(0, 1, (n, 6))
    latent[:, 5] = latent[:, 0] * latent[:, 1] + 0.3 * latent[:, 5]
    columns: dict[str, pl.Series | np.ndarray] = {}
    for i in range(60):
        pull = latent @ fixed.normal(0, 0.6, 6)
        if i % 10 < 4:
            value = pull + random.normal(0, fixed.uniform(0.2, 1.0), n)
            columns[f"measure_{i}"] = (np.exp(value) if i % 4 == 0 else value).round(3)
        elif i % 10 < 7:
            size = int(fixed.integers(3, 13))
            weights = latent @ fixed.normal(0, 0.8, (6, size)) + fixed.normal(0, 0.7, size)
            chosen = (weights + random.gumbel(size=(n, size))).argmax(1)
            columns[f"class_{i}"] = _named(chosen, [f"c{k}" for k in range(size)])
        elif i % 10 < 9:
            columns[f"count_{i}"] = random.poisson(np.exp(np.clip(pull, -4, 4)))
        else:
            columns[f"is_{i}"] = random.random(n) < 1 / (1 + np.exp(-2 * pull))
    return _split(pl.DataFrame(columns), rows)


def numeric(seed: int, rows: int = 20_000, held: int = 6_000) -> Table:
    """Twelve continuous columns: five clouds of different size and slant, some tails long."""
    fixed, random = np.random.default_rng(12), np.random.default_rng(seed)
    n = rows + held
    cloud = random.choice(5, n, p=[0.4, 0.25, 0.2, 0.1, 0.05])
    centres = fixed.normal(0, 3, (5, 12))
    slants = fixed.normal(0, 0.5, (5, 12, 12))
    values = centres[cloud] + np.einsum("ni,nij->nj", random.normal(0, 1, (n, 12)), slants[cloud])
    values[:, 8:10] = np.exp(values[:, 8:10] / 2)
    values[:, 10] = np.sinh(values[:, 10] / 2)
    return _split(pl.DataFrame({f"x{i}": values[:, i] for i in range(12)}), rows)


def vocabulary(seed: int, rows: int = 60_000, held: int = 6_000) -> Table:
    """Sales of 50,000 articles, some sold often; five columns depend on the article."""
    fixed, random = np.random.default_rng(50_000), np.random.default_rng(seed)
    n, articles = rows + held, 50_000
    popularity = (np.arange(articles) + 20.0) ** -0.7
    article = random.choice(articles, n, p=popularity / popularity.sum())
    shelf = fixed.integers(0, 24, articles)
    price = np.exp(fixed.normal(1 + shelf % 6 * 0.5, 0.4, articles))
    is_returned = random.random(n) < (0.02 + 0.2 * fixed.beta(1, 6, articles))[article]
    maker = (shelf * 5 + fixed.integers(0, 5, articles)) % 90
    frame = pl.DataFrame(
        {
            "article": [f"A{number:05}" for number in fixed.permutation(articles)[article]],
            "shelf": [f"shelf {s}" for s in shelf[article]],
            "maker": [f"maker {m}" for m in maker[article]],
            "price": (price[article] * random.choice([1, 1, 1, 0.9, 0.75], n)).round(2),
            "weight": (fixed.gamma(2, 0.3 + shelf * 0.1)[article] + 0.02).round(2),
            "is_returned": is_returned,
        }
    )
    return _split(frame, rows)


def tiny(seed: int, rows: int = 200, held: int = 2_000) -> Table:
    """Two hundred patients of a small study; held out are ten times as many."""
    n, random = rows + held, np.random.default_rng(seed)
    age = np.clip(random.normal(52, 15, n), 18, 90).round().astype(int)
    arm = random.choice(3, n)
    weight = random.normal(74, 12, n).round(1)
    pressure = random.normal(100 + 0.5 * age + 0.2 * (weight - 74) - 4 * arm, 9).round()
    risk = 1 / (1 + np.exp(-(pressure - 128) / 8 - (age - 52) / 25))
    frame = pl.DataFrame(
        {
            "age": age,
            "weight": weight,
            "arm": _named(arm, ["placebo", "low", "high"]),
            "pressure": pressure,
            "visits": random.poisson(1 + 3 * risk),
            "is_relapsed": random.random(n) < risk,
        }
    )
    return _split(frame, rows)


TABLES: dict[str, Callable[[int], Table]] = {
    "tight": tight,
    "counts": counts,
    "panel": panel,
    "months": months,
    "wide": wide,
    "numeric": numeric,
    "vocabulary": vocabulary,
    "tiny": tiny,
}


def load(name: str, rows: int | None, seed: int) -> Table:
    """Return a table of ours by its name, or that of a CSV file; `rows` to learn from."""
    if name not in TABLES:
        return read_csv(name, rows or 26_000, seed)
    table = TABLES[name](seed)
    return Table(train=table.train[: rows or table.train.height], held=table.held, rule=table.rule)


def mixed(rows: int, seed: int = 0) -> pl.DataFrame:
    """Ten columns of as many kinds, to encode: numbers, dates and texts, some of them null."""
    random = np.random.default_rng(seed)
    words = pl.Series([f"word {i}" for i in range(5_000)])
    names = pl.Series([f"N{i:07}" for i in range(1_000_000)])
    seconds = pl.Series(random.integers(1_600_000_000, 1_760_000_000, rows) * 1_000_000)
    frame = pl.DataFrame(
        {
            "integer": random.integers(0, 1_000_000, rows),
            "small integer": random.poisson(2.0, rows),
            "float": random.lognormal(3, 1, rows),
            "float with nulls": random.normal(0, 1, rows),
            "decimal": random.gamma(2, 4_000, rows).astype(np.int64),
            "date": pl.Series(random.integers(15_000, 20_000, rows).astype(np.int32)).cast(pl.Date),
            "timestamp": seconds.cast(pl.Datetime("us")),
            "category of 20": words.gather(random.integers(0, 20, rows)),
            "category of 5,000": words.gather((5_000 * random.random(rows) ** 3).astype(np.int64)),
            "category of 1 M": names.gather((1e6 * random.random(rows) ** 2).astype(np.int64)),
        }
    )
    gap = pl.Series(random.random(rows) < 0.1)
    return frame.with_columns(
        (pl.col("decimal").cast(pl.Decimal(14, 2)) / 100).cast(pl.Decimal(14, 2)),
        frame["float with nulls"].set(gap, None),
    )


def _named(codes: np.ndarray, names: list[str]) -> pl.Series:
    return pl.Series(names).gather(codes)


def _split(frame: pl.DataFrame, rows: int, rule: pl.Expr | None = None) -> Table:
    return Table(train=frame[:rows], held=frame[rows:], rule=rule)
