/** What the plots of all studies share: panels of one size, one look, one colour a term. */
import type { TopLevelSpec } from 'vega-lite';

/** A panel without its size and data: marks and encodings of Vega-Lite. */
export interface Panel {
  readonly title: string;
  readonly values: readonly object[];
  /** `{ mark, encoding }`, or `{ layer: [...] }`. */
  readonly drawing: object;
  readonly width?: number;
}

/** Panels side by side, so many to a row. */
export function panelPage(title: string, panels: readonly Panel[], columns: number): TopLevelSpec {
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    title: { text: title, anchor: 'start', fontSize: 16, offset: 14 },
    background: 'white',
    padding: 14,
    columns,
    spacing: 28,
    concat: panels.map(({ title: heading, values, drawing, width = 380 }) => ({
      title: { text: heading, anchor: 'middle', fontSize: 13, fontWeight: 'normal' },
      width,
      height: 240,
      data: { values },
      ...drawing,
    })),
    resolve: { scale: { color: 'independent', shape: 'independent', strokeDash: 'independent' } },
    config: {
      font: 'sans-serif',
      axis: { labelFontSize: 12, titleFontSize: 13, titleFontWeight: 'normal', gridColor: '#e8e8e8' },
      legend: { labelFontSize: 12, titleFontSize: 12, titleFontWeight: 'normal', orient: 'bottom', labelLimit: 300 },
      line: { strokeWidth: 2 },
    },
  } as TopLevelSpec;
}

/** A numbered axis of blocks, the first being 0. */
export const blockAxis = {
  field: 'block',
  type: 'quantitative',
  title: 'block',
  axis: { tickMinStep: 1, format: 'd' },
  scale: { nice: false },
};

/** An axis of numbers. */
export const numbers = (field: string, title: string, more: object = {}) => ({
  field,
  type: 'quantitative',
  title,
  ...more,
});

const termColours: Readonly<Record<string, string>> = {
  X_res: '#0072b2',
  X_attn: '#d55e00',
  X_sum: '#009e73',
  FFN: '#8a5fb8',
  X_out: '#555555',
};

/** The terms of a block in their colours. */
export const termColour = (terms: readonly string[], title: string | null = null) => ({
  field: 'term',
  type: 'nominal',
  title,
  scale: { domain: terms, range: terms.map(term => termColours[term]!) },
});

/** Lines with a mark at every point. */
export const lineWithPoints = { type: 'line', point: { size: 36, filled: true } };
