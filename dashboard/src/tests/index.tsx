import { Page } from "@/parts/Page";

export default function Place() {
  return <Page title="Tests">{null}</Page>;
}
