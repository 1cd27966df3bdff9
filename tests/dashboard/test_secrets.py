"""Secrets, variables and connections; and the two pages that say what is not there yet."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Keep


def test_secrets_are_kept_and_never_shown(page: Page, keep: Keep) -> None:
    page.goto("/dashboard/secrets")
    expect(page.get_by_role("heading", name="No secrets yet")).to_be_visible()
    page.get_by_role("button", name="New secret").first.click()
    form = page.get_by_role("dialog")
    form.get_by_role("textbox", name="Name").fill("crm_key")
    form.locator("input[type=password]").fill("s3cret-value")
    form.get_by_role("button", name="Add").click()
    expect(page.get_by_text("crm_key", exact=True)).to_be_visible()
    assert "s3cret-value" not in page.content()
    expect(form).to_be_hidden()
    keep("secrets")
    page.get_by_role("link", name="Environment variables").click()
    page.get_by_role("button", name="New variable").first.click()
    form = page.get_by_role("dialog")
    form.get_by_role("textbox", name="Label").fill("crm_url")
    form.get_by_role("textbox", name="Value").fill("https://crm.example.com")
    form.get_by_role("button", name="Add").click()
    expect(page.get_by_text("production https://crm.example.com")).to_be_visible()
    expect(form).to_be_hidden()
    keep("secrets-environment")
    page.get_by_role("link", name="Auth connections").click()
    page.get_by_role("button", name="New connection").first.click()
    form = page.get_by_role("dialog")
    form.get_by_role("textbox", name="Name").fill("CRM")
    form.locator("input[type=password]").fill("t0ken")
    form.get_by_role("button", name="Add").click()
    expect(page.get_by_text("Bearer token")).to_be_visible()
    expect(form).to_be_hidden()
    keep("secrets-auth")
    page.get_by_role("link", name="Secrets", exact=True).last.click()
    page.get_by_role("button", name="Delete crm_key").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("heading", name="No secrets yet")).to_be_visible()


@pytest.mark.parametrize("path", ["phone-numbers", "tests"])
def test_pages_of_what_is_not_there_yet_say_so(page: Page, keep: Keep, path: str) -> None:
    page.goto(f"/dashboard/{path}")
    expect(page.get_by_role("heading", level=2).first).to_contain_text("this version")
    keep(path)
