"""Who runs which type of tool in a conversation."""

from __future__ import annotations

from parola.conversation.setup import Setup
from parola.session.tool_calls import ToolRunner
from parola.tools.context import ToolContext
from parola.tools.identity import Identity
from parola.tools.webhook import WebhookTools


def runners_for(setup: Setup, context: ToolContext, identity: Identity) -> dict[str, ToolRunner]:
    """A runner for each type of tool that runs here. Cheap: what a runner needs from the network or the store it gets
    at its first call."""
    # Whatever tools there are now: a conversation may go over to an agent that has others.
    return {"webhook": WebhookTools(context, identity)}
