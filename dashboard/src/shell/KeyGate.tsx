import { Button, Checkbox, Code, Modal, Paper, PasswordInput, Stack, Text, Title } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useEffect, useRef, useState, useSyncExternalStore } from "react";

import { api, ApiError, apiKey, setApiKey, watchApiKey, watchRefusals } from "@/api/client";
import { Command } from "@/parts/Command";
import { Loading } from "@/parts/Loading";

const MAY_ENTER = "may-enter";

const TITLE = "This server asks for an API key";

/**
 * Shows the pages to whoever may see them; asks for an API key when the server does. A key can end while one works
 * (it expires, it is revoked, the server gets its first): then it is asked for above the page, which stays as it is.
 */
export function KeyGate({ children }: { children: ReactNode }) {
  const key = useSyncExternalStore(watchApiKey, apiKey);
  const { error, isPending } = useQuery({
    queryKey: [MAY_ENTER, key],
    queryFn: ({ signal }) => api.get("/v1/user", {}, signal),
    staleTime: Infinity,
  });
  useAskAgain();
  const isRefused = error instanceof ApiError && error.status === 401;
  const verdict = isPending ? null : isRefused ? "refused" : "let in";
  const [known, setKnown] = useState({ verdict, hasEntered: false });
  if (verdict !== null && known.verdict !== verdict) {
    setKnown({ verdict, hasEntered: known.hasEntered || verdict === "let in" });
  }
  if (known.hasEntered) {
    return (
      <>
        {children}
        <Modal
          opened={known.verdict === "refused"}
          onClose={() => undefined}
          withCloseButton={false}
          title={TITLE}
          size={480}
        >
          <KeyForm wasTried={Boolean(key) && isRefused} />
        </Modal>
      </>
    );
  }
  if (known.verdict !== "refused") return <Loading />;
  return (
    <Paper p="xl" maw={480} mx="auto" mt="xl">
      <Title order={1} fz="h3" mb="md">
        {TITLE}
      </Title>
      <KeyForm wasTried={Boolean(key) && isRefused} />
    </Paper>
  );
}

/** Whenever a page is refused, see whether the key still opens anything: one that only lacks a scope does. */
function useAskAgain() {
  const queries = useQueryClient();
  useEffect(
    () =>
      watchRefusals(() => {
        const asked = queries.getQueryState([MAY_ENTER, apiKey()]);
        if (asked?.status !== "success" || asked.fetchStatus === "fetching") return;
        void queries.invalidateQueries({ queryKey: [MAY_ENTER, apiKey()] });
      }),
    [queries],
  );
}

function KeyForm({ wasTried }: { wasTried: boolean }) {
  const queries = useQueryClient();
  const [value, setValue] = useState("");
  const [remember, setRemember] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const enter = (event: FormEvent) => {
    event.preventDefault();
    setApiKey(value.trim(), remember);
    void queries.invalidateQueries();
  };
  return (
    <form onSubmit={enter}>
      <Stack>
        <Text c="dimmed">Make one where the server runs, and paste it here:</Text>
        <Command text="parola keys create dashboard" />
        <Text c="dimmed" size="sm">
          With the same <Code>--data</Code> as the server, if it was started with one.
        </Text>
        <PasswordInput
          ref={field}
          label="API key"
          value={value}
          onChange={(event) => setValue(event.currentTarget.value)}
          error={wasTried ? "The server does not accept this key." : undefined}
          autoComplete="current-password"
          data-autofocus
          required
        />
        <Checkbox
          label="Remember it in this browser"
          checked={remember}
          onChange={(event) => setRemember(event.currentTarget.checked)}
        />
        <Button type="submit" disabled={!value.trim()}>
          Enter
        </Button>
      </Stack>
    </form>
  );
}
