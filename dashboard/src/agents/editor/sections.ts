import {
  IconAdjustments,
  IconArrowsSplit2,
  IconBook2,
  IconBraces,
  IconCpu,
  IconFileDiff,
  IconHistory,
  IconInfoCircle,
  IconLanguage,
  IconListCheck,
  IconLock,
  IconPlugConnected,
  IconShieldLock,
  IconTool,
  IconUserCog,
  IconVolume,
  IconWaveSine,
  IconAppWindow,
  type Icon,
} from "@tabler/icons-react";

import { isWithin } from "./document";

export interface SectionInfo {
  id: string;
  label: string;
  icon: Icon;
  /** What of the document is shown there. */
  paths: string[];
}

const AGENT = "conversation_config.agent";
const PROMPT = `${AGENT}.prompt`;
const PLATFORM = "platform_settings";

/** The side index of the editor: settings, then ways to look at the agent as a whole. */
export const SECTIONS: { group: string; sections: SectionInfo[] }[] = [
  {
    group: "Agent",
    sections: [
      {
        id: "basics",
        label: "Basics",
        icon: IconInfoCircle,
        paths: [
          "name",
          "tags",
          `${AGENT}.first_message`,
          `${AGENT}.disable_first_message_interruptions`,
          `${AGENT}.language`,
          `${AGENT}.dynamic_variables`,
          `${PROMPT}.prompt`,
          `${PROMPT}.timezone`,
          "conversation_config.conversation.text_only",
        ],
      },
      { id: "voice", label: "Voice", icon: IconVolume, paths: ["conversation_config.tts"] },
      {
        id: "model",
        label: "Model",
        icon: IconCpu,
        paths: [
          `${PROMPT}.llm`,
          `${PROMPT}.temperature`,
          `${PROMPT}.max_tokens`,
          `${PROMPT}.reasoning_effort`,
          `${PROMPT}.enable_reasoning_summary`,
          `${PROMPT}.custom_llm`,
          `${PROMPT}.backup_llm_config`,
          `${PROMPT}.cascade_timeout_seconds`,
          `${PROMPT}.x_script`,
        ],
      },
      {
        id: "turn-taking",
        label: "Turn-taking",
        icon: IconWaveSine,
        paths: ["conversation_config.turn", "conversation_config.vad"],
      },
      {
        id: "tools",
        label: "Tools",
        icon: IconTool,
        paths: [
          `${PROMPT}.tool_ids`,
          `${PROMPT}.tools`,
          `${PROMPT}.built_in_tools`,
          `${PROMPT}.mcp_server_ids`,
        ],
      },
      {
        id: "knowledge",
        label: "Knowledge",
        icon: IconBook2,
        paths: [
          `${PROMPT}.knowledge_base`,
          `${PROMPT}.rag`,
          "conversation_config.conversation.source_attribution",
        ],
      },
      {
        id: "languages",
        label: "Languages",
        icon: IconLanguage,
        paths: ["conversation_config.language_presets"],
      },
      {
        id: "personalisation",
        label: "Personalisation",
        icon: IconUserCog,
        paths: [
          `${PLATFORM}.overrides`,
          `${PLATFORM}.x_missing_variable_policy`,
          `${PLATFORM}.x_override_policy`,
        ],
      },
      { id: "workflow", label: "Workflow", icon: IconArrowsSplit2, paths: ["workflow"] },
    ],
  },
  {
    group: "Rules",
    sections: [
      {
        id: "security",
        label: "Security",
        icon: IconShieldLock,
        paths: [
          `${PLATFORM}.auth`,
          `${PLATFORM}.call_limits`,
          `${PLATFORM}.queueing_config`,
          `${PLATFORM}.guardrails`,
        ],
      },
      { id: "privacy", label: "Privacy", icon: IconLock, paths: [`${PLATFORM}.privacy`] },
      {
        id: "evaluation",
        label: "Evaluation",
        icon: IconListCheck,
        paths: [
          `${PLATFORM}.evaluation`,
          `${PLATFORM}.data_collection`,
          `${PLATFORM}.analysis_llm`,
          `${PLATFORM}.summary_language`,
        ],
      },
      { id: "widget", label: "Widget", icon: IconAppWindow, paths: [`${PLATFORM}.widget`] },
      {
        id: "advanced",
        label: "Advanced",
        icon: IconAdjustments,
        paths: [
          "conversation_config.asr",
          "conversation_config.conversation",
          `${AGENT}.max_conversation_duration_message`,
          `${PLATFORM}.archived`,
        ],
      },
    ],
  },
  {
    group: "As a whole",
    sections: [
      { id: "connect", label: "Connect", icon: IconPlugConnected, paths: [] },
      { id: "json", label: "JSON", icon: IconBraces, paths: [""] },
      { id: "changes", label: "Unsaved changes", icon: IconFileDiff, paths: [] },
      { id: "versions", label: "Versions", icon: IconHistory, paths: [] },
    ],
  },
];

const ALL = SECTIONS.flatMap(({ sections }) => sections);

export const sectionOf = (id: string | null) => ALL.find((section) => section.id === id) ?? ALL[0];

/** Where a path of the document is shown: the section that names the most of it; what none shows is in the JSON. */
export function sectionShowing(path: string): string {
  let best = { id: "json", length: -1 };
  for (const { id, paths } of ALL) {
    for (const one of paths) {
      if (one && isWithin(path, one) && one.length > best.length) best = { id, length: one.length };
    }
  }
  return best.id;
}
