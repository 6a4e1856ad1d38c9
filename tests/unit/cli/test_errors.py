"""How errors are told: one line, a status, and nothing personal."""

import json

import click
import pytest
from click.testing import CliRunner

from hub.cli.errors import DEBUG, describe_fault, lines_of, problem_of, told
from hub.kit.errors import InvalidInput, NotFound
from hub.sdk.errors import AuthFailed, Malformed


def command(error: Exception, *, as_json: bool = False, debug: bool = False) -> click.Command:
    @click.command()
    @click.pass_context
    def failing(ctx: click.Context) -> None:
        ctx.meta[DEBUG] = debug
        with told(ctx, as_json=as_json):
            raise error

    return failing


def test_an_error_of_the_hub_is_one_line_and_status_1() -> None:
    outcome = CliRunner().invoke(command(NotFound("order", "77")))
    assert (outcome.exit_code, outcome.stdout) == (1, "")
    assert outcome.stderr == "error: There is no order '77'.\n"


def test_an_error_of_a_plugin_names_its_place() -> None:
    outcome = CliRunner().invoke(command(Malformed("total is no number", path="/total")))
    assert outcome.stderr == "error: /total: total is no number\n"
    assert outcome.exit_code == 1


def test_json_gives_a_problem_on_standard_output() -> None:
    outcome = CliRunner().invoke(command(AuthFailed("the token is refused"), as_json=True))
    assert json.loads(outcome.stdout) == {
        "type": "about:blank",
        "status": 502,
        "code": "authfailed",
        "error": "AuthFailed",
        "detail": "the token is refused",
        "path": None,
    }
    assert outcome.exit_code == 1


def test_a_wrong_command_line_is_status_2_and_a_problem_too() -> None:
    outcome = CliRunner().invoke(command(click.UsageError("say which"), as_json=True))
    assert json.loads(outcome.stdout)["code"] == "usage"
    assert outcome.exit_code == 2


def test_an_unexpected_error_keeps_its_text_to_itself() -> None:
    outcome = CliRunner().invoke(command(KeyError("mia@shop.example")))
    assert outcome.exit_code == 1
    assert "mia@shop.example" not in outcome.output
    assert outcome.stderr.startswith("error: The hub failed with KeyError in test_errors.py, line ")
    assert "hub --debug" in outcome.stderr


def test_debug_lets_the_error_through() -> None:
    outcome = CliRunner().invoke(command(KeyError("x"), debug=True))
    assert isinstance(outcome.exception, KeyError)


def test_a_missing_file_is_named() -> None:
    problem = problem_of(FileNotFoundError(2, "No such file or directory", "orders.csv"))
    assert problem["detail"] == "orders.csv: No such file or directory."


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        ({"detail": "is no number", "row": 3, "column": "grams"}, "row 3, column grams: is no number"),
        ({"pointer": "#/entries/0/sku", "index": 0, "field": "sku", "detail": "unknown"}, "sku: unknown"),
        ({"path": "secret", "reason": "must begin with whsec_"}, "secret: must begin with whsec_"),
        ({"message": "no place"}, "no place"),
    ],
)
def test_each_fault_is_a_line_with_its_place(fault: dict[str, object], line: str) -> None:
    assert describe_fault(fault) == line


def test_many_faults_are_cut_and_none_is_told_twice() -> None:
    faults = [{"row": row, "column": "sku", "detail": f"bad {row}"} for row in range(1, 31)]
    lines = list(lines_of(problem_of(InvalidInput("import_faults", "30 faults", extra={"errors": faults}))))
    assert lines[:2] == ["error: 30 faults", "  row 1, column sku: bad 1"]
    assert lines[-1] == "  and 10 more; --json has all"
    told_already = InvalidInput("x", "sku: bad 1", extra={"errors": [{"path": "sku", "reason": "bad 1"}]})
    assert list(lines_of(problem_of(told_already))) == ["error: sku: bad 1"]
