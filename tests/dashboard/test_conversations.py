"""Conversations in the dashboard: the list and its filters, one call with its timeline, and one of two hours."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from parola.dashboard.pages import BUILT
from tests.dashboard.conftest import ROOT, Keep, violations
from tests.dashboard.made_calls import LONG, RICH
from tests.wire.servers import ServerProcess

GAPS = """(selector) => new Promise((done) => {
  const box = document.querySelector(selector);
  const gaps = [];
  let before = performance.now();
  const step = (now) => {
    gaps.push(now - before);
    before = now;
    box.scrollTop += 200;
    if (gaps.length < 60) requestAnimationFrame(step);
    else done(gaps.sort((a, b) => a - b));
  };
  requestAnimationFrame(step);
})"""
"""Scrolls for sixty frames; gives the milliseconds between them, the shortest first."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that has two conversations already."""
    assert (BUILT / "index.html").is_file(), "the dashboard is not built: make dashboard"
    folder = tmp_path_factory.mktemp("conversations") / "data"
    # In a process of its own: Playwright's event loop runs in this one.
    subprocess.run([sys.executable, "-m", "tests.dashboard.made_calls", folder], cwd=ROOT, check=True)
    with ServerProcess("--data", str(folder)) as server:
        yield server


def test_the_list_is_searched_and_filtered_by_an_address_that_can_be_shared(page: Page, keep: Keep) -> None:
    page.goto("/dashboard/conversations")
    expect(page.get_by_role("link", name="A table for four, tomorrow at seven")).to_be_visible()
    expect(page.get_by_role("row")).to_have_count(3)
    keep("conversations")

    page.get_by_label("Search what was said").fill("vegan dishes")
    expect(page.locator("mark").first).to_have_text(re.compile("vegan", re.IGNORECASE))
    expect(page.get_by_role("row")).to_have_count(2)
    page.get_by_role("button", name="Filters").click()
    page.get_by_label("Longer than").fill("7000")
    expect(page.get_by_role("heading", name="No conversation fits")).to_be_visible()
    assert "q=vegan+dishes" in page.url and "min=7000" in page.url

    page.goto("/dashboard/conversations?min=7000")
    expect(page.get_by_role("row")).to_have_count(2)
    expect(page.get_by_role("button", name="Filters (1)")).to_be_visible()
    assert not violations(page)
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_role("row")).to_have_count(3)

    page.get_by_role("link", name="A table for four, tomorrow at seven").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(LONG))


def test_a_call_explains_each_answer_and_plays_from_where_one_looks(page: Page, keep: Keep) -> None:
    page.goto(f"/dashboard/conversations/{RICH}")
    expect(page.get_by_text("The agent ended it: The agent ended the call.")).to_be_visible()
    timeline = page.get_by_role("slider", name="Timeline of the call")
    expect(timeline).to_be_visible()
    expect(page.get_by_text("the median of 4 answers")).to_be_visible()
    expect(page.get_by_title("This was not heard")).to_contain_text("We are open until ten.")
    keep("conversation")

    # From answer to answer by the keyboard: the first that somebody waited for is the one that was interrupted.
    timeline.focus()
    page.keyboard.press("ArrowDown")
    chosen = page.get_by_role("region", name="The chosen turn")
    expect(chosen.get_by_role("heading", name="374 ms")).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(chosen.get_by_role("heading", name="884 ms")).to_be_visible()
    expect(chosen).to_contain_text("51 % of it was making sure that the user had finished.")
    expect(chosen).to_contain_text("With speculative_turn the model would have been asked while the silence still ran")
    expect(timeline).to_have_attribute("aria-valuetext", "0:07 of 1:02")
    assert "turn=2" in page.url
    keep("conversation-answer")

    timeline.hover()
    page.mouse.wheel(0, 200)  # a plain wheel is the page's, up and down, however near the timeline shows the call
    page.wait_for_function("() => window.scrollY > 100")
    page.mouse.wheel(0, -400)
    page.wait_for_function("() => window.scrollY === 0")
    timeline.focus()

    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(timeline).to_have_attribute("aria-valuetext", "0:08 of 1:02")
    page.keyboard.press("Space")
    page.keyboard.press("End")
    expect(timeline).to_have_attribute("aria-valuetext", "1:02 of 1:02")

    page.get_by_role("button", name=re.compile("find_table answered after 1.4 s")).click()
    expect(page.get_by_text('"guests": 4')).to_be_visible()


def test_the_tabs_tell_the_story_the_analysis_the_events_and_the_record(page: Page) -> None:
    def opens(tab: str, shows: str) -> None:
        page.get_by_role("tab", name=tab).click()
        expect(page.get_by_text(shows).first).to_be_visible()
        assert not violations(page)

    page.goto(f"/dashboard/conversations/{RICH}")
    opens("Why", "The slowest answer took 2.21 s")
    opens("Events", "400 events")
    opens("Cost", "5,120")
    opens("Webhooks", "Nothing was to be sent")
    opens("Record", "conversation_id:")
    page.get_by_label("Search keys and values").fill("save_booking")
    expect(page.get_by_text(re.compile("1 of [0-9]+"))).to_be_visible()
    opens("Analysis", "Ann booked a table for four")
    expect(page.get_by_text("4 of 5")).to_be_visible()
    page.get_by_role("link", name="Show the turn").first.click()
    expect(page).to_have_url(re.compile("turn="))
    expect(page.get_by_role("slider", name="Timeline of the call")).to_be_visible()


def test_two_hours_and_5000_events_scroll_with_a_handful_of_rows(page: Page) -> None:
    page.goto(f"/dashboard/conversations/{LONG}")
    box = page.get_by_role("region", name="Transcript")
    expect(box).to_contain_text("Question 0")
    gaps = page.evaluate(GAPS, "[aria-label=Transcript]")
    print(f"transcript: p95 {gaps[56]:.0f} ms, longest {gaps[-1]:.0f} ms")
    assert box.locator("[data-turn]").count() < 40

    page.goto(f"/dashboard/conversations/{LONG}?tab=events")
    expect(page.get_by_text("5,000 events")).to_be_visible()
    gaps = page.evaluate(GAPS, "[aria-label=Events]")
    print(f"events: p95 {gaps[56]:.0f} ms, longest {gaps[-1]:.0f} ms")
    events = page.get_by_role("region", name="Events")
    assert events.locator("[data-index]").count() < 60
    page.get_by_label("Words of an event").fill("Question 18:")
    expect(page.get_by_text(re.compile(r"^\d+ of 5,000 events$"))).to_be_visible()
    events.get_by_role("button").last.click()
    expect(events.get_by_text("// by").first).to_be_visible()


def test_a_phone_has_cards_and_no_sideways_scroll(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    for path in ("", f"/{RICH}", f"/{RICH}?tab=events", f"/{RICH}?tab=record"):
        page.goto(f"/dashboard/conversations{path}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), path


def test_a_conversation_is_deleted_only_when_one_says_so_twice(page: Page, server: ServerProcess) -> None:
    page.goto(f"/dashboard/conversations/{RICH}?tab=cost")
    page.get_by_role("button", name="What can be done").click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert server.record(RICH)["status"] == "done"
    page.get_by_role("button", name="What can be done").click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page).to_have_url(re.compile("/conversations$"))
    expect(page.get_by_role("row")).to_have_count(2)
