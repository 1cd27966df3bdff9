export default function TurnTaking() {
  return null;
}
