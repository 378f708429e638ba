/** The head of the page: which model, what computes, what is under way, and what can be taken away from here. */

import { commandsOf } from '../commands.js';
import { type Compute, computes } from '../engine/protocol.js';
import type { Session } from '../session.js';
import type { Shown } from '../shown.js';
import { hashOf } from '../state.js';
import { button, el, fill, select } from './dom.js';
import { savePicture } from './savePicture.js';

const computeNames: Readonly<Record<Compute, string>> = {
  auto: 'compute: automatic',
  wasm: 'compute: WebAssembly',
  webgpu: 'compute: WebGPU',
  eager: 'compute: JavaScript, op by op',
};

/** A part of the page and how it follows what is shown. */
export interface View {
  readonly element: HTMLElement;
  update(shown: Shown): void;
}

export function headerView(session: Session): View {
  const folder = el('input', {
    class: 'hidden',
    attributes: { type: 'file', webkitdirectory: '', 'aria-label': 'Folder of a model', tabindex: -1 },
    on: { change: event => openFolder(session, event.target as HTMLInputElement) },
  });
  const compute = select(
    'What computes',
    computes.filter(name => name !== 'webgpu' || session.offer.webgpu).map(name => [name, computeNames[name]]),
    value => void session.loadModel(undefined, undefined, value as Compute),
  );
  const about = el('span', { class: 'about', attributes: { id: 'model' } });
  const status = el('div', { class: 'status', attributes: { role: 'status', 'aria-live': 'polite' } });
  const bar = el('progress', { attributes: { 'aria-label': 'Progress', max: 1 } });
  const notice = el('p', { class: 'notice', attributes: { role: 'alert' } });
  const commands = commandsDialog(session);
  const copied = el('span', { class: 'quiet', attributes: { role: 'status' } });
  const element = el(
    'header',
    'head',
    el('h1', {}, 'clipscope ', el('span', 'quiet', 'lab')),
    about,
    el(
      'div',
      'actions',
      button('Open model folder…', () => folder.click(), 'safetensors and config.json, as on Hugging Face'),
      folder,
      compute,
      button('Copy link', () => void copyLink(session, copied)),
      button('Save picture', () => void savePicture(session.shown)),
      button('As commands', () => commands.open()),
      copied,
    ),
    status,
    bar,
    notice,
    commands.element,
  );
  return {
    element,
    update({ model, progress, notice: text }) {
      fill(about, model ? aboutModel(model) : '');
      element.dataset.state = progress ? 'busy' : model ? 'ready' : 'empty';
      fill(status, progress?.text ?? '');
      bar.hidden = !progress;
      if (progress?.share === undefined) bar.removeAttribute('value');
      else bar.value = progress.share;
      notice.hidden = text === undefined;
      fill(
        notice,
        text ?? '',
        ' ',
        button('Dismiss', () => session.say(undefined)),
      );
    },
  };
}

function aboutModel({
  name,
  layers,
  heads,
  width,
  patch,
  compute,
  threads,
  cached,
}: NonNullable<Shown['model']>): string {
  const how = {
    wasm: `WebAssembly, ${threads} thread${threads > 1 ? 's' : ''}`,
    webgpu: 'WebGPU',
    eager: 'JavaScript',
  };
  const from = cached ? ', from the cache' : '';
  return `${name}: ${layers} blocks × ${heads} heads, width ${width}, patches of ${patch} px · ${how[compute]}${from}`;
}

/** Files of a folder by their names; those in folders below it are none of the model's. */
function openFolder(session: Session, input: HTMLInputElement): void {
  const all = [...(input.files ?? [])].filter(({ webkitRelativePath: path }) => path.split('/').length <= 2);
  const name = all[0]?.webkitRelativePath.split('/', 1)[0] || 'folder';
  input.value = '';
  if (all.length > 0) void session.loadModel(Object.fromEntries(all.map(file => [file.name, file])), name);
}

async function copyLink(session: Session, told: HTMLElement): Promise<void> {
  const address = `${location.origin}${location.pathname}#${hashOf(session.state())}`;
  const own = session.shown.picture && session.shown.picture.example === undefined;
  try {
    await navigator.clipboard.writeText(address);
    fill(told, own ? 'Copied; your picture stays with you' : 'Copied');
  } catch {
    fill(told, 'The browser does not allow it; copy the address');
  }
  setTimeout(() => fill(told), 4000);
}

function commandsDialog(session: Session): { readonly element: HTMLElement; open(): void } {
  const text = el('pre', { attributes: { tabindex: 0 } });
  const element: HTMLDialogElement = el(
    'dialog',
    { attributes: { 'aria-labelledby': 'commands-title' } },
    el('h2', { attributes: { id: 'commands-title' } }, 'The same on the command line'),
    text,
    button('Close', () => element.close()),
  );
  return {
    element,
    open() {
      const { picture, model, embedded, panels } = session.shown;
      if (!picture || !model) return;
      const own = panels.some(({ setting }) => setting.attention === 'mine');
      const lines = commandsOf(session.state(), {
        picture: picture.example === undefined ? picture.name : `examples/${picture.name}`,
        methods: model.methods,
        ...(!embedded && { model: model.name }),
      });
      const rest = own
        ? [
            '# your own attention: save the editor’s text as mine.ts, then',
            '# npx clipscope evaluate --method mine.ts …',
          ]
        : [];
      fill(text, [...lines, ...rest].join('\n\n'));
      element.showModal();
    },
  };
}
