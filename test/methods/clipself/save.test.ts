import { join } from 'node:path';
import { expect } from 'chai';
import { loaded } from '../../../src/checkpoint/assemble.js';
import { openModel } from '../../../src/checkpoint/loadClip.js';
import { writeDistilled } from '../../../src/methods/clipself/save.js';
import { type TrainedParts, trainedParts } from '../../../src/methods/clipself/task.js';
import type { Mapped, Values } from '../../../src/tensor/compile.js';
import { startEngine } from '../../../src/tensor/engine.js';
import { leavesOf, restructure } from '../../../src/tensor/trace/structure.js';
import { writeEva } from '../../checkpoint/evaFolder.js';
import { inTemporaryFolder } from '../../files/temporary.js';
import { expectClose, findGolden } from '../../goldens.js';

const noTexts = () => {
  throw new Error('no texts are encoded');
};

/** The model itself as a student, all its trained weights twice as large. */
function doubled(start: string): Mapped<TrainedParts, Values> {
  const clip = loaded(openModel(start), { weights: 'file' }, noTexts);
  const parts = trainedParts(clip.weights.image!, clip.config.image!.eva !== undefined, { layers: 1, stem: true });
  const values = leavesOf(parts).map(({ tensor }): Values => {
    return { data: tensor.dataSync<'float32'>().map(value => 2 * value), shape: tensor.shape };
  });
  clip.dispose();
  return restructure(parts, values) as Mapped<TrainedParts, Values>;
}

/** Starts, and what in each is trained with the last block and the stem alone. */
const starts: [golden: string, trained: RegExp, parts: number][] = [
  ['an EVA02-CLIP', /^visual\.(cls|pos_embed|patch|blocks\.2\.(?!attn\.(rope|q_|k_)))/, 4 + 18],
  [
    'clip-tiny/weights/openai-torchscript.pt',
    /^visual\.(class|positional|conv1|ln_pre|transformer\.resblocks\.3\.)/,
    5 + 12,
  ],
  ['clip-tiny/weights/open_clip-v512', /^visual\.(class|positional|conv1|ln_pre|transformer\.resblocks\.3\.)/, 5 + 12],
  [
    'clip-tiny/weights/hf-v512-fp16-sharded',
    /^vision_model\.(embeddings\.(?!position_ids)|pre_|encoder\.layers\.3\.)/,
    5 + 16,
  ],
];

describe('writeDistilled', () => {
  before(() => startEngine('cpu'));

  for (const [golden, trained, parts] of starts) {
    it(`gives ${golden} back under its names and types, with the mean of both in what was trained`, () =>
      inTemporaryFolder(async dir => {
        const start = findGolden(golden) ?? writeEva(join(dir, 'eva'));
        const before = openModel(start);
        writeDistilled(join(dir, 'model'), before, doubled(start), { alpha: 0.5 });
        const after = openModel(join(dir, 'model'));
        expect(after.config).to.deep.equal(before.config);
        expect(after.preprocessor).to.deep.equal(before.preprocessor);
        expect([...after.file.tensors.keys()].sort()).to.deep.equal([...before.file.tensors.keys()].sort());
        let changed = 0;
        for (const [name, { dtype, shape }] of before.file.tensors) {
          expect(after.file.tensors.get(name)).to.deep.include({ dtype, shape: [...shape] });
          const factor = trained.test(name) ? 1.5 : 1;
          changed += Number(factor > 1);
          const expected = before.file.readFloat32(name).map(value => factor * value);
          // Half a unit in float16's last place, where there is something to round.
          const tolerance = factor > 1 ? { maxAbs: 1e-7, relative: 2 ** -11 } : { maxAbs: 0 };
          expectClose(after.file.readFloat32(name), expected, tolerance, { name });
        }
        expect(changed).to.equal(parts);
        for (const { file } of [before, after]) file.close();
      }));
  }
});
