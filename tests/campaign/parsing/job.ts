import { createCanaries } from '../_kit/canaries.ts';
import { atLeast, atMost, exactly, type Figure, type Job, type JobReport, type Size } from '../_kit/job.ts';
import { createRandom } from '../_kit/numbers.ts';
import { watchProcess } from '../_kit/process-watch.ts';
import { type AdapterCounts, tryAdapters } from './adapters.ts';
import { type Format, kindsOf } from './documents.ts';
import { type Bounded, flood, type Flood, readEndless, throughput } from './extremes.ts';
import { type Counts, tryDocuments } from './readers.ts';
import { type RoutedCounts, tryRouted } from './routed.ts';

interface Sizes {
  readonly casesOfEach: number;
  readonly adapterCasesOfEach: number;
  readonly routed: number;
  readonly megabytes: number;
  /** How often each kind of hostile document has to have come. */
  readonly ofEachKind: number;
}

const sizes: Readonly<Record<Size, Sizes>> = {
  quick: { casesOfEach: 20_000, adapterCasesOfEach: 3_000, routed: 200, megabytes: 20, ofEachKind: 20 },
  long: { casesOfEach: 600_000, adapterCasesOfEach: 150_000, routed: 5_000, megabytes: 400, ofEachKind: 500 },
};

const formats: readonly Format[] = ['sse', 'ndjson'];
const events = 100_000;

function readerFigures(counts: Counts, { casesOfEach, ofEachKind }: Sizes): Figure[] {
  const kinds = formats.flatMap((format) => kindsOf[format].map((kind) => `${format}: ${kind}`));
  const rarest = Math.min(...kinds.map((kind) => counts.kinds.get(kind) ?? 0));
  const ends = ['sse: end', 'sse: terminator', 'sse: limit', 'ndjson: end', 'ndjson: limit'];
  return [
    atLeast('documents with their cuts, events', casesOfEach, counts.cases.sse),
    atLeast('documents with their cuts, lines', casesOfEach, counts.cases.ndjson),
    exactly('cuts that change what is read', 0, counts.unlikeWhole),
    exactly('documents read otherwise than by the reference', 0, counts.unlikeReference),
    exactly('errors that nobody documented, from the readers', 0, counts.undocumented),
    exactly('bodies that were not let go', 0, counts.held),
    atLeast('documents of the rarest hostile kind', ofEachKind, rarest),
    atLeast('documents with the rarest end', ofEachKind, Math.min(...ends.map((end) => counts.ends.get(end) ?? 0))),
    atLeast('documents broken off', casesOfEach / 40, counts.broken),
  ];
}

function adapterFigures(counts: AdapterCounts, routed: RoutedCounts, sizes: Sizes): Figure[] {
  const ends = formats.flatMap((format) => ['whole', 'bad_response', 'unavailable'].map((end) => `${format}: ${end}`));
  return [
    atLeast('streams with their cuts, openai-compatible', sizes.adapterCasesOfEach, counts.cases.sse),
    atLeast('streams with their cuts, ollama', sizes.adapterCasesOfEach, counts.cases.ndjson),
    exactly('cuts that change the chunks or the error', 0, counts.unlikeWhole),
    exactly('streams read otherwise than by the reference', 0, counts.unlikeReference),
    exactly('errors that nobody documented, from the adapters', 0, counts.undocumented),
    exactly('bodies of streams that were not let go', 0, counts.held),
    atLeast('streams with the rarest end', sizes.adapterCasesOfEach / 500, Math.min(...ends.map((end) => counts.ends.get(end) ?? 0))),
    atLeast('streams through a router', sizes.routed, routed.cases),
    exactly('streams that a router hands on otherwise', 0, routed.unlikeReference),
    exactly('errors that nobody documented, from the router', 0, routed.undocumented),
  ];
}

function extremeFigures(floods: readonly Flood[], bounded: Bounded, speeds: readonly number[]): Figure[] {
  return [
    exactly('events in order, of 100,000 in one read or waiting', events, Math.min(...floods.map(({ exact }) => exact))),
    atMost('longest work without a turn for others meanwhile', 50, Math.max(...floods.map((each) => each.lagMs)), ' ms'),
    exactly('endless events and lines that were read on', 0, bounded.tried - bounded.refused),
    atLeast('endless events and lines', 10, bounded.tried),
    atMost('read beyond the limit and one piece', 16, bounded.beyondBytes, ' bytes'),
    atMost('growth of memory meanwhile', 64, bounded.growthMiB, ' MiB'),
    atLeast('megabytes of events or lines read in a second', 100, Math.min(...speeds)),
  ];
}

async function run(size: Size, seed: number): Promise<JobReport> {
  const { [size]: own } = sizes;
  const random = createRandom(seed);
  const canaries = createCanaries(seed);
  const watch = watchProcess();
  const stopOutput = canaries.watchOutput();
  const readers = await tryDocuments(own.casesOfEach, random);
  const adapters = await tryAdapters(own.adapterCasesOfEach, random, canaries);
  const routed = await tryRouted(own.routed, random, canaries);
  const floods: Flood[] = [];
  for (const format of formats) floods.push(await flood(format, events, true), await flood(format, events, false));
  const bounded = await readEndless();
  const speeds = [await throughput('sse', own.megabytes), await throughput('ndjson', own.megabytes)];
  stopOutput();
  watch.stop();
  const control = createCanaries(seed);
  control.look('control', { deep: [{ text: `before ${control.of.prompt} after` }] });
  return {
    figures: [
      ...readerFigures(readers, own),
      ...adapterFigures(adapters, routed, own),
      ...extremeFigures(floods, bounded, speeds),
      exactly('rejections and warnings that nobody took', 0, watch.seen.length),
      exactly('secret canaries found', 0, canaries.hits.length),
      exactly('a canary that is shown on purpose is found', 1, control.hits.length),
      atLeast('values searched for canaries', own.routed * 5, canaries.looked()),
      atLeast('kinds of canaries planted', 12, routed.planted.size),
    ],
    detail: {
      documents: readers.documents,
      kinds: Object.fromEntries(readers.kinds),
      ends: { ...Object.fromEntries(readers.ends), streams: Object.fromEntries(adapters.ends) },
      samples: [...readers.samples, ...adapters.samples, ...routed.samples],
      floods,
      bounded,
      megabytesPerSecond: speeds,
      planted: [...routed.planted],
      hits: canaries.hits.slice(0, 20),
      seen: watch.seen,
    },
  };
}

export const job: Job = {
  name: 'parsing',
  about: 'Streams of events and of lines are read alike however they are cut, and as their rules say',
  figures: [
    'documents with their cuts, events',
    'documents with their cuts, lines',
    'cuts that change what is read',
    'documents read otherwise than by the reference',
    'errors that nobody documented, from the readers',
    'bodies that were not let go',
    'documents of the rarest hostile kind',
    'documents with the rarest end',
    'documents broken off',
    'streams with their cuts, openai-compatible',
    'streams with their cuts, ollama',
    'cuts that change the chunks or the error',
    'streams read otherwise than by the reference',
    'errors that nobody documented, from the adapters',
    'bodies of streams that were not let go',
    'streams with the rarest end',
    'streams through a router',
    'streams that a router hands on otherwise',
    'errors that nobody documented, from the router',
    'events in order, of 100,000 in one read or waiting',
    'longest work without a turn for others meanwhile',
    'endless events and lines that were read on',
    'endless events and lines',
    'read beyond the limit and one piece',
    'growth of memory meanwhile',
    'megabytes of events or lines read in a second',
    'rejections and warnings that nobody took',
    'secret canaries found',
    'a canary that is shown on purpose is found',
    'values searched for canaries',
    'kinds of canaries planted',
  ],
  run,
};
