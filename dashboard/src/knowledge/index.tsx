import { Page } from "@/parts/Page";

export default function Place() {
  return <Page title="Knowledge">{null}</Page>;
}
