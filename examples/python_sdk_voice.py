"""A voice call with the official Python SDK: python_sdk_voice.py [URL [QUESTION.wav [ANSWER.wav]]]."""

import os
import queue
import sys
import threading
import wave
from pathlib import Path

from elevenlabs.client import ElevenLabs
from elevenlabs.conversational_ai import conversation as sdk

URL, QUESTION, ANSWER = (*sys.argv[1:4], *(None,) * 3)[:3]
URL = URL or os.environ.get("PAROLA_URL", "http://127.0.0.1:8400")
CHUNK = 8000  # bytes in 250 ms of 16 kHz, 16 bit, mono: what the SDK speaks and hears

try:
    with wave.open(QUESTION or str(Path(__file__).parents[1] / "tests" / "audio" / "amiable.wav"), "rb") as file:
        if file.getparams()[:3] != (1, 2, 16_000):
            sys.exit("The question must be a WAV file with 16 kHz, 16 bit, mono.")
        question = file.readframes(file.getnframes())
except (OSError, EOFError, wave.Error) as error:
    sys.exit(f"Cannot read the question: {error}")
heard: queue.Queue[tuple[str, object]] = queue.Queue()
hung_up = threading.Event()


class Files(sdk.AudioInterface):
    """A microphone that plays the question, then silence, in real time; a loudspeaker that collects the answer."""

    def start(self, input_callback):
        def speak():
            chunks = [question[at : at + CHUNK] for at in range(0, len(question), CHUNK)]
            while not hung_up.wait(0.25):
                input_callback(chunks.pop(0) if chunks else bytes(CHUNK))

        threading.Thread(target=speak, daemon=True).start()

    def output(self, audio):
        heard.put(("audio", audio))

    def interrupt(self):
        heard.put(("interrupted", "the agent was interrupted"))

    def stop(self):
        hung_up.set()


call = sdk.Conversation(
    ElevenLabs(base_url=URL, api_key=os.environ.get("PAROLA_API_KEY", "any")),
    "agent_demo",
    requires_auth=False,
    audio_interface=Files(),
    config=sdk.ConversationInitiationData(  # no greeting: the caller speaks first
        conversation_config_override={"agent": {"first_message": ""}}
    ),
    callback_user_transcript=lambda text: heard.put(("user", text)),
    callback_agent_response=lambda text: heard.put(("agent", text)),
    callback_disconnect=lambda details: heard.put(("gone", details.close_reason or details.message or details.reason)),
)
call.start_session()
answer = bytearray()
try:
    while True:
        kind, value = heard.get(timeout=2 if answer else 12)
        if kind == "gone":
            sys.exit(f"The call ended too early: {value}")
        elif kind == "audio":
            answer += value
        else:
            print(f"{kind}: {value}")
except queue.Empty:
    pass  # the agent has finished
finally:
    call.end_session()
if not answer:
    sys.exit("The agent did not answer.")
with wave.open(ANSWER or "answer.wav", "wb") as file:
    file.setparams((1, 2, 16_000, 0, "NONE", ""))
    file.writeframes(answer)
print(f"answer: {len(answer) / 32_000:.1f} seconds in {ANSWER or 'answer.wav'}")
