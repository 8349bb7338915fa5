/** The product's sign. */
export function Mark({ size = 26 }: { size?: number }) {
  return (
    <svg aria-hidden="true" width={size} height={size} viewBox="0 0 32 32" className="shrink-0">
      <rect width="32" height="32" rx="8" className="fill-accent" />
      <path d="M8 14v4M13 10v12M18 12.5v7M23 8v16" strokeWidth="2.6" strokeLinecap="round" className="stroke-on-accent" />
    </svg>
  );
}
