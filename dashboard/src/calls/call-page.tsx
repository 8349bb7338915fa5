export function CallPage() {
  return <p>soon</p>;
}
