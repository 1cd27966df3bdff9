"""What the answer of the pre-call webhook does to what a client has said."""

from __future__ import annotations

from parola.protocol.client_messages import ConversationInitiationClientData
from parola.webhooks.pre_call import laid_over

CLIENT = ConversationInitiationClientData(user_id="u-client", dynamic_variables={"name": "Ada", "tier": "gold"})


def test_the_answer_counts_for_more_and_null_says_nothing() -> None:
    both = laid_over(CLIENT, {"dynamic_variables": {"name": None, "tier": "iron"}, "user_id": None})
    assert both.dynamic_variables == {"name": "Ada", "tier": "iron"} and both.user_id == "u-client"


def test_a_part_of_a_configuration_need_not_be_whole() -> None:
    override = {"agent": {"prompt": {"custom_llm": {"model_id": "m"}}}, "tts": {"speed": 1.1}}
    assert laid_over(CLIENT, {"conversation_config_override": override}).conversation_config_override == override
