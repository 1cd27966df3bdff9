import type { FrameLog } from "./FrameLog";

export interface Tap {
  /** Send a message of our own over the client's socket, as the client itself would. */
  send: (message: Record<string, unknown>) => void;
  /** The page's `WebSocket` is again what it was. */
  remove: () => void;
}

/**
 * Writes down what goes over the next socket that is opened to `url`: the client opens its socket by itself, so the
 * page's `WebSocket` is replaced until it has. Other sockets are left alone.
 */
export function tap(url: string, log: FrameLog): Tap {
  const Plain = globalThis.WebSocket;
  let tapped: WebSocket | null = null;

  class Tapped extends Plain {
    private readonly isTapped: boolean;

    constructor(address: string | URL, protocols?: string | string[]) {
      super(address, protocols);
      this.isTapped = String(address).startsWith(url);
      if (!this.isTapped) return;
      remove();
      found(this);
      const shown = new URL(address);
      if (shown.searchParams.has("conversation_signature"))
        shown.searchParams.set("conversation_signature", "…");
      this.addEventListener("open", () =>
        log.note("open", { url: decodeURI(shown.href), protocol: this.protocol }),
      );
      this.addEventListener("message", ({ data }) => log.add("in", String(data)));
      this.addEventListener("close", ({ code, reason, wasClean }) =>
        log.note("close", { code, reason, wasClean }),
      );
    }

    override send(data: string | ArrayBufferLike | Blob | ArrayBufferView): void {
      if (this.isTapped) log.add("out", String(data));
      super.send(data as string);
    }
  }

  function found(socket: WebSocket) {
    tapped = socket;
  }

  function remove() {
    if (globalThis.WebSocket === Tapped) globalThis.WebSocket = Plain;
  }

  globalThis.WebSocket = Tapped;
  return {
    send: (message) => {
      if (tapped?.readyState === Plain.OPEN) tapped.send(JSON.stringify(message));
    },
    remove,
  };
}
