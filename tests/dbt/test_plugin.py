"""What the plugin makes of whatever happens in a run, without a dbt project around it."""

from __future__ import annotations

import duckdb
import polars as pl
import pytest
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.relation import DuckDBRelation
from dbt.adapters.duckdb.utils import TargetConfig
from dbt_common.exceptions import DbtRuntimeError

from synthohive.dbt.plugin import PROTOCOL, Plugin
from synthohive.errors import ConfigError


@pytest.fixture
def ask(monkeypatch):
    """Send the plugin a request whose answer is up to the test."""

    def store(answer, protocol=PROTOCOL):
        monkeypatch.setattr("synthohive.dbt.request.answer", answer)
        plugin = Plugin("synthohive", {}, DuckDBCredentials(database="memory", schema="main"))
        relation = DuckDBRelation.create(database="memory", schema="s", identifier="t")
        request = {"protocol": protocol, "database": "memory", "quiet": True}
        with duckdb.connect() as con:
            plugin.configure_connection(con)
            plugin.store(TargetConfig(relation=relation, column_list=[], config=request))
        return request["result"]

    return store


def panicking(*args):
    """Make Rust code panic; that is no `Exception` in Python."""
    pl.Series([1]).extend_constant(1, 2**61)


def raising(error):
    def answer(*args):
        raise error

    return answer


def test_the_answer_goes_into_the_request(ask):
    assert ask(lambda con, request, on_event: ({"tables": 3}, [])) == {"tables": 3}


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (raising(ConfigError("no", hint="yes")), "synthohive: no\n  Hint: yes"),
        (raising(KeyboardInterrupt()), "synthohive: interrupted; no synthetic table was changed"),
        (raising(KeyError("x")), "synthohive: internal error KeyError: 'x' (traceback in logs"),
        (panicking, "synthohive: internal error PanicException: "),
    ],
)
def test_whatever_is_wrong_is_an_error_of_dbts(ask, answer, told):
    with pytest.raises(DbtRuntimeError) as raised:
        ask(answer)
    assert told in raised.value.msg


def test_an_exit_stays_one(ask):
    with pytest.raises(SystemExit):
        ask(raising(SystemExit(3)))


def test_packages_of_different_versions_are_told(ask):
    with pytest.raises(DbtRuntimeError, match="are of different versions"):
        ask(raising(AssertionError()), protocol=PROTOCOL + 1)
