/** Classes by their cosine with a patch, a column for each panel. */
import type { CellSight } from '../engine/lab.js';
import type { Shown } from '../shown.js';
import { el } from './dom.js';
import { styleColour } from './paint.js';

/** Classes shown of many. */
const most = 12;

export function nearestTable({ classes, panels }: Shown, { cosines }: CellSight): HTMLElement {
  const columns = panels.filter(({ id }) => cosines[id]?.length === classes.length);
  const [first] = columns;
  if (!first) return el('p', 'quiet', 'no map yet');
  const order = classes
    .map((_, label) => label)
    .sort((a, b) => cosines[first.id]![b]! - cosines[first.id]![a]!)
    .slice(0, most);
  const best = new Map(columns.map(({ id }) => [id, cosines[id]!.indexOf(Math.max(...cosines[id]!))]));
  const head = el(
    'tr',
    {},
    el('th', { attributes: { scope: 'col' } }, 'class'),
    ...columns.map(({ setting }) =>
      el('th', { attributes: { scope: 'col' } }, setting.attention === 'mine' ? 'yours' : setting.method),
    ),
  );
  const rows = order.map(label => {
    const { name, colour } = classes[label]!;
    const swatch = el('span', 'swatch');
    swatch.style.background = styleColour(colour);
    const cells = columns.map(({ id }) => {
      const value = cosines[id]![label]!;
      const bar = el('i');
      bar.style.width = `${Math.max(0, 100 * value)}%`;
      bar.style.background = styleColour(colour);
      return el(
        'td',
        { class: best.get(id) === label ? 'number best' : 'number' },
        bar,
        el('span', {}, value.toFixed(3)),
      );
    });
    return el('tr', {}, el('th', { attributes: { scope: 'row' } }, swatch, el('bdi', {}, name)), ...cells);
  });
  return el('table', {}, el('thead', {}, head), el('tbody', {}, ...rows));
}
