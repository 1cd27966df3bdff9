import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from "@mantine/core";

const ink: MantineColorsTuple = [
  "#eef1ff",
  "#dbe1fd",
  "#b5c0f5",
  "#8c9def",
  "#6a7fe9",
  "#556ce5",
  "#4c5fd5",
  "#3c4ebb",
  "#3344a7",
  "#273893",
];

const dark: MantineColorsTuple = [
  "#d3d6dd",
  "#b9bdc7",
  "#939aa6",
  "#6b717d",
  "#4a4f5a",
  "#353a43",
  "#272b33",
  "#1d2027",
  "#16181d",
  "#101216",
];

/** One accent, system type, generous rounding; every colour pair is readable in both schemes. */
export const theme = createTheme({
  colors: { ink, dark },
  primaryColor: "ink",
  primaryShade: { light: 6, dark: 5 },
  autoContrast: true,
  luminanceThreshold: 0.35,
  defaultRadius: "md",
  cursorType: "pointer",
  respectReducedMotion: true,
  fontFamily: "ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif",
  fontFamilyMonospace: "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace",
  headings: { fontWeight: "650" },
  components: {
    Badge: { defaultProps: { tt: "none" } },
    Tooltip: { defaultProps: { withArrow: true, openDelay: 300 } },
    // The heading of a dialog is no banner of the page.
    Modal: {
      defaultProps: {
        centered: true,
        closeButtonProps: { "aria-label": "Close" },
        attributes: { header: { role: "none" } },
      },
    },
    Drawer: {
      defaultProps: {
        closeButtonProps: { "aria-label": "Close" },
        attributes: { header: { role: "none" } },
      },
    },
    Notification: {
      defaultProps: { closeButtonProps: { "aria-label": "Close" } },
      styles: { description: { color: "var(--mantine-color-dimmed)" } },
    },
    Paper: { defaultProps: { withBorder: true, radius: 12 } },
    Table: { defaultProps: { verticalSpacing: "sm", highlightOnHover: true } },
  },
});

/** Where Mantine's own greys and reds are too faint to be read by everybody. */
export const readable: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--mantine-color-dimmed": "#5a626b",
    "--mantine-color-placeholder": "#69717a",
    "--mantine-color-error": "#c92a2a",
    "--mantine-color-anchor": "#3c4ebb",
    "--mantine-color-teal-light-color": "#05583f",
    "--mantine-color-green-light-color": "#1d5c2a",
    "--mantine-color-cyan-light-color": "#0a5160",
    "--mantine-color-yellow-light-color": "#7a4300",
    "--mantine-color-orange-light-color": "#8f3506",
    "--mantine-color-red-light-color": "#a61e1e",
    "--mantine-color-pink-light-color": "#8c1c48",
    "--mantine-color-gray-light-color": "#343a40",
  },
  dark: {
    "--mantine-color-dimmed": "#a9aeb6",
    "--mantine-color-placeholder": "#9aa0a8",
    "--mantine-color-error": "#ff8787",
    "--mantine-color-anchor": "#b5c0f5",
  },
});
