/** How every page talks to the server: the public REST API, with the visitor's key if the server asks for one. */

/** What stands before every path of this server: "" or the prefix of a proxy. */
export const PREFIX = new URL(document.baseURI).pathname.replace(/\/dashboard\/.*$/, "");

const KEY_NAME = "parola-api-key";

/** What the server refused or could not do, as a sentence; `status` is 0 when it was not reached at all. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly code?: string,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

let key = sessionStorage.getItem(KEY_NAME) ?? localStorage.getItem(KEY_NAME) ?? "";
const watchers = new Set<() => void>();

/** The API key in use, "" without one. */
export const apiKey = () => key;

/** Whether the browser keeps the key when it is closed. */
export const isKeyRemembered = () => localStorage.getItem(KEY_NAME) !== null;

/** Use this key from now on; with `remember`, after the browser is closed too. */
export function setApiKey(value: string, remember: boolean): void {
  key = value;
  sessionStorage.removeItem(KEY_NAME);
  localStorage.removeItem(KEY_NAME);
  if (value) (remember ? localStorage : sessionStorage).setItem(KEY_NAME, value);
  for (const watcher of watchers) watcher();
}

/** Be told when the key changes; gives what ends that. */
export function watchApiKey(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

const refusalWatchers = new Set<() => void>();

/** Be told when the server refuses a request for want of a key that it accepts; gives what ends that. */
export function watchRefusals(watcher: () => void): () => void {
  refusalWatchers.add(watcher);
  return () => refusalWatchers.delete(watcher);
}

export type Query = Record<string, string | number | boolean | null | undefined | (string | number)[]>;

/** The address of a path of the server with its query; what is undefined, null or "" is left out, lists repeat their name. */
export function address(path: string, query: Query = {}): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null && one !== "") given.append(name, String(one));
    }
  }
  const text = given.toString();
  return PREFIX + (text ? `${path}?${text}` : path);
}

export interface Options {
  query?: Query;
  signal?: AbortSignal;
  headers?: Record<string, string>;
}

/** One request; throws `ApiError`. A `FormData` body goes as it is, anything else as JSON. */
export async function request(
  method: string,
  path: string,
  body?: unknown,
  options: Options = {},
): Promise<Response> {
  const headers: Record<string, string> = { ...options.headers };
  if (key) headers["xi-api-key"] = key;
  let sent: BodyInit | undefined;
  if (body instanceof FormData) sent = body;
  else if (body !== undefined) {
    sent = JSON.stringify(body);
    headers["content-type"] = "application/json";
  }
  let response: Response;
  try {
    response = await fetch(address(path, options.query), {
      method,
      headers,
      body: sent,
      signal: options.signal,
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError("The server does not answer. Is `parola serve` still running?", 0);
  }
  if (response.status === 401) for (const watcher of refusalWatchers) watcher();
  if (!response.ok) throw await refusal(response);
  return response;
}

async function json<T>(method: string, path: string, body?: unknown, options?: Options): Promise<T> {
  const text = await (await request(method, path, body, options)).text();
  return (text ? JSON.parse(text) : {}) as T;
}

export const api = {
  get: <T>(path: string, query?: Query, signal?: AbortSignal) =>
    json<T>("GET", path, undefined, { query, signal }),
  post: <T>(path: string, body?: unknown, query?: Query) => json<T>("POST", path, body, { query }),
  patch: <T>(path: string, body?: unknown, query?: Query) => json<T>("PATCH", path, body, { query }),
  delete: <T>(path: string, query?: Query, body?: unknown) => json<T>("DELETE", path, body, { query }),
  /** A file: sound, an export. */
  blob: async (path: string, query?: Query, signal?: AbortSignal) =>
    (await request("GET", path, undefined, { query, signal })).blob(),
};

interface Detail {
  message?: string;
  status?: string;
  code?: string;
  msg?: string;
  loc?: (string | number)[];
}

async function refusal(response: Response): Promise<ApiError> {
  const text = await response.text();
  let detail: Detail | Detail[] | string | undefined;
  try {
    detail = (JSON.parse(text) as { detail?: Detail | Detail[] | string }).detail;
  } catch {
    detail = text.slice(0, 300);
  }
  if (Array.isArray(detail)) {
    const told = detail.map((one) =>
      `${(one.loc ?? []).slice(1).join(".")}: ${one.msg ?? ""}`.replace(/^: /, ""),
    );
    return new ApiError(told.join("\n") || response.statusText, response.status);
  }
  if (typeof detail === "string") return new ApiError(detail || response.statusText, response.status);
  return new ApiError(
    detail?.message ?? response.statusText,
    response.status,
    detail?.status ?? detail?.code,
  );
}

/** The address of a socket of the same server. Browsers cannot send headers with one: the key goes as a subprotocol. */
export function openSocket(path: string, query: Query = {}): WebSocket {
  const url = new URL(address(path, query), location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return new WebSocket(url, key ? ["convai", `bearer.${key}`] : ["convai"]);
}
