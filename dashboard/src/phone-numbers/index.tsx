import { Page } from "@/parts/Page";

export default function Place() {
  return <Page title="Phone numbers">{null}</Page>;
}
