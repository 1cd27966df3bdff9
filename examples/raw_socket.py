"""A text conversation over a bare WebSocket: all there is to the protocol. Needs `pip install websockets`."""

import json
import os
import sys

from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import connect

URL = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("PAROLA_URL", "http://127.0.0.1:8400")

to_say = ["When are you open?", "A table for four, tomorrow at seven, please.", "Goodbye!"]

try:
    with connect(f"{URL.replace('http', 'ws', 1)}/v1/convai/conversation?agent_id=agent_demo") as socket:
        # The client begins. Everything in its first message is optional; without `text_only` the agent would speak.
        socket.send(
            json.dumps(
                {
                    "type": "conversation_initiation_client_data",
                    "conversation_config_override": {"conversation": {"text_only": True}},
                    "dynamic_variables": {"user_name": "Ada"},
                }
            )
        )
        while True:  # until the server closes the socket: its agent hangs up after "Goodbye!"
            message = json.loads(socket.recv(timeout=10))
            match message["type"]:
                case "conversation_initiation_metadata":
                    print("conversation:", message["conversation_initiation_metadata_event"]["conversation_id"])
                case "ping":
                    socket.send(json.dumps({"type": "pong", "event_id": message["ping_event"]["event_id"]}))
                case "agent_response":
                    print("agent:", message["agent_response_event"]["agent_response"])
                    if to_say:
                        text = to_say.pop(0)
                        print("user:", text)
                        socket.send(json.dumps({"type": "user_message", "text": text}))
                case _:
                    pass  # there are more kinds, and there will be new ones: a client ignores what it does not need
except ConnectionClosed as closed:
    code, reason = (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "connection lost")
    print(f"closed: {code} {reason}")
    if code != 1000 or to_say:
        sys.exit(f"The conversation ended too early: {reason or code}.")
except TimeoutError:
    sys.exit("The server said nothing for ten seconds.")
except (OSError, InvalidHandshake) as error:
    sys.exit(f"No conversation with {URL}: {error}. Is the server running?")
