"""A private agent: only who has a signed URL may talk to it. Needs `pip install elevenlabs`.

The SDK does both parts here: your backend's (create the agent, ask for the URL) and the client's (open the URL).
"""

import os
import queue
import sys

import httpx
from elevenlabs.client import ElevenLabs
from elevenlabs.conversational_ai.conversation import Conversation
from elevenlabs.core.api_error import ApiError

URL = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("PAROLA_URL", "http://127.0.0.1:8400")

client = ElevenLabs(base_url=URL, api_key=os.environ.get("PAROLA_API_KEY", "any"))


def call(agent_id: str, *, requires_auth: bool) -> str:
    """The agent's first words, or why there were none. With `requires_auth` the SDK gets a signed URL and opens it."""
    heard: queue.Queue[str] = queue.Queue()
    conversation = Conversation(
        client,
        agent_id,
        requires_auth=requires_auth,
        audio_interface=None,
        callback_agent_response=lambda text: heard.put(f"agent: {text}"),
        callback_disconnect=lambda end: heard.put(f"refused: {end.close_reason or end.message or end.reason}"),
    )
    conversation.start_session()
    try:
        return heard.get(timeout=5)
    except queue.Empty:
        return "nothing was said for five seconds"
    finally:
        conversation.end_session()


agents = client.conversational_ai.agents
greeting = {"agent": {"first_message": "Come in.", "prompt": {"llm": "x-script"}}}
try:
    private = agents.create(conversation_config=greeting, platform_settings={"auth": {"enable_auth": True}}).agent_id
    print("without a signed URL →", call(private, requires_auth=False))
    print("with a signed URL →", answer := call(private, requires_auth=True))
    agents.delete(private)
except (ApiError, httpx.HTTPError) as error:
    sys.exit(f"The server at {URL} did not do it: {error}")
if answer != "agent: Come in.":
    sys.exit("The signed URL did not open the conversation.")
