"""A small dbt project over tables that are already in its database."""

from __future__ import annotations

from pathlib import Path

import duckdb
import yaml

PACKAGE = Path(__file__).resolve().parents[2] / "dbt_project"

TABLES = """
CREATE SCHEMA raw;
CREATE TABLE raw.customers AS
    SELECT i AS id, ['N', 'S'][1 + i % 2]::ENUM('N', 'S') AS region, 18 + i % 50 AS age
    FROM range(1, 61) r(i);
CREATE TABLE raw.days AS
    SELECT 'P' || i % 3 AS place, i // 3 AS "day", i % 5 AS "how ""warm"" it" FROM range(30) r(i);
CREATE TABLE raw."order lines" AS
    SELECT i AS "select", 1 + (i * 7) % 60 AS customer_id,
        CASE WHEN i % 4 > 0 THEN 'P' || i % 3 END AS place,
        CASE WHEN i % 4 > 0 THEN (i % 30) // 3 END AS "day", i % 9 AS amount
    FROM range(150) r(i);
"""

SOURCES = {
    "version": 2,
    "sources": [
        {
            "name": "shop",
            "schema": "raw",
            "tables": [
                {
                    "name": "customers",
                    "columns": [{"name": "id", "data_tests": ["unique", "not_null"]}],
                },
                {
                    "name": "days",
                    "config": {"meta": {"synthohive": {"primary_key": ["place", "day"]}}},
                },
                {
                    "name": "lines",
                    "identifier": "order lines",
                    "config": {
                        "meta": {
                            "synthohive": {
                                "primary_key": ["select"],
                                "driver": ["customer_id"],
                                "foreign_keys": [
                                    {"columns": ["place", "day"], "to": "days"},
                                ],
                            }
                        }
                    },
                    "columns": [
                        {
                            "name": "customer_id",
                            "data_tests": [
                                "not_null",
                                {
                                    "relationships": {
                                        "arguments": {
                                            "to": "source('shop', 'customers')",
                                            "field": "id",
                                        }
                                    }
                                },
                            ],
                        },
                    ],
                },
                {"name": "never_loaded"},
            ],
        }
    ],
}

MODEL = "select count(*) as lines, max(amount) as most from {{ source('shop', 'lines') }}\n"

OVERRIDE = """
{% macro source(source_name, table_name) %}
  {{ return(synthohive.relation_for(builtins.source(source_name, table_name), table_name)) }}
{% endmacro %}
"""

SCHEMAS = """
{% macro generate_schema_name(custom_schema_name, node) -%}
  {{ 'fake_marts' if var('use_synthetic', false) else 'marts' }}
{%- endmacro %}
"""


def make_project(folder: Path, *, package: Path = PACKAGE) -> Path:
    """Write the project and its database into a folder."""
    plugin = {"module": "synthohive.dbt.plugin", "alias": "synthohive"}
    target = {"type": "duckdb", "path": str(folder / "shop.duckdb"), "schema": "main"}
    outputs = {"dev": {**target, "plugins": [plugin]}, "bare": target}
    write_yaml(folder / "profiles.yml", {"shop": {"target": "dev", "outputs": outputs}})
    flags = {"send_anonymous_usage_stats": False, "use_colors": False}
    project = {"name": "shop", "profile": "shop", "flags": flags, "model-paths": ["my models"]}
    write_yaml(folder / "dbt_project.yml", project)
    write_yaml(folder / "my models" / "shop.yml", SOURCES)
    (folder / "my models" / "totals.sql").write_text(MODEL)
    (folder / "macros").mkdir()
    (folder / "macros" / "overrides.sql").write_text(OVERRIDE + SCHEMAS)
    (folder / "dbt_packages").mkdir()
    (folder / "dbt_packages" / "synthohive").symlink_to(package)
    with duckdb.connect(str(folder / "shop.duckdb")) as con:
        con.execute(TABLES)
    return folder


def write_yaml(path: Path, document: object) -> None:
    """Write a document as YAML."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(document, sort_keys=False))
