/** The way to the microphone, and the reasons why there may be none, each with what a person can do about it. */
import type { Problem } from '../problem.ts';
import { problemError } from '../problem.ts';

/** Asks for the microphone; rejects with the problem. */
export async function openMicrophone(): Promise<MediaStream> {
  if (!isSecureContext || !navigator.mediaDevices) throw problemError(INSECURE);
  try {
    return await navigator.mediaDevices.getUserMedia({
      audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true },
    });
  } catch (error) {
    throw problemError(
      TROUBLE[error instanceof DOMException ? error.name : ''] ?? { ...BUSY, message: 'The microphone could not be opened.' },
    );
  }
}

const trouble = (message: string, fix: string): Problem => ({ kind: 'refused', message, fix, faults: [] });

const INSECURE = trouble(
  'The browser gives the microphone to secure addresses only.',
  'Open the dashboard by https://, or on this machine by localhost or 127.0.0.1. Writing works here too.',
);
const DENIED = trouble(
  'The browser does not allow the microphone here.',
  'Allow it in the settings of this site, beside the address, and try again. Writing works without it.',
);
const MISSING = trouble('No microphone was found.', 'Connect one and try again, or talk in writing.');
const BUSY = trouble('The microphone is used by another program.', 'Close that program and try again.');

const TROUBLE: Readonly<Record<string, Problem>> = {
  NotAllowedError: DENIED,
  SecurityError: DENIED,
  NotFoundError: MISSING,
  OverconstrainedError: MISSING,
  NotReadableError: BUSY,
  AbortError: BUSY,
};
