/** Panels side by side: one map each, and what of the last block it changes. */
import type { Session } from '../session.js';
import { isOwn, type Shown, type ShownPanel } from '../shown.js';
import { alphaRange, attentionNames, type MethodInfo, mostPanels, type PanelState, settled } from '../state.js';
import { button, el, fill, select, toggle } from './dom.js';
import type { View } from './header.js';
import { markCell } from './marks.js';
import { paintHeat, paintLabels, paintPixels } from './paint.js';
import { selectAt } from './pictureView.js';

export function panelsView(session: Session): View {
  const list = el('div', 'panels');
  const add = button('Add a panel', () => session.addPanel({ method: 'sclip' }));
  const element = el('section', { attributes: { 'aria-label': 'Maps' } }, list, add);
  const views = new Map<string, PanelView>();
  return {
    element,
    update(shown) {
      const ids = new Set(shown.panels.map(({ id }) => id));
      for (const [id, view] of views) {
        if (ids.has(id)) continue;
        view.element.remove();
        views.delete(id);
      }
      for (const panel of shown.panels) {
        let view = views.get(panel.id);
        if (!view) {
          view = panelView(session, panel.id);
          views.set(panel.id, view);
          list.append(view.element);
        }
        view.update(shown, panel);
      }
      add.disabled = shown.panels.length >= mostPanels;
    },
  };
}

interface PanelView {
  readonly element: HTMLElement;
  update(shown: Shown, panel: ShownPanel): void;
}

function panelView(session: Session, id: string): PanelView {
  const change = (changes: Partial<PanelState>) => {
    const panel = session.shown.panels.find(one => one.id === id);
    if (panel) session.setPanel(id, { ...panel.setting, ...changes });
  };
  const controls = panelControls(session, id, change);
  const under = el('canvas', { attributes: { 'aria-hidden': 'true' } });
  const over = el('canvas', { class: 'over', attributes: { role: 'img' } });
  const marks = markCell();
  const stage = el(
    'div',
    { class: 'stage', on: { pointerdown: event => selectAt(session, event) } },
    under,
    over,
    marks.element,
  );
  const formula = el('p', 'formula');
  const failure = el('p', { class: 'failure', attributes: { role: 'alert' } });
  const time = el('span', 'quiet number time');
  const remove = button('×', () => session.removePanel(id));
  remove.setAttribute('aria-label', 'Remove this panel');
  const element = el(
    'article',
    'panel',
    el('div', 'panel-head', controls.method, time, remove),
    stage,
    formula,
    controls.element,
    failure,
  );

  let picture: unknown;
  let painted: unknown;
  return {
    element,
    update(shown, panel) {
      const { setting, map, heat, busy } = panel;
      element.dataset.state = panel.failure ? 'failed' : busy ? 'busy' : 'ready';
      const info = shown.model?.methods.find(({ name }) => name === setting.method);
      controls.update(setting, info);
      fill(formula, info ? formulaOf(setting, info) : '');
      remove.disabled = shown.panels.length === 1;
      fill(failure, panel.failure ?? '');
      failure.hidden = panel.failure === undefined;
      fill(time, map ? `${map.milliseconds.toFixed(0)} ms` : '');
      if (shown.picture && picture !== shown.picture.rgba) {
        const { look, rgba } = shown.picture;
        paintPixels(under, look.width, look.height, rgba);
        stage.style.setProperty('--aspect', `${look.width} / ${look.height}`);
        picture = rgba;
      }
      if (shown.picture) marks.update(shown.picture.look, shown.cell, undefined);
      const best = heat ?? map;
      over.hidden = !best;
      if (!best || painted === best) return;
      painted = best;
      over.dataset.shows = heat ? 'heat' : 'labels';
      if (heat) paintHeat(over, heat.width, heat.height, heat.values);
      else if (map) paintLabels(over, map.width, map.height, map.labels, shown.classes);
      over.setAttribute('aria-label', heat ? heatWords(shown) : mapWords(setting.method, shown, map!));
    },
  };
}

const heatWords = ({ pinned, classes }: Shown): string => `cosines with ${classes[pinned ?? 0]?.name ?? 'a class'}`;

/** A map for those who do not see it. */
function mapWords(method: string, { classes }: Shown, { shares }: NonNullable<ShownPanel['map']>): string {
  const found = shares
    .map((share, label) => ({ share, name: classes[label]?.name ?? '' }))
    .filter(({ share }) => share > 0)
    .sort((a, b) => b.share - a.share);
  return `${method}: ${found.map(({ name, share }) => `${name} ${Math.round(100 * share)} %`).join(', ')}`;
}

/** What the last block gives, in ClearCLIP's words. */
function formulaOf(setting: PanelState, info: MethodInfo): string {
  if (info.fixed)
    return info.blocks > 1 ? `${info.name}: last ${info.blocks} blocks, beside the stream` : `${info.name}: two looks`;
  const { attention, residual, ffn } = settled(setting, info);
  const named = attention === 'mine' ? 'yours' : attention;
  const factor = typeof residual === 'number' && residual !== 1 ? `${residual.toFixed(2)}·` : '';
  const sum = residual === false ? named : `X_res + ${factor}${named}`;
  return `X = ${sum}${ffn ? ', then FFN' : ''}`;
}

interface Controls {
  readonly method: HTMLElement;
  readonly element: HTMLElement;
  update(setting: PanelState, info: MethodInfo | undefined): void;
}

function panelControls(session: Session, id: string, change: (changes: Partial<PanelState>) => void): Controls {
  // A method is chosen as it is: what was changed of the one before is dropped.
  const method = select('Method', [], name => session.setPanel(id, { method: name }));
  const attention = select(
    'Attention',
    [...attentionNames, 'mine' as const].map(name => [name, name === 'mine' ? 'yours' : name]),
    name => change({ attention: name }),
  );
  const residual = toggle('residual', on => change({ residual: on }));
  const ffn = toggle('FFN', on => change({ ffn: on }));
  const amount = el('output', 'number');
  const slider = el('input', {
    attributes: {
      type: 'range',
      min: alphaRange.from,
      max: alphaRange.to,
      step: 0.05,
      'aria-label': 'Alpha, the factor on the attention',
    },
    on: {
      input: event => change({ residual: Number((event.target as HTMLInputElement).value) }),
      dblclick: () => change({ residual: 1 }),
    },
  });
  const element = el(
    'div',
    'controls',
    attention,
    residual.label,
    ffn.label,
    el('label', 'alpha', 'α ', slider, amount),
  );
  return {
    method,
    element,
    update(setting, info) {
      const methods = session.shown.model?.methods ?? [];
      if (method.options.length !== methods.length) {
        fill(method, ...methods.map(({ name }) => el('option', { set: { value: name } }, name)));
      }
      method.value = setting.method;
      if (!info) return;
      const now = settled(setting, info);
      element.hidden = info.fixed;
      attention.value = now.attention;
      residual.input.checked = now.residual !== false;
      ffn.input.checked = now.ffn;
      slider.disabled = now.residual === false;
      const alpha = typeof now.residual === 'number' ? now.residual : 1;
      if (document.activeElement !== slider || Number(slider.value) !== alpha) slider.value = String(alpha);
      fill(amount, now.residual === false ? '–' : alpha.toFixed(2));
    },
  };
}

/** Whether some panel has the user's own attention. */
export const hasOwn = ({ panels }: Shown): boolean => panels.some(isOwn);
