import { PREFIX } from "@/api/client";

/** Where the command line looks for a server when it is not told. */
const USUAL = ["http://127.0.0.1:8400", "http://localhost:8400"];

/** A command for the server of this page: with its address, unless the command line looks there by itself. */
export function forThisServer(command: string, url = location.origin + PREFIX): string {
  return USUAL.includes(url) ? command : `${command} --url ${url}`;
}

/** A command that works on the server's folder, and must be told which unless it is the usual one. */
export function inItsFolder(command: string, folder: string | null | undefined): string {
  if (!folder || folder.endsWith("/.local/share/parola")) return command;
  return `${command} --data ${/^[\w./~-]+$/.test(folder) ? folder : `'${folder.replaceAll("'", "'\\''")}'`}`;
}
