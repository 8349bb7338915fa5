/** What can be done to a live call from outside: by the control API, a client on its own socket, a supervisor. */
export type ControlCommand =
  | { type: 'say'; text: string; endAfter: boolean; interruptible: boolean; interrupt: boolean }
  | { type: 'add-message'; role: 'system' | 'user' | 'assistant' | 'tool'; text: string; respond: boolean }
  | { type: 'mute'; who: 'agent' | 'caller'; on: boolean }
  | { type: 'say-first-message' }
  | { type: 'end' }
  /** The caller typed this. */
  | { type: 'type'; text: string };
