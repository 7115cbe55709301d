"""Make the shop's "real" data: six related tables with known dependences.

Run as a script it writes ``seeds/*.csv`` beside this file. :func:`shop_tables` gives the same
tables as Polars frames. Everything is a function of the seed; ``README.md`` lists the
dependences planted here with their numbers.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

Ints = NDArray[np.integer]
Floats = NDArray[np.floating]


CATEGORIES = ["coats", "boots", "tents", "stoves", "bikes", "helmets"]
PRICES = [(60, 240), (50, 190), (120, 480), (20, 110), (400, 1600), (25, 130)]
COMPANION = [1, 0, 3, 2, 5, 4]  # coats with boots, tents with stoves, bikes with helmets
RETURNED = np.array([0.12, 0.14, 0.04, 0.03, 0.02, 0.06])

# one row per category, one weight per month
SEASON = np.array(
    [
        [6, 4, 2, 1, 0.5, 0.3, 0.3, 0.5, 2, 5, 8, 9],
        [4, 3, 2, 2, 1, 1, 1, 1, 3, 6, 7, 6],
        [0.5, 0.5, 1, 3, 6, 8, 8, 6, 2, 1, 0.5, 0.5],
        [1, 1, 1, 2, 4, 6, 6, 4, 2, 1, 2, 4],
        [1, 2, 6, 8, 8, 6, 4, 3, 2, 1, 1, 1],
        [1, 2, 5, 7, 7, 6, 4, 3, 3, 2, 1, 2],
    ]
)

# name, favourite category, cities from the biggest to the smallest
REGIONS = [
    ("Nordics", 0, ["Oslo", "Malmö", "Tampere", "Bergen"]),
    ("Alps", 1, ["Innsbruck", "Bern", "Annecy", "Bolzano"]),
    ("Isles", 2, ["Leeds", "Cork", "Dundee", "Swansea"]),
    ("Baltics", 3, ["Riga", "Tartu", "Kaunas", "Gdańsk"]),
    ("Benelux", 4, ["Utrecht", "Ghent", "Liège", "Breda"]),
    ("Iberia", 4, ["Porto", "Valencia", "Bilbao", "Braga"]),
    ("Adriatic", 2, ["Split", "Trieste", "Koper", "Bari"]),
]
REGION_SHARES = [0.20, 0.16, 0.18, 0.10, 0.16, 0.12, 0.08]
FAVOURITE = 0.55  # share of a region's orders that are about its favourite category

SEGMENTS = ["occasional", "regular", "business"]
SEGMENT_SHARES = [0.55, 0.32, 0.13]
MEAN_ORDERS = np.array([1.3, 4.0, 10.0])
EXTRA_LINES = np.array([1.0, 1.4, 2.4])  # mean number of lines after the first
EXTRA_QUANTITY = np.array([0.1, 0.3, 1.8])  # mean quantity after the first piece
DISCOUNTS = [[0.0, 0.0, 0.0], [0.0, 0.0, 0.05], [0.05, 0.10, 0.15]]

CHANNELS = ["web", "store", "phone"]
CHANNEL_SHARES = np.array([[0.35, 0.55, 0.10], [0.35, 0.55, 0.10], [0.35, 0.25, 0.40]])
MEAN_DELAY = np.array([2.5, 0.2, 1.5])  # days from order to shipping, by channel

# whoever buys the first of two products adds the second in half of the orders
PRODUCT_PAIRS = [(3, 52), (24, 31), (12, 43)]  # positions in the products table
PAIR_SHARE = 0.5

# fmt: off
FIRST_NAMES = [
    "Ada", "Aino", "Anna", "Bram", "Carla", "Dario", "Elif", "Emma", "Femke", "Giulia", "Hugo",
    "Ines", "Ivan", "Jonas", "Lea", "Liam", "Luka", "Maija", "Marta", "Mila", "Nils", "Noor",
    "Olga", "Pablo", "Rui", "Siobhán", "Søren", "Zoë",
]
LAST_NAMES = [
    "Almeida", "Andersen", "Bakker", "Bērziņš", "Costa", "Dubois", "Fischer", "García", "Horvat",
    "Jansen", "Keller", "Kowalska", "Lindqvist", "Marino", "Meier", "Moreau", "Murphy", "Nowak",
    "O'Brien", "Peeters", "Rossi", "Santos", "Smith", "Tamm", "Virtanen", "Weber", "Wouters",
    "Young",
]
# fmt: on


def shop_tables(seed: int = 2024, customers: int = 2_000) -> dict[str, pl.DataFrame]:
    """Make the six tables of the shop.

    Args:
        seed: Any integer; the same seed gives the same tables.
        customers: Number of customers; orders and order items follow from it.

    Returns:
        ``regions``, ``employees``, ``products``, ``customers``, ``orders``, ``order_items``.

    Examples:
        >>> tables = shop_tables(seed=1, customers=10)
        >>> list(tables)
        ['regions', 'employees', 'products', 'customers', 'orders', 'order_items']
        >>> tables["customers"].height
        10
    """
    regions = make_regions()
    employees = make_employees(np.random.default_rng([seed, 1]))
    products = make_products(np.random.default_rng([seed, 2]))
    people = make_customers(np.random.default_rng([seed, 3]), customers)
    orders, lead = make_orders(np.random.default_rng([seed, 4]), people, employees)
    items = make_items(np.random.default_rng([seed, 5]), people, orders, lead, products)
    return {
        "regions": regions,
        "employees": employees,
        "products": products,
        "customers": people,
        "orders": orders,
        "order_items": items,
    }


def make_regions() -> pl.DataFrame:
    """The sales regions: a small public list."""
    names = [name for name, _, _ in REGIONS]
    return pl.DataFrame({"id": ids(len(names)), "name": names})


def make_employees(rng: np.random.Generator) -> pl.DataFrame:
    """Forty people in four levels; everyone but the director has a manager one level up."""
    levels = [1, 3, 8, 28]
    titles = ["director", "department head", "team lead"]
    level = np.repeat(np.arange(4), levels)
    first_of_level = np.concatenate([[0], np.cumsum(levels)])
    manager: list[int | None] = [None]
    manager += [
        int(first_of_level[up] + rng.integers(levels[up])) + 1 for up in (level[1:] - 1).tolist()
    ]
    staff = np.where(rng.random(len(level)) < 0.6, "shop assistant", "phone agent")
    pay = np.array([9_500, 6_800, 4_700, 3_100])[level] * rng.uniform(0.88, 1.12, len(level))
    return pl.DataFrame(
        {
            "id": ids(len(level)),
            "name": [first + " " + last for first, last in people_names(rng, len(level))],
            "title": [titles[lv] if lv < 3 else staff[row] for row, lv in enumerate(level)],
            "manager_id": manager,
            "hired_on": days(rng.integers(0, 9 * 365, len(level)), since="2015-01-01"),
            "monthly_pay": (pay / 10).round().astype(int) * 10,
        },
        schema_overrides={"manager_id": pl.Int64},
    )


def make_products(rng: np.random.Generator) -> pl.DataFrame:
    """Ten products in each category, with its price range."""
    category = np.repeat(np.arange(len(CATEGORIES)), 10)
    low, high = np.array(PRICES)[category].T
    price = low * (high / low) ** rng.random(len(category))
    codes = [f"{CATEGORIES[c][:2].upper()}-{100 + 7 * row}" for row, c in enumerate(category)]
    return pl.DataFrame(
        {
            "id": ids(len(category)),
            "sku": codes,
            "category": names_of(CATEGORIES, category),
            "price": money(price.round(0) - 0.05),
        }
    )


def make_customers(rng: np.random.Generator, rows: int) -> pl.DataFrame:
    """Customers with a city of their region; sign-ups grow over four years."""
    region = rng.choice(len(REGIONS), rows, p=REGION_SHARES)
    city = rng.choice(4, rows, p=[0.45, 0.27, 0.18, 0.10])
    names = people_names(rng, rows)
    return pl.DataFrame(
        {
            "id": ids(rows),
            "region_id": region + 1,
            "name": [first + " " + last for first, last in names],
            "email": [
                f"{first}.{last}{row}@example.org".lower().replace("'", "")
                for row, (first, last) in enumerate(names, 1)
            ],
            "city": [REGIONS[r][2][c] for r, c in zip(region, city, strict=True)],
            "segment": names_of(SEGMENTS, rng.choice(3, rows, p=SEGMENT_SHARES)),
            "signed_up_on": days(
                (np.sqrt(rng.random(rows)) * 4 * 365).astype(int), since="2020-01-01"
            ),
            "newsletter": rng.random(rows) < np.where(city == 0, 0.55, 0.35),
        }
    )


def make_orders(
    rng: np.random.Generator, customers: pl.DataFrame, employees: pl.DataFrame
) -> tuple[pl.DataFrame, Ints]:
    """Orders in the sequence of their time, with the category each one is about."""
    segment_of = positions(customers["segment"], SEGMENTS)
    buyer = np.repeat(np.arange(customers.height), rng.poisson(MEAN_ORDERS[segment_of]))
    region = customers["region_id"].to_numpy()[buyer] - 1
    favourite = np.array([favourite for _, favourite, _ in REGIONS])[region]
    lead = np.where(rng.random(len(buyer)) < FAVOURITE, favourite, rng.integers(6, size=len(buyer)))
    channel = draw_rows(rng, CHANNEL_SHARES[segment_of[buyer]])
    moment = order_moments(rng, lead)
    status = draw_statuses(rng, lead)
    orders = pl.DataFrame(
        {
            "customer_id": buyer + 1,
            "assisted_by": assistants(rng, channel, employees),
            "channel": names_of(CHANNELS, channel),
            "ordered_at": moment,
            "delay": rng.poisson(MEAN_DELAY[channel]),
            "status": status,
            "lead": lead,
        }
    ).sort("ordered_at", maintain_order=True)
    in_house = pl.col("status").is_in(["placed", "cancelled"])
    shipped = pl.col("ordered_at").dt.date() + pl.duration(days="delay")
    orders = orders.with_columns(shipped_on=pl.when(~in_house).then(shipped))
    columns = ["customer_id", "assisted_by", "channel", "ordered_at", "shipped_on", "status"]
    ordered = orders.select(pl.Series("id", ids(orders.height)), *columns)
    return ordered, orders["lead"].to_numpy()


def order_moments(rng: np.random.Generator, lead: Ints) -> pl.Series:
    """Times of order in 2024 and 2025: the category's season, more in the second year."""
    month = draw_rows(rng, SEASON[lead])
    year = 2024 + (rng.random(len(lead)) < 0.54)
    hour = np.clip(rng.normal(14.5, 3.5, len(lead)), 0, 23).astype(int)
    frame = pl.DataFrame({"y": year, "m": month + 1, "u": rng.random(len(lead)), "h": hour})
    start = pl.date("y", "m", 1)
    day = 1 + (pl.col("u") * start.dt.month_end().dt.day()).floor().cast(pl.Int64)
    minute = pl.Series("minute", rng.integers(60, size=len(lead)))
    moment = pl.datetime("y", "m", day, "h", pl.lit(minute), time_unit="us")
    return frame.select(ordered_at=moment)["ordered_at"]


def draw_statuses(rng: np.random.Generator, lead: Ints) -> list[str]:
    """Four percent wait, six percent are cancelled; returns depend on the category."""
    back = RETURNED[lead]
    fixed = np.tile([0.04, 0.06, 0.05], (len(lead), 1))
    shares = np.column_stack([fixed, back, 0.85 - back])
    names = ["placed", "cancelled", "shipped", "returned", "delivered"]
    return names_of(names, draw_rows(rng, shares))


def assistants(rng: np.random.Generator, channel: Ints, employees: pl.DataFrame) -> pl.Series:
    """Who helped: nobody on the web, a phone agent on the phone, else a shop assistant."""
    chosen: list[int | None] = [None] * len(channel)
    for code, title in ((1, "shop assistant"), (2, "phone agent")):
        staff = employees.filter(pl.col("title") == title)["id"].to_numpy()
        rows = np.flatnonzero(channel == code)
        weights = 1 / np.arange(2, len(staff) + 2)
        drawn = rng.choice(staff, len(rows), p=weights / weights.sum())
        for row, who in zip(rows.tolist(), drawn.tolist(), strict=True):
            chosen[row] = who
    return pl.Series("assisted_by", chosen, dtype=pl.Int64)


def make_items(
    rng: np.random.Generator,
    customers: pl.DataFrame,
    orders: pl.DataFrame,
    lead: Ints,
    products: pl.DataFrame,
) -> pl.DataFrame:
    """Order lines: categories bought together, bigger baskets and discounts for business."""
    segment_of_order = positions(customers["segment"], SEGMENTS)[
        orders["customer_id"].to_numpy() - 1
    ]
    lines = 1 + np.minimum(rng.poisson(EXTRA_LINES[segment_of_order]), 7)
    order = np.repeat(np.arange(orders.height), lines)
    first = np.r_[True, order[1:] != order[:-1]]
    category = line_categories(rng, lead[order], first)
    rank = draw_rows(rng, np.tile(1 / np.arange(2.0, 12.0), (len(order), 1)))
    order, product = add_pairs(rng, order, 10 * category + rank)
    segment = segment_of_order[order]
    list_price = products["price"].cast(pl.Float64).to_numpy()[product]
    discount = np.array(DISCOUNTS)[segment, rng.integers(3, size=len(order))]
    return pl.DataFrame(
        {
            "id": ids(len(order)),
            "order_id": order + 1,
            "product_id": product + 1,
            "quantity": 1 + np.minimum(rng.poisson(EXTRA_QUANTITY[segment]), 9),
            "unit_price": money(list_price * (1 - discount)),
        }
    )


def line_categories(rng: np.random.Generator, lead: Ints, first: NDArray[np.bool_]) -> Ints:
    """The first line is what the order is about; the others lean to it and its companion."""
    draw = rng.random(len(lead))
    stray = rng.integers(len(CATEGORIES), size=len(lead))
    later = np.where(draw < 0.35, lead, np.where(draw < 0.80, np.array(COMPANION)[lead], stray))
    return np.where(first, lead, later)


def add_pairs(rng: np.random.Generator, order: Ints, product: Ints) -> tuple[Ints, Ints]:
    """Add each planted pair's second product, and name a product once per order."""
    for one, other in PRODUCT_PAIRS:
        buyers = order[product == one]
        taken = buyers[rng.random(len(buyers)) < PAIR_SHARE]
        order = np.concatenate([order, taken])
        product = np.concatenate([product, np.full(len(taken), other)])
    lines = pl.DataFrame({"order": order, "product": product})
    lines = lines.unique(maintain_order=True).sort("order", maintain_order=True)
    return lines["order"].to_numpy(), lines["product"].to_numpy()


def draw_rows(rng: np.random.Generator, weights: Floats) -> Ints:
    """One position per row, by that row's weights."""
    upto = np.cumsum(weights, axis=1)
    return (rng.random((len(weights), 1)) * upto[:, -1:] > upto).sum(axis=1)


def ids(rows: int) -> Ints:
    """The keys 1 to ``rows``."""
    return np.arange(1, rows + 1)


def names_of(names: list[str], codes: Ints) -> list[str]:
    """The name at each position."""
    return [names[code] for code in codes.tolist()]


def positions(values: pl.Series, names: list[str]) -> Ints:
    """The position of each value in ``names``."""
    return values.cast(pl.Enum(names)).to_physical().cast(pl.Int64).to_numpy()


def days(offsets: Ints, *, since: str) -> pl.Series:
    """Dates a number of days after ``since``."""
    return pl.Series(np.datetime64(since, "D") + offsets.astype("timedelta64[D]"))


def money(values: Floats) -> pl.Series:
    """Amounts with two decimals."""
    return pl.Series(values.round(2)).cast(pl.Decimal(10, 2))


def people_names(rng: np.random.Generator, rows: int) -> list[tuple[str, str]]:
    """A first and a last name each."""
    first = rng.choice(FIRST_NAMES, rows)
    last = rng.choice(LAST_NAMES, rows)
    return list(zip(first.tolist(), last.tolist(), strict=True))


def main() -> None:
    """Write one CSV per table into ``seeds/``."""
    parser = argparse.ArgumentParser(description="Write the shop's tables as dbt seeds.")
    parser.add_argument("--seed", type=int, default=2024)
    parser.add_argument("--customers", type=int, default=2_000)
    parser.add_argument("--into", type=Path, default=Path(__file__).parent / "seeds")
    args = parser.parse_args()
    args.into.mkdir(parents=True, exist_ok=True)
    for name, table in shop_tables(seed=args.seed, customers=args.customers).items():
        table.write_csv(args.into / f"{name}.csv", datetime_format="%Y-%m-%d %H:%M:%S")
        print(f"{name:12} {table.height:7,} rows")


if __name__ == "__main__":
    main()
