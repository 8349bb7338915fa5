/**
 * The call on a time axis: the recording's two channels, and under them who spoke, thought and worked when. Without a recording (in
 * writing, or still live) the lanes stand alone.
 */
import { useQuery } from '@tanstack/react-query';
import { Download, Pause, Play, ZoomIn, ZoomOut } from 'lucide-react';
import { lazy, type Ref, Suspense, useCallback, useImperativeHandle, useMemo, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import type { CallEvent } from '../../../src/call/events.ts';
import { placeOf } from '../format.ts';
import { problemOf } from '../problem.ts';
import { recordingQuery } from '../queries.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { Card, Skeleton } from '../ui/page.tsx';
import { LaneRows, Ruler } from './lane-rows.tsx';
import { lanesOf } from './lanes.ts';
import type { WaveformHandle } from './waveform.tsx';

const Waveform = lazy(() => import('./waveform.tsx').then((module) => ({ default: module.Waveform })));

export interface AudioTrackHandle {
  /** Plays from a place in media time. */
  play(mediaMs: number): void;
}

interface AudioTrackProps {
  readonly ref: Ref<AudioTrackHandle>;
  readonly call: string;
  readonly events: readonly CallEvent[];
  readonly recorded: boolean;
  readonly onPosition: (mediaMs: number, playing: boolean) => void;
}

const MOST_ZOOM = 16;

export function AudioTrack({ ref, call, events, recorded, onPosition }: AudioTrackProps) {
  const lanes = useMemo(() => lanesOf(events), [events]);
  const recording = useQuery({ ...recordingQuery(call), enabled: recorded });
  const stored = events.findLast((event) => event.type === 'recording.stored');
  const recordedMs = stored?.durationMs ?? 0;
  const totalMs = Math.max(1_000, lanes.endAt, lanes.mediaAt + recordedMs);
  const waveform = useRef<WaveformHandle>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const cursor = useRef<HTMLDivElement>(null);
  const clock = useRef<HTMLSpanElement>(null);
  const [playing, setPlaying] = useState(false);
  const [zoom, setZoom] = useState(1);
  useImperativeHandle(ref, () => ({ play: (mediaMs) => waveform.current?.play(mediaMs) }), []);

  /** Many times a second while it plays, so it moves the cursor without rendering. */
  const moved = useCallback(
    (mediaMs: number, isPlaying: boolean) => {
      const at = lanes.mediaAt + mediaMs;
      if (cursor.current) cursor.current.style.left = `${(at / totalMs) * 100}%`;
      if (clock.current) clock.current.textContent = placeOf(at);
      if (isPlaying) keepInSight(scroller.current, at / totalMs);
      onPosition(mediaMs, isPlaying);
    },
    [lanes.mediaAt, totalMs, onPosition],
  );
  const zoomTo = (next: number) => {
    flushSync(() => setZoom(next));
    centre(scroller.current, cursor.current);
  };

  return (
    <Card
      title="Timeline"
      aside={
        <div className="flex items-center gap-1">
          {recorded && (
            <>
              <span className="mr-1 text-[13px] text-muted">
                <span ref={clock}>{placeOf(lanes.mediaAt)}</span> / {placeOf(totalMs)}
              </span>
              <Button
                look="primary"
                disabled={!recording.data}
                aria-label={playing ? 'Pause' : 'Play'}
                onClick={() => waveform.current?.toggle()}
              >
                {playing ? <Pause size={17} aria-hidden /> : <Play size={17} aria-hidden />}
                <span className="hidden sm:inline">{playing ? 'Pause' : 'Play'}</span>
              </Button>
              <IconButton
                label="Download the recording"
                disabled={!recording.data}
                onClick={() => recording.data && download(recording.data, `${call}.wav`)}
              >
                <Download size={18} aria-hidden />
              </IconButton>
            </>
          )}
          <IconButton label="Zoom out" disabled={zoom === 1} onClick={() => zoomTo(zoom / 2)}>
            <ZoomOut size={18} aria-hidden />
          </IconButton>
          <IconButton label="Zoom in" disabled={zoom === MOST_ZOOM} onClick={() => zoomTo(zoom * 2)}>
            <ZoomIn size={18} aria-hidden />
          </IconButton>
        </div>
      }
    >
      <div className="grid grid-cols-[3.5rem_minmax(0,1fr)] text-[13px] text-muted">
        <div aria-hidden className="flex flex-col">
          {recorded && (
            <>
              <span className="flex h-14 items-center">Caller</span>
              <span className="flex h-14 items-center">Agent</span>
            </>
          )}
          <span className="mt-2 flex h-7 items-center">{recorded ? 'Speech' : 'Caller'}</span>
          <span className="flex h-7 items-center">{recorded ? 'Replies' : 'Agent'}</span>
          {lanes.spans.some((span) => span.lane === 'tools') && <span className="flex h-7 items-center">Tools</span>}
        </div>
        <div ref={scroller} className="overflow-x-auto overflow-y-hidden">
          <div className="relative" style={{ width: `${zoom * 100}%` }}>
            {recorded && (
              <div
                className="h-28"
                style={{ marginLeft: `${(lanes.mediaAt / totalMs) * 100}%`, width: `${(recordedMs / totalMs) * 100}%` }}
              >
                {recording.data ? (
                  <Suspense fallback={<Skeleton className="h-28" />}>
                    <Waveform ref={waveform} blob={recording.data} onPosition={moved} onPlaying={setPlaying} />
                  </Suspense>
                ) : recording.error ? (
                  <p role="alert" className="flex h-28 items-center text-danger">
                    {problemOf(recording.error).message}
                  </p>
                ) : (
                  <Skeleton className="h-28" />
                )}
              </div>
            )}
            <LaneRows lanes={lanes} totalMs={totalMs} />
            <Ruler totalMs={totalMs} zoom={zoom} />
            {recorded && (
              <div
                ref={cursor}
                aria-hidden
                className="pointer-events-none absolute inset-y-0 w-px bg-ink"
                style={{ left: `${(lanes.mediaAt / totalMs) * 100}%` }}
              />
            )}
          </div>
        </div>
      </div>
    </Card>
  );
}

function keepInSight(box: HTMLElement | null, part: number): void {
  if (!box || box.scrollWidth <= box.clientWidth) return;
  const x = part * box.scrollWidth;
  if (x < box.scrollLeft || x > box.scrollLeft + box.clientWidth - 24) box.scrollLeft = x - 48;
}

/** After zooming, the place that is being listened to stays in the middle. */
function centre(box: HTMLElement | null, cursor: HTMLElement | null): void {
  if (box && cursor) box.scrollLeft = cursor.offsetLeft - box.clientWidth / 2;
}

function download(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
