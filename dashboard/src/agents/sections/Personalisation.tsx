export default function Personalisation() {
  return null;
}
