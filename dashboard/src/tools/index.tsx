import { Page } from "@/parts/Page";

export default function Place() {
  return <Page title="Tools">{null}</Page>;
}
