"""Expressions of a workflow (``AstNode``): read once, evaluated as often as wanted, without side effects.

Values are texts, numbers, booleans and null. Texts compare with numbers and booleans as what they say: a client may
send ``"42"`` or ``42``. An ``llm`` leaf is a value that the model has to give; where it gave none it is null
(reference: rest-schemas.md §2, AstNode).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Value = str | float | int | bool | None
Variables = Callable[[str], Value]
Wanted = Callable[[Mapping[str, Any]], Value]
"""An ``llm`` leaf to what the model has given for it."""

_BINARY = frozenset(f"{name}_operator" for name in "eq neq gt gte lt lte add sub mul div".split())
_LITERALS = frozenset(("string_literal", "number_literal", "boolean_literal"))
MAX_DEPTH = 64


class ExpressionError(ValueError):
    """An expression that cannot be read, or not be evaluated: the message says where and what was expected."""


def check(node: Any, where: str = "expression", depth: int = 0) -> None:
    """Raises ``ExpressionError`` when ``node`` is no expression."""
    if not isinstance(node, Mapping):
        raise ExpressionError(f"{where}: expected an object with a type, got {node!r}.")
    if depth > MAX_DEPTH:
        raise ExpressionError(f"{where}: expected at most {MAX_DEPTH} levels.")
    kind = str(node.get("type"))
    match kind:
        case "null_literal":
            return
        case _ if kind in _LITERALS:
            expected = {"string_literal": str, "number_literal": (int, float), "boolean_literal": bool}[kind]
            if not isinstance(node.get("value"), expected):  # type: ignore[arg-type]
                raise ExpressionError(
                    f"{where}.value: expected a {kind.removesuffix('_literal')}, got {node.get('value')!r}."
                )
        case "dynamic_variable":
            if not isinstance(node.get("name"), str):
                raise ExpressionError(f"{where}.name: expected the name of a variable, got {node.get('name')!r}.")
        case "llm":
            if not isinstance(node.get("value_schema"), Mapping):
                raise ExpressionError(f"{where}.value_schema: expected an object, got {node.get('value_schema')!r}.")
        case "and_operator" | "or_operator":
            children = node.get("children")
            if not isinstance(children, list) or not children:
                raise ExpressionError(f"{where}.children: expected a list with at least one, got {children!r}.")
            for index, child in enumerate(children):
                check(child, f"{where}.children.{index}", depth + 1)
        case "conditional_operator":
            for key in ("condition", *_branches(node)):
                check(node.get(key), f"{where}.{key}", depth + 1)
        case _ if kind in _BINARY:
            for key in ("left", "right"):
                check(node.get(key), f"{where}.{key}", depth + 1)
        case _:
            raise ExpressionError(f"{where}.type: expected the type of an expression, got {node.get('type')!r}.")


def evaluate(node: Mapping[str, Any], variables: Variables, wanted: Wanted = lambda _: None) -> Value:
    """The value of an expression that ``check`` has passed. Raises ``ExpressionError`` for what has no value, such as
    a sum of a text and null."""
    kind = node["type"]
    match kind:
        case "null_literal":
            return None
        case "string_literal" | "number_literal" | "boolean_literal":
            value: Value = node["value"]
            return value
        case "dynamic_variable":
            return variables(node["name"])
        case "llm":
            return wanted(node)
        case "and_operator":
            return all(is_true(evaluate(child, variables, wanted)) for child in node["children"])
        case "or_operator":
            return any(is_true(evaluate(child, variables, wanted)) for child in node["children"])
        case "conditional_operator":
            then, otherwise = _branches(node)
            holds = is_true(evaluate(node["condition"], variables, wanted))
            return evaluate(node[then if holds else otherwise], variables, wanted)
        case _:
            left, right = (evaluate(node[key], variables, wanted) for key in ("left", "right"))
            return _binary(kind.removesuffix("_operator"), left, right)


def wanted_in(node: Any) -> Iterator[Mapping[str, Any]]:
    """The ``llm`` leaves of an expression, in order."""
    if isinstance(node, Mapping):
        if node.get("type") == "llm":
            yield node
        else:
            for value in node.values():
                yield from wanted_in(value)
    elif isinstance(node, list):
        for value in node:
            yield from wanted_in(value)


def is_true(value: Value) -> bool:
    """As a condition: "false", "0" and empty texts are false."""
    if isinstance(value, str):
        return value.strip().lower() not in ("", "false", "0", "no", "null", "none")
    return bool(value)


def _branches(node: Mapping[str, Any]) -> tuple[str, str]:
    """The wire has them in camel case; the SDKs' own spelling is taken as well."""
    return (
        ("trueExpression", "falseExpression") if "trueExpression" in node else ("true_expression", "false_expression")
    )


def _binary(operator: str, left: Value, right: Value) -> Value:
    match operator:
        case "eq":
            return _same(left, right)
        case "neq":
            return not _same(left, right)
        case "add" if isinstance(left, str) or isinstance(right, str):
            if _number(left) is None or _number(right) is None:
                return _text(left) + _text(right)
    a, b = _number(left), _number(right)
    if operator in ("gt", "gte", "lt", "lte"):
        if left is None or right is None:
            return False
        if a is None or b is None:
            return _ordered(operator, _text(left), _text(right))
        return _ordered(operator, a, b)
    if a is None or b is None:
        raise ExpressionError(f"{operator}: expected two numbers, got {left!r} and {right!r}.")
    match operator:
        case "add":
            return a + b
        case "sub":
            return a - b
        case "mul":
            return a * b
        case _:
            if b == 0:
                raise ExpressionError("div: expected a divisor other than 0.")
            return a / b


def _ordered(operator: str, a: Any, b: Any) -> bool:
    return bool({"gt": a > b, "gte": a >= b, "lt": a < b, "lte": a <= b}[operator])


def _same(left: Value, right: Value) -> bool:
    if left is None or right is None:
        return left is right
    if isinstance(left, bool) or isinstance(right, bool):
        return _text(left).lower() == _text(right).lower()
    a, b = _number(left), _number(right)
    return a == b if a is not None and b is not None else _text(left) == _text(right)


def _number(value: Value) -> float | int | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return value
    try:
        return int(value)
    except ValueError:
        try:
            return float(value)
        except ValueError:
            return None


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
