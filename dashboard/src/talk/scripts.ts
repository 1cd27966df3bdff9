import { PREFIX } from "@/api/client";

export interface Answer {
  result: string;
  isError: boolean;
}

/** What a script for a new tool begins with. */
export const FIRST_SCRIPT = `// What you return is the answer; what you throw is the error.
return "Done: " + JSON.stringify(parameters);
`;

const PATIENCE_SECONDS = 30;

/**
 * The answer that a script gives to a tool call: `code` is the body of a function of `parameters`, which may await.
 * It runs in a worker that can evaluate text but load and send nothing, and that is ended when it takes too long.
 */
export function runScript(
  code: string,
  parameters: unknown,
  timeoutSeconds = PATIENCE_SECONDS,
): Promise<Answer> {
  return new Promise((resolve) => {
    const worker = new Worker(`${PREFIX}/dashboard/tool-script.js`);
    const end = (result: string, isError: boolean) => {
      clearTimeout(timer);
      worker.terminate();
      resolve({ result, isError });
    };
    const timer = setTimeout(
      () => end(`The script did not answer within ${timeoutSeconds} s.`, true),
      timeoutSeconds * 1000,
    );
    worker.onmessage = ({ data }: MessageEvent<{ result?: string; error?: string }>) =>
      end(data.error ?? data.result ?? "", data.error !== undefined);
    worker.onerror = () => end("The script could not be run.", true);
    worker.postMessage({ code, parameters });
  });
}
