/** Figures as drawings of a few lines. */
import type { Score } from '../table.js';
import { html, type Markup, nothing } from './markup.js';

/** A share of the whole as a bar. */
export const bar = (share: Score): Markup => html`<svg width="72" height="8" viewBox="0 0 72 8" aria-hidden="true">
<rect class="track" width="72" height="8" rx="2"/><rect class="fill" width="${round(72 * (share ?? 0))}" height="8" rx="2"/></svg>`;

/** Intervals of scores on one scale. */
export interface IntervalScale {
  /** The scale with its figures, in percent. */
  readonly axis: Markup;
  draw(score: Score, interval: readonly [low: Score, high: Score]): Markup;
}

const [width, margin] = [260, 18];

/** A scale that holds all of these scores, from one round figure to another. */
export function intervalScale(scores: readonly Score[]): IntervalScale {
  const ends = scores.filter(score => score !== null);
  if (ends.length === 0) return { axis: nothing, draw: () => nothing };
  const [least, most] = [Math.min(...ends), Math.max(...ends)];
  const step = roundStep(Math.max(most - least, 0.01) / 4);
  const [from, to] = [Math.floor(least / step), Math.max(Math.ceil(most / step), Math.floor(least / step) + 1)];
  const at = (score: number) => round(margin + ((score / step - from) / (to - from)) * (width - 2 * margin));
  const ticks = Array.from({ length: to - from + 1 }, (_, i) => (from + i) * step);
  const digits = step < 0.01 ? 1 : 0;
  return {
    axis: html`<svg class="axis" width="${width}" height="14" aria-hidden="true">${ticks.map(
      tick => html`<text x="${at(tick)}" y="11" text-anchor="middle">${(100 * tick).toFixed(digits)}</text>`,
    )}</svg>`,
    draw(score, [low, high]) {
      if (score === null || low === null || high === null) return nothing;
      const lines = ticks.map(tick => html`<line class="tick" x1="${at(tick)}" x2="${at(tick)}" y1="0" y2="24"/>`);
      const span = html`<line class="span" x1="${at(low)}" x2="${at(high)}" y1="12" y2="12"/>`;
      return html`<svg width="${width}" height="24" aria-hidden="true">${lines}${span}<circle class="dot" cx="${at(score)}" cy="12" r="4"/></svg>`;
    },
  };
}

/** 1, 2 or 5 times a power of ten, at least `exact`. */
function roundStep(exact: number): number {
  const power = 10 ** Math.floor(Math.log10(exact));
  return [1, 2, 5, 10].map(factor => factor * power).find(step => step >= exact * (1 - 1e-9))!;
}

const round = (value: number): number => Math.round(100 * value) / 100;
