/** How an app gets into a conversation with an agent of this server, by client. */

export interface Way {
  id: string;
  label: string;
  /** What works over it, in a sentence or two. */
  about: string;
  steps: { title: string; code: string }[];
}

export interface Where {
  /** The server: http(s)://…, without a slash at the end. */
  url: string;
  agentId: string;
  /** The agent asks for a signed URL or a key. */
  isPrivate: boolean;
  isTextOnly: boolean;
}

const SIGNED_URL_STEP = ({ url, agentId }: Where) => ({
  title: "In your backend: ask for a signed URL",
  code: `curl '${url}/v1/convai/conversation/get-signed-url?agent_id=${agentId}' \\
  -H "xi-api-key: $PAROLA_API_KEY"`,
});

/** What is typed is sent; an empty line ends the conversation. */
const WRITE = `while line := input():
    conversation.send_user_message(line)
conversation.end_session()`;

const sockets = (url: string) => url.replace(/^http/, "ws");

export function waysIn(where: Where): Way[] {
  const { url, agentId, isPrivate, isTextOnly } = where;
  const ws = sockets(url);
  const key = isPrivate ? 'os.environ["PAROLA_API_KEY"]' : '"any"';
  const voice = isTextOnly ? "None" : "DefaultAudioInterface()";
  return [
    {
      id: "python",
      label: "Python",
      about: "The official SDK, by voice (pcm_16000 both ways) and by text.",
      steps: [
        {
          title: "Install",
          code: isTextOnly ? "pip install elevenlabs" : 'pip install "elevenlabs[pyaudio]"',
        },
        {
          title: "Talk",
          code: `${isPrivate ? "import os\n\n" : ""}from elevenlabs.client import ElevenLabs
from elevenlabs.conversational_ai.conversation import Conversation
${isTextOnly ? "" : "from elevenlabs.conversational_ai.default_audio_interface import DefaultAudioInterface\n"}
conversation = Conversation(
    ElevenLabs(base_url="${url}", api_key=${key}),
    "${agentId}",
    requires_auth=${isPrivate ? "True" : "False"},
    audio_interface=${voice},
    callback_agent_response=lambda text: print("agent:", text),
    callback_user_transcript=lambda text: print("user: ", text),
)
conversation.start_session()
${isTextOnly ? WRITE : "conversation.wait_for_session_end()"}`,
        },
      ],
    },
    {
      id: "javascript",
      label: "JavaScript",
      about: "The official client in a browser, by voice and by text; under Node 22 by text.",
      steps: [
        { title: "Install", code: "npm install @elevenlabs/client" },
        ...(isPrivate ? [SIGNED_URL_STEP(where)] : []),
        {
          title: "Talk",
          code: `import { Conversation } from "@elevenlabs/client";

const conversation = await Conversation.startSession({
  ${isPrivate ? "signedUrl, // from your backend" : `agentId: "${agentId}",`}
  origin: "${ws}",
  connectionType: "websocket",${isTextOnly ? "\n  textOnly: true," : ""}
  onMessage: ({ role, message }) => console.log(role, message),
  onDisconnect: details => console.log("ended", details.reason),
});`,
        },
      ],
    },
    {
      id: "react",
      label: "React",
      about:
        "@elevenlabs/react takes no address of a server: give it a signed URL. Feedback and uploads of the client go to the hosted platform.",
      steps: [
        { title: "Install", code: "npm install @elevenlabs/react" },
        SIGNED_URL_STEP(where),
        {
          title: "Talk",
          code: `import { ConversationProvider, useConversation } from "@elevenlabs/react";

function Call() {
  const { startSession, endSession, status } = useConversation();
  const call = async () => {
    const { signed_url: signedUrl } = await (await fetch("/your-backend/signed-url")).json();
    startSession({ signedUrl });
  };
  return status === "connected"
    ? <button onClick={() => endSession()}>Hang up</button>
    : <button onClick={call}>Call</button>;
}

export const App = () => <ConversationProvider><Call /></ConversationProvider>;`,
        },
      ],
    },
    {
      id: "widget",
      label: "Widget",
      about:
        "The element <elevenlabs-convai> of your page. Its looks come from this server, its conversation too; feedback and uploads go to the hosted platform.",
      steps: [
        {
          title: isPrivate ? "In the page, with a signed URL from your backend" : "In the page",
          code: `<script src="https://unpkg.com/@elevenlabs/convai-widget-embed" async></script>
<script type="module">
  const answer = await fetch("${url}/v1/convai/agents/${agentId}/widget");
  const widget = document.createElement("elevenlabs-convai");
  widget.setAttribute("agent-id", "${agentId}");
  widget.setAttribute("override-config", JSON.stringify((await answer.json()).widget_config));
${isPrivate ? '  widget.setAttribute("signed-url", signedUrl);\n' : ""}  widget.addEventListener("elevenlabs-convai:call", event => {
    event.detail.config.origin = "${ws}";
    event.detail.config.connectionType = "websocket";
  });
  document.body.append(widget);
</script>`,
        },
      ],
    },
    {
      id: "node",
      label: "Node",
      about: "The official package; its conversations always ask for a signed URL.",
      steps: [
        { title: "Install", code: "npm install @elevenlabs/elevenlabs-js" },
        {
          title: "Talk",
          code: `import { ElevenLabsClient } from "@elevenlabs/elevenlabs-js";

const client = new ElevenLabsClient({
  baseUrl: "${url}",
  apiKey: ${isPrivate ? "process.env.PAROLA_API_KEY" : 'process.env.PAROLA_API_KEY ?? "any"'},
});
const { signedUrl } = await client.conversationalAi.conversations.getSignedUrl({ agentId: "${agentId}" });
// In a Conversation of this package: agentId: "${agentId}", requiresAuth: true`,
        },
      ],
    },
    {
      id: "mobile",
      label: "Swift, Android",
      about: "Text conversations by signed URL. Voice needs WebRTC, which this server does not speak.",
      steps: [SIGNED_URL_STEP(where)],
    },
    {
      id: "cli",
      label: "Command line",
      about: "Talk from a terminal, or keep agents in files and push them with the official command line.",
      steps: [
        {
          title: "Talk",
          code: `parola chat ${agentId} --url ${url}
parola call ${agentId} --url ${url} --in examples/question.wav --out answer.wav`,
        },
        { title: "As a file", code: `parola agents pull ${agentId} my-agent.json --url ${url}` },
        {
          title: "With the official command line",
          code: `export ELEVENLABS_BASE_URL=${url} ELEVENLABS_API_KEY=\${PAROLA_API_KEY:-any}
elevenlabs agents init && elevenlabs agents pull`,
        },
      ],
    },
    {
      id: "socket",
      label: "WebSocket",
      about: "The protocol itself: JSON messages over one socket. It is described at /asyncapi.json.",
      steps: [
        ...(isPrivate ? [SIGNED_URL_STEP(where)] : []),
        {
          title: "Open the socket",
          code: isPrivate
            ? `npx wscat -c "$SIGNED_URL"`
            : `npx wscat -c '${ws}/v1/convai/conversation?agent_id=${agentId}'`,
        },
        {
          title: "Begin, and say something",
          code: `{"type": "conversation_initiation_client_data", "conversation_config_override": {"conversation": {"text_only": true}}}
{"type": "user_message", "text": "Hello"}`,
        },
        {
          title: "The agent over REST",
          code: `curl '${url}/v1/convai/agents/${agentId}' -H "xi-api-key: $PAROLA_API_KEY"`,
        },
      ],
    },
  ];
}
