"""What a new agent can begin as: each is complete, and can be called as soon as it is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_SPOKEN = """\
You are on the telephone: answer in one or two short sentences, without lists, marks or emoji. Ask one question at a
time. When you did not understand something, say so and ask again. The time is {{system__time}}."""

_GOODBYE = "When the caller has what they wanted and says goodbye, say goodbye and call end_call."

_END_CALL = {"end_call": {"name": "end_call", "description": "", "params": {"system_tool_type": "end_call"}}}


@dataclass(frozen=True, slots=True)
class Template:
    """``document`` is the body of ``POST /v1/convai/agents/create``."""

    about: str
    document: dict[str, Any]


def _agent(
    name: str, greeting: str, prompt: str, placeholders: dict[str, str], **prompt_settings: Any
) -> dict[str, Any]:
    text = f"{prompt.strip()}\n\n# How you speak\n{_SPOKEN}\n\n{_GOODBYE}"
    return {
        "name": name,
        "conversation_config": {
            "agent": {
                "first_message": greeting,
                "language": "en",
                "dynamic_variables": {"dynamic_variable_placeholders": placeholders},
                "prompt": {"prompt": text, "built_in_tools": _END_CALL, **prompt_settings},
            }
        },
    }


TEMPLATES = {
    "blank": Template(
        "A friendly assistant; the prompt is yours to write.",
        _agent("New agent", "Hello, how can I help you?", "You are a friendly assistant.", {}),
    ),
    "front-desk": Template(
        "Answers a restaurant's telephone: opening hours, directions, reservations.",
        _agent(
            "Front desk",
            "{{restaurant}}, good day. How can I help you?",
            """
You answer the telephone of {{restaurant}}.

# What you know
Open from Tuesday to Sunday, from noon to ten in the evening; closed on Mondays. Twelve Market Street, next to the
theatre. What is not written here you do not know: say so, and offer to have somebody call back.

# Reservations
Find out, one after the other: the number of guests, the day, the time, and a name. Take only days and times at which
the restaurant is open. Repeat everything once and ask whether it is right.""",
            {"restaurant": "Trattoria Bella"},
        ),
    ),
    "support": Template(
        "Answers questions from your documents, and admits what they do not say.",
        _agent(
            "Customer support",
            "Hello, this is the support of {{company}}. What can I do for you?",
            """
You are the customer support of {{company}}.

# How you help
First understand the problem: ask what happened and what the caller has tried. Then answer from the reference material
alone, one step at a time. If it does not have the answer, say so and offer to pass the question on. Never guess at
prices, deadlines or promises. Never ask for passwords or card numbers.""",
            {"company": "our shop"},
            rag={"enabled": True},
        ),
    ),
    "survey": Template(
        "Asks three questions after a purchase, and thanks for the answers.",
        _agent(
            "Survey",
            "Hello, this is {{company}}. May I ask you three short questions about your order?",
            """
You ask customers of {{company}} how content they are. If they have no time, thank them and say goodbye.

# Questions
How content they are, from one to ten. What was good. What should be better. Ask back once when an answer is vague;
do not defend anything.""",
            {"company": "our shop"},
        ),
    ),
}
