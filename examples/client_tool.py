"""An agent that calls a function of your app, with the official Python SDK. Needs `pip install elevenlabs`."""

import os
import queue
import sys

from elevenlabs.client import ElevenLabs
from elevenlabs.conversational_ai.conversation import ClientTools, Conversation, DisconnectionDetails

URL = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("PAROLA_URL", "http://127.0.0.1:8400")

heard: queue.Queue[str | DisconnectionDetails] = queue.Queue()


def show_message(parameters: dict[str, str]) -> str:
    """The tool: the agent is told what this returns, or what it raises."""
    print(f"tool: show_message({parameters['text']!r})")
    return "the message is on the screen"


tools = ClientTools()
tools.register("show_message", show_message)  # the name under which the agent knows it
conversation = Conversation(
    ElevenLabs(base_url=URL, api_key=os.environ.get("PAROLA_API_KEY", "any")),
    "agent_demo",
    requires_auth=False,
    audio_interface=None,
    client_tools=tools,
    callback_agent_response=heard.put,
    callback_disconnect=heard.put,
)
to_say = ["Please show me the message: dinner is ready"]
conversation.start_session()
try:
    while not isinstance(answer := heard.get(timeout=10), DisconnectionDetails):
        print("agent:", answer)
        if to_say:
            print("user:", to_say[0])
            conversation.send_user_message(to_say.pop())
        elif answer.startswith("Your app answered"):  # the agent repeats what the tool returned
            break
    else:
        sys.exit(f"The conversation ended too early: {answer.close_reason or answer.message or answer.reason}")
except queue.Empty:
    sys.exit("The agent said nothing for ten seconds.")
finally:
    conversation.end_session()
print("conversation:", conversation.wait_for_session_end())
