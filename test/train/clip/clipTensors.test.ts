import { expect } from 'chai';
import { writeModelFolder } from '../../../src/checkpoint/convert.js';
import { loadClip } from '../../../src/checkpoint/loadClip.js';
import { fromFloat32 } from '../../../src/files/dtype.js';
import { clipPreprocess } from '../../../src/image/preprocessSpec.js';
import { createClip } from '../../../src/model/clip.js';
import type { Values } from '../../../src/tensor/compile.js';
import { add, dispose, type Pixels, type Tensor } from '../../../src/tensor/tfjs.js';
import { leavesOf, restructure } from '../../../src/tensor/trace/structure.js';
import { createTokenizer } from '../../../src/tokenizer/tokenizer.js';
import { clipTensors } from '../../../src/train/clip/clipTensors.js';
import { modelConfig } from '../../../src/train/clip/config.js';
import { initialWeights, type TrainedWeights } from '../../../src/train/clip/initial.js';
import { sceneVocabulary } from '../../../src/train/clip/vocabulary.js';
import { useEngine } from '../../engine.js';
import { inTemporaryFolder } from '../../files/temporary.js';
import { expectClose } from '../../goldens.js';
import { noise } from '../../tensor/training.js';
import { tinyConfig } from '../tiny.js';

const texts = ['a red star on grass', 'a white checkered hexagon and a circle in front of night sky'];

describe('clipTensors', () => {
  before(useEngine);

  it('saved and loaded again, a trained model gives the same embeddings', () =>
    inTemporaryFolder(async dir => {
      const config = modelConfig(tinyConfig());
      const vocabulary = sceneVocabulary(createTokenizer());
      const compact = { ...config, text: { ...config.text!, vocabulary: vocabulary.ids.length } };
      // Nothing is zero, or one, or symmetrical, so that nothing can be in another's place.
      const start = initialWeights(compact, { seed: 1 });
      const tensors = leavesOf(start).map(({ tensor }, i) => add(tensor, noise(tensor.shape, i, 0.1)));
      const weights = restructure(start, tensors) as TrainedWeights;
      const values = tensors.map(tensor => ({ data: tensor.dataSync(), shape: tensor.shape }));

      const stored = clipTensors(config, vocabulary.ids, restructure(start, values as Values[]) as never);
      const files = [...stored].map(
        ([name, { shape, data }]) => [name, { dtype: 'F32', shape, bytes: fromFloat32('F32', data) }] as const,
      );
      writeModelFolder(dir, {
        name: dir,
        config,
        preprocessor: clipPreprocess(24),
        tensors: new Map(files),
        dtype: 'F32',
      });
      const loaded = await loadClip(dir);
      const { image, text, logitScale } = weights;
      const trained = createClip(compact, { image, text, logitScale: Math.exp(logitScale.dataSync()[0]!) });
      expect(loaded.config).to.deep.equal(config);
      expect(loaded.logitScale).to.be.closeTo(trained.logitScale, 1e-5 * trained.logitScale);

      const pixels = noise([2, 3, 24, 24], 77) as Pixels;
      const same = (a: Tensor, b: Tensor, name: string) =>
        expectClose(a.dataSync() as Float32Array, b.dataSync() as Float32Array, { maxAbs: 1e-5 }, { name });
      same(loaded.image(pixels).embedding, trained.image(pixels).embedding, 'image');
      const byTrained = trained.text(vocabulary.tokenizer.encodeBatch(texts)).embedding;
      same(loaded.text(loaded.tokenizer.encodeBatch(texts)).embedding, byTrained, 'text');
      const [first, second] = [byTrained.dataSync().subarray(0, 8), byTrained.dataSync().subarray(8)];
      expect(first, 'texts that a mistake could not tell apart').to.not.deep.equal(second);
      loaded.dispose();
      dispose([start, weights] as never);
    }));

  it('rows of tokens that were not trained are zeros', () => {
    const config = modelConfig(tinyConfig());
    const { ids } = sceneVocabulary(createTokenizer());
    const start = initialWeights({ ...config, text: { ...config.text!, vocabulary: ids.length } }, { seed: 1 });
    const values = restructure(
      start,
      leavesOf(start).map(leaf => ({ data: leaf.tensor.dataSync(), shape: leaf.tensor.shape })),
    );
    const table = clipTensors(config, ids, values as never).get('text_model.embeddings.token_embedding.weight')!;
    expect(table.shape).to.deep.equal([49408, 8]);
    const used = new Set(ids);
    for (let id = 0; id < 49408; id++) {
      const row = table.data.subarray(id * 8, id * 8 + 8);
      expect(
        row.some(value => value !== 0),
        `row ${id}`,
      ).to.equal(used.has(id));
    }
    dispose(start as never);
  });
});
