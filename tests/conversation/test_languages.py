"""The model may switch to a language the agent has a preset for; the words after it are in that language's voice."""

from typing import Any

from parola.conversation.actions import SwitchLanguage
from parola.conversation.setup import Setup
from parola.conversation.start import Beginning, begin
from parola.protocol.client_messages import ConversationInitiationClientData
from parola.protocol.server_messages import AgentToolResponse
from tests.story import Story

PRESETS = {"de": {"overrides": {"tts": {"voice_id": "greta", "speed": 0.9}}}, "pt-br": {"overrides": {}}}
BUILT_IN = {"language_detection": {"name": "language_detection"}}


def begun(presets: dict[str, Any] = PRESETS, **override: Any) -> Setup:
    config = {
        "agent": {"prompt": {"built_in_tools": BUILT_IN}},
        "tts": {"voice_id": "anna"},
        "language_presets": presets,
    }
    allowed = {"conversation_config_override": {"tts": {"voice_id": True}}}
    document = {"conversation_config": config, "platform_settings": {"overrides": allowed}}
    data = ConversationInitiationClientData(conversation_config_override=override)
    return begin(Beginning("conv_1", "agent_1", "A", document), data)


def spoken_to() -> Story:
    return Story(tools=list(begun().tools.values())).connects().asks("Guten Tag")


def test_the_model_is_offered_the_languages_there_are():
    tool = begun().tools["language_detection"]
    assert tool.definition.parameters["properties"]["language"]["enum"] == ["en", "de", "pt-br"]


def test_each_language_has_the_voice_of_its_preset():
    voices = begun().voices_by_language
    assert {code: (voice.voice_id, voice.speed) for code, voice in voices.items()} == {
        "en": ("anna", 1.0),
        "de": ("greta", 0.9),
        "pt-br": ("anna", 1.0),
    }


def test_what_the_client_chose_holds_in_every_language():
    voices = begun(tts={"voice_id": "joe"}).voices_by_language
    assert {voice.voice_id for voice in voices.values()} == {"joe"}


def test_a_conversation_that_began_in_a_preset_can_go_back():
    setup = begun(agent={"language": "de"})
    assert setup.voice.voice_id == "greta"
    assert setup.voices_by_language["en"].voice_id == "anna"


def test_without_another_language_there_is_nothing_to_detect():
    setup = begun(presets={})
    assert not setup.tools and not setup.voices_by_language
    assert "language_detection" in setup.warnings[0]


def test_the_switch_comes_before_the_words_that_follow():
    story = spoken_to().agent_calls(("language_detection", {"reason": "German", "language": "de"}))
    assert SwitchLanguage("de") in story.step
    assert story.phase == "thinking", "the model goes on in the new language"
    assert [m.is_error for m in story.sent_of(AgentToolResponse) if isinstance(m, AgentToolResponse)] == [False]
    assert "'de'" in story.tool_results["language_detection"]


def test_a_language_may_be_written_in_more_than_one_way():
    for asked, language in (("DE", "de"), ("de-AT", "de"), ("pt", "pt-br"), ("PT-BR", "pt-br"), ("en-GB", "en")):
        story = spoken_to().agent_calls(("language_detection", {"reason": "", "language": asked}))
        assert SwitchLanguage(language) in story.step, asked


def test_a_language_the_agent_does_not_speak_is_an_error_the_model_reads():
    story = spoken_to().agent_calls(("language_detection", {"reason": "", "language": "sv"}))
    assert not any(isinstance(action, SwitchLanguage) for action in story.actions)
    assert story.tool_results["language_detection"] == (
        'Error: This agent does not speak "sv". Its languages: en, de, pt-br.'
    )
