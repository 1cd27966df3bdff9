"""The REST API as one application: every router, how errors leave, how large a body may be.

``app.py`` loads this once the server listens: what FastAPI and the handlers import takes most of a second.
"""

from __future__ import annotations

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.routing import WebSocketRoute

from parola import __version__
from parola.api import (
    agent_versions,
    agents,
    analytics,
    asyncapi,
    audit_log,
    auditing,
    auth_connections,
    convai_settings,
    conversation_analysis,
    conversation_audio,
    conversation_export,
    conversation_files,
    conversation_search,
    conversations,
    described,
    environments,
    errors,
    health,
    keys,
    knowledge_base,
    knowledge_new,
    limits,
    lint,
    live,
    live_list,
    llm,
    mcp_servers,
    measurements,
    members,
    models,
    overview,
    pronunciation_dictionaries,
    rag_indexes,
    rag_query,
    request_rate,
    secrets,
    server_models,
    server_settings,
    signed_urls,
    tool_calls,
    tools,
    user,
    voices,
    waiting_for_human,
    waveform,
    webhook_deliveries,
    webhooks,
    why,
)
from parola.api.attach_socket import ATTACH_PATH, AttachSocket
from parola.api.monitor_socket import MONITOR_PATH, MonitorSocket
from parola.api.responses import Json
from parola.api.services import Services

ROUTERS = (
    agents.router,
    agent_versions.router,
    agent_versions.versions_router,
    lint.router,
    signed_urls.router,
    signed_urls.terms_router,
    conversations.router,
    live_list.router,
    waiting_for_human.router,
    live.router,
    conversation_files.router,
    conversation_audio.router,
    waveform.router,
    conversation_search.router,
    conversation_export.router,
    conversation_analysis.router,
    why.router,
    tools.router,
    mcp_servers.router,
    tool_calls.router,
    auth_connections.router,
    secrets.router,
    rag_indexes.router,
    rag_query.router,
    knowledge_new.router,
    knowledge_base.router,
    knowledge_base.open_router,
    environments.router,
    llm.router,
    analytics.router,
    overview.router,
    voices.router,
    models.router,
    server_models.router,
    pronunciation_dictionaries.router,
    user.router,
    keys.router,
    members.router,
    audit_log.router,
    webhooks.router,
    webhook_deliveries.router,
    convai_settings.router,
    health.router,
    limits.router,
    server_settings.router,
    measurements.router,
    asyncapi.router,
)


def rest(services: Services) -> FastAPI:
    """The application; ``app.py`` puts it behind everything else that has an address."""
    api = FastAPI(
        title="Parola",
        version=__version__,
        summary="Voice agents on your own machines, by the ElevenLabs Agents protocol.",
        default_response_class=Json,
        docs_url=None,  # they load their scripts from another host; ``/docs/`` is the documentation
        redoc_url=None,
        separate_input_output_schemas=False,
        middleware=[
            Middleware(request_rate.RequestRate, limits=services.settings.limits, limited=services.metrics.limited),
            Middleware(auditing.Audited, audit=services.audit),
            Middleware(errors.Unforeseen),
            Middleware(
                errors.BodyLimit,
                most_bytes=health.MOST_BODY_BYTES,
                larger=[(ending, health.MOST_UPLOAD_BYTES) for ending in ("/files", *knowledge_new.UPLOADS)],
            ),
        ],
    )
    api.state.services = services
    errors.install(api)
    described.install(api, ROUTERS)
    for router in ROUTERS:
        api.routes.extend(router.routes)  # ``include_router`` would build each a second time, at the first request
    api.routes.append(WebSocketRoute(MONITOR_PATH, MonitorSocket(services), name="monitor"))
    api.routes.append(WebSocketRoute(ATTACH_PATH, AttachSocket(services), name="attach"))
    return api
