from __future__ import annotations

import pytest

from synthohive.errors import ConfigError
from synthohive.options import OPTION_NAMES, SynthesizeOptions, parse_options


def test_defaults_and_names():
    options = parse_options({})
    assert options == SynthesizeOptions()
    assert options.schema_ == "synthetic"
    assert "schema" in OPTION_NAMES
    assert "schema_" not in OPTION_NAMES


def test_all_problems_are_told_at_once():
    given = {"scale": -1, "rows": {"users": -3}, "sede": 1, "seed": "x", "on_orphans": "dorp"}
    with pytest.raises(ConfigError) as caught:
        parse_options(given)
    assert str(caught.value).splitlines() == [
        "option 'scale': input should be greater than 0, not -1",
        "  option 'rows.users': input should be greater than or equal to 0, not -3",
        (
            "  option 'seed': input should be a valid integer, unable to parse string as an"
            " integer, not 'x'"
        ),
        "  option 'on_orphans': input should be 'error', 'drop' or 'null', not 'dorp'",
        "  unknown option 'sede': did you mean 'seed'?",
    ]


@pytest.mark.parametrize(
    "given",
    [
        {"scale": float("inf")},
        {"scale": 0},
        {"seed": -1},
        {"seed": 2**63},
        {"schema": ""},
        {"source_name": "a b"},
        {"threads": 0},
        {"schema_": "x"},
        {"device": "tpu"},
        {"reuse": True},
    ],
)
def test_wrong_values_are_refused(given):
    with pytest.raises(ConfigError, match=next(iter(given))):
        parse_options(given)


def test_a_bare_null_of_yaml_is_the_policy_null():
    assert parse_options({"on_orphans": None}).on_orphans == "null"
    assert parse_options({}).on_orphans is None


def test_one_name_is_a_list_of_one():
    assert parse_options({"select": "users", "exclude": ["a", "b"]}).select == ["users"]


def test_settings_of_the_generators():
    settings = parse_options({"epochs": 3, "max_steps": 9, "rounds": 2, "device": "cpu"}).ctgan
    found = (settings.epochs, settings.max_steps, settings.rounds, settings.device)
    assert found == (3, 9, 2, "cpu")
