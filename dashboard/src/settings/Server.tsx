import { Anchor, Stack } from "@mantine/core";

import { address } from "@/api/client";
import { useServer } from "@/api/server";
import { Block } from "@/parts/Block";
import { Command } from "@/parts/Command";
import { Failure } from "@/parts/Failure";
import { Loading } from "@/parts/Loading";

import { Facts } from "./Facts";

const DESCRIPTIONS: { path: string; name: string; text: string; wantsKey?: boolean }[] = [
  {
    path: "/openapi.json",
    name: "REST API",
    text: "Every route, as OpenAPI: for clients that are generated.",
  },
  { path: "/asyncapi.json", name: "Sockets", text: "Every message of the WebSockets, as AsyncAPI." },
  { path: "/metrics", name: "Metrics", text: "How busy it is, for Prometheus.", wantsKey: true },
  { path: "/health", name: "Health", text: "Whether it is up and takes calls. Open to all." },
];

/** Where the server is, what it keeps things in, who may use it, and what describes it. */
export default function Server() {
  const { data, error, refetch } = useServer();
  if (error) return <Failure error={error} retry={() => void refetch()} />;
  if (!data) return <Loading rows={2} height={240} />;
  const host = data.host.includes(":") ? `[${data.host}]` : data.host;
  return (
    <Stack gap="md" maw={860}>
      <Block title="How it was started">
        <Facts
          facts={[
            { name: "Version", value: `Parola ${data.version}`, text: `With Python ${data.python}.` },
            {
              name: "Address",
              setting: "host, port",
              value: `http://${host}:${data.port}`,
              text: data.public_url ? `Clients reach it as ${data.public_url}.` : undefined,
            },
            {
              name: "API key",
              setting: "auth",
              value: data.is_key_needed ? "Needed" : "Not needed",
              text: {
                auto: "One is needed once one exists, or when others than this machine can connect.",
                required: "One is always needed.",
                off: "Nobody is asked for one: something in front of the server must see to that.",
              }[data.auth],
            },
            {
              name: "Data folder",
              setting: "data",
              value: data.data ?? "None",
              text: data.data
                ? `Everything is kept in ${data.database}, files in this folder.`
                : "Everything is in memory, and gone when the server stops.",
            },
            { name: "Speech models", setting: "models", value: data.models },
            {
              name: "Pages that may ask",
              setting: "cors_origins",
              value: data.cors_origins.includes("*") ? "All" : data.cors_origins.join(", ") || "None",
              text: "Pages of other sites that may read what the REST API answers.",
            },
            {
              name: "Mocks of tools",
              setting: "tool_mocks",
              value:
                {
                  anyone: "For anyone",
                  keyed: "With a key",
                  never: "Never",
                  auto: "With a key, once there is one",
                }[data.tool_mocks] ?? data.tool_mocks,
              text: "Whose conversations may answer tools by mocks.",
            },
          ]}
        />
      </Block>
      <Block title="What describes it" lead="For programs, and for those who write them.">
        <Facts
          facts={DESCRIPTIONS.map(({ path, name, text, wantsKey }) => ({
            name,
            value:
              wantsKey && data.is_key_needed ? (
                path
              ) : (
                <Anchor href={address(path)} target="_blank" rel="noreferrer" inherit>
                  {path}
                </Anchor>
              ),
            text:
              wantsKey && data.is_key_needed ? (
                <Stack gap={6}>
                  <span>{text} It wants a key, which a link cannot carry:</span>
                  <Command
                    text={`curl -H 'xi-api-key: YOUR_KEY' ${new URL(address(path), location.href).href}`}
                  />
                </Stack>
              ) : (
                text
              ),
          }))}
        />
      </Block>
    </Stack>
  );
}
