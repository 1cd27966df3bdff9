import { BLANK } from "./blank";
import { OTHERS } from "./others";
import { SERVICE } from "./service";

/** What a new agent can begin as. Each is complete: it can be called as soon as it is created. */
export const TEMPLATES = [...BLANK, ...SERVICE, ...OTHERS];
