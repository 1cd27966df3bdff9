import { Modal, SimpleGrid, Text, ThemeIcon, UnstyledButton } from "@mantine/core";
import { useNavigate } from "react-router";

import { useAgentActions } from "@/api/agents";
import { failed } from "@/parts/notices";

import classes from "./NewAgent.module.css";
import type { Template } from "./template";
import { TEMPLATES } from "./templates";

/** Choose what a new agent begins as; it is created and opened. */
export default function NewAgent({ close }: { close: () => void }) {
  const { create } = useAgentActions();
  const navigate = useNavigate();
  const begin = (template: Template) =>
    create.mutate(template.document, {
      onSuccess: ({ agent_id }) => void navigate(`/agents/${agent_id}`),
      onError: (error) => failed(error),
    });
  return (
    <Modal opened onClose={close} title="New agent" size="xl">
      <Text c="dimmed" size="sm" mb="md">
        Everything can be changed afterwards.
      </Text>
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm">
        {TEMPLATES.map((template) => {
          const Symbol = template.icon;
          return (
            <UnstyledButton
              key={template.id}
              className={classes.template}
              disabled={create.isPending}
              onClick={() => begin(template)}
            >
              <ThemeIcon variant="light" size={36} radius="md">
                <Symbol size={20} stroke={1.7} />
              </ThemeIcon>
              <span>
                <Text fw={600} component="span" display="block">
                  {template.name}
                </Text>
                <Text size="sm" c="dimmed" component="span" display="block">
                  {template.about}
                </Text>
              </span>
            </UnstyledButton>
          );
        })}
      </SimpleGrid>
    </Modal>
  );
}
