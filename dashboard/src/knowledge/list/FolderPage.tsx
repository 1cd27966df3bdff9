import { Anchor, Breadcrumbs, Button, Group, Menu, Paper, Table, Text, VisuallyHidden } from "@mantine/core";
import {
  IconBook2,
  IconChevronDown,
  IconFile,
  IconFileText,
  IconFolder,
  IconFolderPlus,
  IconPlus,
  IconUpload,
  IconWorld,
} from "@tabler/icons-react";
import { type DragEvent, useRef, useState } from "react";
import { Link, useSearchParams } from "react-router";

import { type KnowledgeDocument, useDocument, useFolder } from "@/api/knowledge";
import { EmptyState } from "@/parts/EmptyState";
import { Failure } from "@/parts/Failure";
import { bytes, counted } from "@/parts/format";
import { Loading } from "@/parts/Loading";
import { LoadMore } from "@/parts/LoadMore";
import rows from "@/parts/Rows.module.css";
import { When } from "@/parts/When";

import { IndexState } from "../IndexState";
import { KnowledgeFrame } from "../KnowledgeFrame";
import { AddForm, type Kind } from "./AddForm";
import { DocumentMenu } from "./DocumentMenu";
import classes from "./Folder.module.css";
import { Uploads, useUploads } from "./Uploads";

const ICONS = { folder: IconFolder, file: IconFile, url: IconWorld, text: IconFileText };
const ACCEPTED = ".txt,.md,.html,.htm,.pdf,.docx,.epub";

/** `/knowledge`: what lies in a folder (`?folder=`), or at the top. Files can be dropped anywhere on it. */
export function FolderPage() {
  const [query] = useSearchParams();
  const folder = query.get("folder");
  const here = useDocument(folder);
  const list = useFolder(folder ?? "root", "");
  const [adding, setAdding] = useState<Kind | null>(null);
  const [isOver, setOver] = useState(false);
  const chooser = useRef<HTMLInputElement>(null);
  const uploads = useUploads(folder);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    uploads.add([...event.dataTransfer.files]);
  };
  const add = <AddMenu choose={() => chooser.current?.click()} open={setAdding} />;
  const path = [
    ...(here.data?.folder_path ?? []),
    ...(here.data ? [{ id: here.data.id, name: here.data.name }] : []),
  ];
  return (
    <KnowledgeFrame actions={add}>
      <input
        ref={chooser}
        type="file"
        multiple
        hidden
        accept={ACCEPTED}
        aria-label="Files to add"
        onChange={(event) => {
          uploads.add([...(event.currentTarget.files ?? [])]);
          event.currentTarget.value = "";
        }}
      />
      {folder && (
        <Breadcrumbs>
          <Anchor component={Link} to="/knowledge">
            All documents
          </Anchor>
          {path.map((one, index) =>
            index === path.length - 1 ? (
              <Text key={one.id} fw={600}>
                {one.name}
              </Text>
            ) : (
              <Anchor key={one.id} component={Link} to={`/knowledge?folder=${one.id}`}>
                {one.name}
              </Anchor>
            ),
          )}
        </Breadcrumbs>
      )}
      <Uploads uploads={uploads} />
      <div
        className={classes.drop}
        data-over={isOver}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
      >
        {list.error && <Failure error={list.error} retry={list.refetch} />}
        {list.isPending ? (
          <Loading rows={5} height={52} />
        ) : list.items.length === 0 ? (
          !list.error && (
            <EmptyState
              icon={IconBook2}
              title={folder ? "This folder is empty" : "No documents yet"}
              text="Drop files here: TXT, Markdown, HTML, PDF, DOCX or EPUB. Or add a page of the web, or a text."
              action={add}
            />
          )
        ) : (
          <Paper className={rows.frame}>
            <Table className={rows.table} horizontalSpacing="md" aria-label="Documents">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Name</Table.Th>
                  <Table.Th>Search</Table.Th>
                  <Table.Th>Used by</Table.Th>
                  <Table.Th className={rows.number}>Size</Table.Th>
                  <Table.Th>Changed</Table.Th>
                  <Table.Th>
                    <VisuallyHidden>Actions</VisuallyHidden>
                  </Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {list.items.map((one) => (
                  <Row key={one.id} one={one} />
                ))}
              </Table.Tbody>
            </Table>
          </Paper>
        )}
      </div>
      <LoadMore list={list} />
      {adding && <AddForm kind={adding} folder={folder} close={() => setAdding(null)} />}
    </KnowledgeFrame>
  );
}

function AddMenu({ choose, open }: { choose: () => void; open: (kind: Kind) => void }) {
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button leftSection={<IconPlus size={16} />} rightSection={<IconChevronDown size={14} />}>
          Add
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<IconUpload size={16} />} onClick={choose}>
          Files
        </Menu.Item>
        <Menu.Item leftSection={<IconWorld size={16} />} onClick={() => open("url")}>
          A page of the web
        </Menu.Item>
        <Menu.Item leftSection={<IconFileText size={16} />} onClick={() => open("text")}>
          A text
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item leftSection={<IconFolderPlus size={16} />} onClick={() => open("folder")}>
          A folder
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function Row({ one }: { one: KnowledgeDocument }) {
  const Symbol = ICONS[one.type];
  const isFolder = one.type === "folder";
  const agents = one.dependent_agents ?? [];
  return (
    <Table.Tr className={rows.row}>
      <Table.Td className={rows.name}>
        <Group gap="xs" wrap="nowrap">
          <Symbol size={18} stroke={1.6} aria-hidden style={{ flex: "none" }} />
          <Link to={isFolder ? `/knowledge?folder=${one.id}` : `/knowledge/${one.id}`} className={rows.link}>
            {one.name}
          </Link>
        </Group>
      </Table.Td>
      <Table.Td data-label="Search">
        {isFolder ? "–" : <IndexState indexes={one.x_rag_indexes ?? []} />}
      </Table.Td>
      <Table.Td data-label="Used by">{agents.map(({ name }) => name).join(", ") || "No agent"}</Table.Td>
      <Table.Td className={`numbers ${rows.number}`} data-label="Size">
        {isFolder ? counted(one.children_count ?? 0, "entry", "entries") : bytes(one.metadata.size_bytes)}
      </Table.Td>
      <Table.Td className={rows.plain} data-label="Changed">
        <When at={one.metadata.last_updated_at_unix_secs} />
      </Table.Td>
      <Table.Td className={rows.actions}>
        <div className={rows.above}>
          <DocumentMenu one={one} />
        </div>
      </Table.Td>
    </Table.Tr>
  );
}
