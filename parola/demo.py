"""The agent that is there on the first start: the front desk of a restaurant, with a script instead of a model.

It shows what an agent is made of (a greeting with a dynamic variable, a prompt, a client tool, ``end_call``, settings
that a client may override) and works at once, by text and by voice. Its prompt says the same as its script, so that
it can be given to a real model by changing ``prompt.llm``. What is said is written to be spoken; what is matched is
written for speech recognition, which knows no commas and spells its numbers as it likes.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

DEMO_AGENT_ID = "agent_demo"

_PROMPT = """\
You are the front desk of Trattoria Parola, a small Italian restaurant. Answer in one or two short sentences.

The restaurant is open from Tuesday to Sunday, from noon to ten in the evening. It is closed on Mondays.
A pizza costs nine to fourteen euros, pasta eleven to sixteen euros, the lunch menu twelve euros fifty.
The address is twelve Market Street, next to the theatre.
The time is {{system__time}}.

Take reservations: ask for the number of guests, the day and the time. When the user asks to see something on the
screen, call show_message. When the user says goodbye, say goodbye and call end_call.
"""

_NUMBER = r"(?:\d+|a|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|a couple of)"
_DATE = r"(?:(?:this\s+|next\s+)?(?:today|tonight|tomorrow|(?:mon|tues|wednes|thurs|fri|satur|sun)day))"
_DAY = rf"(?:{_DATE}|this|next|on|at)"
_END = r"(?:,?\s+please)?\W*$"
_BOOK = r"\b(?:book|books|booking|reserve|reservation|table)\b"
_PEOPLE = r"(?:\s+(?:people|persons|person|guests|of us|friends))?"

_ABILITIES = (
    "I can tell you our opening hours, our prices and our address, book a table, tell you the time, "
    "or show a message on your screen."
)

_SCRIPT: dict[str, Any] = {
    "rules": [
        {
            "when": ["goodbye", "good bye", "bye", "bye bye", "hang up", "end the call", "that's all", "that is all"],
            "say": "Thank you for calling Trattoria Parola. Goodbye!",
            "call": {"tool": "end_call", "arguments": {"reason": "The caller said goodbye."}},
        },
        {
            "when": ["one moment", "hold on", "wait a moment", "wait a second", "just a second", "give me a second"],
            "call": {"tool": "skip_turn", "arguments": {"reason": "The caller asked for a moment."}},
        },
        {
            "when": [
                r"/\bshow\b.*?\b(?:message|note|text)\b,?(?:\s+(?:that\s+says?|that\s+reads?|saying|with|which\s+says?))?"
                r"\W+(?P<text>\w.*)/",
                r"/\b(?:show|display|put|write)\s+(?:me\s+)?(?P<text>\w.+?)\s+on\s+(?:my|the)\s+screen/",
            ],
            "say": "Look at your screen.",
            "call": {"tool": "show_message", "arguments": {"text": "{{text}}"}},
            "then": "Your app answered: {{result}}",
            "otherwise": "Your app did not show it. Give it a client tool called show message, and ask me again.",
        },
        {
            "when": [r"/\bshow\b.*\b(?:message|screen|menu|something)\b/"],
            "say": "Look at your screen.",
            "call": {"tool": "show_message", "arguments": {"text": "Today: spaghetti alle vongole, 14 euros."}},
            "then": "Your app answered: {{result}}",
            "otherwise": "Your app did not show it. Give it a client tool called show message, and ask me again.",
        },
        {
            "when": [
                rf"/{_BOOK}.*?\bfor\s+(?P<guests>{_NUMBER}){_PEOPLE}\b,?\s+(?:for\s+)?(?P<when>{_DAY}\b.*?){_END}/",
                rf"/{_BOOK}.*?\s(?P<when>{_DAY}\b.*?),?\s+for\s+(?P<guests>{_NUMBER}){_PEOPLE}{_END}/",
            ],
            "say": "Done. A table for {{guests}}, {{when}}. We look forward to seeing you!",
        },
        {
            "when": rf"/{_BOOK}.*?\bfor\s+(?P<guests>{_NUMBER}){_PEOPLE}{_END}/",
            "say": "A table for {{guests}}, with pleasure. For which day, and at what time?",
        },
        {
            "when": rf"/{_BOOK}.*?\s(?:for\s+)?(?P<when>{_DAY}\b.*?){_END}/",
            "say": "With pleasure. A table for how many, {{when}}? For example: a table for two, {{when}}.",
        },
        {
            "when": ["book", "booking", "reserve", "reservation", "a table"],
            "say": "With pleasure. For how many people, and when? For example: a table for four, tomorrow at seven.",
        },
        {
            "when": ["what time is it", "what's the time", "the time now", "tell me the time", "what day is it"],
            "say": "It is {{system__time}}.",
        },
        {
            "when": [
                *("opening hours", "opening times", "open", "opened", "close", "closed", "closing time", "hours"),
                "when do you start",
            ],
            "say": "We are open from Tuesday to Sunday, from noon to ten in the evening. On Mondays we are closed.",
        },
        {
            "when": [
                *("price", "prices", "cost", "costs", "how much", "expensive", "cheap", "menu", "pizza", "pasta"),
                *("lunch", "eat", "food"),
            ],
            "say": "A pizza costs nine to fourteen euros, pasta eleven to sixteen. The lunch menu is twelve fifty.",
        },
        {
            "when": ["where", "address", "located", "location", "find you", "get there", "street"],
            "say": "You find us at twelve Market Street, next to the theatre.",
        },
        {
            "when": ["robot", "human", "real person", "who are you", "language model", "ai", "your name"],
            "say": "I am the demo agent of this server. I follow a script, there is no language model behind me.",
        },
        {
            "when": rf"/^\W*(?:yes,?\s+)?(?:for\s+|on\s+)?(?P<when>(?:{_DATE}|at\s+{_NUMBER})\b(?!').*?){_END}/",
            "say": "Done: {{when}}. We look forward to seeing you!",
        },
        {"when": ["thank you", "thanks"], "say": "You are welcome. Is there anything else?"},
        {"when": ["help", "what can you do", "what else", "options"], "say": _ABILITIES},
        {
            "when": r"/^\W*(?:hello|hi|hey|good (?:morning|afternoon|evening|day))(?:\s+there)?\W*$/",
            "say": "Hello! How can I help you?",
        },
    ],
    "default": f"I did not understand that. {_ABILITIES}",
    "on_silence": "Are you still there? You can ask me for our opening hours, or book a table.",
}


def demo_agent() -> dict[str, Any]:
    """The agent's document, as a client would push it: made anew at each call."""
    return {
        "name": "Trattoria Parola (demo)",
        "tags": ["demo"],
        "conversation_config": {
            "agent": {
                "first_message": "Hello {{user_name}}, this is Trattoria Parola. How can I help you?",
                "language": "en",
                "dynamic_variables": {"dynamic_variable_placeholders": {"user_name": "there"}},
                "prompt": {
                    "prompt": _PROMPT,
                    "llm": "x-script",
                    "temperature": 0,
                    "x_script": deepcopy(_SCRIPT),
                    "tools": [
                        {
                            "type": "client",
                            "name": "show_message",
                            "description": "Show a short text on the user's screen.",
                            "parameters": {
                                "type": "object",
                                "properties": {"text": {"type": "string", "description": "What to show"}},
                                "required": ["text"],
                            },
                            "expects_response": True,
                            "response_timeout_secs": 5,
                        }
                    ],
                    "built_in_tools": {name: _system_tool(name) for name in ("end_call", "skip_turn")},
                },
            },
            "turn": {"speculative_turn": True, "merge_with_default_ignore_terms": True},
        },
        "platform_settings": {
            "overrides": {
                "custom_llm_extra_body": True,
                "conversation_config_override": {
                    "agent": {
                        "first_message": True,
                        "language": True,
                        "prompt": {"prompt": True, "llm": True, "tool_ids": True},
                    },
                    "tts": {"voice_id": True, "speed": True, "stability": True, "similarity_boost": True},
                    "conversation": {"text_only": True},
                },
            },
        },
    }


def _system_tool(name: str) -> dict[str, Any]:
    return {"type": "system", "name": name, "description": "", "params": {"system_tool_type": name}}
