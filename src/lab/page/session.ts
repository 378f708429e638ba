/** What the page knows and does, without how it looks: the state, what the engine made of it, and the work under way. */
import type { Offer, OfferedExample } from '../offer.js';
import type { AskEngine } from './engine/client.js';
import type { Cell } from './engine/places.js';
import { CodeError, type Compute, type ModelSource, type Progress } from './engine/protocol.js';
import type { RunnableCode } from './sandbox/sandbox.js';
import { isOwn, type Shown, type ShownPanel, type ShownPicture } from './shown.js';
import { type LabState, mostPanels, type PanelState } from './state.js';
import { messageOf, wordsOf } from './words.js';

export interface Session {
  readonly shown: Shown;
  readonly offer: Offer;
  /** The state as addresses and commands have it. */
  state(): LabState;
  loadModel(files?: ModelSource['files'], name?: string, compute?: Compute): Promise<void>;
  openExample(example: OfferedExample): Promise<void>;
  openPicture(file: Blob, name: string, example?: string): Promise<void>;
  setClasses(text: string): void;
  pin(label: number | undefined): void;
  addPanel(setting: PanelState): void;
  setPanel(id: string, setting: PanelState): void;
  removePanel(id: string): void;
  select(cell: Cell): void;
  /** Takes code that passed the checker, and runs it where a panel wants it. */
  setCode(text: string, runnable?: RunnableCode): void;
  say(notice: string | undefined): void;
}

/** How long typing, or dragging, must rest before what is slower follows. */
const restMs = 200;

/** @param onChange called after each change of `shown` */
export function openSession(ask: AskEngine, offer: Offer, start: LabState, onChange: () => void): Session {
  let ids = 0;
  const newPanel = (setting: PanelState): ShownPanel => ({ id: `panel-${ids++}`, setting, busy: true });
  const { embedded = false } = offer;
  const shown: Shown = {
    embedded,
    classesText: start.classes,
    classes: [],
    panels: start.panels.map(newPanel),
    cell: start.patch,
    code: start.code ?? '',
  };
  let runnable: RunnableCode | undefined;
  let source: ModelSource = { ...offer.model, vocabulary: offer.vocabulary, webgpu: offer.webgpu, compute: 'auto' };

  // What is to be done, one thing after the other; what is asked for again meanwhile is done once.
  const todo = { names: false, panels: new Set<string>(), cell: false };
  let working = false;

  async function work(): Promise<void> {
    if (working || !shown.model || !shown.picture) return;
    working = true;
    try {
      for (;;) {
        const [next] = todo.panels;
        if (todo.names) await nameClasses();
        else if (shown.classes.length > 0 && next !== undefined) await makeMap(next);
        else if (todo.cell) await lookAtCell();
        else break;
        onChange();
      }
    } finally {
      working = false;
    }
  }

  const changed = () => {
    onChange();
    void work();
  };

  const allPanels = () => {
    for (const panel of shown.panels) {
      panel.busy = true;
      todo.panels.add(panel.id);
    }
  };

  const told = (progress: Progress) => {
    shown.progress = {
      text: wordsOf(progress),
      share: progress.total > 0 ? progress.done / progress.total : undefined,
    };
    onChange();
  };

  async function nameClasses(): Promise<void> {
    todo.names = false;
    try {
      shown.classes = await ask('name', shown.classesText, told);
      shown.classesFailure = undefined;
      if (shown.pinned !== undefined && shown.pinned >= shown.classes.length) shown.pinned = undefined;
      allPanels();
    } catch (error) {
      shown.classesFailure = messageOf(error);
    }
    shown.progress = undefined;
  }

  async function makeMap(id: string): Promise<void> {
    todo.panels.delete(id);
    const panel = shown.panels.find(one => one.id === id);
    if (!panel) return;
    const { setting } = panel;
    const code = isOwn(panel) ? runnable : undefined;
    // It waits for the editor, or for the user's word.
    if (isOwn(panel) && !code) return;
    const isWindowed = (progress: Progress) => {
      if (progress.total > 20) told(progress);
    };
    try {
      panel.map = await ask('segment', { id, panel: setting, ...(code && { code }) }, isWindowed);
      panel.failure = undefined;
      if (code) shown.codeFailure = undefined;
      panel.heat = shown.pinned === undefined ? undefined : await ask('heat', { id, label: shown.pinned });
    } catch (error) {
      if (error instanceof CodeError) shown.codeFailure = error.failure;
      panel.failure = messageOf(error);
    }
    shown.progress = undefined;
    panel.busy = todo.panels.has(id);
    cellSoon();
  }

  async function lookAtCell(): Promise<void> {
    todo.cell = false;
    const { cell, picture } = shown;
    if (!picture) return;
    const { rows, columns } = picture.look;
    const within = cell && cell.row < rows && cell.column < columns;
    // The page is never without one: the middle, to begin with.
    shown.cell = within ? cell : { row: Math.floor(rows / 2), column: Math.floor(columns / 2) };
    try {
      shown.sight = await ask('cell', { cell: shown.cell, panels: shown.panels.map(({ id }) => id) });
    } catch (error) {
      shown.notice = messageOf(error);
    }
  }

  let resting: ReturnType<typeof setTimeout> | undefined;
  function cellSoon(): void {
    clearTimeout(resting);
    resting = setTimeout(() => {
      todo.cell = true;
      void work();
    }, restMs);
  }

  async function openPicture(file: Blob, name: string, example?: string): Promise<void> {
    try {
      const { rgba, ...look } = await ask('look', { name, file });
      shown.picture = { name, example, look, rgba };
      shown.notice = undefined;
      shown.sight = undefined;
      todo.names = true;
      allPanels();
    } catch (error) {
      shown.notice = messageOf(error);
    }
    changed();
  }

  let typing: ReturnType<typeof setTimeout> | undefined;

  return {
    shown,
    offer,

    state: () => ({
      classes: shown.classesText,
      panels: shown.panels.map(({ setting }) => setting),
      ...(shown.picture?.example !== undefined && { picture: shown.picture.example }),
      ...(shown.cell && { patch: shown.cell }),
      ...(shown.code !== '' && shown.panels.some(isOwn) && { code: shown.code }),
    }),

    async loadModel(files = source.files, name = source.name, compute = source.compute) {
      const asked: ModelSource = { ...source, name, files, compute };
      shown.progress = { text: 'loading the model' };
      shown.notice = undefined;
      onChange();
      try {
        shown.model = await ask('load', asked, told);
        shown.embedded = embedded && files === offer.model.files;
        source = asked;
        const { picture } = shown;
        // Until the new model has seen it, there is no picture.
        shown.picture = undefined;
        if (picture) await openPicture(await pngOf(picture), picture.name, picture.example);
      } catch (error) {
        shown.notice = messageOf(error);
      }
      shown.progress = undefined;
      changed();
    },

    async openExample({ path, name, classes }) {
      try {
        const response = await fetch(path);
        if (!response.ok) throw new Error(`${name}: the server answers ${response.status}`);
        if (classes !== undefined) shown.classesText = classes;
        await openPicture(await response.blob(), name, name);
      } catch (error) {
        shown.notice = messageOf(error);
        onChange();
      }
    },

    openPicture,

    setClasses(text) {
      shown.classesText = text;
      clearTimeout(typing);
      typing = setTimeout(() => {
        todo.names = true;
        changed();
      }, restMs);
    },

    pin(label) {
      shown.pinned = label;
      for (const panel of shown.panels) {
        panel.heat = undefined;
        if (label === undefined || !panel.map) continue;
        void ask('heat', { id: panel.id, label })
          .then(heat => {
            if (shown.pinned !== label) return;
            panel.heat = heat;
            onChange();
          })
          // A map that is being made anew brings its own.
          .catch(() => {});
      }
      onChange();
    },

    addPanel(setting) {
      if (shown.panels.length >= mostPanels) return;
      const panel = newPanel(setting);
      shown.panels.push(panel);
      todo.panels.add(panel.id);
      changed();
    },

    setPanel(id, setting) {
      const panel = shown.panels.find(one => one.id === id);
      if (!panel) return;
      panel.setting = setting;
      panel.busy = true;
      todo.panels.add(id);
      changed();
    },

    removePanel(id) {
      shown.panels = shown.panels.filter(one => one.id !== id);
      todo.panels.delete(id);
      cellSoon();
      onChange();
    },

    select(cell) {
      shown.cell = cell;
      todo.cell = true;
      changed();
    },

    setCode(text, checked) {
      shown.code = text;
      runnable = checked;
      shown.codeFailure = undefined;
      for (const panel of checked ? shown.panels.filter(isOwn) : []) {
        panel.busy = true;
        todo.panels.add(panel.id);
      }
      changed();
    },

    say(notice) {
      shown.notice = notice;
      onChange();
    },
  };
}

/** A picture as a file again, for another model. */
async function pngOf({ look: { width, height }, rgba }: ShownPicture): Promise<Blob> {
  const canvas = new OffscreenCanvas(width, height);
  const pixels = new ImageData(rgba as Uint8ClampedArray<ArrayBuffer>, width, height);
  canvas.getContext('2d')!.putImageData(pixels, 0, 0);
  return canvas.convertToBlob();
}
