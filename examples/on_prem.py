"""A client that brings its own agent along: the SDK's on-premises mode. Needs `pip install elevenlabs`.

Nothing is stored on the server beforehand. It must allow this: `parola serve --enclave`.
"""

import os
import queue
import sys

from elevenlabs.client import ElevenLabs
from elevenlabs.conversational_ai.conversation import Conversation, DisconnectionDetails, OnPremInitiationData

URL = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("PAROLA_URL", "http://127.0.0.1:8400")

# An agent as the API exports it. This one follows a script; give `llm` and `prompt` for one that thinks.
script = {"rules": [{"when": "weather", "say": "The sun is shining."}], "default": "I only know about the weather."}
prompt = {"prompt": "You know the weather.", "llm": "x-script", "x_script": script}
agent = {"conversation_config": {"agent": {"first_message": "Hello, I came along.", "prompt": prompt}}}

heard: queue.Queue[str | DisconnectionDetails] = queue.Queue()
conversation = Conversation(
    ElevenLabs(base_url=URL, api_key=os.environ.get("PAROLA_API_KEY", "any")),
    "any",  # the SDK wants an id, but does not send it
    on_prem_config=OnPremInitiationData(
        on_prem_conversation_url=f"{URL.replace('http', 'ws', 1)}/v1/convai/conversation",
        agent_config_dict=agent,
    ),
    requires_auth=False,
    audio_interface=None,
    callback_agent_response=heard.put,
    callback_disconnect=heard.put,
)
to_say = ["How is the weather?"]
conversation.start_session()
try:
    while not isinstance(answer := heard.get(timeout=10), DisconnectionDetails):
        print("agent:", answer)
        if not to_say:
            break
        print("user:", to_say[0])
        conversation.send_user_message(to_say.pop())
    else:
        sys.exit(f"The conversation ended too early: {answer.close_reason or answer.message or answer.reason}")
except queue.Empty:
    sys.exit("The agent said nothing for ten seconds.")
finally:
    conversation.end_session()
print("conversation:", conversation.wait_for_session_end())
