import { expect } from 'chai';
import { rgbPicture } from '../../src/image/picture.js';
import { preprocess } from '../../src/image/preprocess.js';
import { drawScenes } from '../../src/scenes/batch.js';
import { drawScene, sceneCanvas } from '../../src/scenes/draw.js';
import { sceneLabels } from '../../src/scenes/labels.js';
import { sceneAt } from '../../src/scenes/scene.js';
import { type SceneClassKind, sceneBackgrounds, sceneClassNames } from '../../src/scenes/world.js';

const scenes = [4, 0, 4, 2].map(index => sceneAt(1, index, { size: 48 }));
const pixels = 48 * 48;
const canvases = scenes.map(scene => {
  const canvas = sceneCanvas(48);
  drawScene(scene, canvas);
  return canvas;
});

describe('drawScenes', () => {
  it('fills bytes and masks one scene after the other, also on a canvas that is used again', () => {
    const canvas = sceneCanvas(48);
    for (const options of [{}, { canvas }, { canvas }]) {
      const into = new Uint8Array(4 * pixels * 3);
      const instances = new Uint8Array(4 * pixels);
      drawScenes(scenes, into, { ...options, instances });
      canvases.forEach((expected, i) => {
        expect(into.subarray(i * pixels * 3, (i + 1) * pixels * 3)).to.deep.equal(expected.pixels);
        expect(instances.subarray(i * pixels, (i + 1) * pixels)).to.deep.equal(expected.instances);
      });
    }
  });

  it('fills shared memory with the values that preprocess gives, as planes', () => {
    const statistics = {
      embedded: [
        [0.48, 0.48, 0.48],
        [0.27, 0.27, 0.27],
      ],
      other: [
        [0.1, 0.2, 0.3],
        [0.5, 0.6, 0.7],
      ],
    } as const;
    for (const [name, [mean, std]] of Object.entries(statistics)) {
      const into = new Float32Array(new SharedArrayBuffer(4 * 4 * pixels * 3));
      drawScenes(scenes, into, name === 'embedded' ? {} : { mean, std });
      const spec = { resize: null, crop: null, fill: 0, filter: 'bicubic', rescale: 1 / 255, mean, std } as const;
      canvases.forEach((canvas, i) => {
        const expected = preprocess(rgbPicture(48, 48, canvas.pixels), spec);
        expect(into.slice(i * pixels * 3, (i + 1) * pixels * 3)).to.deep.equal(expected);
      });
    }
  });

  it('refuses arrays of another length and scenes of another size', () => {
    drawScenes([], new Uint8Array(0));
    expect(() => drawScenes(scenes, new Uint8Array(3 * pixels))).to.throw(RangeError, /expected 27648 pixels, .* 6912/);
    const into = new Float32Array(12 * pixels);
    expect(() => drawScenes(scenes, into, { instances: new Uint8Array(pixels) })).to.throw(RangeError, /instances/);
    expect(() => drawScenes([...scenes.slice(1), sceneAt(0, 0)], into)).to.throw(RangeError, /size 96/);
  });
});

describe('sceneLabels', () => {
  const sizes: Record<SceneClassKind, number> = { colours: 14, shapes: 16, things: 86 };
  for (const kind of ['colours', 'shapes', 'things'] as const) {
    it(`${kind}: names at every pixel what is there`, () => {
      const names = sceneClassNames(kind);
      expect(names).to.have.length(sizes[kind]);
      expect(new Set(names).size).to.equal(sizes[kind]);
      expect(names.slice(-6)).to.deep.equal(sceneBackgrounds);
      scenes.forEach((scene, i) => {
        const { instances } = canvases[i]!;
        const labels = sceneLabels(scene, canvases[i]!, kind);
        labels.forEach((label, p) => {
          const object = scene.objects[instances[p]! - 1];
          const words = object && {
            colours: object.colour,
            shapes: object.shape,
            things: `${object.colour} ${object.shape}`,
          };
          expect(names[label]).to.equal(words ? words[kind] : scene.background);
        });
        const into = new Uint8Array(pixels);
        expect(sceneLabels(scene, canvases[i]!, kind, into))
          .to.equal(into)
          .and.deep.equal(labels);
      });
    });
  }

  it('orders things colour by colour', () => {
    const names = sceneClassNames('things');
    expect(names.slice(0, 2)).to.deep.equal(['red circle', 'red square']);
    expect(names[10]).to.equal('green circle');
    expect(names[79]).to.equal('white hexagon');
  });

  it('refuses another kind, with the nearest', () => {
    const kind = 'colors' as SceneClassKind;
    expect(() => sceneClassNames(kind)).to.throw(/got 'colors'; did you mean colours\?$/);
    expect(() => sceneLabels(scenes[0]!, canvases[0]!, kind)).to.throw(/'colors'/);
  });
});
