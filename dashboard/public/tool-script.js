/**
 * Runs what somebody wrote on the page Talk as the answer to a tool call. This worker has a policy of its own: it may
 * evaluate text, and it may load and send nothing. The page, which holds the API key, may not evaluate text at all.
 */
const AsyncFunction = (async () => {}).constructor;

const asText = (value) => (typeof value === "string" ? value : (JSON.stringify(value) ?? "Done."));

onmessage = async ({ data: { code, parameters } }) => {
  try {
    postMessage({ result: asText(await new AsyncFunction("parameters", code)(parameters)) });
  } catch (error) {
    postMessage({ error: error instanceof Error ? error.message : String(error) });
  }
};
