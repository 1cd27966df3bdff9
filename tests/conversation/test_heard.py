"""What was heard is told in the words that were written, however they were spoken; and by whose voice."""

import pytest

from parola.conversation.events import ModelFinished, ReplyAudio, ReplyFinished, ReplyText, SentenceStarted
from parola.conversation.prompt import on_voices
from parola.conversation.setup import FurtherVoice, VoiceChoice
from parola.conversation.start import Beginning, begin
from parola.protocol.client_messages import ConversationInitiationClientData
from parola.protocol.server_messages import AgentResponse, AgentResponseCorrection
from parola.providers.base import Alignment
from parola.session.pronunciation import Rule, pronounced
from parola.session.spoken_text import spoken_text
from tests.story import Story

RULES = (Rule("UN", alias="United Nations"),)


def spoken(written: str, until: str, *, has_alignment: bool = True) -> Story:
    """A sentence spoken at ten characters a second, cut when ``until`` has been said."""
    said, _ = pronounced(spoken_text(written), RULES, with_phonemes=False)
    seconds = len(said.text) / 10
    timing = Alignment(tuple(said.text), tuple(i / 10 for i in range(len(said.text))), (0.1,) * len(said.text))
    story = Story().connects().asks("Go").tell(ReplyText(1, written), ModelFinished(1))
    story.tell(SentenceStarted(1, written, said.origins))
    story.tell(ReplyAudio(1, b"\0\0", seconds, timing if has_alignment else None), ReplyFinished(1))
    assert until in said.text
    return story.wait(len(until) / 10 - (0.25 if has_alignment else 0.16)).caller_speaks().wait(0.01)


@pytest.mark.parametrize("has_alignment", [True, False])
@pytest.mark.parametrize(
    ("written", "until", "heard"),
    [
        ("This is **very bold** indeed.", "This is very", "This is **very..."),
        ("This is **very bold** indeed.", "This is very bold", "This is **very bold**..."),
        ("Read [the manual](https://a.b/c) twice.", "Read the manual", "Read [the manual](https://a.b/c)..."),
        ("Open https://x.y now please.", "Open x dot", "Open..."),
        ("Open https://x.y now please.", "Open x dot y", "Open https://x.y..."),
        ("The UN met today.", "The United", "The..."),
        ("The UN met today.", "The United Nations", "The UN..."),
        ("今日は天気がいい。", "今日は", "今日は..."),
    ],
)
def test_what_was_heard_is_told_in_the_written_words(written, until, heard, has_alignment):
    story = spoken(written, until, has_alignment=has_alignment)
    assert story.sent_of(AgentResponseCorrection) == [
        AgentResponseCorrection(original_agent_response=written, corrected_agent_response=heard, event_id=2)
    ]


TWO = VoiceChoice(others=(FurtherVoice("Joe", "v1", "an old sailor", "de"), FurtherVoice("Anna", "v2")))


def two_voices() -> Story:
    story = Story(prompt="Tell tales.", voice=TWO).connects().asks("Go")
    story.tell(ReplyText(1, "He said: "), ReplyText(1, "Aho", "Joe"), ReplyText(1, "y there!", "Joe"))
    story.tell(ReplyText(1, " The end."), ModelFinished(1))
    for sentence in ("He said: ", "Ahoy there!", " The end."):
        story.tell(SentenceStarted(1, sentence), ReplyAudio(1, b"\0\0", 1.0))
    return story.tell(ReplyFinished(1))


def parts(story: Story) -> list[tuple[str | None, str]]:
    return [(part["voice_label"], part["text"]) for part in story.record[1]["multivoice_message"]["parts"]]


def test_the_record_tells_who_said_what():
    story = two_voices()
    assert story.sent_of(AgentResponse) == [AgentResponse(agent_response="He said: Ahoy there! The end.", event_id=2)]
    assert parts(story) == [(None, "He said:"), ("Joe", "Ahoy there!"), (None, "The end.")]
    assert story.record[1]["message"] == "He said: Ahoy there! The end."


def test_of_an_interrupted_turn_the_record_has_the_parts_that_were_heard():
    story = two_voices().wait(1.45).caller_speaks()
    assert story.record[1]["message"] == "He said: Ahoy..."
    assert parts(story) == [(None, "He said:"), ("Joe", "Ahoy")]


def test_what_goes_on_after_a_false_interruption_is_said_by_the_same_voices():
    story = two_voices().wait(1.45).caller_speaks().falls_silent("").wait(1)
    assert story.replies[-1].verbatim == "<Joe>there!</Joe> The end."


def test_the_model_reads_its_labels_again():
    story = two_voices().wait(5).asks("More")
    said = [message["content"] for message in story.messages if message["role"] == "assistant"]
    assert said == ["He said: <Joe>Ahoy there!</Joe> The end."]


def test_an_agent_with_one_voice_has_no_parts():
    story = Story().connects().asks("Go").agent_says("Hello.")
    assert "multivoice_message" not in story.record[1]


def test_the_prompt_names_the_voices_there_are():
    request = two_voices().replies[0].request
    assert request is not None
    system = request.messages[0]["content"]
    assert system.startswith("Tell tales.\n\nYou can speak in other voices too.")
    assert "- <Joe>: an old sailor (in the language 'de')\n- <Anna>" in system
    assert on_voices(()) == ""


def test_voices_and_dictionaries_come_from_the_agent():
    voices = [{"label": " Joe ", "voice_id": "v1", "speed": 1.1}, {"label": "Anna", "voice_id": "v2", "language": "de"}]
    locators = [{"pronunciation_dictionary_id": "d1"}, {"pronunciation_dictionary_id": "d2", "version_id": "x"}]
    tts = {"supported_voices": voices, "pronunciation_dictionary_locators": locators}
    document = {"conversation_config": {"tts": tts}}
    setup = begin(Beginning("conv_1", "agent_1", "A", document), ConversationInitiationClientData())
    assert setup.voice.others == (FurtherVoice("Joe", "v1", speed=1.1), FurtherVoice("Anna", "v2", language="de"))
    assert setup.voice.dictionaries == (("d1", None), ("d2", "x"))
