import { Button, Checkbox, Paper, PasswordInput, Stack, Text, Title } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useState, useSyncExternalStore } from "react";

import { api, ApiError, apiKey, setApiKey, watchApiKey } from "@/api/client";
import { Command } from "@/parts/Command";
import { Loading } from "@/parts/Loading";

/** Shows the pages to whoever may see them; asks for an API key when the server does. */
export function KeyGate({ children }: { children: ReactNode }) {
  const key = useSyncExternalStore(watchApiKey, apiKey);
  const { error, isPending } = useQuery({
    queryKey: ["may-enter", key],
    queryFn: ({ signal }) => api.get("/v1/user", {}, signal),
    staleTime: Infinity,
  });
  if (isPending) return <Loading />;
  const isRefused = error instanceof ApiError && error.status === 401;
  return isRefused ? <KeyForm wasTried={Boolean(key)} /> : children;
}

function KeyForm({ wasTried }: { wasTried: boolean }) {
  const queries = useQueryClient();
  const [value, setValue] = useState("");
  const [remember, setRemember] = useState(false);
  const enter = (event: FormEvent) => {
    event.preventDefault();
    setApiKey(value.trim(), remember);
    void queries.invalidateQueries();
  };
  return (
    <Paper p="xl" maw={480} mx="auto" mt="xl">
      <form onSubmit={enter}>
        <Stack>
          <Title order={1} fz="h3">
            This server asks for an API key
          </Title>
          <Text c="dimmed">Make one where the server runs, and paste it here:</Text>
          <Command text="parola keys create dashboard" />
          <PasswordInput
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
    </Paper>
  );
}
