import { Anchor, SimpleGrid, Stack } from "@mantine/core";
import { IconBrain, IconEar, IconListSearch, IconSpeakerphone } from "@tabler/icons-react";
import type { Icon } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { Link } from "react-router";

import { type Kind, type ServerModels, useModels } from "@/api/models";
import { Failure } from "@/parts/Failure";
import { counted } from "@/parts/format";
import { Loading } from "@/parts/Loading";

import { Detectors } from "./Detectors";
import { KindCard } from "./KindCard";

interface Shown {
  kind: Kind;
  of: "language_models" | "speech_to_text" | "text_to_speech" | "embeddings";
  icon: Icon;
  title: string;
  lead: (models: ServerModels) => ReactNode;
}

/** In two columns; each begins with what every call needs. */
const COLUMNS: Shown[][] = [
  [
    {
      kind: "language_model",
      of: "language_models",
      icon: IconBrain,
      title: "Thinks",
      lead: ({ language_models: { providers } }) =>
        providers.every((provider) => provider.kind === "scripted") ? (
          <>
            No language model is configured: agents follow their script, or quote their prompt.{" "}
            <Anchor component={Link} to="/models?tab=add" inherit underline="always">
              Add a model
            </Anchor>
          </>
        ) : (
          "The language model: it decides what an agent says and does."
        ),
    },
    {
      kind: "embeddings",
      of: "embeddings",
      icon: IconListSearch,
      title: "Searches",
      lead: () => "Embeddings: they find the passages of the knowledge base that a question is about.",
    },
  ],
  [
    {
      kind: "speech_to_text",
      of: "speech_to_text",
      icon: IconEar,
      title: "Listens",
      lead: () => "Speech to text: it writes down what callers say.",
    },
    {
      kind: "text_to_speech",
      of: "text_to_speech",
      icon: IconSpeakerphone,
      title: "Speaks",
      lead: ({ text_to_speech: { voices } }) => `Text to speech, with ${counted(voices, "voice")}.`,
    },
  ],
];

/** What does each kind of work now, and how fast. */
export function InUse() {
  const { data, error, refetch } = useModels();
  if (error) return <Failure error={error} retry={() => void refetch()} />;
  if (!data) return <Loading rows={3} height={180} />;
  return (
    <Stack gap="md">
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md" style={{ alignItems: "start" }}>
        {COLUMNS.map((kinds) => (
          <Stack key={kinds[0]?.kind} gap="md" miw={0}>
            {kinds.map(({ kind, of, icon, title, lead }) => (
              <KindCard
                key={kind}
                kind={kind}
                icon={icon}
                title={title}
                lead={lead(data)}
                models={data[of]}
              />
            ))}
          </Stack>
        ))}
      </SimpleGrid>
      <Detectors models={data} />
    </Stack>
  );
}
