export default function Languages() {
  return null;
}
