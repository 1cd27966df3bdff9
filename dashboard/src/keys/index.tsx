import { Page } from "@/parts/Page";

export default function Place() {
  return <Page title="Keys">{null}</Page>;
}
