export default function Workflow() {
  return null;
}
