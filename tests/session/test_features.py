"""What the record says of the features that a conversation could use, and used."""

from __future__ import annotations

from parola.conversation.setup import FurtherVoice, Setup, VoiceChoice
from parola.session.features import Features
from tests.story import server_tool, system_tool


def result(kind: str, name: str, **more: object) -> dict[str, object]:
    told = {"type": kind, "tool_name": name, "is_error": False, "tool_has_been_called": True}
    return {"tool_results": [{**told, "dynamic_variable_updates": [], **more}]}


def test_what_an_agent_has_is_enabled_and_what_it_did_is_used():
    tools = {tool.name: tool for tool in (system_tool("language_detection"), system_tool("transfer_to_agent"))}
    nodes = {"start": {"type": "start"}, "run": {"type": "tool"}, "end": {"type": "end"}}
    voice = VoiceChoice("v", others=(FurtherVoice("Anna", "v2"),))
    features = Features(Setup("c", "a", tools=tools, voice=voice, workflow={"nodes": nodes}, takes_files=False))
    before = features.document()
    assert before["language_detection"] == before["multivoice"] == {"enabled": True, "used": False}
    assert before["dtmf_tones"] == before["file_input"] == {"enabled": False, "used": False}
    assert before["workflow"]["enabled"] and before["workflow"]["tool_node"] == {"enabled": True, "used": False}
    assert before["workflow"]["override_agent_node"] == {"enabled": False, "used": False}
    nested = {"type": "nested_tools", **result("webhook", "look_up", dynamic_variable_updates=[{}])}
    nested["results"] = nested.pop("tool_results")
    steps = [nested, {"type": "edge", "target_node_id": "end"}]
    features.saw(result("workflow", "workflow_step", result={"steps": steps}))
    features.saw(result("system", "language_detection"))
    features.saw(result("system", "transfer_to_agent", is_error=True))
    after = features.document()
    used = {"enabled": True, "used": True}
    assert after["language_detection"] == after["tool_dynamic_variable_updates"] == used
    assert after["workflow"]["tool_node"] == after["workflow"]["end_node"] == used
    assert not after["transfer_to_agent"]["used"]


def test_an_agent_that_takes_over_brings_its_own():
    features = Features(Setup("c", "a"))
    features.meets(Setup("c", "b", tools={"voicemail_detection": system_tool("voicemail_detection")}))
    features.saw(result("mcp", "search"))
    told = features.document()
    assert told["voicemail_detection"]["enabled"] and told["external_mcp_servers"] == {"enabled": True, "used": True}


def test_assignments_are_a_feature():
    tool = server_tool("book", assignments=[{"dynamic_variable": "id", "value_path": "id"}])
    assert Features(Setup("c", "a", tools={"book": tool})).document()["tool_dynamic_variable_updates"]["enabled"]
