/** Curves of a log as a picture. */
import type { TopLevelSpec } from 'vega-lite';
import { inThread } from '../image/apart/inThread.js';
import { isEvaluation, type LogEntry } from './log.js';

/** A point of a curve. */
interface Point {
  readonly step: number;
  readonly value: number;
}

/** A panel: curves by name over the step. */
interface Panel {
  readonly title: string;
  readonly curves: ReadonlyMap<string, readonly Point[]>;
}

/** As many points as a panel has room for; more are averaged. */
const mostPoints = 600;
const [panelWidth, panelHeight] = [420, 190];
const columns = 2;

/**
 * The curves of a log as an SVG: loss, the other metrics, evaluations, learning rate and speed, each over the step. Where
 * there are more steps than pixels, a point is the mean of several. They are drawn in a thread of its own.
 */
export const drawCurves = (entries: readonly LogEntry[]): Promise<string> =>
  inThread(new URL('./plotThread.js', import.meta.url), specOf(panelsOf(entries), entries.at(-1)?.step ?? 0));

/** What the axes of metrics say, where a name alone would not. */
const units: Readonly<Record<string, string>> = {
  loss: 'loss (nats)',
  gradient: 'length of the gradient',
  scale: 'factor of cosines',
  accuracy: 'accuracy in the batch (share)',
};

function panelsOf(entries: readonly LogEntry[]): Panel[] {
  const metrics = new Map<string, Point[]>();
  const evaluations = new Map<string, Point[]>();
  const others = { rate: [] as Point[], speed: [] as Point[] };
  const add = (to: Map<string, Point[]>, name: string, point: Point) => {
    if (!to.has(name)) to.set(name, []);
    to.get(name)!.push(point);
  };
  for (const entry of entries) {
    const { step } = entry;
    if (isEvaluation(entry)) {
      for (const [name, value] of Object.entries(entry.evaluation)) add(evaluations, name, { step, value });
      continue;
    }
    for (const [name, value] of Object.entries({ loss: entry.loss, ...entry.metrics }))
      add(metrics, name, { step, value });
    others.rate.push({ step, value: entry.rate });
    others.speed.push({ step, value: entry.imagesPerSecond });
  }
  const single = (title: string, points: readonly Point[]): Panel => ({ title, curves: new Map([[title, points]]) });
  return [
    ...[...metrics].map(([name, points]) => single(units[name] ?? name, points)),
    ...(evaluations.size > 0 ? [{ title: 'evaluation', curves: evaluations }] : []),
    single('learning rate', others.rate),
    single('images per second', others.speed),
  ];
}

function specOf(panels: readonly Panel[], lastStep: number): TopLevelSpec {
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    background: 'white',
    padding: 12,
    columns,
    concat: panels.map(panel => panelSpec(panel, lastStep)),
    resolve: { scale: { color: 'independent' } },
    config: {
      font: 'sans-serif',
      axis: { labelFontSize: 12, titleFontSize: 13, titleFontWeight: 'normal', gridColor: '#e6e6e6' },
      legend: { labelFontSize: 12, orient: 'bottom', columns: 3, labelLimit: 300 },
    },
  } as TopLevelSpec;
}

function panelSpec({ title, curves }: Panel, lastStep: number): object {
  const values = [...curves].flatMap(([name, points]) => thinned(points).map(point => ({ ...point, name })));
  const sparse = [...curves.values()].every(({ length }) => length <= 30);
  return {
    width: panelWidth,
    height: panelHeight,
    data: { values },
    mark: { type: 'line', strokeWidth: 1.5, point: sparse && { size: 25 } },
    encoding: {
      x: {
        field: 'step',
        type: 'quantitative',
        title: 'step',
        scale: { domain: [0, lastStep] },
        axis: { tickCount: 6 },
      },
      y: { field: 'value', type: 'quantitative', title, scale: { zero: false }, axis: { tickCount: 5 } },
      ...(curves.size > 1 && { color: { field: 'name', type: 'nominal', title: null, sort: null } }),
    },
  };
}

/** Means of so many neighbours that the points have room. */
function thinned(points: readonly Point[]): readonly Point[] {
  const size = Math.ceil(points.length / mostPoints);
  if (size === 1) return points;
  return Array.from({ length: Math.ceil(points.length / size) }, (_, i) => {
    const bin = points.slice(i * size, (i + 1) * size);
    const mean = (of: (point: Point) => number) => bin.reduce((sum, point) => sum + of(point), 0) / bin.length;
    return { step: mean(({ step }) => step), value: mean(({ value }) => value) };
  });
}
