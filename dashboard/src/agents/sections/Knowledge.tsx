export default function Knowledge() {
  return null;
}
