/** Class names, checked while they are typed, and the legend: each class in its colour, with its cosines on demand. */
import type { NamedClass } from '../engine/lab.js';
import type { Session } from '../session.js';
import { el, fill } from './dom.js';
import type { View } from './header.js';
import { styleColour } from './paint.js';

export function vocabularyView(session: Session): View {
  const field = el('textarea', {
    attributes: { id: 'classes', rows: 3, spellcheck: 'false', 'aria-describedby': 'classes-failure classes-help' },
    on: { input: event => session.setClasses((event.target as HTMLTextAreaElement).value) },
  });
  const failure = el('p', { class: 'failure', attributes: { id: 'classes-failure', role: 'alert' } });
  const legend = el('ul', { class: 'legend', attributes: { 'aria-label': 'Classes' } });
  const help = el(
    'p',
    { class: 'quiet', attributes: { id: 'legend-help' } },
    'Shares are of the first panel. Press a class to see its cosines in every one.',
  );
  const element = el(
    'section',
    { class: 'vocabulary', attributes: { 'aria-label': 'Class names' } },
    el('label', { attributes: { for: 'classes' } }, 'Class names'),
    field,
    el('p', { class: 'quiet', attributes: { id: 'classes-help' } }, '; between classes, a comma between names of one'),
    failure,
    legend,
    help,
  );

  let listed: readonly NamedClass[] = [];
  let pinned: number | undefined;
  return {
    element,
    update(shown) {
      if (document.activeElement !== field && field.value !== shown.classesText) field.value = shown.classesText;
      fill(failure, shown.classesFailure ?? '');
      failure.hidden = shown.classesFailure === undefined;
      field.setAttribute('aria-invalid', String(shown.classesFailure !== undefined));
      if (listed !== shown.classes) {
        listed = shown.classes;
        fill(legend, ...listed.map((one, label) => entry(session, one, label)));
      }
      help.hidden = listed.length === 0;
      const shares = shown.panels[0]?.map?.shares;
      [...legend.children].forEach((item, label) => {
        item.querySelector('.share')!.textContent = shares ? `${(100 * (shares[label] ?? 0)).toFixed(1)} %` : '';
      });
      if (pinned !== shown.pinned) {
        pinned = shown.pinned;
        legend.querySelectorAll('button').forEach((one, label) => {
          one.setAttribute('aria-pressed', String(label === pinned));
        });
      }
    },
  };
}

function entry(session: Session, { name, synonyms, colour }: NamedClass, label: number): HTMLElement {
  const swatch = el('span', 'swatch');
  swatch.style.background = styleColour(colour);
  const press = el(
    'button',
    {
      attributes: { type: 'button', 'aria-pressed': 'false', title: [name, ...synonyms].join(', ') },
      on: { click: () => session.pin(session.shown.pinned === label ? undefined : label) },
    },
    swatch,
    el('bdi', 'name', name),
    el('span', 'share number'),
  );
  return el('li', {}, press);
}
