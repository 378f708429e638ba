/** The worker that computes: a lab behind messages. */
import { loadClipFiles } from '../../../checkpoint/loadClipFiles.js';
import { InputError } from '../../../errors.js';
import { canvasOfPicture } from '../../../image/imageData.js';
import { startEngine } from '../../../tensor/engine.js';
import { add, type Tensor } from '../../../tensor/tfjs.js';
import { fetchVocabulary } from '../../../tokenizer/fetchVocabulary.js';
import { runtimePath } from '../../offer.js';
import { openSandbox, type RunnableCode, type Sandbox } from '../sandbox/sandbox.js';
import type { Ask } from './asking.js';
import { type Dial, eagerDial, graphDial } from './dial.js';
import { fetchFiles } from './files.js';
import { type Lab, openLab } from './lab.js';
import { pictureOf } from './picture.js';
import { CodeError, type LoadedModel, type ModelSource, type Progress, type Request } from './protocol.js';
import { serve } from './serve.js';

/** Below this width of the tower, a graphics processor spends its time waiting. */
const wideEnough = 512;
/** As in `runtime.browser.ts`. */
const mostThreads = 4;

let lab: Lab | undefined;
let sandbox: Sandbox | undefined;

const opened = (): Lab => {
  if (!lab) throw new InputError('lab: expected a model first');
  return lab;
};

const answer = serve(
  {
    load: loadModel,
    async look({ name, file }) {
      const picture = await pictureOf(file, name);
      const look = opened().look(picture);
      return { ...look, rgba: canvasOfPicture(picture).data };
    },
    name: (line, onProgress) => opened().name(line, (done, total) => onProgress({ what: 'class names', done, total })),
    segment: ({ id, panel, code }, onProgress) =>
      opened().segment(
        id,
        panel,
        (done, total) => onProgress({ what: 'windows', done, total }),
        code && askSandbox(code),
      ),
    cell: ({ cell, panels }) => opened().cell(cell, panels),
    heat: async ({ id, label }) => opened().heat(id, label),
  },
  (reply, transfer) => self.postMessage(reply, { transfer: [...transfer] }),
);

self.onmessage = ({ data }: { data: Request }) => void answer(data);

/** Loads a model. The one before stays where that fails. */
async function loadModel(source: ModelSource, onProgress: (progress: Progress) => void): Promise<LoadedModel> {
  const { name, files, vocabulary } = source;
  await startEngine('cpu');
  const offered = Array.isArray(files) ? files : [];
  const fetched = await fetchFiles([...offered, vocabulary], (done, total) =>
    onProgress({ what: 'bytes', done, total }),
  );
  const { [vocabulary.name]: packed, ...own } = fetched.files;
  const given = Array.isArray(files) ? own : (files as Readonly<Record<string, Blob>>);
  onProgress({ what: 'graphs', done: 0, total: 1 });
  const options = { name, weights: 'file', vocabulary: await fetchVocabulary(packed) } as const;
  const clip = await loadClipFiles(given, options);
  try {
    const compute = await chosen(source, clip.config.image?.width ?? 0);
    const before = lab;
    lab = await openLab(clip, await dialFor(compute));
    await before?.dispose();
    const threads =
      compute === 'wasm' && self.crossOriginIsolated ? Math.min(navigator.hardwareConcurrency, mostThreads) : 1;
    return { ...lab.info, compute, threads, cached: fetched.cached };
  } catch (error) {
    clip.dispose();
    throw error;
  }
}

const dialFor = async (compute: LoadedModel['compute']): Promise<Dial> => {
  if (compute === 'eager') return eagerDial('cpu');
  return graphDial({ wasmPaths: runtimePath, ...(compute === 'webgpu' && { device: 'webgpu' }) });
};

/** What computes here: what was asked for, or the best that works. */
async function chosen({ compute: asked, webgpu }: ModelSource, width: number): Promise<LoadedModel['compute']> {
  if (asked !== 'auto') return asked;
  if (webgpu && width >= wideEnough && (await hasGraphicsProcessor()) && (await works('webgpu'))) return 'webgpu';
  return (await works('wasm')) ? 'wasm' : 'eager';
}

/** Whether there is one that is no imitation by the processor. */
async function hasGraphicsProcessor(): Promise<boolean> {
  const { gpu } = navigator as {
    gpu?: { requestAdapter(): Promise<{ info?: { isFallbackAdapter?: boolean } } | null> };
  };
  const adapter = await gpu?.requestAdapter().catch(() => null);
  return Boolean(adapter) && !adapter?.info?.isFallbackAdapter;
}

async function works(compute: LoadedModel['compute']): Promise<boolean> {
  const { runner } = await dialFor(compute);
  try {
    const twice = await runner.prepare((x: Tensor) => add(x, x), [{ shape: ['batch', 2] }]);
    const { data } = await twice({ data: Float32Array.of(1, 2), shape: [1, 2] });
    return data[1] === 4;
  } catch {
    return false;
  } finally {
    await runner.dispose();
  }
}

/** The user's code as who is asked for attention: in a sandbox, which starts when it is first needed. */
const askSandbox =
  (code: RunnableCode): Ask =>
  async values => {
    sandbox ??= openSandbox();
    const outcome = await sandbox.run(code, values);
    if ('failure' in outcome) throw new CodeError(outcome.failure);
    return outcome.result.z;
  };
