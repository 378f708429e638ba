import { blockAxis, lineWithPoints, numbers, panelPage, termColour } from '../draw/panels.js';
import { best, figure, percent, perModel } from '../draw/words.js';
import { medianOf } from '../reduce/averages.js';
import { type Channel, type ChannelSums, openChannels } from '../reduce/channels.js';
import { blocksOf, modelsOf, type OfModels, type Study } from '../study.js';

type Term = 'X_res' | 'X_attn' | 'X_sum';

/** The channel of a term whose mean is largest in magnitude. */
export interface PeakChannel extends Channel {
  readonly block: number;
  readonly term: Term;
  /** Its mean over the median of all channels' means, in magnitude. */
  readonly ratio: number;
}

/** A channel of the last block; ranks count from 1, by the magnitude of the mean. */
export interface LastChannel extends Channel {
  readonly term: Term;
  readonly rank: number;
}

export interface ChannelTables {
  readonly [list: string]: readonly object[];
  readonly peaks: readonly PeakChannel[];
  readonly last: readonly LastChannel[];
}

const points = { X_res: 'resid_pre', X_attn: 'attn_out', X_sum: 'resid_mid' } as const;
const terms = Object.keys(points) as Term[];

/**
 * Whether few channels rule: each channel's mean over all patches and its value of largest magnitude. A channel that is
 * large in every patch of every image says nothing of what is where.
 */
export const channels: Study<ChannelTables> = {
  name: 'channels',
  title: 'Channels that stand out',
  needs: () => ({ gauges: Object.fromEntries(Object.values(points).map(point => [point, ['channels' as const]])) }),
  open(config) {
    const sums = new Map<string, ChannelSums>(
      blocksOf(config).flatMap(block => terms.map(term => [`${term} ${block}`, openChannels(config.width)] as const)),
    );
    return {
      add({ values, grid }) {
        for (const i of blocksOf(config)) {
          for (const term of terms) {
            const part = (name: string) => values(`blocks.${i}.${points[term]}.${name}`);
            const parts = {
              sum: part('sum'),
              squares: part('squares'),
              highest: part('highest'),
              lowest: part('lowest'),
            };
            sums.get(`${term} ${i}`)!.add(parts, grid.rows * grid.columns);
          }
        }
      },
      tables: () => ({
        peaks: blocksOf(config).flatMap(block =>
          terms.map(term => ({ block, term, ...peakOf(sums.get(`${term} ${block}`)!.channels()) })),
        ),
        last: terms.flatMap(term =>
          byMagnitude(sums.get(`${term} ${config.layers - 1}`)!.channels()).map((channel, i) => ({
            term,
            rank: i + 1,
            ...channel,
          })),
        ),
      }),
    };
  },
  plot: ({ peaks, last }) =>
    panelPage(
      channels.title,
      modelsOf(last).flatMap(model => [
        {
          title: `${model}: channels, last block`,
          values: last.flatMap(row =>
            row.model === model ? [{ term: row.term, rank: row.rank, size: Math.abs(row.mean) }] : [],
          ),
          drawing: {
            mark: { type: 'line', clip: true },
            encoding: {
              x: numbers('rank', 'rank of the channel', { scale: { type: 'log', nice: false } }),
              y: numbers('size', '|mean over patches|'),
              color: termColour(terms),
            },
          },
        },
        {
          title: `${model}: the largest channel`,
          values: peaks.filter(row => row.model === model),
          drawing: {
            mark: lineWithPoints,
            encoding: {
              x: blockAxis,
              y: numbers('ratio', '|mean| / median |mean|', { scale: { type: 'log' } }),
              color: termColour(terms),
            },
          },
        },
      ]),
      2,
    ),
  paragraph: tables => perModel(modelsOf(tables.last), model => say(model, tables)),
};

const byMagnitude = (all: readonly Channel[]): Channel[] =>
  [...all].sort((a, b) => Math.abs(b.mean) - Math.abs(a.mean));

function peakOf(all: readonly Channel[]): Channel & { ratio: number } {
  const peak = byMagnitude(all)[0]!;
  return { ...peak, ratio: Math.abs(peak.mean) / medianOf(all.map(({ mean }) => Math.abs(mean))) };
}

function say(model: string, { peaks }: OfModels<ChannelTables>): string {
  const own = peaks.filter(row => row.model === model);
  const end = Math.max(...own.map(({ block }) => block));
  const last = (term: Term) => own.find(row => row.block === end && row.term === term)!;
  const steepest = best(own, ({ ratio }) => ratio)!;
  const [residual, attention] = [last('X_res'), last('X_attn')];
  return (
    `In the last block the largest channel of X_res (${residual.channel}) has a mean of ${figure(residual.mean)}, ` +
    `${figure(residual.ratio)} times the median channel's, and carries ${percent(residual.share)} of the squared length; ` +
    `that of X_attn (${attention.channel}) is ${figure(attention.ratio)} times its median and carries ` +
    `${percent(attention.share)}. The steepest of all is channel ${steepest.channel} of ${steepest.term} at block ` +
    `${steepest.block}, ${figure(steepest.ratio)} times its median.`
  );
}
