"""Who speaks in a conversation, from the agent's document to the sound: voices, dictionaries, languages."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import orjson

from parola.config import Settings
from parola.protocol.client_messages import ConversationInitiationClientData
from parola.protocol.pronunciation import KIND
from parola.providers.base import Alignment, Capabilities, SpeechChunk, Voice, VoiceSettings
from parola.providers.registry import Chosen
from parola.providers.scripted import ScriptedModel
from parola.providers.scripted_speech import ScriptedSpeechToText, ScriptedVoiceActivity
from parola.session.admitted import Admitted
from parola.session.live import LiveSessions
from parola.session.opening import Opening
from parola.session.transport import Disconnected
from parola.store.base import AgentRow, DocumentRow
from parola.store.memory import MemoryStore
from tests.tool_context import tool_context
from tests.virtual_time import run


class Choir:
    """A voice of every name, in two languages; it says ten characters a second."""

    name = "choir"
    capabilities = Capabilities(languages=("en", "de"), alignment=True)
    voices: Sequence[Voice] = ()

    def __init__(self) -> None:
        self.said: list[tuple[str, str, float, str]] = []
        """(voice, language, speed, text)"""

    async def speak(self, text: str, voice: VoiceSettings) -> AsyncIterator[SpeechChunk]:
        self.said.append((voice.voice, voice.language, voice.speed, text))
        starts = tuple(0.1 * index for index in range(len(text)))
        yield SpeechChunk(bytes(3200 * len(text)), 16000, Alignment(tuple(text), starts, (0.1,) * len(text)))

    async def warm_up(self) -> None: ...

    async def aclose(self) -> None: ...


class Cast:
    """A registry that gives everybody what they ask for."""

    def __init__(self) -> None:
        self.choir = Choir()

    def text_to_speech(self, model_id: str, voice_id: str, language: str) -> Chosen[Choir]:
        return Chosen(self.choir, voice=voice_id, warning=None if language != "sv" else "No voice here speaks 'sv'")

    def speech_to_text(self, provider: str) -> Chosen[ScriptedSpeechToText]:
        return Chosen(ScriptedSpeechToText())

    def language_model(self, *_: Any, **__: Any) -> Chosen[ScriptedModel]:
        return Chosen(ScriptedModel())

    def turn_detector(self) -> None:
        return None

    async def voice_activity(self) -> ScriptedVoiceActivity:
        return ScriptedVoiceActivity()


class Typist:
    """A client that types a message whenever the agent has been silent for a while, then hangs up."""

    def __init__(self, *messages: str) -> None:
        self._messages = list(messages)
        self.got: list[dict[str, Any]] = []

    async def receive(self) -> str | Disconnected:
        await asyncio.sleep(5)
        if not self._messages:
            return Disconnected(1000)
        return orjson.dumps({"type": "user_message", "text": self._messages.pop(0)}).decode()

    async def send(self, frame: str) -> None:
        self.got.append(orjson.loads(frame))

    async def close(self, code: int, reason: str) -> None: ...

    def drop(self) -> None: ...

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message[f"{kind}_event"] for message in self.got if message["type"] == kind]


SCRIPT = {
    "rules": [
        {"when": "tale", "say": "He said: <Joe>**Ahoy**, UN!</Joe> Bye."},
        {"when": "deutsch", "call": {"tool": "language_detection", "arguments": {"language": "de"}}, "then": "Gut."},
        {"when": "svenska", "call": {"tool": "language_detection", "arguments": {"language": "sv"}}, "then": "Well."},
    ]
}
CONFIG = {
    "agent": {
        "first_message": "Hello <Joe>there</Joe>!",
        "prompt": {"llm": "x-script", "x_script": SCRIPT, "built_in_tools": {"language_detection": {}}},
    },
    "tts": {
        "voice_id": "anna",
        "speed": 1.1,
        "supported_voices": [{"label": "Joe", "voice_id": "joe", "speed": 0.8}],
        "pronunciation_dictionary_locators": [{"pronunciation_dictionary_id": "pd_1"}],
    },
    "language_presets": {
        "de": {"overrides": {"tts": {"voice_id": "greta"}}},
        "sv": {"overrides": {}},
    },
}
UN = {"type": "alias", "string_to_replace": "UN", "alias": "United Nations"}


def conversation(*messages: str, config: dict[str, Any] = CONFIG) -> tuple[Choir, Typist, dict[str, Any], list[Any]]:
    """(what was said, what the client got, the stored record, its turns)"""
    cast, client, store = Cast(), Typist(*messages), MemoryStore()

    async def story() -> tuple[dict[str, Any], list[Any]]:
        versions = [{"version_id": "pdv_1", "rules": [UN]}]
        await store.documents.put(DocumentRow("pd_1", KIND, "Names", {"versions": versions}, 0.0, 0.0))
        settings = Settings(ephemeral=True, record_audio=False)
        opening = Opening(settings, store, cast, LiveSessions(), tool_context(settings, store))
        agent = AgentRow("agent_1", "A", {"conversation_config": config}, 0.0, 0.0)
        session = await opening.open(Admitted(agent), ConversationInitiationClientData(), (), client)
        await opening.hold(session)
        row = await store.conversations.get(session.conversation_id)
        assert row is not None
        return row.document, list(await store.conversations.turns(session.conversation_id))

    return cast.choir, client, *run(story())


def test_every_voice_speaks_its_part_and_no_tag_is_shown():
    choir, client, _, turns = conversation("A tale")
    assert choir.said == [
        ("anna", "en", 1.1, "Hello"),
        ("joe", "en", 0.8, "there"),
        ("anna", "en", 1.1, "He said:"),
        ("joe", "en", 0.8, "Ahoy, United Nations!"),
        ("anna", "en", 1.1, "Bye."),
    ]
    shown = [event["agent_response"] for event in client.of("agent_response")]
    assert shown == ["Hello there!", "He said: **Ahoy**, UN! Bye."]
    parts = turns[-1]["multivoice_message"]["parts"]
    assert [(part["voice_label"], part["text"]) for part in parts] == [
        (None, "He said:"),
        ("Joe", "**Ahoy**, UN!"),
        (None, "Bye."),
    ]


def test_the_alignment_of_audio_is_of_what_is_spoken():
    _, client, _, _ = conversation("A tale")
    alignments = [event["alignment"] for event in client.of("audio") if event.get("alignment")]
    for one in alignments:
        assert len(one["chars"]) == len(one["char_start_times_ms"]) == len(one["char_durations_ms"])
    spoken = "".join(char for one in alignments for char in one["chars"])
    assert spoken.endswith("He said:Ahoy, United Nations!Bye.")


def test_a_language_that_is_switched_to_has_its_own_voice():
    choir, _, record, _ = conversation("Sprich deutsch", "A tale")
    assert choir.said[2:] == [
        ("greta", "de", 1.1, "Gut."),
        ("greta", "de", 1.1, "He said:"),
        ("joe", "de", 0.8, "Ahoy, United Nations!"),
        ("greta", "de", 1.1, "Bye."),
    ]
    assert not record["metadata"].get("warning") and not record["metadata"].get("warnings")


def test_a_language_that_no_voice_speaks_leaves_the_voice_and_a_warning():
    choir, _, record, _ = conversation("Tala svenska")
    assert choir.said[2:] == [("anna", "en", 1.1, "Well.")]
    assert "No voice here speaks 'sv'" in str(record)


def test_a_dictionary_that_does_not_exist_is_a_warning():
    config = {
        **CONFIG,
        "tts": {**CONFIG["tts"], "pronunciation_dictionary_locators": [{"pronunciation_dictionary_id": "pd_9"}]},
    }
    choir, _, record, _ = conversation("A tale", config=config)
    assert "Ahoy, UN!" in [text for *_, text in choir.said]
    assert "There is no pronunciation dictionary pd_9" in str(record)
