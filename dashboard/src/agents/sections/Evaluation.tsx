export default function Evaluation() {
  return null;
}
