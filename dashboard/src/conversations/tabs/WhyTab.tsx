import { Grid, Paper, Text, Title, UnstyledButton } from "@mantine/core";
import { useNavigate } from "react-router";

import { type ConversationRecord, isRunning, useStory } from "@/api/conversations";
import { Command } from "@/parts/Command";
import { Failure } from "@/parts/Failure";
import { Loading } from "@/parts/Loading";
import { forThisServer } from "@/parts/here";

import { momentsOf, turnAt } from "../timeline/answers";
import { momentText } from "../timeline/view";
import classes from "./tabs.module.css";

/** Why it went as it did and ended as it ended, in sentences and moments. */
export default function WhyTab({ record }: { record: ConversationRecord }) {
  const story = useStory(record.conversation_id, isRunning(record.status));
  const navigate = useNavigate();
  if (!story.data)
    return story.error ? (
      <Failure error={story.error} retry={() => void story.refetch()} />
    ) : (
      <Loading rows={8} height={24} />
    );
  const moments = momentsOf(record.transcript);
  const show = (at: number) => void navigate(`?turn=${Math.max(0, turnAt(moments, at + 0.001))}`);
  return (
    <Grid gap="md">
      <Grid.Col span={{ base: 12, lg: 6 }}>
        <Paper p="lg">
          <Title order={2} fz="h4" mb="sm">
            The story
          </Title>
          <ul className={classes["story"]}>
            {story.data.story.map((sentence, index) => (
              <li key={`${index}${sentence}`}>{sentence.trim()}</li>
            ))}
          </ul>
          <Text size="sm" c="dimmed" mt="lg" mb={6}>
            The same in a terminal:
          </Text>
          <Command text={forThisServer(`parola why ${record.conversation_id}`)} label="Copy the command" />
        </Paper>
      </Grid.Col>
      <Grid.Col span={{ base: 12, lg: 6 }}>
        <Paper p="lg">
          <Title order={2} fz="h4" mb="sm">
            What happened when
          </Title>
          <div
            style={{ maxHeight: "70dvh", overflowY: "auto" }}
            tabIndex={0}
            role="region"
            aria-label="What happened when"
          >
            {story.data.timeline.map((moment, index) => (
              <UnstyledButton
                key={`${index}${moment.event}`}
                className={classes["moment"]}
                onClick={() => show(moment.at_secs)}
              >
                <Text span inherit c="dimmed" className="numbers">
                  {momentText(moment.at_secs, 2)}
                </Text>
                <Text span inherit fw={600}>
                  {moment.event}
                </Text>
                <Text span inherit style={{ overflowWrap: "anywhere" }}>
                  {moment.words}
                </Text>
              </UnstyledButton>
            ))}
          </div>
        </Paper>
      </Grid.Col>
    </Grid>
  );
}
