import { lazy } from "react";
import { Route, Routes } from "react-router";

import { NotFound } from "./shell/NotFound";
import { Shell } from "./shell/Shell";

const Home = lazy(() => import("./home"));
const Agents = lazy(() => import("./agents"));
const Talk = lazy(() => import("./talk"));
const Conversations = lazy(() => import("./conversations"));
const Live = lazy(() => import("./live"));
const Tools = lazy(() => import("./tools"));
const Knowledge = lazy(() => import("./knowledge"));
const Secrets = lazy(() => import("./secrets"));
const PhoneNumbers = lazy(() => import("./phone-numbers"));
const Webhooks = lazy(() => import("./webhooks"));
const Keys = lazy(() => import("./keys"));
const Settings = lazy(() => import("./settings"));
const Models = lazy(() => import("./models"));
const Tests = lazy(() => import("./tests"));

/** Every page by its address; the code of each is loaded when it is opened. */
export function App() {
  return (
    <Routes>
      <Route element={<Shell />}>
        <Route index element={<Home />} />
        <Route path="agents/*" element={<Agents />} />
        <Route path="talk/:agentId?" element={<Talk />} />
        <Route path="conversations/*" element={<Conversations />} />
        <Route path="live/*" element={<Live />} />
        <Route path="tools/*" element={<Tools />} />
        <Route path="knowledge/*" element={<Knowledge />} />
        <Route path="secrets/*" element={<Secrets />} />
        <Route path="phone-numbers/*" element={<PhoneNumbers />} />
        <Route path="webhooks/*" element={<Webhooks />} />
        <Route path="keys/*" element={<Keys />} />
        <Route path="settings/*" element={<Settings />} />
        <Route path="models/*" element={<Models />} />
        <Route path="tests/*" element={<Tests />} />
        <Route path="*" element={<NotFound />} />
      </Route>
    </Routes>
  );
}
