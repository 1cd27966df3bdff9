import { SegmentedControl, Stack, useMantineColorScheme } from "@mantine/core";

import { useWorkspaceSettings } from "@/api/server";
import { Block } from "@/parts/Block";
import { Failure } from "@/parts/Failure";
import { Loading } from "@/parts/Loading";

import { AfterCall } from "./AfterCall";
import { BeforeCall } from "./BeforeCall";

/** The look of this page, and what happens before and after the calls of every agent. */
export function General() {
  const { data, error, refetch } = useWorkspaceSettings();
  return (
    <Stack gap="md" maw={860}>
      <Appearance />
      {error && <Failure error={error} retry={() => void refetch()} />}
      {!data && !error && <Loading rows={2} height={220} />}
      {data && (
        <>
          <AfterCall settings={data.webhooks} />
          <BeforeCall webhook={data.conversation_initiation_client_data_webhook} />
        </>
      )}
    </Stack>
  );
}

function Appearance() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <Block title="Colours" lead="Of this page, in this browser.">
      <SegmentedControl
        aria-label="Colours"
        value={colorScheme}
        onChange={(value) => setColorScheme(value as typeof colorScheme)}
        data={[
          { value: "auto", label: "As the system" },
          { value: "light", label: "Light" },
          { value: "dark", label: "Dark" },
        ]}
        style={{ alignSelf: "flex-start" }}
      />
    </Block>
  );
}
