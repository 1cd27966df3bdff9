import {
  IconBook2,
  IconBroadcast,
  IconCpu,
  IconHome,
  IconKey,
  IconLock,
  IconMessages,
  IconMicrophone,
  IconPhone,
  IconRobot,
  IconSettings,
  IconTestPipe,
  IconTool,
  IconWebhook,
} from "@tabler/icons-react";
import type { Icon } from "@tabler/icons-react";

interface Place {
  to: string;
  label: string;
  icon: Icon;
  /** Not in this version: the page says what there is instead. */
  isLater?: boolean;
}

/** What the navigation shows, in its groups. */
export const PLACES: { group: string; places: Place[] }[] = [
  {
    group: "Work",
    places: [
      { to: "/", label: "Home", icon: IconHome },
      { to: "/agents", label: "Agents", icon: IconRobot },
      { to: "/talk", label: "Talk", icon: IconMicrophone },
      { to: "/conversations", label: "Conversations", icon: IconMessages },
      { to: "/live", label: "Live", icon: IconBroadcast },
    ],
  },
  {
    group: "Build",
    places: [
      { to: "/tools", label: "Tools", icon: IconTool },
      { to: "/knowledge", label: "Knowledge base", icon: IconBook2 },
      { to: "/secrets", label: "Secrets", icon: IconLock },
      { to: "/tests", label: "Tests", icon: IconTestPipe, isLater: true },
    ],
  },
  {
    group: "Operate",
    places: [
      { to: "/webhooks", label: "Webhooks", icon: IconWebhook },
      { to: "/phone-numbers", label: "Phone numbers", icon: IconPhone, isLater: true },
      { to: "/models", label: "Models", icon: IconCpu },
      { to: "/keys", label: "Keys and members", icon: IconKey },
      { to: "/settings", label: "Settings", icon: IconSettings },
    ],
  },
];
