import { Page } from "@/parts/Page";

export default function Place() {
  return <Page title="Live">{null}</Page>;
}
