"""What is written for eyes is spoken for ears, and every spoken character knows where it stands in the writing."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parola.session.spoken_text import spoken_text


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("**Bold**, *light* and _both_ __now__", "Bold, light and both now"),
        ("## Menu\n", "Menu"),
        ("- one\n* two\n• three\n", "one two three"),
        ("- [x] done", "done"),
        ("1. Open the door", "1. Open the door"),
        ("> quoted", "quoted"),
        ("See [the *manual*](https://a.b/c(d)?x=1 'Title') or ![a photo](x.png).", "See the manual or a photo."),
        ("manual](https://a.b/c) twice.", "manual twice."),
        ("Run `pip install` now", "Run pip install now"),
        ("```python\nprint(1)\n```\n", "print(1)"),
        ("| Soup | $3.50 |\n", "Soup, $3.50"),
        ("|---|:--:|\n", ""),
        ("---\n", ""),
        ("2 * 3 * 4 is snake_case", "2 * 3 * 4 is snake_case"),
        (r"\*not bold\*", "not bold"),
        ("Said before[^1].", "Said before."),
    ],
)
def test_markdown_is_not_read_aloud(written, spoken):
    assert spoken_text(written).text == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ('Wait <break time="1.5s"/> for it<break/>.', "Wait for it."),
        ("One<br>two", "One two"),
        ("<p>A <b>very</b> <phoneme alphabet='ipa' ph='x'>good</phoneme>.</p>", "A very good."),
        ("<unknown>words</unknown>", "words"),
        ("Fish &amp; chips <!-- cheap -->&nbsp;&#33;", "Fish & chips!"),
        ("5 < 6 and x > 3, if a <b and c> d", "5 < 6 and x > 3, if a <b and c> d"),
    ],
)
def test_tags_are_not_read_aloud(written, spoken):
    assert spoken_text(written).text == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Great 🎉! Yes 👨‍👩‍👧 now 👍🏽", "Great! Yes now"),
        ("🎉", ""),
        ("It's 20 °C ☀️.", "It's 20 °C."),
        ("क्‍षमा कीजिए 🙏", "क्‍षमा कीजिए"),
        ("soft\u00adhyphen\u200b and\u00a0spaces  \t here\n", "softhyphen and spaces here"),
    ],
)
def test_emoji_are_not_read_aloud_and_spaces_are_single(written, spoken):
    assert spoken_text(written).text == spoken


@pytest.mark.parametrize(
    ("language", "written", "spoken"),
    [
        ("en", "see https://x.y", "see x dot y"),
        (
            "en",
            "see https://www.example.com/docs/start-here?lang=en#top.",
            "see example dot com slash docs slash start here.",
        ),
        ("en", "(https://docs.example.com/a/b/1234-long/path.html), ok", "(docs dot example dot com), ok"),
        ("en", "<https://parola.dev>!", "parola dot dev!"),
        ("en", "Visit example.com today.", "Visit example dot com today."),
        ("en", "Well done.it is 3.14 e.g. here", "Well done.it is 3.14 e.g. here"),
        ("en", "Write to info@x.co now.", "Write to info at x dot co now."),
        ("de", "Unter www.beispiel.de oder a@b.de", "Unter beispiel Punkt de oder a ät b Punkt de"),
        ("ja", "https://x.jp です", "x ドット jp です"),
    ],
)
def test_addresses_are_short_and_read_in_the_language(language, written, spoken):
    assert spoken_text(written, language).text == spoken


def test_each_spoken_character_knows_the_written_one_it_comes_from():
    written = " **No**, see [this](https://a.b)."
    said = spoken_text(written)
    assert said.text == "No, see this."
    assert "".join(written[origin] for origin in said.origins) == said.text
    assert said.origins[0] == written.index("N")


def test_what_stands_for_more_comes_from_where_it_begins():
    written = "Go to https://x.y now"
    said = spoken_text(written)
    first = written.index("https")
    assert said.text == "Go to x dot y now"
    assert said.origins[6:13] == (first,) * 7
    assert said.origins[13] == written.index(" now")


MARKS = st.sampled_from([*"abZ19 .,!?\n", "**", "*", "_", "`", "<b>", "</i>", "<", ">", "[a](b)", "|", "#", "🎉"])
WRITTEN = st.lists(MARKS, max_size=40).map("".join)


@given(st.one_of(WRITTEN, st.text(max_size=60)))
@settings(max_examples=500, deadline=None)
def test_nothing_is_moved_and_spaces_are_single(written):
    said = spoken_text(written)
    assert len(said.text) == len(said.origins)
    assert list(said.origins) == sorted(said.origins)
    assert all(0 <= origin < len(written) for origin in said.origins)
    assert said.text == said.text.strip() and not re.search(r"\s\s|\n", said.text)


@given(
    st.lists(
        st.sampled_from(["word", "**bold**", "*it*", "`code`", "# head\n", "- item\n", "<br>", "🎉", "1,234", "a.b"])
    )
)
@settings(max_examples=300, deadline=None)
def test_nothing_but_markup_is_lost(parts):
    def words(text: str) -> list[str]:
        return re.findall(r"[a-z0-9,.]+", text)

    written = " ".join(parts)
    assert words(spoken_text(written).text) == words(written.replace("<br>", ""))
