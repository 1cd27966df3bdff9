"""Expressions of a workflow: what they are worth, and what is said of those that are none."""

from typing import Any

import pytest

from parola.conversation.expressions import ExpressionError, check, evaluate, is_true, wanted_in

VARIABLES = {"plan": "pro", "age": "42", "score": 7, "is_member": True, "nothing": None}


def text(value: str) -> dict[str, Any]:
    return {"type": "string_literal", "value": value}


def number(value: float) -> dict[str, Any]:
    return {"type": "number_literal", "value": value}


def yes(value: bool) -> dict[str, Any]:
    return {"type": "boolean_literal", "value": value}


def variable(name: str) -> dict[str, Any]:
    return {"type": "dynamic_variable", "name": name}


def two(name: str, left: Any, right: Any) -> dict[str, Any]:
    return {"type": f"{name}_operator", "left": left, "right": right}


NULL = {"type": "null_literal"}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (two("eq", variable("plan"), text("pro")), True),
        (two("neq", variable("plan"), text("pro")), False),
        (two("eq", variable("age"), number(42)), True),
        (two("eq", variable("is_member"), text("true")), True),
        (two("eq", variable("unknown"), NULL), True),
        (two("eq", variable("plan"), NULL), False),
        (two("gt", variable("age"), number(18)), True),
        (two("gte", number(2), number(2)), True),
        (two("lt", variable("nothing"), number(1)), False),
        (two("lte", text("b"), text("a")), False),
        (two("add", variable("score"), number(1)), 8),
        (two("add", text("Hello "), variable("plan")), "Hello pro"),
        (two("sub", variable("age"), number(2)), 40),
        (two("mul", number(2), number(1.5)), 3.0),
        (two("div", number(9), number(2)), 4.5),
        ({"type": "and_operator", "children": [yes(True), variable("is_member")]}, True),
        ({"type": "or_operator", "children": [yes(False), variable("nothing")]}, False),
        (
            {
                "type": "conditional_operator",
                "condition": variable("is_member"),
                "trueExpression": text("in"),
                "falseExpression": text("out"),
            },
            "in",
        ),
        (NULL, None),
    ],
)
def test_an_expression_has_a_value(expression: dict[str, Any], value: Any):
    check(expression)
    assert evaluate(expression, VARIABLES.get) == value


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("plan", "expected an object with a type, got 'plan'"),
        ({"type": "plus"}, "expression.type: expected the type of an expression, got 'plus'"),
        (two("eq", text("a"), {"type": "number_literal", "value": "1"}), "expression.right.value: expected a number"),
        ({"type": "and_operator", "children": []}, "expected a list with at least one"),
        ({"type": "dynamic_variable"}, "expression.name: expected the name of a variable"),
    ],
)
def test_what_is_no_expression_is_named_by_its_path(expression: Any, problem: str):
    with pytest.raises(ExpressionError, match=problem.replace("[", r"\[")):
        check(expression)


def test_what_has_no_value_says_so():
    for expression in (two("sub", variable("plan"), number(1)), two("div", number(1), number(0))):
        with pytest.raises(ExpressionError):
            evaluate(expression, VARIABLES.get)


def test_an_expression_that_nests_without_end_is_refused():
    expression: dict[str, Any] = yes(True)
    for _ in range(100):
        expression = {"type": "and_operator", "children": [expression]}
    with pytest.raises(ExpressionError, match="levels"):
        check(expression)


def test_the_model_gives_what_only_it_can_know():
    leaf = {"type": "llm", "value_schema": {"type": "integer", "description": "guests"}, "prompt": "How many?"}
    expression = two("add", leaf, number(1))
    check(expression)
    assert list(wanted_in(expression)) == [leaf]
    assert evaluate(expression, VARIABLES.get, lambda _: 3) == 4


def test_texts_that_say_no_are_false():
    assert not any(is_true(value) for value in ("", "false", "False", "0", None, 0))
    assert all(is_true(value) for value in ("true", "yes", "a", 1, True))
