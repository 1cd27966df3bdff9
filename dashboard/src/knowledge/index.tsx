import { Page } from "@/parts/Page";

export default function Place() {
  return <Page title="knowledge">{null}</Page>;
}
