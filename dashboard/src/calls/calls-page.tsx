export function CallsPage() {
  return <p>soon</p>;
}
