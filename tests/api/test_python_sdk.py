"""The official Python SDK as the REST client, unmodified, against a real server."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from elevenlabs import ElevenLabs
from elevenlabs.core.api_error import ApiError
from elevenlabs.errors import UnprocessableEntityError
from elevenlabs.types import (
    AgentConfig,
    ConvAiWebhooks,
    ConversationalConfig,
    PostWorkspaceSecretResponseModel,
    PromptAgentApiModelOutput,
    ToolRequestModel,
    WebhookHmacSettings,
)

from parola.config import Settings
from tests.conftest import RunningServer


@pytest.fixture
def sdk(server: RunningServer) -> ElevenLabs:
    return ElevenLabs(api_key="anything", base_url=server.base_url)


CONFIG = {
    "agent": {
        "first_message": "Hi!",
        "language": "en",
        "prompt": {"prompt": "You answer the phone.", "llm": "gpt-4o", "temperature": 0.3},
    },
    "tts": {"voice_id": "voice_1"},
}


def test_agents_are_created_read_changed_copied_listed_and_deleted(sdk: ElevenLabs) -> None:
    agents = sdk.conversational_ai.agents
    made = agents.create(conversation_config=CONFIG, name="Front desk", tags=["hotel"])
    got = agents.get(made.agent_id)
    assert got.name == "Front desk"
    assert got.conversation_config.agent.prompt.prompt == "You answer the phone."
    assert got.conversation_config.agent.prompt.temperature == 0.3
    assert got.conversation_config.tts.voice_id == "voice_1"
    assert got.tags == ["hotel"]

    changed = agents.update(made.agent_id, conversation_config={"agent": {"first_message": "Hello!"}})
    assert changed.conversation_config.agent.first_message == "Hello!"
    assert changed.conversation_config.agent.prompt.llm == "gpt-4o"

    copy = agents.duplicate(made.agent_id, name="Night desk")
    listed = agents.list(page_size=1, search="desk")
    assert listed.has_more is True
    rest = agents.list(page_size=1, search="desk", cursor=listed.next_cursor)
    assert [*(a.name for a in listed.agents), *(a.name for a in rest.agents)] == ["Night desk", "Front desk"]
    assert rest.agents[0].voice_id == "voice_1"

    agents.delete(copy.agent_id)
    with pytest.raises(ApiError) as error:
        agents.get(copy.agent_id)
    assert error.value.status_code == 404
    assert error.value.body["detail"]["status"] == "document_not_found"


def test_what_the_sdk_reads_it_can_write_back(sdk: ElevenLabs) -> None:
    agents = sdk.conversational_ai.agents
    typed = ConversationalConfig(agent=AgentConfig(prompt=PromptAgentApiModelOutput(prompt="Be brief.")))
    first = agents.get(agents.create(conversation_config=typed).agent_id)
    second = agents.get(agents.create(conversation_config=first.conversation_config).agent_id)
    assert second.conversation_config == first.conversation_config


def test_a_config_that_cannot_work_is_the_sdks_own_error(sdk: ElevenLabs) -> None:
    with pytest.raises(UnprocessableEntityError) as error:
        sdk.conversational_ai.agents.create(conversation_config={"turn": {"turn_timeout": 1000}})
    assert "turn_timeout" in str(error.value.body)


def test_widget_and_link_need_no_key(server: RunningServer, sdk: ElevenLabs) -> None:
    agent_id = sdk.conversational_ai.agents.create(conversation_config=CONFIG).agent_id
    visitor = ElevenLabs(base_url=server.base_url)
    widget = visitor.conversational_ai.agents.widget.get(agent_id)
    assert widget.widget_config.variant == "full"
    assert widget.widget_config.first_message == "Hi!"
    assert visitor.conversational_ai.agents.link.get(agent_id).token is None
    summaries = sdk.conversational_ai.agents.summaries.get(agent_ids=[agent_id])
    assert summaries[agent_id].status == "success"


def test_tools_are_created_read_changed_listed_and_deleted(sdk: ElevenLabs) -> None:
    tools = sdk.conversational_ai.tools
    config = {"type": "client", "name": "show_map", "description": "Shows a map", "expects_response": True}
    made = tools.create(request=ToolRequestModel.model_validate({"tool_config": config}))
    got = tools.get(made.id)
    assert got.tool_config.name == "show_map"
    assert got.tool_config.expects_response is True
    changed = tools.update(
        made.id, request=ToolRequestModel.model_validate({"tool_config": {**config, "name": "hide_map"}})
    )
    assert changed.tool_config.name == "hide_map"
    assert [tool.id for tool in tools.list(types="client").tools] == [made.id]
    assert tools.get_dependent_agents(made.id).agents == []
    tools.delete(made.id)
    assert tools.list().tools == []


def test_secrets_are_created_listed_and_deleted(sdk: ElevenLabs) -> None:
    secrets = sdk.conversational_ai.secrets
    made: PostWorkspaceSecretResponseModel = secrets.create(name="Shop", value="swordfish")
    assert [secret.name for secret in secrets.list().secrets] == ["Shop"]
    secrets.update(made.secret_id, name="Store", value="trout")
    assert secrets.get(made.secret_id).name == "Store"
    secrets.delete(made.secret_id)
    assert secrets.list().secrets == []


def test_a_signed_url_reserves_a_conversation_that_can_be_read_and_deleted(
    server: RunningServer, sdk: ElevenLabs
) -> None:
    conversations = sdk.conversational_ai.conversations
    agent_id = sdk.conversational_ai.agents.create(conversation_config=CONFIG).agent_id
    url = conversations.get_signed_url(agent_id=agent_id, include_conversation_id=True).signed_url
    assert url.startswith(f"{server.socket_url}/v1/convai/conversation?agent_id={agent_id}&")
    (listed,) = conversations.list(agent_id=agent_id).conversations
    assert listed.status == "initiated"
    got = conversations.get(listed.conversation_id)
    assert got.agent_id == agent_id
    assert got.metadata.call_duration_secs == 0
    assert got.transcript == []
    sdk.conversational_ai.conversations.feedback.create(listed.conversation_id, feedback="like")
    assert conversations.get(listed.conversation_id).metadata.feedback.overall_score == "like"
    conversations.delete(listed.conversation_id)
    assert conversations.list(agent_id=agent_id).conversations == []


def test_a_server_under_a_path_prefix_is_reached_and_says_so(start_server: Callable[..., RunningServer]) -> None:
    server = start_server(Settings(ephemeral=True, public_url="https://voice.example/prefix"))
    sdk = ElevenLabs(api_key="anything", base_url=f"{server.base_url}/prefix")
    agent_id = sdk.conversational_ai.agents.create(conversation_config={}).agent_id
    url = sdk.conversational_ai.conversations.get_signed_url(agent_id=agent_id).signed_url
    assert url.startswith("wss://voice.example/prefix/v1/convai/conversation?agent_id=")


def test_the_user_voices_and_models_can_be_read(sdk: ElevenLabs) -> None:
    assert sdk.user.get().subscription.tier == "self_hosted"
    assert sdk.voices.get_all().voices is not None
    assert sdk.voices.search().has_more is False
    assert "eleven_flash_v2" in [model.model_id for model in sdk.models.list()]
    assert sdk.conversational_ai.llm.list().llms is not None
    assert sdk.conversational_ai.analytics.live_count.get().count == 0


def test_a_wrong_key_is_the_sdks_own_error(start_server: Callable[..., RunningServer]) -> None:
    server = start_server(Settings(ephemeral=True, auth="required"))
    with pytest.raises(ApiError) as error:
        ElevenLabs(api_key="wrong", base_url=server.base_url).conversational_ai.agents.list()
    assert error.value.status_code == 401
    assert error.value.body["detail"]["status"] == "invalid_api_key"


def test_webhooks_are_created_listed_used_and_deleted(sdk: ElevenLabs) -> None:
    settings = WebhookHmacSettings(auth_type="hmac", name="CRM", webhook_url="http://127.0.0.1:9/hook")
    made = sdk.webhooks.create(settings=settings)
    assert made.webhook_secret is not None and made.webhook_secret.startswith("wsec_")
    workspace = sdk.conversational_ai.settings.update(
        webhooks=ConvAiWebhooks(post_call_webhook_id=made.webhook_id, events=["transcript", "audio"])
    )
    assert workspace.webhooks is not None and workspace.webhooks.events == ["transcript", "audio"]
    assert sdk.conversational_ai.settings.get().webhooks == workspace.webhooks

    (listed,) = sdk.webhooks.list(include_usages=True).webhooks
    assert listed.usage is not None and [one.usage_type for one in listed.usage] == ["ConvAI Settings"]
    assert sdk.webhooks.update(made.webhook_id, is_disabled=True, name="Old").status == "ok"
    assert [(one.name, one.is_disabled) for one in sdk.webhooks.list().webhooks] == [("Old", True)]
    with pytest.raises(ApiError) as refused:
        sdk.webhooks.delete(made.webhook_id, request_options={"max_retries": 0})
    assert refused.value.status_code == 409
    sdk.conversational_ai.settings.update(webhooks={"post_call_webhook_id": None})  # type: ignore[arg-type]
    assert sdk.webhooks.delete(made.webhook_id).status == "ok"
