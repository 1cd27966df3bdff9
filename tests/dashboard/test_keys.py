"""Keys: a server without any, the first one, what others may do, who they belong to, and what the audit log says."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Keep, Watch


def test_from_a_server_without_keys_to_one_with_members(page: Page, watch: Watch, keep: Keep) -> None:
    page.goto("/dashboard/keys?tab=members")
    page.get_by_role("button", name="New member").click()
    page.get_by_label("Name").fill("Ada")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("table", name="Members").get_by_text("Ada", exact=True)).to_be_visible()
    keep("keys-members")

    page.get_by_role("tab", name="API keys").click()
    keep("keys-none")
    page.get_by_role("button", name="Create the first key").click()
    page.get_by_role("button", name="Create the key").click()
    expect(page.get_by_text("This page uses it already")).to_be_visible()
    key = page.get_by_role("dialog").locator("pre").inner_text()
    keep("keys-shown-once")
    page.get_by_label("Remember it in this browser").check()
    page.get_by_role("button", name="I have kept it").click()
    keys = page.get_by_role("table", name="API keys")
    expect(keys.get_by_role("row", name="owner")).to_contain_text("This page")

    page.reload()
    page.get_by_role("button", name="New key").click()
    page.get_by_label("Name").fill("call centre")
    page.get_by_text("Chosen one by one").click()
    page.get_by_role("checkbox", name="Watch live calls").check()
    page.get_by_role("checkbox", name="Audit log").check()
    page.get_by_role("combobox", name="Ends").click()
    page.get_by_role("option", name="In 90 days").click()
    keep("keys-new")
    page.get_by_role("button", name="Create the key").click()
    page.get_by_role("button", name="I have kept it").click()
    expect(keys.get_by_role("row", name="call centre")).to_contain_text("Watch live calls")

    page.get_by_role("button", name="More about owner").click()
    page.get_by_role("menuitem", name="Rotate…").click()
    page.get_by_role("button", name="Rotate", exact=True).click()
    expect(page.get_by_text("uses the new one already")).to_be_visible()
    assert page.get_by_role("dialog").locator("pre").inner_text() != key
    page.get_by_role("button", name="I have kept it").click()
    expect(keys.get_by_text("Replaced")).to_be_visible()
    keep("keys")

    page.get_by_role("tab", name="Audit log").click()
    page.get_by_role("button", name="Rotated an API key").click()
    expect(page.get_by_text("x_api_keys_rotate")).to_be_visible()
    keep("keys-audit")
    page.get_by_role("combobox", name="Result").click()
    page.get_by_role("option", name="Failed").click()
    expect(page.get_by_text("Nothing like that was done")).to_be_visible()

    watch.expects("401")
    page.evaluate("localStorage.clear(), sessionStorage.clear()")
    page.goto("/dashboard/keys")
    page.locator("input[type=password]").fill(key)
    page.get_by_role("button", name="Enter").click()
    expect(keys.get_by_text("Replaced")).to_be_visible()
