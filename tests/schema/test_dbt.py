from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from synthohive.errors import ConfigError
from synthohive.planning import plan
from synthohive.schema import Metadata, Relation

FIXTURES = Path(__file__).parent / "fixtures"
RECORDED = ("graph_1_11", "graph_1_12", "manifest_1_11", "manifest_1_12")


def recorded(name: str) -> dict[str, Any]:
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


class Lazy(Mapping[str, Any]):
    """A mapping that is no dictionary, such as dbt 1.12 puts into its Jinja graph."""

    def __init__(self, inner: Mapping[str, Any]) -> None:
        self._inner = inner

    def __getitem__(self, key: str) -> Any:
        return lazily(self._inner[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self._inner)

    def __len__(self) -> int:
        return len(self._inner)


def lazily(value: Any) -> Any:
    if isinstance(value, Mapping):
        return Lazy(value)
    return tuple(lazily(item) for item in value) if isinstance(value, list) else value


@pytest.fixture(scope="module")
def crossroads() -> Metadata:
    return Metadata.from_dbt(recorded("manifest_1_11"))


def by_hand() -> Metadata:
    """Declare what `fixtures/project` declares."""
    metadata = (
        Metadata()
        .add_table("crossroads__regions", pk="id", keep=True)
        .add_table("partner__regions", pk="id")
        .add_table(
            "customers",
            pk="id",
            fk={"region_id": "crossroads__regions.id"},
            unique=["email"],
            not_null=["email", "segment"],
            pii={"email": "email"},
            constraints={
                "segment": {"accepted_values": ["retail", "business"]},
                "signed_up": {"min": "2020-01-01"},
            },
        )
        .add_table(
            "orders",
            pk="id",
            fk={"customer_id": "customers.id", "assisted_by": "employees.id"},
            driver="customer_id",
            parent_context_cols=["segment", "customers.signed_up"],
            order_by="id",
            not_null=["customer_id"],
            constraints={
                "amount": {"min": 0.5, "max": 1000},
                "status": {"accepted_values": [0, 1, 2]},
            },
        )
        .add_table(
            "employees",
            pk="id",
            fk={"manager_id": "employees.id"},
            constraints={"pay": {"min": 1, "max": 10, "mode": "enforce"}},
        )
        .add_table("products", pk="code")
        .add_table(
            "order_lines",
            pk=["order_id", "line_no"],
            fk={"order_id": "orders.id", "Product code": "products.code"},
            constraints={"quantity": {"min": 1, "max": 99}},
        )
        .add_table(
            "payments",
            pk="payment_id",
            fk={"order_id": "orders.id"},
            rows=50,
            on_orphans="drop",
            constraints={"method": {"accepted_values": ["card", "cash"]}},
        )
        .add_table(
            "refunds",
            pk="refund_id",
            fk={"payment_id": "payments.payment_id"},
            rows=10,
            on_orphans="drop",
        )
        .add_table("ext__events", pk="id", rows=10, on_orphans="drop")
        .add_table("web__events")
        .add_table("airports", pk="faa")
        .add_table("weather", pk=["origin", "time_hour"])
        .add_table(
            "flights",
            fk={
                "origin": "airports.faa",
                ("origin", "time_hour"): ("weather", ("origin", "time_hour")),
            },
        )
        .add_table(
            "dim_visits",
            pk="customer_id",
            fk={"customer_id": "customers.id", "venue_id": "dim_venues.id"},
        )
        .add_table("dim_venues", pk="id", order_by="label")
        .add_table(
            "fct_notes",
            pk="id",
            fk={"shop_id": "shops_v1.id", "customer_id": "dim_visits.customer_id"},
        )
        .add_table("shops_v1", pk="id")
        .add_table("shops_v2", pk="id")
        .add_table(
            "customers_history",
            pk="dbt_scd_id",
            fk={"region_id": "crossroads__regions.id"},
            driver="region_id",
        )
    )
    for name, column in (("orders", "assisted_by"), ("payments", "order_id")):
        table = metadata.table(name)
        keys = [replace(fk, is_partial=fk.columns == (column,)) for fk in table.foreign_keys]
        metadata.tables[name] = replace(table, foreign_keys=tuple(keys))
    return metadata


TYPES = {
    "customers": {
        "id": "INTEGER",
        "email": "VARCHAR",
        "segment": "VARCHAR",
        "region_id": "INTEGER",
        "signed_up": "DATE",
    },
    "orders": {
        "id": "INTEGER",
        "customer_id": "INTEGER",
        "assisted_by": "INTEGER",
        "status": "INTEGER",
        "amount": "DOUBLE",
    },
    "employees": {"id": "BIGINT", "manager_id": "BIGINT", "pay": "BIGINT"},
    "dim_visits": {"customer_id": "INTEGER", "venue_id": "INTEGER", "visits": "INTEGER"},
    "dim_venues": {"id": "INTEGER", "label": "VARCHAR"},
}


@pytest.mark.parametrize("name", RECORDED)
@pytest.mark.parametrize("wrap", [dict, Lazy])
def test_acceptance_10_every_artefact_gives_the_schema_declared_by_hand(
    name: str, wrap: type, crossroads: Metadata
) -> None:
    read = Metadata.from_dbt(wrap(recorded(name)))
    assert read.to_dict() == crossroads.to_dict()
    typed, expected = read.with_column_types(TYPES), by_hand().with_column_types(TYPES)
    for table in expected.tables:
        assert typed.tables[table] == expected.tables[table]
    assert typed == expected
    assert list(read.tables) == sorted(read.tables)


def test_the_schema_read_is_sound_and_can_be_planned(crossroads: Metadata) -> None:
    typed = crossroads.with_column_types(TYPES)
    typed.validate_schema()
    steps = plan(typed)
    assert str(steps.step("orders").driver) == "customer_id → customers.id"
    assert steps.step("crossroads__regions").is_kept


def test_evidence_names_where_each_key_was_declared(crossroads: Metadata) -> None:
    orders = crossroads.table("orders")
    assert orders.key_evidence == ("column constraint", "test unique_orders_id")
    assert crossroads.table("customers").key_evidence == ("test unique_customers_id and not_null",)
    (evidence,) = {fk.evidence for fk in orders.foreign_keys if fk.columns == ("customer_id",)}
    assert evidence == (
        "column constraint",
        "test relationships_orders_customer_id__id__ref_customers_",
    )
    (notes,) = [fk for fk in crossroads.table("fct_notes").foreign_keys if fk.parent != "shops_v1"]
    assert notes.evidence == ("semantic entity customer",)


def test_relations_are_where_the_database_has_them(crossroads: Metadata) -> None:
    assert crossroads.table("payments").relation == Relation(
        database="crossroads", schema="ext", identifier="RAW payments"
    )
    assert crossroads.table("customers").origin == "seed.crossroads.customers"
    assert crossroads.table("shops_v1").relation == Relation(
        database="crossroads", schema="main", identifier="shops_v1"
    )


def test_what_is_left_out_is_told(crossroads: Metadata) -> None:
    notices = "\n".join(crossroads.notices)
    assert "ext__events.staged_order refers to model stg_orders" in notices
    assert "which is no table" in notices
    assert (
        "foreign keys of models that are not read are not used: stg_orders.customer_id" in notices
    )
    assert "model unused has settings of columns only" in notices
    assert "fct_notes.shop_id" in notices
    assert "config.meta.synthohive to shops_v1.id and counts more" in notices
    assert len(crossroads.notices) == 4


def test_skipped_generated_and_view_tables_are_not_read(crossroads: Metadata) -> None:
    for name in ("scratch", "stg_orders", "passing", "unused", "time_spine", "copies__customers"):
        assert name not in crossroads.tables


def test_exactly_the_selected_tables_are_read() -> None:
    names = ["unused", "ext.events", "customers", "web__events", "seed.partner.regions"]
    read = Metadata.from_dbt(recorded("graph_1_12"), select=names)
    assert sorted(read.tables) == [
        "customers",
        "ext__events",
        "partner__regions",
        "unused",
        "web__events",
    ]
    assert read.table("unused").column("id").pii == "text"
    assert any("seed regions" in notice for notice in read.notices)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("stg_orders", "model stg_orders is materialized as view"),
        ("events", "'events' is the name of several tables: ext__events, web__events"),
        ("custmers", "did you mean 'customers'"),
        ("copies.customers", "no table to be read"),
    ],
)
def test_a_table_that_can_not_be_selected(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Metadata.from_dbt(recorded("manifest_1_12"), select=[name])


@pytest.mark.parametrize("place", ["manifest.json", ".", "target"])
def test_a_manifest_is_found_where_dbt_puts_it(tmp_path: Path, place: str) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (target / "manifest.json").write_text(json.dumps(recorded("manifest_1_11")), encoding="utf-8")
    path = {"manifest.json": target / "manifest.json", ".": tmp_path, "target": str(target)}[place]
    assert len(Metadata.from_dbt(path).tables) == 20


def test_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no manifest.json at .*\n.*dbt parse"):
        Metadata.from_dbt(tmp_path)
    (tmp_path / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(ConfigError, match="can't be read"):
        Metadata.from_dbt(tmp_path)
    (tmp_path / "manifest.json").write_text("[]", encoding="utf-8")
    with pytest.raises(ConfigError, match="is no dbt manifest"):
        Metadata.from_dbt(tmp_path)
    with pytest.raises(ConfigError, match="it has no 'nodes'"):
        Metadata.from_dbt({})


def test_an_unknown_format_version_is_a_notice() -> None:
    document = recorded("manifest_1_11")
    document["metadata"]["dbt_schema_version"] = "https://schemas.getdbt.com/dbt/manifest/v20.json"
    read = Metadata.from_dbt(document)
    assert "format version 20" in read.notices[0]
    assert read == Metadata.from_dbt(recorded("manifest_1_11"))
