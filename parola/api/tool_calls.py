"""Calls of tools outside of a conversation: a dry run of one, late results of long ones, and the secret that receivers
verify requests with."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from pydantic import Field

from parola.api.described import described
from parola.api.errors import checked
from parola.api.responses import Json, OptionalBody, new_id
from parola.api.services import ServicesDep, needs_key, open_to_all
from parola.errors import InvalidRequest, NotFound
from parola.outbound import environment
from parola.protocol.documents import Answer, Asked, JsonObject

router = APIRouter(tags=["tools"])


class ToolInvocation(Asked):
    """Body of ``POST /v1/x/tools/{tool_id}/invoke``."""

    arguments: JsonObject = Field(default_factory=dict, description="What the model would give.")
    dynamic_variables: JsonObject = Field(
        default_factory=dict, description="Over the placeholders of the tool; `system__…` may be set too."
    )
    agent_id: str = ""
    conversation_id: str = ""
    environment: str = environment.DEFAULT


class ToolInvocationResponse(Answer):
    result: str = Field(description="What the model would read; of failures it may be told less.")
    is_error: bool
    error_type: str
    raw_error_message: str
    tool_has_been_called: bool
    status_code: int | None
    response: Any = Field(description="The response as JSON, when it was JSON.")
    request: JsonObject | None = Field(description="The request that was made, without secrets.")
    latency_secs: float
    warnings: list[str]


class ToolSigningSecret(Answer):
    signing_secret: str


@router.post("/v1/x/tools/{tool_id}/invoke", operation_id="x_tools_invoke", dependencies=[needs_key])
@described(request=ToolInvocation, response=ToolInvocationResponse, optional=True)
async def invoke(tool_id: str, raw: OptionalBody, services: ServicesDep) -> Json:
    """Call a webhook tool now, with these arguments and variables, outside of any conversation. The request is real."""
    from parola.conversation import tool_arguments, webhook_tool
    from parola.conversation.actions import RunTool
    from parola.conversation.events import ToolFinished
    from parola.conversation.tools import Tool
    from parola.tools.identity import Identity
    from parola.tools.webhook import Outcome, WebhookTools

    asked = checked(ToolInvocation, raw)
    row = await services.store.tools.get(tool_id)
    if row is None:
        raise NotFound(f"Document with id {tool_id} not found.")
    config: JsonObject = row.document["tool_config"]
    if config.get("type") != "webhook":
        raise InvalidRequest(
            f"Expected a tool of type webhook, got {config.get('type')}: only the server's own requests can be tried "
            "without a conversation."
        )
    warnings: list[str] = []
    definition = webhook_tool.definition(row.name, str(config.get("description") or ""), config["api_schema"])
    seconds = webhook_tool.timeout_seconds(config, warnings)
    tool = Tool(definition, "webhook", timeout_seconds=seconds, tool_id=tool_id, config=config)
    read = tool_arguments.checked(asked.arguments, definition.parameters)
    warnings += [f"{name} is no parameter of this tool; it was ignored." for name in read.ignored]
    identity = Identity(asked.agent_id, asked.conversation_id, None, asked.environment)
    call = RunTool(new_id("call"), tool, read.arguments, await _variables(services, config, asked))
    began = time.monotonic()
    if read.problems:
        problem = "; ".join(read.problems)
        outcome = Outcome(
            ToolFinished(
                call.call_id,
                problem,
                is_error=True,
                error_type="invalid_arguments",
                is_called=False,
                raw_error=problem,
            )
        )
    else:
        try:
            async with asyncio.timeout(seconds):
                outcome = await WebhookTools(services.tools, identity).call(call)
        except TimeoutError:
            problem = f'The tool "{tool.name}" gave no answer within {seconds:g} s.'
            outcome = Outcome(
                ToolFinished(call.call_id, problem, is_error=True, error_type="timeout", raw_error=problem)
            )
    finished = outcome.finished
    return Json(
        {
            "result": finished.result,
            "is_error": finished.is_error,
            "error_type": finished.error_type,
            "raw_error_message": finished.raw_error,
            "tool_has_been_called": finished.is_called,
            "status_code": outcome.status,
            "response": finished.response,
            "request": finished.details,
            "latency_secs": round(time.monotonic() - began, 3),
            "warnings": warnings,
        }
    )


async def _variables(services: Any, config: JsonObject, asked: ToolInvocation) -> dict[str, Any]:
    declared = config.get("dynamic_variables")
    placeholders = declared.get("dynamic_variable_placeholders") if isinstance(declared, Mapping) else None
    labels = environment.labels_in(config)
    named = await environment.texts(services.store, labels, asked.environment)
    return {
        "system__agent_id": asked.agent_id,
        "system__current_agent_id": asked.agent_id,
        "system__conversation_id": asked.conversation_id,
        **{f"system__env_{label}": value for label, value in named.items()},
        **(placeholders or {}),
        **asked.dynamic_variables,
    }


@router.post(
    "/v1/x/tool-callbacks/{token}",
    operation_id="x_tool_callbacks_create",
    dependencies=[open_to_all("The token is the credential.")],
)
async def take_result(token: str, request: Request, services: ServicesDep) -> Json:
    """The late result of a tool that answered 202 with status ``pending``: any body, or an object with ``is_error``
    true and an ``error``. The token is the credential; it works once, and 410 says that nobody waits any more."""
    from parola.tools.response import called_back

    answer = called_back(await request.body(), request.headers.get("content-type", ""))
    services.tools.callbacks.deliver(token, answer)
    return Json({"status": "ok"})


@router.get("/v1/x/tool-signing-secret", operation_id="x_tool_signing_secret_get", dependencies=[needs_key])
@described(response=ToolSigningSecret)
async def signing_secret(services: ServicesDep) -> Json:
    """What receivers of tool requests verify ``X-Parola-Signature`` with."""
    return Json({"signing_secret": services.tools.signing_secret})
