/** The stereo recording as two waveforms, the caller's above the agent's. Click or arrow keys seek. Loaded only where there is one. */
import { type KeyboardEvent, type Ref, useEffect, useImperativeHandle, useRef } from 'react';
import WaveSurfer from 'wavesurfer.js';
import { useTheme } from '../theme.ts';

export interface WaveformHandle {
  play(mediaMs: number): void;
  toggle(): void;
}

interface WaveformProps {
  readonly ref: Ref<WaveformHandle>;
  readonly blob: Blob;
  readonly onPosition: (mediaMs: number, playing: boolean) => void;
  readonly onPlaying: (playing: boolean) => void;
}

const SKIP_SECONDS = 5;
const CHANNEL_HEIGHT = 56;

export function Waveform({ ref, blob, onPosition, onPlaying }: WaveformProps) {
  const box = useRef<HTMLDivElement>(null);
  const surfer = useRef<WaveSurfer | null>(null);
  const told = useRef({ onPosition, onPlaying });
  const theme = useTheme();
  useEffect(() => {
    told.current = { onPosition, onPlaying };
  }, [onPosition, onPlaying]);

  useEffect(() => {
    if (!box.current) return;
    const made = WaveSurfer.create({
      container: box.current,
      height: CHANNEL_HEIGHT,
      barWidth: 2,
      barGap: 1,
      barRadius: 1,
      cursorWidth: 0,
      barHeight: 0.9,
      normalize: false,
      hideScrollbar: true,
      splitChannels: channels(),
    });
    const position = () => {
      const seconds = made.getCurrentTime();
      told.current.onPosition(seconds * 1000, made.isPlaying());
      box.current?.setAttribute('aria-valuenow', seconds.toFixed(1));
    };
    made.on('timeupdate', position);
    made.on('seeking', position);
    made.on('ready', (seconds) => {
      box.current?.setAttribute('aria-valuemax', seconds.toFixed(1));
      box.current?.setAttribute('data-ready', 'true');
    });
    made.on('play', () => told.current.onPlaying(true));
    made.on('pause', () => told.current.onPlaying(false));
    surfer.current = made;
    // Leaving while it loads ends the loading.
    made.loadBlob(blob).catch(() => {});
    return () => {
      surfer.current = null;
      made.destroy();
    };
  }, [blob]);

  useEffect(() => {
    if (theme) surfer.current?.setOptions({ splitChannels: channels() });
  }, [theme]);

  useImperativeHandle(
    ref,
    () => ({
      play(mediaMs) {
        surfer.current?.setTime(mediaMs / 1000);
        void surfer.current?.play();
      },
      toggle: () => void surfer.current?.playPause(),
    }),
    [],
  );

  const seek = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowRight' ? SKIP_SECONDS : event.key === 'ArrowLeft' ? -SKIP_SECONDS : 0;
    if (event.key === ' ') void surfer.current?.playPause();
    else if (step !== 0) surfer.current?.skip(step);
    else return;
    event.preventDefault();
  };

  return (
    <div
      ref={box}
      role="slider"
      tabIndex={0}
      aria-label="Place in the recording, in seconds"
      aria-valuemin={0}
      aria-valuenow={0}
      onKeyDown={seek}
      className="h-28 cursor-pointer -outline-offset-2"
    />
  );
}

/** Played and unplayed parts look the same: the cursor says where it is. */
function channels() {
  const style = getComputedStyle(document.documentElement);
  return ['--caller', '--accent'].map((name) => {
    const colour = style.getPropertyValue(name);
    return { waveColor: colour, progressColor: colour };
  });
}
