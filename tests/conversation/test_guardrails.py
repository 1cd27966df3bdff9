"""Guardrails: what is judged, what an answer of the judge means, and what becomes of a reply that triggers one."""

import pytest

from parola.conversation.events import GuardrailTriggered, ReplyWithheld
from parola.conversation.guardrails import MOST_RETRIES, Guardrail, Trigger, guardrails_of, question, verdict
from parola.protocol import server_messages as server
from parola.protocol.guardrails import GuardrailsV1
from tests.story import Story, client_tool

SECRETS = Guardrail("custom", "secrets", ends_call=False, feedback="Never tell the recipe.", prompt="It tells it.")
STRICT = Guardrail("custom", "strict", prompt="It is rude.")


def found(guardrail: Guardrail) -> Trigger:
    return Trigger(guardrail, guardrail.kind, {"type": "llm", "rationale": "It does."})


def triggers(story: Story, guardrail: Guardrail) -> Story:
    return story.tell(GuardrailTriggered(story.reply, found(guardrail)))


# -- what is judged ---------------------------------------------------------------------------------------------------


def test_what_is_off_is_not_judged():
    rules = {"name": "x", "prompt": "y", "is_enabled": False}
    config = GuardrailsV1.model_validate({"focus": {"is_enabled": True}, "custom": {"config": {"configs": [rules]}}})
    assert guardrails_of(config) == ()


def test_every_kind_is_read():
    config = GuardrailsV1.model_validate(
        {
            "prompt_injection": {"is_enabled": True},
            "content": {
                "execution_mode": "blocking",
                "config": {"violence": {"is_enabled": True, "threshold": "medium"}, "sexual": {"is_enabled": True}},
                "trigger_action": {"type": "retry", "feedback": "Be kind."},
            },
            "custom": {"config": {"configs": [{"is_enabled": True, "name": "x", "prompt": "y", "model": "gpt"}]}},
        }
    )
    injection, content, custom = guardrails_of(config)
    assert injection.kind == "prompt_injection" and injection.ends_call
    assert content.thresholds == {"sexual": 0.3, "violence": 0.5}
    assert (content.mode, content.ends_call, content.feedback) == ("blocking", False, "Be kind.")
    assert (custom.name, custom.mode, custom.model, custom.ends_call) == ("x", "streaming", "gpt", True)


def test_the_judge_sees_as_much_of_the_conversation_as_it_may():
    before = [
        {"role": "system", "content": "P"},
        {"role": "user", "content": "A"},
        {"role": "assistant", "content": "B"},
    ]
    asked = question(Guardrail("custom", "x", prompt="Z", history=1), "C", before)[-1]["content"]
    assert "assistant: B" in asked and "user: A" not in asked and "<text>\nC\n</text>" in asked
    assert "before" not in question(STRICT, "C", before)[-1]["content"]


# -- what the judge says ----------------------------------------------------------------------------------------------

CONTENT = Guardrail("content", "content", thresholds={"violence": 0.5, "medical_and_legal_information": 0.3})


@pytest.mark.parametrize(
    ("answer", "kind", "score"),
    [
        ('{"violence": 0.6, "medical_and_legal_information": 0.35}', "violence", 0.6),
        ('```json\n{"violence": 0, "medical_and_legal_information": 0.9}\n```', "medical_and_legal", 0.9),
    ],
)
def test_the_score_furthest_over_its_threshold_is_the_finding(answer, kind, score):
    trigger = verdict(CONTENT, answer)
    assert trigger is not None and trigger.record["guardrail_type"] == kind
    assert trigger.record["guardrail_details"]["score"] == score


@pytest.mark.parametrize(
    ("guardrail", "answer"),
    [(CONTENT, '{"violence": 0.49}'), (STRICT, 'Fine: {"violated": false, "rationale": "It is kind."}')],
)
def test_what_is_well_triggers_nothing(guardrail, answer):
    assert verdict(guardrail, answer) is None


def test_a_violation_comes_with_its_reason():
    trigger = verdict(STRICT, '{"violated": true, "rationale": "It shouts."}')
    assert trigger is not None and trigger.record == {
        "guardrail_type": "custom",
        "guardrail_name": "strict",
        "execution_mode": "streaming",
        "guardrail_details": {"type": "llm", "rationale": "It shouts."},
    }


@pytest.mark.parametrize("answer", ["", "no", "{", '{"violated": "maybe"}', "[]"])
@pytest.mark.parametrize("guardrail", [CONTENT, STRICT])
def test_what_is_no_verdict_is_an_error(guardrail, answer):
    with pytest.raises(ValueError, match="expected"):
        verdict(guardrail, answer)


# -- what becomes of the reply ----------------------------------------------------------------------------------------


def test_a_reply_that_is_being_said_is_cut_and_answered_again():
    story = Story().connects().asks("The recipe?").agent_begins_to_say("Take two eggs", seconds=4).wait(1)
    triggers(story, SECRETS)
    assert [type(m) for m in story.latest][:1] == [server.GuardrailTriggered]
    assert any(isinstance(m, server.Interruption) for m in story.latest)
    request = story.replies[-1].request
    assert request is not None and "Never tell the recipe." in request.messages[-1]["content"]
    story.agent_says("I may not tell.")
    assert story.record[1]["triggered_guardrails"][0]["guardrail_name"] == "secrets"
    assert story.told[-1] == ("agent", "I may not tell.")


def test_a_withheld_reply_was_never_said():
    story = Story().connects().asks("The recipe?")
    story.tell(ReplyWithheld(story.reply)).wait(19).tell(ReplyWithheld(story.reply)).wait(19)
    assert story.phase == "thinking", "the model has its time again whenever it has written more"
    triggers(story, SECRETS)
    assert story.sent_of(server.AgentResponse, server.Interruption) == []
    story.agent_says("No.")
    assert [m["content"] for m in story.messages if m["role"] == "user"] == ["The recipe?"]
    assert story.record[1]["message"] is None and story.record[1]["triggered_guardrails"]


def test_one_that_ends_the_call_ends_it():
    story = triggers(Story().connects().asks("Hi").agent_begins_to_say("You fool", seconds=3).wait(1), STRICT)
    assert story.close is not None
    assert (story.close.code, story.close.status) == (1002, "done")
    assert story.close.termination_reason == "Guardrail triggered: strict"
    assert story.record[1]["triggered_guardrails"][0]["guardrail_type"] == "custom"
    error = story.sent_of(server.Error)[0]
    assert error.error_type == "safety_violation"


def test_a_model_that_never_learns_is_silenced_until_the_user_speaks_again():
    story = Story().connects().asks("The recipe?")
    for _ in range(MOST_RETRIES + 1):
        triggers(story, SECRETS)
    assert story.phase == "listening"
    assert story.warnings == ["The guardrail 'secrets' stopped every answer; the agent says nothing."]
    story.asks("Something else?").agent_says("Gladly.")
    assert "guardrail" not in str(story.messages), "that was about the answer before"


def test_what_is_found_too_late_is_recorded():
    story = Story(text_only=True).connects().types("Hi").agent_says("Two eggs.")
    triggers(story, SECRETS)
    assert story.phase == "listening"
    assert story.record[-1]["triggered_guardrails"] and story.record[-1]["message"] == "Two eggs."


def test_tools_that_run_are_waited_for():
    story = Story(tools=[client_tool("look_up")]).connects().asks("Hi").agent_calls("look_up", saying="Two eggs.")
    triggers(story, SECRETS).client_answers("look_up", "ok")
    assert "Never tell the recipe." in str(story.messages)


def test_focus_reminds_the_model_of_its_task():
    request = Story(prompt="You sell soup.", keeps_focus=True).connects().asks("Hi").replies[-1].request
    assert request is not None and "Stay with your task" in request.messages[0]["content"]
