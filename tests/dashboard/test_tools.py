"""Tools: a webhook tool is made from a form, tried against a service, changed as JSON and deleted; an MCP server is
added, and somebody agrees to calls of its tools."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Keep, Watch
from tests.dashboard.receiver import receiver
from tests.wire.mcp_server import McpProcess
from tests.wire.servers import ServerProcess, agent


def test_a_webhook_tool_is_made_and_tried(page: Page, watch: Watch, keep: Keep) -> None:
    watch.expects("Viewport failed to stabilize")  # the editor says so when the window becomes a phone
    page.goto("/dashboard/tools")
    expect(page.get_by_role("heading", name="No tools yet")).to_be_visible()
    page.get_by_role("button", name="New tool").first.click()
    page.get_by_role("menuitem", name="Webhook").click()
    with receiver(200, '{"booking": {"id": "b_17"}}') as shop:
        page.get_by_role("textbox", name="Name").first.fill("book_table")
        page.get_by_role("textbox", name="Description").fill("Books a table.")
        page.get_by_label("Method").first.click()
        page.get_by_role("option", name="POST").click()
        page.get_by_role("textbox", name="URL").fill(f"{shop.url}/bookings")
        body = page.get_by_role("group", name="Body")
        body.get_by_role("button", name="Add a parameter").click()
        body.get_by_role("textbox", name="Name").fill("guests")
        body.get_by_label("What the model is told").fill("How many people come")
        page.get_by_role("button", name="Create").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("book_table")
        keep("tools-tool")
        page.get_by_text("Try it", exact=True).click()
        page.get_by_role("button", name="Call it now").click()
        expect(page.get_by_role("region", name="The request", exact=True)).to_contain_text("/bookings")
        expect(page.get_by_role("region", name="What the model reads")).to_contain_text("b_17")
        assert shop.paths == ["/bookings"]
        keep("tools-try")
    page.get_by_text("JSON", exact=True).click()
    expect(page.get_by_role("textbox", name="The tool as JSON")).to_contain_text("request_body_schema")
    keep("tools-json")
    page.get_by_role("link", name="Tools", exact=True).last.click()
    expect(page.get_by_role("link", name="book_table")).to_be_visible()
    keep("tools")
    page.get_by_role("link", name="MCP servers").click()
    expect(page.get_by_role("heading", name="No MCP servers yet")).to_be_visible()
    keep("tools-mcp")
    page.get_by_role("link", name="Tools", exact=True).last.click()
    page.get_by_role("link", name="book_table").click()
    edited = page.get_by_role("region", name="Unsaved changes")
    page.get_by_role("textbox", name="Description").fill("Books a table for a party.")
    page.get_by_role("link", name="Tools", exact=True).last.click()  # leaving asks
    page.get_by_role("button", name="Stay").click()
    edited.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.", exact=False)).to_be_visible()
    expect(edited).to_be_hidden()
    page.get_by_role("textbox", name="Description").fill("Gone with the tool.")
    expect(edited).to_be_visible()
    page.get_by_role("button", name="Delete", exact=True).click()  # what is deleted asks nothing more
    page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("heading", name="No tools yet")).to_be_visible()
    page.goto("/dashboard/tools/new/client")
    page.get_by_role("textbox", name="Name").first.fill("half_done")
    page.get_by_role("link", name="Tools", exact=True).last.click()
    page.get_by_role("button", name="Leave without it").click()
    expect(page.get_by_role("heading", name="No tools yet")).to_be_visible()


def test_an_mcp_server_is_added_and_its_calls_are_agreed_to(page: Page, server: ServerProcess, keep: Keep) -> None:
    secret = server.http.post("/v1/convai/secrets", json={"type": "new", "name": "library", "value": "sesame"})
    with McpProcess() as library:
        page.goto("/dashboard/tools/mcp")
        page.get_by_role("button", name="Add a server").first.click()
        form = page.get_by_role("dialog")
        form.get_by_label("Name").fill("Library")
        form.get_by_label("URL").fill(library.url)
        form.get_by_role("combobox", name="Who has to agree to a call").click()
        page.get_by_role("option", name="Approved tools run by themselves").click()
        form.get_by_role("combobox", name="Token").click()
        page.get_by_role("option", name="library").click()
        keep("tools-mcp-new")
        form.get_by_role("button", name="Add").click()
        page.wait_for_url("**/tools/mcp/mcp_*")
        expect(page.get_by_text("It answers")).to_be_visible()
        tool = page.get_by_role("group", name="search", exact=True)
        tool.get_by_role("button", name="Approve").click()
        expect(tool.get_by_role("button", name="Take approval back")).to_be_visible()
        page.get_by_label("Headers").fill("x-shop: trattoria")
        page.get_by_role("link", name="MCP servers").last.click()  # leaving asks
        page.get_by_role("button", name="Save and leave").click()
        page.get_by_role("link", name="Library").click()
        expect(page.get_by_label("Headers")).to_have_value("x-shop: trattoria")
        keep("tools-mcp-server")
        server_id = page.url.rpartition("/")[2]
        config = server.http.get(f"/v1/convai/mcp-servers/{server_id}").json()["config"]
        assert config["url"] == library.url and config["request_headers"] == {"x-shop": "trattoria"}
        assert config["secret_token"] == {"secret_id": secret.json()["secret_id"]}
        assert [one["tool_name"] for one in config["tool_approval_hashes"]] == ["search"]

        rules = [
            {"when": name, "call": {"tool": name, "arguments": arguments}, "then": "{{result}}", "otherwise": "Refused"}
            for name, arguments in {"search": {"query": "soup"}, "who": {}, "door": {}, "count": {"shelf": 4}}.items()
        ]
        document = agent(*rules, config={"conversation": {"text_only": True}})
        document["conversation_config"]["agent"]["prompt"]["mcp_server_ids"] = [server_id]
        page.goto(f"/dashboard/talk/{server.create_agent(document)}")
        page.get_by_role("button", name="Chat").click()
        log, message = page.get_by_role("log"), page.get_by_role("textbox", name="Message", exact=True)

        def write(text: str) -> None:
            message.fill(text)
            message.press("Enter")

        write("search")  # approved for good
        expect(log).to_contain_text("3 books about soup")
        write("who")
        card = log.get_by_role("group", name="Tool call who")
        expect(card).to_contain_text("Waits for your approval")
        keep("talk-approval")
        card.get_by_role("button", name="Approve").click()
        expect(log).to_contain_text("Bearer sesame trattoria")
        write("count")
        log.get_by_role("group", name="Tool call count").get_by_role("button", name="Refuse").click()
        expect(log).to_contain_text("Refused")

        write("who")  # an operator agrees, from the list of live calls
        with page.context.expect_page() as opened:
            page.get_by_role("link", name="conv_").click()
        beside = opened.value
        beside.goto(beside.url.replace("/conversations/", "/live/"))
        waiting = beside.get_by_role("group", name="Tool call who").last
        waiting.get_by_role("button", name="Approve").click()
        beside.get_by_label("Your name").fill("Ada")
        beside.keyboard.press("Enter")
        expect(log.get_by_text("Bearer sesame trattoria")).to_have_count(2)
        beside.close()
        page.get_by_role("button", name="End chat").click()
        expect(page.get_by_text("You ended the", exact=False)).to_be_visible()
