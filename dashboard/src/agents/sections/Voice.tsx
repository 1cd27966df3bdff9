export default function Voice() {
  return null;
}
