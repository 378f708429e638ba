/** The picture: dropped or chosen, and its patches, one of which is looked at. */
import type { Session } from '../session.js';
import { button, el, fill } from './dom.js';
import type { View } from './header.js';
import { markCell } from './marks.js';
import { paintHeat, paintPixels } from './paint.js';

/** The view, and a way to lay one head's attention over the window that it looks at. */
export interface PictureView extends View {
  showAttention(values: Float32Array | undefined): void;
}

const steps: Readonly<Record<string, readonly [rows: number, columns: number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

export function pictureView(session: Session): PictureView {
  const { shown } = session;
  const file = el('input', {
    class: 'hidden',
    attributes: { type: 'file', accept: 'image/*', 'aria-label': 'Picture', tabindex: -1 },
    on: {
      change: event => {
        const input = event.target as HTMLInputElement;
        const [first] = input.files ?? [];
        if (first) void session.openPicture(first, first.name);
        input.value = '';
      },
    },
  });
  const canvas = el('canvas', { attributes: { 'aria-hidden': 'true' } });
  const heat = el('canvas', { class: 'heat', attributes: { 'aria-hidden': 'true' } });
  const marks = markCell();
  const stage = el(
    'div',
    {
      class: 'stage',
      attributes: {
        tabindex: 0,
        role: 'application',
        'aria-label': 'Patches of the picture; arrow keys go from one to the next',
      },
      on: {
        keydown: event => {
          const step = steps[event.key];
          if (!step || !shown.picture || !shown.cell) return;
          event.preventDefault();
          const { rows, columns } = shown.picture.look;
          const within = (at: number, count: number) => Math.min(Math.max(at, 0), count - 1);
          session.select({
            row: within(shown.cell.row + step[0], rows),
            column: within(shown.cell.column + step[1], columns),
          });
        },
        pointerdown: event => selectAt(session, event),
      },
    },
    canvas,
    heat,
    marks.element,
  );
  const caption = el('p', 'quiet caption');
  const said = el('p', { class: 'hidden', attributes: { 'aria-live': 'polite' } });
  const examples = el('div', 'examples');
  const element = el(
    'section',
    { class: 'picture', attributes: { 'aria-label': 'Picture' } },
    stage,
    caption,
    said,
    examples,
    button('Choose a picture…', () => file.click()),
    file,
  );
  for (const example of session.offer.examples) {
    const thumb = el('img', { attributes: { src: example.path, alt: '', loading: 'lazy' } });
    const choose = el(
      'button',
      {
        attributes: { type: 'button', 'aria-label': `Example ${example.name}`, title: example.classes },
        on: { click: () => void session.openExample(example) },
      },
      thumb,
    );
    choose.dataset.example = example.name;
    examples.append(choose);
  }
  dropAnywhere(session);

  let painted: unknown;
  return {
    element,
    showAttention(values) {
      const { sight, picture } = shown;
      heat.hidden = !values || !sight || !picture;
      if (!values || !sight || !picture) return;
      const { rows, columns } = sight.grid;
      const { workingWidth, workingHeight } = picture.look;
      const { y1, x1, y2, x2 } = sight.window;
      paintHeat(heat, columns, rows, values);
      Object.assign(heat.style, {
        left: `${(100 * x1) / workingWidth}%`,
        top: `${(100 * y1) / workingHeight}%`,
        width: `${(100 * (x2 - x1)) / workingWidth}%`,
        height: `${(100 * (y2 - y1)) / workingHeight}%`,
      });
    },
    update({ picture, cell, sight, classes, panels }) {
      stage.hidden = !picture;
      if (!picture) return;
      const { look, rgba, name } = picture;
      if (painted !== rgba) {
        paintPixels(canvas, look.width, look.height, rgba);
        stage.style.setProperty('--aspect', `${look.width} / ${look.height}`);
        painted = rgba;
        heat.hidden = true;
      }
      const windows = look.windows === 1 ? 'one window' : `${look.windows} windows`;
      fill(
        caption,
        el('bdi', {}, name),
        ` · ${look.width} × ${look.height} px, seen at ${look.workingWidth} × ${look.workingHeight} in ${windows}`,
      );
      marks.update(look, cell, sight?.window);
      for (const choice of examples.children) {
        const mine = (choice as HTMLElement).dataset.example === picture.example;
        choice.setAttribute('aria-pressed', String(mine));
      }
      const cosines = sight && panels[0] && sight.cosines[panels[0].id];
      if (!cell || !cosines) return;
      const best = cosines.indexOf(Math.max(...cosines));
      const words = `row ${cell.row + 1}, column ${cell.column + 1}: ${classes[best]?.name ?? ''} ${cosines[best]?.toFixed(2)}`;
      if (said.textContent !== words) fill(said, words);
    },
  };
}

/** Selects the cell under a pointer, on the picture or on a map of it. */
export function selectAt({ shown, select }: Session, event: PointerEvent): void {
  if (!shown.picture || event.button !== 0) return;
  const { rows, columns, workingWidth, workingHeight, patch } = shown.picture.look;
  const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
  const at = (from: number, length: number, size: number, count: number) =>
    Math.min(Math.max(Math.floor(((from / length) * size) / patch), 0), count - 1);
  select({
    row: at(event.clientY - box.top, box.height, workingHeight, rows),
    column: at(event.clientX - box.left, box.width, workingWidth, columns),
  });
}

function dropAnywhere(session: Session): void {
  const { body } = document;
  body.addEventListener('dragover', event => {
    event.preventDefault();
    body.dataset.drop = 'over';
  });
  body.addEventListener('dragleave', event => {
    if (!event.relatedTarget) delete body.dataset.drop;
  });
  body.addEventListener('drop', event => {
    event.preventDefault();
    delete body.dataset.drop;
    const [first] = event.dataTransfer?.files ?? [];
    if (first) void session.openPicture(first, first.name);
  });
}
