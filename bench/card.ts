/** `npm run bench -- card [FOLDER] [--scenes N]`: the figures of a model's card, as Markdown tables. */
import { parseArgs } from 'node:util';
import { loadClip } from '../src/checkpoint/loadClip.js';
import { heldOutSeed } from '../src/evaluate/heldOut.js';
import { segmentScenes } from '../src/evaluate/sceneSegmentation.js';
import { zeroShotScenes } from '../src/evaluate/zeroShot.js';
import { methodByName } from '../src/segment/methods.js';
import { methodNames } from '../src/segment/protocols.js';
import { openRunner } from '../src/tensor/runner.js';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { scenes: { type: 'string' } } });
const [folder = 'weights/scenes'] = positionals;
const scenes = Number(values.scenes ?? 128);

const kinds = ['colours', 'shapes', 'things'] as const;
const table = (rows: (string | number)[][]): string => {
  const line = (cells: readonly unknown[]) => `| ${cells.join(' | ')} |`;
  const [head, ...body] = rows;
  return [line(head!), line(head!.map(() => '---')), ...body.map(line)].join('\n');
};

const runner = await openRunner('ort', { threads: 1 });
const clip = await loadClip(folder, { weights: 'file' });
const named = await zeroShotScenes(clip, { count: 8 * scenes }, runner);
console.log(`${8 * scenes} held-out scenes of one object (seed ${heldOutSeed}), zero-shot:\n`);
console.log(table([Object.keys(named), Object.values(named).map(share => share.toFixed(3))]));

const methods = methodNames.map(methodByName);
const scores = await Promise.all(kinds.map(kind => segmentScenes(clip, kind, methods, { count: scenes }, { runner })));
console.log(`\n${scenes} held-out scenes of one to three objects, mIoU in per cent:\n`);
console.log(
  table([
    ['method', ...kinds],
    ...methods.map(({ name }, m) => [name, ...scores.map(of => (100 * of[m]!.mIoU).toFixed(1))]),
  ]),
);
await runner.dispose();
clip.dispose();
