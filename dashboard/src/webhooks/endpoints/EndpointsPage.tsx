import { Button, Stack } from "@mantine/core";
import { IconPlus, IconWebhook } from "@tabler/icons-react";
import { lazy, Suspense, useState } from "react";

import { useEndpoints, useWebhookSettings } from "@/api/webhooks";
import { EmptyState } from "@/parts/EmptyState";
import { Failure } from "@/parts/Failure";
import { Loading } from "@/parts/Loading";

import { WebhooksFrame } from "../WebhooksFrame";
import { EndpointCard } from "./EndpointCard";
import { SecretOnce } from "./SecretOnce";

const EndpointForm = lazy(async () => ({ default: (await import("./EndpointForm")).EndpointForm }));

/** `/webhooks`: the endpoints, how they behave, what they are told. */
export function EndpointsPage() {
  const endpoints = useEndpoints();
  const settings = useWebhookSettings();
  const [isCreating, setCreating] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  const error = endpoints.error ?? settings.error;
  const retry = () => void Promise.all([endpoints.refetch(), settings.refetch()]);
  const add = (
    <Button leftSection={<IconPlus size={16} />} onClick={() => setCreating(true)} disabled={!settings.data}>
      New endpoint
    </Button>
  );
  return (
    <WebhooksFrame actions={add}>
      {error && <Failure error={error} retry={retry} />}
      {!endpoints.data || !settings.data ? (
        !error && <Loading rows={3} height={128} />
      ) : endpoints.data.length === 0 ? (
        <EmptyState
          icon={IconWebhook}
          title="No endpoint yet"
          text="An endpoint is an address of yours that is sent what was said in each conversation. Without a server of your own, listen in a terminal and make http://127.0.0.1:8500/ the URL:"
          command="parola webhooks listen --port 8500"
          action={add}
        />
      ) : (
        <Stack gap="md">
          {endpoints.data.map((endpoint) => (
            <EndpointCard
              key={endpoint.webhook_id}
              endpoint={endpoint}
              settings={settings.data}
              showSecret={setSecret}
            />
          ))}
        </Stack>
      )}
      {isCreating && settings.data && (
        <Suspense>
          <EndpointForm
            settings={settings.data}
            close={() => setCreating(false)}
            created={(made) => {
              setCreating(false);
              setSecret(made);
            }}
          />
        </Suspense>
      )}
      {secret && <SecretOnce secret={secret} close={() => setSecret(null)} />}
    </WebhooksFrame>
  );
}
