"""Which documents stand in the prompt, which are searched, and what the owner is told about the others."""

from parola.conversation.knowledge import Knowledge, Locator, Rag
from parola.conversation.setup import Setup
from parola.session.knowing import PROMPT_CHARACTERS, SMALL_BYTES, with_documents
from parola.store.base import KnowledgeDocumentRow, RagIndexRow
from parola.store.memory_knowledge import MemoryKnowledge

LONG = "A sentence about wine. " * 400


class World:
    """A knowledge base, and an agent that names some of it."""

    def __init__(self, *, rag: bool = False) -> None:
        self.store = MemoryKnowledge()
        self.rag = rag
        self.locators: list[Locator] = []
        self.to_index: list[str] = []

    async def has(self, name, text, *, whole=False, index=None, folder="", named=True):
        document_id = f"id_{name}"
        await self.store.put(KnowledgeDocumentRow(document_id, "text", name, 1, 1, folder, len(text)), text=text)
        if index:
            await self.store.put_index(RagIndexRow(f"index_{name}", document_id, "m", index, 1, 1))
        if named:
            self.locators.append(Locator(document_id, name, whole))
        return self

    async def has_folder(self, name, *, whole=False, folder="", named=True):
        await self.store.put(KnowledgeDocumentRow(f"id_{name}", "folder", name, 1, 1, folder))
        if named:
            self.locators.append(Locator(f"id_{name}", name, whole))
        return self

    async def begins(self) -> Setup:
        rag = Rag(is_enabled=self.rag, embedding_model="m")
        setup = Setup("c", "a", knowledge=Knowledge(tuple(self.locators), rag))
        return await with_documents(setup, self.store, lambda ids, model: self.to_index.extend(ids))


async def test_without_search_every_document_stands_in_the_prompt():
    world = World()
    await world.has("Menu", "Soup.", whole=True)
    await world.has("Wines", LONG)
    setup = await world.begins()
    assert setup.knowledge.text.startswith("# Knowledge base") and LONG.strip() in setup.knowledge.text
    assert '<document id="id_Menu" name="Menu">\nSoup.\n</document>' in setup.knowledge.text
    assert setup.knowledge.text_ids == ("id_Menu", "id_Wines") and setup.knowledge.searched == {}
    assert setup.warnings == ()


async def test_with_search_only_what_must_stand_in_the_prompt_does():
    world = World(rag=True)
    await world.has("Menu", "Soup.", whole=True, index="succeeded")
    await world.has("Wines", LONG, index="succeeded")
    setup = await world.begins()
    assert setup.knowledge.text_ids == ("id_Menu",) and setup.knowledge.searched == {"id_Wines": "Wines"}


async def test_what_is_small_is_not_worth_a_search():
    world = World(rag=True)
    await world.has("Menu", "x" * SMALL_BYTES, index="succeeded")
    knowledge = (await world.begins()).knowledge
    assert knowledge.text_ids == ("id_Menu",) and knowledge.searched == {}


async def test_what_cannot_be_searched_yet_stands_in_the_prompt_with_a_warning():
    world = World(rag=True)
    await world.has("Wines", LONG, index="processing")
    await world.has("Beers", LONG)
    await world.has("Note", "Short.", index="document_too_small")
    setup = await world.begins()
    assert set(setup.knowledge.text_ids) == {"id_Wines", "id_Beers", "id_Note"}
    wines, beers = setup.warnings
    assert "its index is processing" in wines and "it had no index for m, which is being made now" in beers
    assert world.to_index == ["id_Beers"]


async def test_why_an_index_failed_is_in_the_warning_and_it_is_not_tried_at_every_conversation():
    world = World(rag=True)
    await world.has("Wines", LONG)
    failed = RagIndexRow("index", "id_Wines", "m", "failed", 1, 1, error="The service is away.")
    await world.store.put_index(failed)
    (warning,) = (await world.begins()).warnings
    assert "its index is failed (The service is away.; POST /v1/convai/knowledge-base/id_Wines/rag-index" in warning
    assert world.to_index == []


async def test_while_it_is_indexed_anew_the_old_index_is_searched():
    world = World(rag=True)
    await world.has("Wines", LONG)
    await world.store.put_index(RagIndexRow("index", "id_Wines", "m", "created", 1, 2, used_bytes=1000))
    setup = await world.begins()
    assert setup.knowledge.searched == {"id_Wines": "Wines"} and setup.warnings == ()


async def test_a_folder_stands_for_all_that_is_in_it():
    world = World()
    await world.has_folder("Drinks", whole=True)
    await world.has_folder("Cellar", folder="id_Drinks", named=False)
    await world.has("Wines", "Red.", folder="id_Cellar", named=False)
    await world.has("Beers", "Brown.", folder="id_Drinks", named=False)
    await world.has("Cars", "Fast.", named=False)
    assert set((await world.begins()).knowledge.text_ids) == {"id_Wines", "id_Beers"}


async def test_a_document_that_is_gone_is_a_warning():
    world = World()
    world.locators = [Locator("id_gone", "Old menu")]
    setup = await world.begins()
    assert setup.knowledge.text == ""
    assert setup.warnings == ('Knowledge base: there is no document "Old menu" (id_gone); the agent does without it.',)


async def test_what_is_too_long_is_cut_and_what_must_be_there_comes_first():
    world = World()
    await world.has("Book", "b" * PROMPT_CHARACTERS)
    await world.has("Menu", "Soup.", whole=True)
    setup = await world.begins()
    assert "Soup." in setup.knowledge.text and setup.knowledge.text_ids == ("id_Menu", "id_Book")
    assert "its first 299,995 of 300,000 characters stand in the prompt" in setup.warnings[0]


async def test_an_agent_without_documents_reads_nothing():
    setup = Setup("c", "a")
    assert await with_documents(setup, MemoryKnowledge(), lambda ids, model: None) is setup
