export default function Advanced() {
  return null;
}
