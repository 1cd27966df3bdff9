"""Hosted names in, the providers of this server out; never a failure, and a warning where the owner would want one."""

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from parola.config import ProviderSettings, Settings, load
from parola.errors import InvalidRequest
from parola.providers import registry as registry_module
from parola.providers.base import Capabilities, ModelRequest, TextDelta, Voice
from parola.providers.hosted_voices import HOSTED_VOICES
from parola.providers.making import GROUP
from parola.providers.openai import OpenAIModel
from parola.providers.openai_responses import OpenAIResponsesModel
from parola.providers.openai_speech import OpenAISpeechToText, OpenAITextToSpeech
from parola.providers.registry import Registry
from parola.providers.scripted import ScriptedModel
from parola.providers.scripted_speech import (
    ScriptedSpeechToText,
    ScriptedTextToSpeech,
    ScriptedVoiceActivity,
)

OLLAMA = ProviderSettings("openai", base_url="http://127.0.0.1:11434/v1", model="qwen3:8b")
BARE = ProviderSettings("openai", base_url="http://127.0.0.1:9000/v1")
SCRIPTED = ProviderSettings("scripted")
SPEECHLESS = {"stt": {"default": SCRIPTED}, "tts": {"default": SCRIPTED}}
HOSTED_DEFAULT_VOICE = "cjVigY5qzO86Huf0OWal"


def registry(**settings):
    return Registry(Settings(**settings))


def llm(name, **settings):
    return registry(**settings).language_model(name)


# -- language models ------------------------------------------------------------------------------------------------


def test_with_nothing_configured_every_hosted_model_is_played_by_the_scripted_one_and_that_is_told():
    chosen = llm("gpt-4o")
    assert isinstance(chosen.provider, ScriptedModel)
    assert chosen.warning == "LLM 'gpt-4o' is not mapped; using default (scripted)"


@pytest.mark.parametrize("name", ["scripted", "x-script"])
def test_an_agent_may_ask_to_be_scripted_whatever_the_default_is(name):
    chosen = llm(name, llm={"default": OLLAMA})
    assert isinstance(chosen.provider, ScriptedModel)
    assert chosen.warning is None


def test_no_name_is_the_default():
    assert llm("").warning is None
    assert llm("", llm={"default": OLLAMA}).model == "qwen3:8b"


def test_the_configured_model_is_asked_for_instead_of_the_hosted_one_and_that_is_told():
    chosen = llm("gpt-4o", llm={"default": OLLAMA})
    assert isinstance(chosen.provider, OpenAIModel)
    assert chosen.model == "qwen3:8b"
    assert chosen.warning == "LLM 'gpt-4o' is not mapped; using default (openai: qwen3:8b)"
    assert llm("qwen3:8b", llm={"default": OLLAMA}).warning is None


def test_without_a_configured_model_the_hosted_name_is_passed_on():
    chosen = llm("gpt-4o", llm={"default": BARE})
    assert (chosen.model, chosen.warning) == ("gpt-4o", None)


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("gpt-4o", "exact"),
        ("gpt-4o-mini", "by pattern"),
        ("claude-x", "anything"),
        ("fast", "small"),
        ("fast/tiny", "tiny"),
        ("gemini", "large"),
        ("grok", "small"),
    ],
)
def test_a_name_is_found_exactly_then_by_pattern_then_by_the_star(name, model):
    fast = ProviderSettings("openai", base_url="http://fast/v1", model="small")
    mapping = {
        "*": "anything",
        "gpt-*": "by pattern",
        "gpt-4o": "exact",
        "gemini": "fast/large",
        "grok": "fast",
    }
    chosen = llm(name, llm={"default": OLLAMA, "fast": fast}, mapping={"llm": mapping})
    assert (chosen.model, chosen.warning) == (model, None)


def test_a_name_may_be_mapped_to_the_script():
    chosen = llm("gpt-4o", llm={"default": OLLAMA}, mapping={"llm": {"gpt-*": "x-script"}})
    assert isinstance(chosen.provider, ScriptedModel)
    assert chosen.warning is None


def test_a_mapping_that_leads_nowhere_leads_to_the_default_and_that_is_told():
    chosen = llm("gpt-4o", mapping={"llm": {"gpt-4o": "nowhere"}})
    assert isinstance(chosen.provider, ScriptedModel)
    assert chosen.warning is not None
    assert "'gpt-4o' is mapped to 'nowhere', which is no entry of [llm] (default)" in chosen.warning


def test_a_custom_llm_is_reached_at_its_own_address_and_kept():
    known = registry()
    custom = {"url": "http://llm:8000/v1", "model_id": "mine"}
    first = known.language_model("custom-llm", custom, "key", {"x": "1"})
    assert isinstance(first.provider, OpenAIModel)
    assert (first.model, first.warning) == ("mine", None)
    assert known.language_model("custom-llm", custom, "key", {"x": "1"}).provider is first.provider
    assert known.language_model("custom-llm", custom, "other", {"x": "1"}).provider is not first.provider
    assert known.language_model("custom-llm", custom, "key").provider is not first.provider


def test_custom_endpoints_are_not_kept_for_ever():
    known = registry()
    first = known.language_model("custom-llm", {"url": "http://0/v1"}).provider
    for number in range(1, registry_module.CUSTOM_MODELS + 1):
        known.language_model("custom-llm", {"url": f"http://{number}/v1"})
    assert known.language_model("custom-llm", {"url": "http://0/v1"}).provider is not first


def test_a_custom_llm_without_an_address_is_told_and_one_of_its_own_kind_is_asked_that_way():
    assert "has no custom_llm.url" in str(llm("custom-llm").warning)
    odd = registry().language_model("custom-llm", {"url": "http://llm/v1", "api_type": "responses"})
    assert isinstance(odd.provider, OpenAIResponsesModel) and odd.warning is None


async def test_a_script_of_the_settings_is_followed(tmp_path):
    file = tmp_path / "rules.yaml"
    file.write_text("default: Hello from the file.", encoding="utf-8")
    model = llm("gpt-4o", llm={"default": ProviderSettings("scripted", options={"script": str(file)})}).provider
    events = [event async for event in model.step(ModelRequest([{"role": "user", "content": "x"}]))]
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "Hello from the file."


# -- ears and voices ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["scribe_realtime", "elevenlabs", ""])
def test_the_hosted_ear_is_played_by_the_default_and_that_is_no_news(name):
    chosen = registry(**SPEECHLESS).speech_to_text(name)
    assert isinstance(chosen.provider, ScriptedSpeechToText)
    assert chosen.warning is None


def test_an_ear_can_be_chosen_by_name_and_an_unknown_one_is_told():
    known = registry(stt={"default": SCRIPTED, "whisper": BARE}, tts={"default": SCRIPTED})
    assert isinstance(known.speech_to_text("whisper").provider, OpenAISpeechToText)
    assert known.speech_to_text("whisper").provider.name == "whisper"
    assert "STT 'deepgram' is not mapped" in str(known.speech_to_text("deepgram").warning)


def test_the_embedded_providers_are_the_default_and_made_once():
    known = registry()
    ear, mouth = known.speech_to_text("scribe_realtime"), known.text_to_speech("eleven_flash_v2", "heart", "en")
    assert (ear.provider.name, mouth.provider.name) == ("moonshine", "hibari")
    assert known.speech_to_text("").provider is ear.provider
    assert known.text_to_speech("", "", "en").provider is mouth.provider


@pytest.mark.parametrize(
    ("voice_id", "voice"),
    [
        (HOSTED_DEFAULT_VOICE, "male"),
        ("21m00Tcm4TlvDq8ikWAM", "heart"),
        ("deep", "deep"),
        ("Bright", "bright"),
        ("", "heart"),
    ],
)
def test_a_known_voice_has_its_stand_in(voice_id, voice):
    chosen = registry().text_to_speech("eleven_turbo_v2_5", voice_id, "en")
    assert (chosen.voice, chosen.warning) == (voice, None)


def test_every_stand_in_is_a_local_voice():
    assert {voice.voice_id for voice in registry().voices()}.issuperset(HOSTED_VOICES.values())


def test_an_unknown_voice_always_gets_the_same_local_one_and_that_is_told():
    first, again = (registry().text_to_speech("eleven_flash_v2", "myClonedVoice1234567", "en") for _ in range(2))
    assert first.voice == again.voice
    assert first.warning == f"Voice 'myClonedVoice1234567' is not mapped; using {first.voice} (embedded)"
    others = {registry().text_to_speech("", f"voice {n}", "en").voice for n in range(30)}
    assert len(others) > 3


def test_the_owner_maps_voices_to_voices_of_any_entry():
    kokoro = ProviderSettings("openai", base_url="http://tts/v1", model="kokoro", options={"voices": ["af", "am"]})
    mapping = {"voices": {"myClone": "deep", "team-*": "kokoro/am"}, "tts": {"eleven_v3": "kokoro"}}
    known = registry(tts={"default": ProviderSettings("embedded"), "kokoro": kokoro}, mapping=mapping)
    mine = known.text_to_speech("eleven_flash_v2", "myClone", "en")
    assert (mine.provider.name, mine.voice, mine.warning) == ("hibari", "deep", None)
    team = known.text_to_speech("eleven_flash_v2", "team-anna", "en")
    assert (team.provider.name, team.model, team.voice, team.warning) == ("kokoro", "kokoro", "am", None)
    assert isinstance(known.text_to_speech("eleven_v3", "af", "en").provider, OpenAITextToSpeech)
    assert [voice.voice_id for voice in known.voices()][-2:] == ["af", "am"]


def test_a_voice_is_found_by_its_name_whoever_has_it_and_whatever_its_case():
    kokoro = ProviderSettings("openai", base_url="http://tts/v1", model="kokoro", options={"voices": ["af", "am"]})
    known = registry(tts={"kokoro": kokoro})
    for name in ("Deep", "DEEP", "deep"):
        chosen = known.text_to_speech("eleven_flash_v2", name, "en")
        assert (chosen.provider.name, chosen.voice, chosen.warning) == ("hibari", "deep", None)
    elsewhere = known.text_to_speech("eleven_flash_v2", "AM", "de")
    assert (elsewhere.provider.name, elsewhere.model, elsewhere.voice) == ("kokoro", "kokoro", "am")
    assert elsewhere.warning is None


def test_a_service_speaks_with_the_voice_the_owner_chose():
    own = ProviderSettings("openai", base_url="http://tts/v1", voice="nova")
    known = registry(tts={"default": own})
    assert known.text_to_speech("eleven_flash_v2", HOSTED_DEFAULT_VOICE, "de").voice == "nova"
    assert "using nova" in str(known.text_to_speech("eleven_flash_v2", "myClone", "de").warning)
    unknowing = registry(tts={"default": BARE}).text_to_speech("eleven_flash_v2", "af_heart", "en")
    assert (unknowing.voice, unknowing.warning) == ("af_heart", None)


def test_a_language_is_spoken_by_whoever_can_or_else_that_is_told():
    alone = registry().text_to_speech("eleven_flash_v2", HOSTED_DEFAULT_VOICE, "de")
    assert alone.warning == "No voice here speaks 'de'; using embedded"
    helped = registry(tts={"default": ProviderSettings("embedded"), "world": BARE})
    assert helped.text_to_speech("eleven_flash_v2", HOSTED_DEFAULT_VOICE, "de").provider.name == "world"
    assert helped.text_to_speech("eleven_flash_v2", HOSTED_DEFAULT_VOICE, "en-GB").provider.name == "hibari"


# -- voice activity -------------------------------------------------------------------------------------------------


async def test_speech_is_detected_by_silero_when_it_is_installed(models_dir):
    known = registry(models=models_dir)
    detector = await known.voice_activity()
    assert detector.name == "silero"
    assert await known.voice_activity() is detector


async def test_without_silero_loudness_does_and_the_owner_is_told(tmp_path):
    known = registry(models=tmp_path)
    assert isinstance(await known.voice_activity(), ScriptedVoiceActivity)
    [row] = [row for row in known.mapping_report() if row.kind == "vad"]
    assert "parola models install" in str(row.warning)


async def test_a_scripted_ear_goes_by_loudness(tmp_path):
    known = registry(models=tmp_path, **SPEECHLESS)
    assert isinstance(await known.voice_activity(), ScriptedVoiceActivity)
    assert await known.warm_up() == []


async def test_the_owner_may_choose_the_detector(models_dir):
    loud = ProviderSettings("embedded", options={"voice_activity": "loudness"})
    assert isinstance(await registry(models=models_dir, stt={"default": loud}).voice_activity(), ScriptedVoiceActivity)
    network = ProviderSettings("scripted", options={"voice_activity": "silero"})
    assert (await registry(models=models_dir, stt={"default": network}).voice_activity()).name == "silero"


async def test_warming_up_tells_what_is_missing_and_does_not_fail(tmp_path):
    troubles = await registry(models=tmp_path, tts={"default": SCRIPTED}, llm={"default": BARE}).warm_up()
    assert len(troubles) == 2
    assert all("parola models install" in trouble for trouble in troubles)


# -- who judges whether a caller has finished -----------------------------------------------------------------------


def test_the_embedded_turn_detector_is_taken_where_it_is_installed(models_dir, tmp_path):
    known = registry(models=models_dir)
    detector = known.turn_detector()
    assert detector is not None and detector.name == "smart-turn"
    assert known.turn_detector() is detector
    assert registry(models=tmp_path).turn_detector() is None


def test_there_is_no_turn_detector_where_the_owner_says_so_or_speech_is_tones(models_dir):
    assert registry(models=models_dir, turn_detector="off").turn_detector() is None
    assert registry(models=models_dir, **SPEECHLESS).turn_detector() is None


async def test_warming_up_loads_the_turn_detector_too(models_dir, tmp_path):
    (tmp_path / "smart-turn-v3.2-cpu.onnx").write_bytes(b"no model")
    troubles = await registry(models=tmp_path, tts={"default": SCRIPTED}).warm_up()
    assert any("Smart Turn" in trouble for trouble in troubles)


# -- who finds what is about the same -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["e5_mistral_7b_instruct", "multilingual_e5_large_instruct"])
def test_the_platforms_embedding_models_which_agents_name_by_default_have_a_stand_in(name: str):
    chosen = registry().embedder(name)
    assert chosen.provider.name == "minilm" and chosen.warning is None
    far = registry().embedder("far_away").warning
    assert far == "EMBEDDING 'far_away' is not mapped; using default (embedded)"


def test_the_owner_says_which_embedding_model_stands_in():
    known = registry(
        embedding={
            "default": SCRIPTED,
            "large": ProviderSettings("openai", base_url="http://127.0.0.1:1/v1", model="a"),
        },
        mapping={"embedding": {"e5_*": "large", "multilingual_*": "large/b"}},
    )
    assert known.embedder("").provider.name == "scripted"
    first, second = known.embedder("e5_mistral_7b_instruct"), known.embedder("multilingual_e5_large_instruct")
    assert (first.provider.name, first.provider.model, first.warning) == ("large", "a", None)
    assert (second.provider.name, second.provider.model, second.warning) == ("large", "b", None)


# -- what there is --------------------------------------------------------------------------------------------------


def test_the_models_are_listed_in_the_hosted_shape():
    listed = registry(llm={"default": OLLAMA, "fast": BARE}, mapping={"llm": {"gpt-4o": "fast", "gpt-*": "fast"}})
    assert [entry["llm"] for entry in listed.llms()] == ["qwen3:8b", "x-script", "custom-llm", "fast", "gpt-4o"]
    assert all(entry["max_context_limit"] > 0 and "is_checkpoint" in entry for entry in listed.llms())


def test_the_report_says_what_stands_in_for_what():
    mapping = {"llm": {"gpt-*": "nowhere"}, "voices": {"v": "tone"}}
    rows = registry(mapping=mapping, **SPEECHLESS).mapping_report()
    assert [(row.kind, row.name, row.provider, row.voice) for row in rows] == [
        ("llm", "default", "scripted", ""),
        ("stt", "default", "scripted", ""),
        ("tts", "default", "scripted", ""),
        ("embedding", "default", "embedded", ""),
        ("llm", "gpt-*", "scripted", ""),
        ("voices", "v", "scripted", "tone"),
    ]
    assert [bool(row.warning) for row in rows] == [False, False, False, False, True, False]


async def test_everything_is_closed_at_the_end():
    known = registry(**SPEECHLESS)
    closed = []
    provider = known.language_model("gpt-4o").provider

    async def aclose():
        closed.append(provider)

    provider.aclose = aclose
    await known.connections.client()
    await known.aclose()
    assert closed == [provider]


# -- settings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"llm": {"a": ProviderSettings("opnai")}}, r'\[llm.a\]: provider "opnai" is unknown. Known: scripted, openai'),
        ({"llm": {"a": ProviderSettings("embedded")}}, r'\[llm.a\]: provider "embedded" is unknown'),
        ({"tts": {"a": ProviderSettings("openai")}}, r"\[tts.a\]: expected base_url"),
    ],
)
def test_settings_that_make_no_sense_are_refused_at_once(settings, complaint):
    with pytest.raises(InvalidRequest, match=complaint):
        registry(**settings)


def test_an_option_that_a_provider_does_not_know_is_refused():
    known = registry(tts={"default": ProviderSettings("scripted", options={"pitch": 3})})
    with pytest.raises(InvalidRequest, match=r'\[tts.default\]: option "pitch" is unknown. Known: rate, delay'):
        known.text_to_speech("", "", "en")


def test_options_reach_the_provider():
    entry = ProviderSettings("scripted", options={"transcripts": ["one"], "cycle": True})
    provider = registry(stt={"default": entry}).speech_to_text("").provider
    assert isinstance(provider, ScriptedSpeechToText)
    assert (provider.transcripts, provider.cycle) == (("one",), True)


def test_what_a_file_says_is_what_the_registry_does(tmp_path):
    file = tmp_path / "parola.toml"
    file.write_text(
        '[llm.default]\nbase_url = "http://127.0.0.1:11434/v1"\nmodel = "qwen3:8b"\n'
        '[tts.default]\nprovider = "scripted"\nrate = 1.2\n'
        '[mapping.llm]\n"gpt-*" = "qwen3:14b"\n',
        encoding="utf-8",
    )
    known = Registry(load(environ={}, file=file).settings)
    chosen = known.language_model("gpt-4o")
    assert (chosen.model, chosen.warning) == ("qwen3:14b", None)
    assert isinstance(known.text_to_speech("", "", "en").provider, ScriptedTextToSpeech)


class Parrot:
    name = "parrot"
    capabilities = Capabilities(offline=True)
    voices = (Voice("polly", "Polly"),)

    def __init__(self, kind, settings):
        self.made_as = kind, settings.options["colour"]


def test_third_parties_bring_providers(monkeypatch):
    point = EntryPoint("parrot", f"{__name__}:Parrot", GROUP)
    monkeypatch.setattr(EntryPoint, "load", lambda self: Parrot)
    monkeypatch.setattr("importlib.metadata.entry_points", lambda *, group: [point])
    entry = ProviderSettings("parrot", options={"colour": "green"})
    known = registry(tts={"default": entry}, stt={"default": SCRIPTED})
    chosen = known.text_to_speech("eleven_flash_v2", "polly", "en")
    assert chosen.provider.made_as == ("tts", "green")
    assert chosen.voice == "polly"


def test_importing_the_registry_imports_nothing_heavy():
    heavy = ("numpy", "httpx2", "yaml", "onnxruntime", "hibari", "pydantic", "structlog")
    code = f"import sys, parola.providers.registry; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path.cwd(), check=True)
    assert done.stdout.strip() == "[]"
