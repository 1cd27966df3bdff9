"""The demo agent answers what people and speech recognition say to it."""

import pytest

from parola.conversation.start import Beginning, begin
from parola.demo import DEMO_AGENT_ID, demo_agent
from parola.protocol.agents import CreateAgentRequest
from parola.protocol.client_messages import ConversationInitiationClientData
from parola.providers.base import ModelRequest, TextDelta, ToolCallRequested
from parola.providers.scripted import ScriptedModel, parse_script
from tests.virtual_time import run


def setup(**client_data):
    beginning = Beginning("conv_1", DEMO_AGENT_ID, "demo", demo_agent())
    return begin(beginning, ConversationInitiationClientData.model_validate(client_data))


def answer(*messages):
    """What the agent says, and what it calls."""
    agent = setup()
    chat = [{"role": "user", "content": m} if isinstance(m, str) else m for m in messages]
    tools = [tool.definition for tool in agent.tools.values()]

    async def collect():
        return [e async for e in ScriptedModel().step(ModelRequest(chat, tools, script=agent.model.script))]

    events = run(collect())
    said = "".join(event.text for event in events if isinstance(event, TextDelta))
    return said, [(event.name, dict(event.arguments)) for event in events if isinstance(event, ToolCallRequested)]


def test_the_document_is_a_valid_agent_that_starts_without_a_warning():
    CreateAgentRequest.model_validate(demo_agent())
    agent = setup()
    assert agent.warnings == ()
    assert list(agent.tools) == ["show_message", "end_call", "skip_turn"]
    assert agent.variables == {"user_name": "there"}
    assert agent.model.llm == "x-script"
    parse_script(agent.model.script)


def test_it_answers_at_once_and_is_not_stopped_by_those_who_only_listen():
    agent = setup()
    assert agent.speculates and agent.barge_in.ignores("Mhm.") and not agent.barge_in.ignores("One moment.")


def test_every_document_is_ones_own():
    demo_agent()["conversation_config"]["agent"]["prompt"]["x_script"]["rules"].clear()
    assert demo_agent()["conversation_config"]["agent"]["prompt"]["x_script"]["rules"]


def test_what_people_try_first_may_be_overridden():
    agent = setup(
        conversation_config_override={
            "agent": {"first_message": "Yo.", "language": "de", "prompt": {"prompt": "Be brief.", "llm": "gpt-4o"}},
            "tts": {"voice_id": "deep", "speed": 1.1, "stability": 0.3, "similarity_boost": 0.9},
            "conversation": {"text_only": True},
        },
        custom_llm_extra_body={"a": 1},
        dynamic_variables={"user_name": "Ada"},
    )
    assert (agent.first_message, agent.language, agent.prompt, agent.text_only) == ("Yo.", "de", "Be brief.", True)
    assert (agent.model.llm, agent.voice.voice_id, agent.variables["user_name"]) == ("gpt-4o", "deep", "Ada")


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        ("When are you open?", "from noon to ten"),
        ("what are your opening hours", "from noon to ten"),
        ("What time do you close today?", "from noon to ten"),
        ("Are you open on Sunday?", "from noon to ten"),
        ("How much is a pizza?", "nine to fourteen euros"),
        ("what's on the menu", "nine to fourteen euros"),
        ("Where are you?", "twelve Market Street"),
        ("What's the time?", "It is "),
        ("what time is it", "It is "),
        ("Hello.", "How can I help you?"),
        ("Thank you!", "You are welcome"),
        ("Are you a robot?", "I follow a script"),
        ("What can you do?", "I can tell you"),
        ("Colourless green ideas", "I did not understand that"),
        ("...", "Are you still there?"),
    ],
)
def test_questions_have_answers(heard, said):
    text, calls = answer(heard)
    assert said in text
    assert calls == []


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        ("Book a table for four on Friday at seven, please.", "Done. A table for four, on Friday at seven."),
        ("i'd like to reserve a table for two people tomorrow evening", "Done. A table for two, tomorrow evening."),
        ("Can I book a table tomorrow at 7 for 2 people?", "Done. A table for 2, tomorrow at 7."),
        ("Can I make a reservation for three tonight at eight?", "Done. A table for three, tonight at eight."),
        ("table for two tonight", "Done. A table for two, tonight."),
        ("A table for six.", "For which day, and at what time?"),
        ("Book a table for Friday", "A table for how many, Friday?"),
        ("I want to make a booking", "For how many people, and when?"),
        ("On Friday at seven.", "Done: Friday at seven."),
        ("tomorrow at eight please", "Done: tomorrow at eight."),
        ("At eight.", "Done: At eight."),
    ],
)
def test_a_table_is_booked_from_what_the_sentence_holds(heard, said):
    text, calls = answer(heard)
    assert said in text
    assert calls == []


@pytest.mark.parametrize(
    ("heard", "text"),
    [
        ("Show me a message saying hello world!", "hello world"),
        ("show a message that says good morning", "good morning"),
        ("Please show the message: see you soon.", "see you soon"),
        ("put hello on my screen", "hello"),
        ("Can you show a message?", "Today: spaghetti alle vongole, 14 euros."),
    ],
)
def test_the_client_tool_is_called_and_its_answer_told(heard, text):
    assert answer(heard) == ("Look at your screen.", [("show_message", {"text": text})])
    call = {"role": "assistant", "content": "Look at your screen.", "tool_calls": [{"id": "c"}]}
    assert answer(heard, call, {"role": "tool", "tool_call_id": "c", "content": "shown"}) == (
        "Your app answered: shown",
        [],
    )
    failed = {"role": "tool", "tool_call_id": "c", "content": "Error: no answer within 5 s."}
    assert "Give it a client tool" in answer(heard, call, failed)[0]


@pytest.mark.parametrize("heard", ["Goodbye.", "okay bye", "Thanks, bye!", "That's all.", "hang up"])
def test_a_farewell_ends_the_call(heard):
    said, [(name, _)] = answer(heard)
    assert said.endswith("Goodbye!")
    assert name == "end_call"


def test_a_caller_who_asks_for_a_moment_gets_it():
    said, [(name, _)] = answer("One moment, please.")
    assert (said, name) == ("", "skip_turn")
