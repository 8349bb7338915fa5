/** Patterns that users write are RE2, which is linear in the text: can one of them run at all? */
import { RE2JS } from 're2js';

export const NOT_A_PATTERN = 'is not a pattern of RE2 (no look-around, no back references)';

export function compiles(pattern: string): boolean {
  try {
    RE2JS.compile(pattern);
    return true;
  } catch {
    return false;
  }
}
