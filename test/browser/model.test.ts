/** From files, pictures and words that a page has to a segmentation, as in Node. */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { loadClip } from '../../src/checkpoint/loadClip.js';
import { readPicture } from '../../src/image/decode.js';
import { clipPreprocess, preprocess } from '../../src/image/preprocess.js';
import { methodByName } from '../../src/segment/methods.js';
import { segmentVariants } from '../../src/segment/segmenter.js';
import { openRunner } from '../../src/tensor/runner.js';
import { createTokenizer } from '../../src/tokenizer/index.js';
import { type Opened, useChromium } from './chromium.js';
import './inPage.js';

describe('a model in a page', function () {
  this.timeout(30_000);
  const open = useChromium({ isolated: true });
  let opened: Opened;
  before(async () => {
    opened = await open();
  });
  afterEach(() => {
    expect(opened.complaints).to.deep.equal([]);
  });

  for (const path of ['images/rgb_large.png', 'images/rgb_odd.png', 'images/grey.png', 'examples/scene-1.png']) {
    it(`sees the pixels of ${path} as in Node, every one`, async () => {
      const file = path.replace('images/', 'test/fixtures/goldens/preprocess/images/');
      const expected = preprocess(await readPicture(file), clipPreprocess(64));
      const actual = await opened.page.evaluate(async path => {
        const picture = await decoded(path);
        return Array.from(clipscope.preprocess(picture, clipscope.clipPreprocess(64)));
      }, path);
      expect(actual.findIndex((value, i) => value !== expected[i])).to.equal(-1);
      expect(actual.length).to.equal(expected.length);
    });
  }

  it('keeps what is not opaque, and gives canvases their pixels back', async () => {
    const { modes, back, shown } = await opened.page.evaluate(() => {
      const seen = Uint8ClampedArray.of(10, 20, 30, 255, 40, 50, 60, 255);
      const opaque = clipscope.pictureOfCanvas({ width: 2, height: 1, data: seen });
      const other = clipscope.pictureOfCanvas({ width: 2, height: 1, data: seen.with(3, 7) });
      const { width, height, data } = clipscope.canvasOfPicture(opaque);
      return { modes: [opaque.mode, other.mode], back: Array.from(data), shown: [width, height, other.data[3]] };
    });
    expect(modes).to.deep.equal(['RGB', 'RGBA']);
    expect(back).to.deep.equal([10, 20, 30, 255, 40, 50, 60, 255]);
    expect(shown).to.deep.equal([2, 1, 7]);
  });

  it('reads words as in Node: packed and plain vocabularies, references of HTML, misread text', async () => {
    const texts = ['a photo of a cat.', 'caf&eacute; &notit; &#233;', 'Ã©tÃ© â€œquotedâ€\u009d', '日本語 🙂', ''];
    const tokenizer = createTokenizer({ contextLength: 32 });
    const ids = await opened.page.evaluate(async texts => {
      const address = '/data/bpe_simple_vocab_16e6.txt.gz';
      const packed = await bytesAt(address);
      const plain = await clipscope.fetchVocabulary(address);
      const vocabularies = [
        plain,
        await clipscope.fetchVocabulary(packed),
        await clipscope.fetchVocabulary(new Blob([plain])),
      ];
      return vocabularies.map(vocabulary =>
        clipscope.createTokenizer({ vocabulary, contextLength: 32 }).encodeBatch(texts),
      );
    }, texts);
    expect(ids).to.deep.equal(Array(3).fill(tokenizer.encodeBatch(texts)));
  });

  it('segments a picture by several methods as in Node, compiled and in a worker', async () => {
    const names = ['sand', 'yellow', 'green'];
    const methods = ['clearclip', 'sclip'];
    const clip = await loadClip('weights/scenes', { weights: 'file' });
    const runner = await openRunner('ort');
    const picture = await readPicture('examples/scene-1.png');
    const expected = await segmentVariants(clip, picture, names, methods.map(methodByName), { runner });
    await runner.dispose();
    clip.dispose();
    const actual = await opened.page.evaluate(
      async ({ names, methods }) => {
        const vocabulary = await clipscope.fetchVocabulary('/data/bpe_simple_vocab_16e6.txt.gz');
        await clipscope.startEngine('cpu');
        const clip = await loadModel({ weights: 'file', vocabulary });
        const runner = await clipscope.openRunner('ort', { wasmPaths: '/ort/', host: 'worker' });
        const picture = await decoded('examples/scene-1.png');
        const variants = methods.map(clipscope.methodByName);
        const segmentations = await clipscope.segmentVariants(clip, picture, names, variants, { runner });
        await runner.dispose();
        clip.dispose();
        return segmentations.map(({ method, labels, classes }) => ({ method, labels: Array.from(labels), classes }));
      },
      { names, methods },
    );
    expect(actual.map(({ method }) => method)).to.deep.equal(methods);
    actual.forEach(({ labels, classes }, i) => {
      const reference = expected[i]!;
      expect(labels.length).to.equal(reference.labels.length);
      // Two names can be as good as each other to the last bit.
      const others = labels.filter((label, at) => label !== reference.labels[at]).length;
      expect(others).to.be.below(labels.length / 1000);
      expect(classes.map(({ name }) => name)).to.deep.equal(names);
    });
  });

  it('opens OpenCLIP files and weights of any name, leaving other files alone', async () => {
    const folder = 'test/fixtures/goldens/clip-tiny/weights/open_clip-v512';
    const text = (name: string) => readFileSync(`${folder}/${name}`).toString('base64');
    const weights = text('open_clip_model.safetensors');
    const config = text('open_clip_config.json');
    const widths = await opened.page.evaluate(
      async ({ weights, config }) => {
        const bytes = (base64: string) => Uint8Array.from(atob(base64), character => character.charCodeAt(0));
        const rest = { 'open_clip_config.json': bytes(config).buffer, 'notes.txt': new Blob(['x']) };
        await clipscope.startEngine('cpu');
        const clips = [
          await clipscope.loadClipFiles({ ...rest, 'open_clip_model.safetensors': bytes(weights) }),
          await clipscope.loadClipFiles(
            { ...rest, 'mine.safetensors': new Blob([bytes(weights)]) },
            { towers: ['image'] },
          ),
        ];
        for (const clip of clips) clip.dispose();
        return clips.map(({ config }) => [config.embedding, config.image!.imageSize, config.text?.vocabulary ?? 0]);
      },
      { weights, config },
    );
    expect(widths).to.deep.equal([
      [64, 64, 512],
      [64, 64, 0],
    ]);
  });
});
