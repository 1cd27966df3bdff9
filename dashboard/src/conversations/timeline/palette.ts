/** Colours of the page for canvases, which know no CSS variables. */

import type { Palette } from "./draw";

const kept = new Map<string, Palette>();

/** In the scheme that holds now. */
export function palette(): Palette {
  const root = document.documentElement;
  const scheme = root.dataset["mantineColorScheme"] ?? "light";
  const known = kept.get(scheme);
  if (known) return known;
  const style = getComputedStyle(root);
  const read = (variable: string, otherwise: string) => style.getPropertyValue(variable).trim() || otherwise;
  const isDark = scheme === "dark";
  const colours = new Map<string, string>();
  const made: Palette = {
    of: (name) => {
      const found = colours.get(name) ?? read(`--mantine-color-${name}-${isDark ? 5 : 6}`, "#888888");
      colours.set(name, found);
      return found;
    },
    text: read("--mantine-color-text", isDark ? "#c9c9c9" : "#000000"),
    dimmed: read("--mantine-color-dimmed", "#868e96"),
    line: isDark ? "rgba(255,255,255,0.07)" : "rgba(0,0,0,0.06)",
    lane: isDark ? "rgba(255,255,255,0.035)" : "rgba(20,30,60,0.03)",
    body: read("--mantine-color-body", isDark ? "#242424" : "#ffffff"),
  };
  kept.set(scheme, made);
  return made;
}

/** A canvas as sharp as the screen; gives its context in CSS pixels. */
export function sharp(canvas: HTMLCanvasElement, width: number, height: number) {
  const ratio = window.devicePixelRatio || 1;
  const [wide, tall] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== wide) canvas.width = wide;
  if (canvas.height !== tall) canvas.height = tall;
  const context = canvas.getContext("2d");
  context?.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}
