"""Small real databases, one for every shape a key can have."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass

import polars as pl

import synthohive as sh


@dataclass(frozen=True)
class Database:
    metadata: sh.Metadata
    tables: dict[str, pl.DataFrame]


def _rng(seed: int) -> random.Random:
    return random.Random(seed)


def chain(rows: int = 60) -> Database:
    """Four levels, text keys, a column of every type."""
    rng = _rng(1)
    start = dt.datetime(2024, 1, 1, 8)
    a = pl.DataFrame(
        {
            "code": [f"A-{i:04d}" for i in range(rows)],
            "kind": [rng.choice("xyz") for _ in range(rows)],
            "flag": [rng.random() < 0.3 for _ in range(rows)],
        }
    )
    b = pl.DataFrame(
        {
            "id": range(100, 100 + 2 * rows),
            "a_code": [f"A-{rng.randrange(rows):04d}" for _ in range(2 * rows)],
            "size": [rng.gauss(10, 3) for _ in range(2 * rows)],
            "day": [
                dt.date(2024, 1, 1) + dt.timedelta(rng.randrange(300)) for _ in range(2 * rows)
            ],
        }
    )
    c = pl.DataFrame(
        {
            "id": range(3 * rows),
            "b_id": [100 + rng.randrange(2 * rows) for _ in range(3 * rows)],
            "price": [round(rng.random() * 100, 2) for _ in range(3 * rows)],
        }
    ).with_columns(pl.col("price").cast(pl.Decimal(10, 2)))
    d = pl.DataFrame(
        {
            "id": range(4 * rows),
            "c_id": [rng.randrange(3 * rows) for _ in range(4 * rows)],
            "at": [start + dt.timedelta(minutes=rng.randrange(99999)) for _ in range(4 * rows)],
            "note": [rng.choice(["ok", "late", None]) for _ in range(4 * rows)],
        }
    ).with_columns(pl.col("at").dt.replace_time_zone("UTC"))
    metadata = (
        sh.Metadata()
        .add_table("a", pk="code")
        .add_table("b", pk="id", fk={"a_code": "a.code"})
        .add_table("c", pk="id", fk={"b_id": "b.id"})
        .add_table("d", pk="id", fk={"c_id": "c.id"})
    )
    return Database(metadata, {"a": a, "b": b, "c": c, "d": d})


def overlapping() -> Database:
    """A composite, nullable key that shares a column with a simple one; two keys to one parent."""
    rng = _rng(2)
    airports = pl.DataFrame(
        {"faa": [f"K{i:02d}" for i in range(20)], "alt": [rng.randrange(5000) for _ in range(20)]}
    )
    hours = [dt.datetime(2024, 1, 1) + dt.timedelta(hours=i) for i in range(30)]
    weather = pl.DataFrame(
        [
            {"origin": f"K{o:02d}", "hour": hour, "temp": rng.gauss(15, 5)}
            for o in range(3)
            for hour in hours
        ]
    )
    flights = pl.DataFrame(
        {
            "id": range(400),
            "carrier": [rng.choice(["AA", "UA", "DL"]) for _ in range(400)],
            "origin": [f"K{rng.randrange(3):02d}" for _ in range(400)],
            "dest": [
                None if rng.random() < 0.2 else f"K{rng.randrange(20):02d}" for _ in range(400)
            ],
            "weather_hour": [None if rng.random() < 0.1 else rng.choice(hours) for _ in range(400)],
            "delay": [rng.expovariate(0.1) for _ in range(400)],
        }
    )
    carriers = pl.DataFrame({"carrier": ["AA", "UA", "DL"], "name": ["Aa Air", "Ua Air", "Dl Air"]})
    metadata = (
        sh.Metadata()
        .add_table("carriers", pk="carrier")
        .add_table("airports", pk="faa")
        .add_table("weather", pk=["origin", "hour"], fk={"origin": "airports.faa"})
        .add_table(
            "flights",
            pk="id",
            fk={
                "carrier": "carriers.carrier",
                "origin": "airports.faa",
                "dest": "airports.faa",
                ("origin", "weather_hour"): ("weather", ("origin", "hour")),
            },
        )
    )
    tables = {"carriers": carriers, "airports": airports, "weather": weather, "flights": flights}
    return Database(metadata, tables)


def junction() -> Database:
    """A table whose primary key is two foreign keys, and a 1:1 table for half of the parents."""
    rng = _rng(3)
    students = pl.DataFrame({"id": range(50), "year": [rng.randrange(1, 5) for _ in range(50)]})
    courses = pl.DataFrame({"id": range(8), "level": [rng.choice("ab") for _ in range(8)]})
    pairs = sorted({(rng.randrange(50), rng.randrange(8)) for _ in range(200)})
    enrolled = pl.DataFrame(
        {
            "student_id": [s for s, _ in pairs],
            "course_id": [c for _, c in pairs],
            "grade": [rng.randrange(1, 6) for _ in pairs],
        }
    )
    badges = pl.DataFrame(
        {
            "student_id": sorted(rng.sample(range(50), 25)),
            "colour": ["red", "blue", "red", "red", "red"] * 5,
        }
    )
    metadata = (
        sh.Metadata()
        .add_table("students", pk="id")
        .add_table("courses", pk="id")
        .add_table(
            "enrolled",
            pk=["student_id", "course_id"],
            fk={"student_id": "students.id", "course_id": "courses.id"},
        )
        .add_table("badges", pk="student_id", fk={"student_id": "students.id"})
    )
    tables = {"students": students, "courses": courses, "enrolled": enrolled, "badges": badges}
    return Database(metadata, tables)


def hierarchy() -> Database:
    """Employees who report to each other in four levels, one root."""
    rng = _rng(4)
    managers: list[int | None] = [None]
    levels = [0]
    for row in range(1, 120):
        boss = rng.choice([i for i in range(row) if levels[i] < 3])
        managers.append(boss + 1)
        levels.append(levels[boss] + 1)
    staff = pl.DataFrame(
        {
            "id": range(1, 121),
            "manager_id": managers,
            "pay": [9000 - 2000 * level + rng.randrange(500) for level in levels],
            "grade": [f"L{level}" for level in levels],
        }
    )
    return Database(
        sh.Metadata().add_table("staff", pk="id", fk={"manager_id": "staff.id"}), {"staff": staff}
    )


def cycle() -> Database:
    """Teams have a captain among the players, players belong to a team."""
    rng = _rng(5)
    teams = pl.DataFrame(
        {
            "id": range(20),
            "captain_id": [None if i % 4 == 0 else rng.randrange(200) for i in range(20)],
            "city": [rng.choice(["rome", "oslo"]) for _ in range(20)],
        }
    )
    players = pl.DataFrame(
        {"id": range(200), "team_id": [rng.randrange(20) for _ in range(200)], "age": [20] * 200}
    )
    metadata = (
        sh.Metadata()
        .add_table("teams", pk="id", fk={"captain_id": "players.id"})
        .add_table("players", pk="id", fk={"team_id": "teams.id"}, not_null=["team_id"])
    )
    return Database(metadata, {"teams": teams, "players": players})


def other_key() -> Database:
    """A foreign key to a unique column that is not the primary key; a nullable driver."""
    rng = _rng(6)
    users = pl.DataFrame(
        {
            "id": range(40),
            "login": [f"user{i:03d}" for i in range(40)],
            "plan": [rng.choice(["free", "pro"]) for _ in range(40)],
        }
    )
    visits = pl.DataFrame(
        {
            "login": [
                None if rng.random() < 0.25 else f"user{rng.randrange(40):03d}" for _ in range(300)
            ],
            "pages": [rng.randrange(1, 9) for _ in range(300)],
        }
    )
    metadata = (
        sh.Metadata()
        .add_table("users", pk="id", unique=["login"])
        .add_table("visits", fk={"login": "users.login"})
    )
    return Database(metadata, {"users": users, "visits": visits})


SHAPES = {
    "chain": chain,
    "overlapping": overlapping,
    "junction": junction,
    "hierarchy": hierarchy,
    "cycle": cycle,
    "other_key": other_key,
}
