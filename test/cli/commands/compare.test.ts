import { join } from 'node:path';
import { expect } from 'chai';
import { readPicture } from '../../../src/image/decode.js';
import { inTemporaryFolder } from '../../files/temporary.js';
import { findGolden, goldenPath, readGolden } from '../../goldens.js';
import { writePixels } from '../pixelFile.js';
import { json, scene, succeed } from '../run.js';

interface ClassShare {
  name: string;
  pixels: number;
  share: number;
}
interface Compared {
  panels: { method: string; classes: ClassShare[] }[];
}

const classes = ['--classes', 'sand; yellow; green'];
const published = ['clip', 'maskclip', 'sclip', 'clearclip', 'naclip', 'gem'];

describe('clipscope compare', () => {
  it('gives each method what segment gives it, in one picture', () =>
    inTemporaryFolder(async dir => {
      const output = join(dir, 'grid.png');
      const { panels } = await json<Compared>(['compare', scene(1), ...classes, '-o', output]);
      expect(panels.map(({ method }) => method)).to.deep.equal(published);
      // MaskCLIP and GEM are published with sizes and normalisation of their own, which a comparison does not use.
      const alone = ['clip', 'sclip', 'clearclip', 'naclip'];
      await Promise.all(
        alone.map(async method => {
          const args = ['segment', scene(1), ...classes, '--method', method];
          const { images } = await json<{ images: { classes: ClassShare[] }[] }>(args);
          expect(panels.find(panel => panel.method === method)!.classes, method).to.deep.equal(images[0]!.classes);
        }),
      );
      const { width, height } = await readPicture(output);
      expect(width * height).to.be.above(7 * 96 * 96);
    }));

  it('takes attentions among the methods', async () => {
    const args = ['compare', scene(1), ...classes, '--method', 'clearclip', '--methods', 'clearclip,qq,kk,csa'];
    const { panels } = await json<Compared>(args);
    expect(panels.map(({ method }) => method)).to.deep.equal(['clearclip', 'qq', 'kk', 'csa']);
    expect(panels[1]!.classes, "ClearCLIP's attention is q-q").to.deep.equal(panels[0]!.classes);
    expect(panels[2]!.classes).to.not.deep.equal(panels[0]!.classes);
    const lines = (await succeed([...args, '--quiet'])).trimEnd().split('\n');
    expect(lines.map(line => line.split(' ')[0])).to.deep.equal(['clearclip', 'qq', 'kk', 'csa']);
  });

  it('takes ready pixels with windows, and draws them', function () {
    const model = goldenPath(this, 'clip-tiny/weights/hf-full-vocab-fp16');
    const golden = readGolden(findGolden('segmentation/pipeline.safetensors')!);
    return inTemporaryFolder(async dir => {
      const pixels = writePixels(join(dir, 'b.safetensors'), golden['b/normalised']!);
      const output = join(dir, 'grid.png');
      const windows = ['--window', '64', '--stride', '32', '--methods', 'sclip,clipsurgery'];
      const { panels } = await json<Compared>([
        'compare',
        pixels,
        '--model',
        model,
        ...classes,
        ...windows,
        '-o',
        output,
      ]);
      for (const panel of panels) {
        const pixelsOfAll = panel.classes.reduce((sum, one) => sum + one.pixels, 0);
        expect(pixelsOfAll, panel.method).to.equal(96 * 80);
      }
      expect((await readPicture(output)).width).to.be.above(2 * 80);
    });
  });
});
