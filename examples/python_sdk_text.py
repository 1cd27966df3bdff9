"""A text conversation with the official Python SDK. Needs `pip install elevenlabs`."""

import os
import queue
import sys

from elevenlabs.client import ElevenLabs
from elevenlabs.conversational_ai.conversation import Conversation, ConversationInitiationData, DisconnectionDetails

URL = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("PAROLA_URL", "http://127.0.0.1:8400")

heard: queue.Queue[str | DisconnectionDetails] = queue.Queue()

conversation = Conversation(
    ElevenLabs(base_url=URL, api_key=os.environ.get("PAROLA_API_KEY", "any")),  # `base_url` is all that changes
    "agent_demo",
    requires_auth=False,
    audio_interface=None,  # no microphone, no loudspeaker: the conversation is text
    config=ConversationInitiationData(dynamic_variables={"user_name": "Ada"}),
    callback_agent_response=heard.put,
    callback_disconnect=heard.put,
)


def listen() -> None:
    """Print what the agent says next."""
    try:
        answer = heard.get(timeout=10)
    except queue.Empty:
        sys.exit("The agent said nothing for ten seconds.")
    if isinstance(answer, DisconnectionDetails):
        sys.exit(f"The conversation ended too early: {answer.close_reason or answer.message or answer.reason}")
    print("agent:", answer)


conversation.start_session()
try:
    listen()  # the greeting
    for text in ("When are you open?", "What does a pizza cost?"):
        print("user:", text)
        conversation.send_user_message(text)
        listen()
finally:
    conversation.end_session()
print("conversation:", conversation.wait_for_session_end())
