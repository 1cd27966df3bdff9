"""The scripted model follows its rules, and without any it is honest; the scripted voice can be read back."""

import asyncio

import numpy as np
import pytest

from parola.errors import InvalidRequest, ProviderError
from parola.providers.base import (
    ModelRequest,
    TextDelta,
    TokenUsage,
    ToolCallRequested,
    ToolDefinition,
    TranscriptionSettings,
    VoiceSettings,
)
from parola.providers.scripted import ScriptedModel, load_script, parse_script
from parola.providers.scripted_speech import (
    ScriptedSpeechToText,
    ScriptedTextToSpeech,
    ScriptedVoiceActivity,
    decode_tones,
)
from parola.providers.scripted_text import is_failure, numbers_in, readable
from parola.session.audio import AudioFormat, Decoder, Encoder
from tests.virtual_time import run

BOOK = ToolDefinition(
    "book_table",
    "Book a table in the restaurant.",
    {
        "type": "object",
        "properties": {"guests": {"type": "integer"}, "name": {"type": "string"}},
        "required": ["guests"],
    },
)
WEATHER = ToolDefinition(
    "get_weather",
    "Tell the weather of a city.",
    {
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
        },
        "required": ["city"],
    },
)
END_CALL = ToolDefinition("end_call", "End the call.", {"type": "object", "properties": {}})


def user(text):
    return {"role": "user", "content": text}


def called(name, *results):
    """The messages of one round: the assistant's call and its results."""
    calls = [
        {"id": f"call_{n}", "type": "function", "function": {"name": name, "arguments": "{}"}}
        for n in range(len(results))
    ]
    answers = [{"role": "tool", "tool_call_id": f"call_{n}", "content": text} for n, text in enumerate(results)]
    return [{"role": "assistant", "content": "", "tool_calls": calls}, *answers]


def step(*messages, script=None, tools=(), model=None):
    """One step: what was said, and what was called."""
    messages = [user(message) if isinstance(message, str) else message for message in messages]

    async def collect():
        request = ModelRequest(messages, tools, script=script)
        return [event async for event in (model or ScriptedModel()).step(request)]

    events = run(collect())
    said = "".join(event.text for event in events if isinstance(event, TextDelta))
    return said, [(event.name, event.arguments) for event in events if isinstance(event, ToolCallRequested)]


def says(*messages, **request):
    said, calls = step(*messages, **request)
    assert not calls
    return said


def rules(*rules, **rest):
    return {"rules": list(rules), **rest}


# -- rules ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("heard", ["What's open?", "whats  OPEN", "Tell me, what’s open…", "(what's) open!"])
def test_words_match_whatever_the_case_and_the_punctuation(heard):
    assert says(heard, script=rules({"when": "What's open", "say": "All."})) == "All."


@pytest.mark.parametrize("heard", ["reopen", "opened", "op en"])
def test_words_match_whole_words_only(heard):
    assert says(heard, script=rules({"when": "open", "say": "Yes."}, default="No.")) == "No."


def test_the_first_rule_that_matches_answers():
    script = rules({"when": ["tea", "hot drinks"], "say": "Green."}, {"when": "*", "say": "Any."})
    assert [says(text, script=script) for text in ("hot drinks please", "tea", "milk")] == ["Green.", "Green.", "Any."]


def test_groups_of_an_expression_fill_in_the_text_without_the_punctuation_around_them():
    script = rules({"when": r"/my name is (\w+) (?P<last>.+)/", "say": "{{last}}, {{ 1 }} {{last}}. {{0}}."})
    assert says("My name is James Bond!", script=script) == "Bond, James Bond. My name is James Bond."


def test_a_template_that_names_nothing_is_empty():
    assert says("x", script=rules({"when": "x", "say": "a{{nobody}}{{result}}{{7}}b {{last_user}}"})) == "ab x"


def test_the_default_answers_what_no_rule_matches():
    assert says("?", script=rules(default="You said {{last_user}}")) == "You said ?"


def test_without_a_default_the_model_says_that_no_rule_matches():
    assert "No rule" in says("abc", script=rules({"when": "x", "say": "y"}))


@pytest.mark.parametrize("silence", ["...", "", "  "])
def test_silence_is_answered_by_on_silence_and_by_no_rule(silence):
    script = rules({"when": ["*", "/.*/"], "say": "Rule."}, on_silence="Hello?")
    assert says(silence, script=script) == "Hello?"


def test_a_rule_for_once_answers_once_in_a_conversation():
    script = rules({"when": "joke", "once": True, "say": "Ha."}, {"when": "joke", "say": "No more."})
    said = {"role": "assistant", "content": "Ha."}
    assert says("A joke!", script=script) == "Ha."
    assert says("A joke!", said, "Another joke", script=script) == "No more."
    assert says("A joke!", said, "A joke", {"role": "assistant", "content": "No more."}, "joke", script=script) == (
        "No more."
    )


def test_text_of_a_message_with_files_is_matched():
    message = {"role": "user", "content": [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {}}]}
    assert says(message, script=rules({"when": "look", "say": "Nice."})) == "Nice."


def test_text_comes_word_by_word_and_the_usage_last():
    async def collect():
        request = ModelRequest([user("hi")], script=rules({"when": "hi", "say": "  One two,\nthree "}))
        return [event async for event in ScriptedModel().step(request)]

    assert run(collect()) == [TextDelta("  One "), TextDelta("two,\n"), TextDelta("three "), TokenUsage(0, 4)]


def test_delay_and_rate_take_their_time():
    async def times():
        loop, found = asyncio.get_running_loop(), []
        script = rules({"when": "*", "say": "a b c", "delay": 0.5, "rate": 4})
        async for _ in ScriptedModel().step(ModelRequest([user("x")], script=script)):
            found.append(loop.time())
        return found

    assert run(times()) == pytest.approx([0.5, 0.75, 1.0, 1.0])


def test_fail_raises():
    with pytest.raises(ProviderError, match="on fire"):
        step("x", script=rules({"when": "x", "fail": "The model is on fire."}))


def test_closing_the_stream_early_leaves_nothing_behind():
    async def first():
        stream = ScriptedModel().step(ModelRequest([user("x")], script=rules(default="a b c")))
        event = await anext(stream)
        await stream.aclose()
        return event

    assert run(first()) == TextDelta("a ")


# -- tools ----------------------------------------------------------------------------------------------------------

BOOKING = rules(
    {
        "when": r"/table for (\w+)/",
        "say": "One moment.",
        "call": {"tool": "book_table", "arguments": {"guests": "{{1}}", "name": "Mr {{1}}", "note": "{{result}}"}},
        "then": "Booked: {{result.number}}, {{result.seats.0.row}}.",
        "otherwise": "Sorry: {{result}}",
    },
)


def test_speech_comes_before_the_call_and_arguments_have_the_types_of_the_tool():
    assert step("A table for four, please.", script=BOOKING, tools=[BOOK]) == (
        "One moment.",
        [("book_table", {"guests": 4, "name": "Mr four"})],
    )


def test_then_follows_the_result():
    result = called("book_table", '{"number": 7, "seats": [{"row": "B"}]}')
    assert says("a table for four", *result, script=BOOKING, tools=[BOOK]) == "Booked: 7, B."


def test_context_that_arrives_meanwhile_changes_nothing():
    update = {"role": "system", "content": "Context update: it rains"}
    result = called("book_table", '{"number": 7, "seats": [{"row": "B"}]}')
    assert says("a table for four", *result, update, script=BOOKING, tools=[BOOK]) == "Booked: 7, B."


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ("Error: no table left", "Sorry: no table left"),
        ('{"error": "full"}', "Sorry: error full"),
        ('Error: {"reason": "full"}', "Sorry: reason full"),
        ('{"success": false}', "Sorry: success no"),
    ],
)
def test_otherwise_follows_a_failure_and_tells_its_reason(result, said):
    assert says("a table for four", *called("book_table", result), script=BOOKING, tools=[BOOK]) == said


@pytest.mark.parametrize("content", ["No error found", "Error 404 is my table", '{"error": null}', "[1]", ""])
def test_a_result_that_mentions_an_error_is_none(content):
    assert not is_failure({"role": "tool", "content": content})


def test_a_result_that_no_text_is_for_is_read_out():
    script = rules({"when": "weather", "call": {"tool": "get_weather"}})
    good, bad = called("get_weather", '{"temp_c": 21, "sky": ["clear", "blue"]}'), called("get_weather", "Error: no")
    assert says("weather", *good, script=script) == "Get weather: temp c 21, sky clear, blue."
    assert says("weather", *bad, script=script) == "Get weather did not work: no."
    assert says("weather", *called("get_weather", ""), script=script) == "Get weather: done."


def test_calls_can_follow_calls():
    script = rules(
        {
            "when": "go",
            "call": [{"tool": "book_table", "arguments": {"guests": 1}}, {"tool": "get_weather"}],
            "then": {"say": "Next.", "call": {"tool": "end_call"}, "then": "Done."},
        }
    )
    tools = [BOOK, WEATHER, END_CALL]
    first, second = called("book_table", "ok", "fine"), called("end_call", "ok")
    assert step("go", script=script, tools=tools) == ("", [("book_table", {"guests": 1}), ("get_weather", {})])
    assert step("go", *first, script=script, tools=tools) == ("Next.", [("end_call", {})])
    assert says("go", *first, *second, script=script, tools=tools) == "Done."


def test_a_tool_that_the_agent_does_not_have_is_admitted():
    said = says("a table for four", script=BOOKING)
    assert said.startswith("One moment. ")
    assert 'tool "book_table"' in said


# -- checking -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ([], r"s: expected an object, got \[\]"),
        ({"rule": []}, 's: "rule" is unknown. Known: rules, default, on_silence'),
        ({"rules": {}}, None),
        ({"rules": "x"}, "s.rules: expected a list, got 'x'"),
        (rules({"say": "x"}), r's.rules\[0\]: "when" is missing'),
        (rules({"when": "x"}), 'expected "say", "call" or "fail"'),
        (rules({"when": "/(/", "say": "x"}), "no regular expression"),
        (rules({"when": "?!", "say": "x"}), "expected words, got"),
        (rules({"when": [], "say": "x"}), "at least one pattern"),
        (rules({"when": 3, "say": "x"}), "got 3"),
        (rules({"when": "x", "says": "x"}), '"says" is unknown'),
        (rules({"when": "x", "say": "x", "once": "yes"}), "true or false, got 'yes'"),
        (rules({"when": "x", "say": "x", "rate": 0}), "rate: expected more than zero"),
        (rules({"when": "x", "call": {"tool": 3}}), r"s.rules\[0\].call.tool: expected the name of a tool, got 3"),
        (rules({"when": "x", "call": {"tool": "t", "arguments": []}}), None),
        (rules({"when": "x", "call": {"tool": "t", "arguments": "x"}}), "arguments: expected an object"),
        (rules(default={"when": "x"}), 's.default: "when" is unknown'),
    ],
)
def test_a_wrong_script_is_told_where_and_what(script, complaint):
    if complaint is None:
        parse_script(script, "s")
        return
    with pytest.raises(InvalidRequest, match=complaint):
        parse_script(script, "s")


def test_a_wrong_script_in_an_agent_fails_the_reply():
    with pytest.raises(ProviderError, match=r"x_script.rules\[0\]"):
        step("x", script=rules({"say": "x"}))


def test_a_script_is_read_from_a_file_and_the_agents_own_wins(tmp_path):
    file = tmp_path / "rules.yaml"
    file.write_text("rules:\n  - when: [hi, '/^yo/']\n    say: From the file.\n", encoding="utf-8")
    model = ScriptedModel(load_script(file))
    assert says("Hi!", model=model) == "From the file."
    assert says("Hi!", model=model, script=rules(default="From the agent.")) == "From the agent."
    with pytest.raises(InvalidRequest, match="cannot be read"):
        load_script(tmp_path / "none.yaml")
    file.write_text("rules: [", encoding="utf-8")
    with pytest.raises(InvalidRequest, match="cannot be read"):
        load_script(file)


# -- without a script -----------------------------------------------------------------------------------------------

PROMPT = {
    "role": "system",
    "content": """# Role
You are the assistant of a bakery. Always be polite.
- The bakery opens at seven in the morning. We bake rye bread on Fridays.
Never give discounts. Parking is free behind the house.""",
}


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("When does the bakery open?", "The bakery opens at seven in the morning."),
        ("what about parking?", "Parking is free behind the house."),
        ("Do you have rye bread", "We bake rye bread on Fridays."),
    ],
)
def test_without_a_script_a_question_is_answered_from_the_prompt(question, answer):
    assert says(PROMPT, question) == answer


def test_without_a_script_what_is_not_known_is_admitted():
    said = says(PROMPT, "Sing a song")
    assert 'You said: "Sing a song".' in said
    assert "No language model is configured" in said


@pytest.mark.parametrize("farewell", ["Goodbye!", "okay, bye", "That's all."])
def test_without_a_script_a_farewell_ends_the_call(farewell):
    said, calls = step(PROMPT, farewell, tools=[END_CALL, WEATHER])
    assert said == "Goodbye!"
    assert [name for name, _ in calls] == ["end_call"]
    assert says(PROMPT, farewell) == "Goodbye!"


@pytest.mark.parametrize(
    ("text", "name", "arguments"),
    [
        ("What's the weather in New York?", "get_weather", {"city": "New York"}),
        ("Tell me the weather for Paris in celsius", "get_weather", {"city": "Paris", "unit": "celsius"}),
        ("Please book a table for twenty-four", "book_table", {"guests": 24}),
        ('Book a table for 2, the name is "Ada Byron"', "book_table", {"guests": 2, "name": "Ada Byron"}),
    ],
)
def test_without_a_script_a_tool_that_is_meant_is_called_with_what_was_said(text, name, arguments):
    assert step(PROMPT, text, tools=[END_CALL, WEATHER, BOOK]) == ("", [(name, arguments)])


def test_without_a_script_a_missing_argument_is_asked_for():
    assert says("Book me a table", tools=[BOOK]) == "For book table I need the guests."


def test_without_a_script_the_result_of_a_tool_is_read_out():
    assert says("weather in Rome", *called("get_weather", "Sunny"), tools=[WEATHER]) == ("Get weather: Sunny.")


def test_without_a_script_small_values_find_their_places():
    tool = ToolDefinition(
        "set_alarm",
        "",
        {
            "properties": {
                "volume": {"type": "number"},
                "loud": {"type": "boolean"},
                "email": {"type": "string"},
                "day": {"type": "string"},
                "label": {"type": "string"},
            },
            "required": ["label"],
        },
    )
    _, [(_, arguments)] = step("set alarm tomorrow at 2.5 mail me at a.b@c.org, not loud", tools=[tool])
    assert arguments["volume"] == 2.5
    assert arguments["loud"] is False
    assert arguments["email"] == "a.b@c.org"
    assert arguments["day"] == "tomorrow"
    assert arguments["label"].startswith("tomorrow at 2.5")


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("three of twenty-five", [3, 25]),
        ("a hundred, two hundred and five", [205]),
        ("1,200 and 2.5", [1200, 2.5]),
        ("one two three", [1, 2, 3]),
        ("two thousand twenty six", [2026]),
        ("nothing", []),
    ],
)
def test_numbers_are_read_in_digits_and_in_words(text, numbers):
    assert numbers_in(text) == numbers


def test_values_are_readable():
    assert readable({"sky_cover": ["a", 1], "ok": True, "none": None}) == "sky cover a, 1, ok yes, none "


# -- speech ---------------------------------------------------------------------------------------------------------

TEXT = "Hello there, I'd like a table for 2 – Grüße aus der naïve café!"


def speak(text, voice=None, **options):
    async def collect():
        return [chunk async for chunk in ScriptedTextToSpeech(**options).speak(text, voice or VoiceSettings())]

    return run(collect())


def transcribe(*turns, sample_rate=16000, **options):
    """What the ear makes of each turn's chunks."""

    async def collect():
        ear = ScriptedSpeechToText(**options).open(TranscriptionSettings(sample_rate=sample_rate))
        found = []
        for turn in turns:
            for chunk in turn:
                ear.send(chunk)
            found.append((await ear.transcribe()).text)
            ear.reset()
        await ear.aclose()
        return found

    return run(collect())


def test_speech_lasts_as_long_as_the_text_and_each_character_is_timed():
    chunks = speak(TEXT)
    assert sum(len(chunk.pcm) for chunk in chunks) / 32000 == pytest.approx(len(TEXT.encode()) / 15 + 0.15, abs=0.01)
    assert all(len(chunk.pcm) == 3200 for chunk in chunks[:-1])
    chars = [(char, n * 0.1 + start) for n, c in enumerate(chunks) if c.alignment for char, start in
             zip(c.alignment.chars, c.alignment.starts, strict=True)]  # fmt: skip
    assert "".join(char for char, _ in chars) == TEXT
    assert [start for _, start in chars] == sorted(start for _, start in chars)
    assert all(0 <= start < 0.1 for c in chunks if c.alignment for start in c.alignment.starts)


def test_the_same_text_gives_the_same_sound_and_speed_and_rate_shorten_it():
    assert speak("abc") == speak("abc")
    long, fast = (sum(len(c.pcm) for c in speak(TEXT, VoiceSettings(speed=s))) for s in (1.0, 1.2))
    assert fast < long
    assert sum(len(c.pcm) for c in speak(TEXT, rate=1.2)) == fast


@pytest.mark.parametrize("text", ["", " ", "😀", "—"])
def test_nothing_to_say_gives_no_sound(text):
    assert speak(text) == []


@pytest.mark.parametrize("speed", [0.7, 1.0, 1.2, 5.0])
@pytest.mark.parametrize("wire", ["pcm_16000", "ulaw_8000", "pcm_44100"])
def test_the_ear_reads_the_voice_back_through_any_format(wire, speed):
    audio_format = AudioFormat.parse(wire)
    encoder, decoder = Encoder(16000, audio_format), Decoder(audio_format)
    sent = b"".join(encoder.encode(c.pcm) for c in speak(TEXT, VoiceSettings(speed=speed)))
    silence = encoder.encode(bytes(16000))
    heard = np.concatenate([decoder.decode(part) for part in (silence, sent, silence, sent, silence)])
    quieter = (heard * 0.2 + np.random.default_rng(1).normal(0, 50, len(heard))).astype(np.int16)
    assert transcribe([quieter.tobytes()]) == [f"{TEXT} {TEXT}"]


def test_noise_and_silence_are_no_words():
    noise = np.random.default_rng(2).normal(0, 3000, 32000).astype(np.int16)
    assert decode_tones(noise) == ""
    assert decode_tones(np.zeros(32000, np.int16)) == ""
    assert transcribe([b""], [b"\0\0"]) == ["", ""]


def test_the_voice_counts_as_speech_and_its_pauses_do_not_break_it():
    sound = np.frombuffer(b"".join(c.pcm for c in speak("Hello.")), np.int16) / np.float32(32768)
    windows = [sound[n : n + 512].astype(np.float32) for n in range(0, len(sound) - 512, 512)]
    detector = ScriptedVoiceActivity()
    states = [detector.new_state() for _ in windows]
    assert list(detector.probabilities(windows, states)) == [0.99] * len(windows)
    assert detector.probabilities([np.zeros(512, np.float32)], [None]) == [0.01]


def test_given_transcripts_come_one_for_each_turn():
    sound = [b"\1\0" * 3200]
    assert transcribe(sound, sound, sound, transcripts=["one", "two"]) == ["one", "two", ""]
    assert transcribe(sound, [], sound, transcripts=["one", "two"]) == ["one", "", "two"]
    assert transcribe(sound, sound, sound, transcripts=["one", "two"], cycle=True) == ["one", "two", "one"]


def test_ear_and_voice_fail_and_take_their_time_when_told_to():
    with pytest.raises(ProviderError, match="hoarse"):
        speak("x", fail="hoarse")
    with pytest.raises(ProviderError, match="deaf"):
        transcribe([b"\1\0"], fail="deaf")

    async def first_chunk_at():
        await anext(ScriptedTextToSpeech(delay=2).speak("Hello", VoiceSettings()))
        return asyncio.get_running_loop().time()

    assert run(first_chunk_at()) == 2


def test_another_sample_rate_is_refused():
    with pytest.raises(ValueError, match="16000"):
        transcribe([b"\1\0"], sample_rate=8000)


def test_a_workflow_that_has_moved_on_is_nothing_to_speak_of():
    script = rules({"when": "bill", "call": {"tool": "notify_condition_1_met"}})
    assert says(user("My bill"), *called("notify_condition_1_met", "The workflow has moved on."), script=script) == ""
