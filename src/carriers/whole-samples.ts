/** Audio of a peer that cuts its bytes anywhere: half a sample waits for its other half, so that whole samples go on and nothing is lost. */

/** Gives `take` whole samples of `sampleBytes`. The bytes are valid only during the call; nothing is copied unless half a sample waited. */
export function wholeSamples(sampleBytes: 1 | 2, take: (bytes: Uint8Array) => void): (bytes: Uint8Array) => void {
  if (sampleBytes === 1) return take;
  let joined = new Uint8Array(0);
  let half = -1;
  return (bytes) => {
    if (half < 0 && bytes.length % 2 === 0) return bytes.length > 0 ? take(bytes) : undefined;
    let whole = bytes;
    let total = bytes.length;
    if (half >= 0) {
      total += 1;
      if (joined.length < total) joined = new Uint8Array(total);
      joined[0] = half;
      joined.set(bytes, 1);
      whole = joined;
    }
    half = total % 2 === 0 ? -1 : (whole[total - 1] ?? 0);
    if (total > 1) take(whole.subarray(0, total - (total % 2)));
  };
}
