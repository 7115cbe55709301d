"""Show the marts of the real and the synthetic shop side by side in the terminal."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
from rich import box
from rich.console import Console
from rich.table import Table

DATABASE = Path(__file__).parent / "shop.duckdb"
WORLDS = {"real": "marts", "synthetic": "synthetic_marts"}
MONTHS = 4
PAIRS = 6
NEXT = """[bold]Where to look next[/bold]
  shop.duckdb, schemas raw and marts                   the real tables, and the marts over them
  shop.duckdb, schemas synthetic and synthetic_marts   the copy, and the same marts over it
  models/_synthohive__sources.yml                      the copy as a dbt source, with its tests
  docs/how-to/analyse-in-duckdb.md                     these questions in SQL and Python"""

Rows = dict[tuple[object, ...], tuple[float | None, ...]]


def read_both(connection: duckdb.DuckDBPyConnection, query: str, *, keys: int) -> dict[str, Rows]:
    """Run one query over the marts of each world.

    Args:
        connection: The shop's database.
        query: SQL in which ``{marts}`` stands for the schema of the marts.
        keys: How many leading columns name a row; the others are its numbers.

    Returns:
        Per world, each row's numbers by its key, in the order of the query.
    """
    found = {}
    for world, schema in WORLDS.items():
        rows = connection.execute(query.format(marts=f'"{schema}"')).fetchall()
        found[world] = {row[:keys]: row[keys:] for row in rows}
    return found


def new_table(title: str, *headers: str) -> Table:
    """An empty table whose first column is text and whose others are numbers."""
    table = Table(
        title=title,
        box=box.SIMPLE_HEAD,
        title_justify="left",
        title_style="bold",
        pad_edge=False,
    )
    table.add_column(headers[0], no_wrap=True)
    for header in headers[1:]:
        style = "cyan" if header.endswith("synth.") else ""
        table.add_column(header, justify="right", no_wrap=True, style=style)
    return table


def paired(names: list[str]) -> list[str]:
    """Two headers per number: the real one, which carries the name, then the synthetic one."""
    return [header for name in names for header in (f"{name}\nreal", "\nsynth.")]


def cells(both: dict[str, Rows], key: tuple[object, ...], formats: list[str]) -> list[str]:
    """The numbers of one row, real and synthetic in turn; a dash where a world lacks it."""
    shown: list[str] = []
    for number, fmt in enumerate(formats):
        for world in WORLDS:
            row = both[world].get(key)
            value = None if row is None else row[number]
            shown.append("–" if value is None else format(value, fmt))
    return shown


def revenue_table(connection: duckdb.DuckDBPyConnection) -> Table:
    """Revenue of each region in the last months, in thousands of euro."""
    both = read_both(
        connection,
        "select region, strftime(month, '%Y-%m') as month, revenue::double / 1000"
        " from {marts}.revenue_by_region_month order by all",
        keys=2,
    )
    months = sorted({str(month) for _, month in both["real"]})[-MONTHS:]
    regions = sorted({str(region) for region, _ in both["real"]})
    table = new_table("Revenue by region, thousand euro", "region", *paired(months))
    for region in regions:
        numbers = [cells(both, (region, month), [",.1f"]) for month in months]
        table.add_row(region, *(cell for pair in numbers for cell in pair))
    return table


def segment_table(connection: duckdb.DuckDBPyConnection) -> Table:
    """Customers, orders and revenue of each segment."""
    both = read_both(
        connection,
        "select segment, count(*), avg(orders), avg(revenue)::double,"
        " sum(revenue)::double / sum(orders)"
        " from {marts}.customer_value group by segment order by avg(orders)",
        keys=1,
    )
    names = ["customers", "orders", "revenue", "order value"]
    table = new_table(
        "Customers by segment (orders and revenue: mean per customer)", "segment", *paired(names)
    )
    for key in both["real"]:
        table.add_row(str(key[0]), *cells(both, key, [",.0f", ".2f", ",.0f", ",.0f"]))
    return table


def favourites_table(connection: duckdb.DuckDBPyConnection) -> Table:
    """How much of a region's lines its favourite category is: a dependence over three keys."""
    both = read_both(
        connection,
        "with lines as (select region, category, count(*) as n from {marts}.sold_lines"
        " group by all)"
        " select region, category, 100 * n / sum(n) over (partition by region) as share"
        " from lines order by region, share desc",
        keys=2,
    )
    favourite = {str(region): str(category) for region, category in reversed(both["real"])}
    table = new_table("Favourite category", "region: category", *paired(["% of lines"]))
    for region, category in sorted(favourite.items()):
        table.add_row(f"{region}: {category}", *cells(both, (region, category), [".1f"]))
    return table


def pairs_table(connection: duckdb.DuckDBPyConnection) -> Table:
    """The categories that meet in one order more often than chance would have it."""
    both = read_both(
        connection,
        "select item_a, item_b, 100 * support, lift from {marts}.products_bought_together"
        " where kind = 'category' order by lift desc, item_a, item_b",
        keys=2,
    )
    table = new_table(
        "Categories bought together (chance: lift 1)",
        "pair",
        *paired(["% of baskets", "lift"]),
    )
    for key in list(both["real"])[:PAIRS]:
        table.add_row(" + ".join(map(str, key)), *cells(both, key, [".1f", ".2f"]))
    return table


def main() -> int:
    """Print the comparison.

    Returns:
        0, or 1 if the database has no synthetic marts yet.
    """
    console = Console(width=100 if not sys.stdout.isatty() else None, highlight=False)
    if not DATABASE.exists():
        console.print("There is no shop.duckdb yet: run demo.py first.")
        return 1
    with duckdb.connect(str(DATABASE), read_only=True) as connection:
        schemas = connection.execute("select distinct schema_name from duckdb_tables()").fetchall()
        missing = set(WORLDS.values()) - {schema for (schema,) in schemas}
        if missing:
            console.print(f"shop.duckdb has no schema {', '.join(sorted(missing))}: run demo.py.")
            return 1
        for make in (revenue_table, segment_table, favourites_table, pairs_table):
            console.print(make(connection))
    console.print(NEXT)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
