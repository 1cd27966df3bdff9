import { Button, Group, Select, Stack, Switch, Text, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import { api } from "@/api/client";
import { Command } from "@/parts/Command";
import { Failure } from "@/parts/Failure";
import { moment } from "@/parts/format";
import { done, failed } from "@/parts/notices";

import { useDraft } from "../editor/draft";
import { Card } from "../editor/Section";

interface SignedUrl {
  id: string;
  signed_url: string;
  expires_at: number;
}

const LIFETIMES = [
  { value: "300", label: "5 minutes" },
  { value: "900", label: "15 minutes" },
  { value: "3600", label: "1 hour" },
  { value: "86400", label: "1 day" },
  { value: "604800", label: "7 days" },
];

/** Makes an address that opens conversations with the agent, on terms. */
export function SignedUrlMaker() {
  const { agent } = useDraft();
  const [seconds, setSeconds] = useState("900");
  const [isOnce, setOnce] = useState(false);
  const [userId, setUserId] = useState("");
  const make = useMutation({
    mutationFn: () =>
      api.post<SignedUrl>("/v1/x/signed-urls", {
        agent_id: agent.agent_id,
        ttl_secs: Number(seconds),
        single_use: isOnce,
        ...(userId.trim() && { user_id: userId.trim() }),
      }),
  });
  const revoke = useMutation({
    mutationFn: (id: string) => api.delete(`/v1/x/signed-urls/${id}`),
    onSuccess: () => {
      make.reset();
      done("The signed URL opens nothing any more.");
    },
    onError: (error) => failed(error),
  });
  return (
    <Card
      title="A signed URL"
      lead="For somebody who must not have a key: it opens conversations with this agent until it expires."
    >
      <Group align="flex-end" gap="sm">
        <Select
          label="Valid for"
          data={LIFETIMES}
          value={seconds}
          onChange={(value) => value && setSeconds(value)}
          allowDeselect={false}
          w={150}
        />
        <TextInput
          label="User id (optional)"
          placeholder="user-7"
          value={userId}
          onChange={(event) => setUserId(event.currentTarget.value)}
          w={200}
        />
        <Button onClick={() => make.mutate()} loading={make.isPending}>
          Make a signed URL
        </Button>
      </Group>
      <Switch
        label="It opens one conversation and no more"
        checked={isOnce}
        onChange={(event) => setOnce(event.currentTarget.checked)}
      />
      {make.error && <Failure error={make.error} />}
      {make.data && (
        <Stack gap="xs">
          <Command text={make.data.signed_url} label="Copy the signed URL" />
          <Group justify="space-between">
            <Text size="sm" c="dimmed">
              Valid until {moment(make.data.expires_at)}.
            </Text>
            <Button
              size="xs"
              variant="subtle"
              color="red"
              loading={revoke.isPending}
              onClick={() => revoke.mutate(make.data.id)}
            >
              Revoke it
            </Button>
          </Group>
        </Stack>
      )}
    </Card>
  );
}
