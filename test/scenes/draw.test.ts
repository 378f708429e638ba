import { createHash } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import { sceneCaption } from '../../src/scenes/caption.js';
import { drawScene, sceneCanvas, visibleParts } from '../../src/scenes/draw.js';
import { type Scene, sceneAt } from '../../src/scenes/scene.js';
import { insideShape } from '../../src/scenes/shapes.js';
import { sceneBackgrounds, type sceneShapes } from '../../src/scenes/world.js';
import { expectClose } from '../goldens.js';

/** SHA-256 of the first twenty scenes of a seed: pixels, masks and captions. */
function digest(seed: number, size: number): string {
  const hash = createHash('sha256');
  const canvas = sceneCanvas(size);
  for (let index = 0; index < 20; index++) {
    const scene = sceneAt(seed, index, { size });
    drawScene(scene, canvas);
    hash.update(canvas.pixels).update(canvas.instances).update(sceneCaption(scene));
  }
  return hash.digest('hex');
}

/** The scene drawn anew, each on a canvas of its own. */
function drawn(scene: Scene) {
  const canvas = sceneCanvas(scene.size);
  drawScene(scene, canvas);
  return canvas;
}

/** A scene of one object that fills most of the picture. */
const large = (index: number, size = 96) => sceneAt(1, index, { size, objects: [1, 1], radius: [34, 40] });

describe('drawScene', () => {
  // Whoever changes how scenes are drawn changes `generator` in `scenes.json` too.
  const digests: [seed: number, size: number, sha256: string][] = [
    [0, 96, '9a30e6280e3bf8b4e888f735a7c7f392e8ca78b3ac09c6cd65ce4bd6b1078bf6'],
    [1, 24, '5f47bba977d6ab049d7d386d6d27e848a99dc59ee20b4151edfe7251e1630ffa'],
    [2 ** 53 - 1, 137, 'efb1c49e5723db6ab0dbae63bb065b1be953076086168badcc0a1aae53858df1'],
    [7, 336, 'ce64404b2144b56d9f64bd5b70277ac8df1c7d75e403c96c86ea61b3dc113285'],
  ];
  for (const [seed, size, sha256] of digests) {
    it(`gives the same bytes as ever: seed ${seed}, ${size} pixels`, () => {
      expect(digest(seed, size)).to.equal(sha256);
    });
  }

  it('does not depend on what the canvas held, nor on the order of scenes', () => {
    const canvas = sceneCanvas(96);
    for (const index of [9, 2, 5, 2, 0]) {
      drawScene(sceneAt(4, index), canvas);
      expect(canvas).to.deep.equal(drawn(sceneAt(4, index)));
    }
    canvas.pixels.fill(7);
    canvas.instances.fill(7);
    drawScene(sceneAt(4, 1), canvas);
    expect(canvas).to.deep.equal(drawn(sceneAt(4, 1)));
  });

  it('shows at each pixel the last object whose shape its centre lies in', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 24, max: 150 }), (seed, size) => {
        const scene = sceneAt(seed, 0, { size, objects: [1, 6], radius: [13, 40] });
        const { instances } = drawn(scene);
        for (let p = 0; p < size * size; p++) {
          const [x, y] = [(p % size) + 0.5, Math.floor(p / size) + 0.5];
          const at = scene.objects.findLastIndex(({ shape, radius, rotation, x: left, y: top }) => {
            const [angle, distance] = [
              Math.atan2(y - top, x - left) - rotation,
              Math.hypot(x - left, y - top) / radius,
            ];
            return insideShape[shape](distance * Math.cos(angle), distance * Math.sin(angle));
          });
          if (instances[p] !== at + 1) throw new Error(`seed ${seed}, size ${size}: pixel ${p} shows ${instances[p]}`);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('shows of every object of the default options at least four fifths, of any other something', () => {
    for (let index = 0; index < 500; index++) {
      const scene = sceneAt(6, index);
      const parts = visibleParts(scene, drawn(scene));
      scene.objects.forEach((object, i) => {
        const alone = { ...scene, objects: [object] };
        const whole = visibleParts(alone, drawn(alone))[0]!;
        expect(parts[i]!.area).to.be.at.least(0.8 * whole.area);
      });
    }
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 24, max: 64 }), fc.boolean(), (seed, size, crowded) => {
        const options = crowded ? { objects: [6, 6] as const } : { radius: [288 / size, 48] as const };
        const scene = sceneAt(seed, 0, { size, ...options });
        for (const { area } of visibleParts(scene, drawn(scene))) expect(area).to.be.above(0);
      }),
    );
  });

  it('paints an object in its colour, dark where its texture is, with a little noise', () => {
    for (let index = 0; index < 60; index++) {
      const scene = large(index);
      const { pixels, instances } = drawn(scene);
      const { paint, shade, texture } = scene.objects[0]!;
      let [dark, all] = [0, 0];
      instances.forEach((instance, p) => {
        if (instance === 0) return;
        const near = (factor: number) =>
          paint.every((value, c) => Math.abs(pixels[3 * p + c]! - Math.min(value * factor, 255)) <= 13);
        expect(near(1) || near(shade), `scene ${index}, pixel ${p}`).to.equal(true);
        dark += Number(near(shade));
        all++;
      });
      const [least, most] = texture === 'plain' ? [0, 0] : texture === 'dotted' ? [0.2, 0.5] : [0.35, 0.65];
      expect(dark / all, `${texture}, scene ${index}`).to.be.within(least, most);
    }
  });

  it('paints backgrounds that differ from each other by far more than their tint', () => {
    const means = sceneBackgrounds.map(background => {
      const scene = { ...sceneAt(0, 0), background, tint: [0, 0, 0] as const, objects: [] };
      const { pixels } = drawn(scene);
      const sums = [0, 0, 0];
      pixels.forEach((value, i) => {
        sums[i % 3]! += value;
      });
      return sums.map(sum => sum / (96 * 96));
    });
    means.forEach((mean, i) => {
      for (const other of means.slice(0, i)) {
        expect(Math.hypot(...mean.map((value, c) => value - other[c]!))).to.be.above(60);
      }
    });
  });

  it('draws backgrounds that look alike at every size', () => {
    for (const background of sceneBackgrounds) {
      const [small, large] = [96, 384].map(size => {
        const { pixels } = drawn({ ...sceneAt(8, 3, { size }), background, objects: [] });
        // Means over squares of 12 96ths.
        const cells = new Float64Array(64);
        for (let p = 0; p < size * size; p++) {
          const [x, y] = [Math.floor((8 * (p % size)) / size), Math.floor((8 * Math.floor(p / size)) / size)];
          cells[8 * y + x]! += pixels[3 * p + 1]! / (size / 8) ** 2;
        }
        return cells;
      });
      expectClose(small!, large!, { maxAbs: 4 }, { name: background });
    }
  });

  it('refuses a canvas of another size', () => {
    expect(() => drawScene(sceneAt(0, 0), sceneCanvas(48))).to.throw(RangeError, /size 96, .* size 48/);
  });
});

describe('visibleParts', () => {
  it('are the boxes and areas of the masks', () => {
    for (let index = 0; index < 100; index++) {
      const scene = sceneAt(3, index);
      const canvas = drawn(scene);
      const parts = visibleParts(scene, canvas);
      expect(parts).to.have.length(scene.objects.length);
      parts.forEach(({ box: [left, top, width, height], area }, i) => {
        const own = [...canvas.instances.keys()].filter(p => canvas.instances[p] === i + 1);
        const [xs, ys] = [own.map(p => p % 96), own.map(p => Math.floor(p / 96))];
        expect([left, top]).to.deep.equal([Math.min(...xs), Math.min(...ys)]);
        expect([left + width - 1, top + height - 1]).to.deep.equal([Math.max(...xs), Math.max(...ys)]);
        expect(area).to.equal(own.length);
      });
    }
  });

  it('of large objects have the area of their shape', () => {
    const areas: Record<(typeof sceneShapes)[number], number> = {
      circle: Math.PI,
      square: 2,
      triangle: (3 * Math.sqrt(3)) / 4,
      star: 5 * Math.sin(Math.PI / 5) * (Math.sin(Math.PI / 10) / Math.sin((3 * Math.PI) / 10)),
      ring: Math.PI * (1 - 0.55 ** 2),
      cross: 4 * 0.31 * (2 * 0.95 - 0.31),
      // 3.66197 is the area within (x^2 + y^2 - 1)^3 = x^2 y^3.
      heart: 3.66197 / 1.25 ** 2,
      crescent: Math.PI - lens(1, 0.8, 0.45),
      diamond: 1.4,
      hexagon: (3 * Math.sqrt(3)) / 2,
    };
    for (let index = 0; index < 40; index++) {
      const scene = large(index, 400);
      const { area } = visibleParts(scene, drawn(scene))[0]!;
      const { shape, radius } = scene.objects[0]!;
      expect(area / radius ** 2, shape).to.be.closeTo(areas[shape], 0.01);
    }
  });
});

/** The area that two circles of radii R and r have in common, their centres d apart. */
function lens(R: number, r: number, d: number): number {
  const [a, b] = [(d * d + R * R - r * r) / (2 * d), (d * d + r * r - R * R) / (2 * d)];
  const segment = (radius: number, x: number) =>
    radius ** 2 * Math.acos(x / radius) - x * Math.sqrt(radius ** 2 - x * x);
  return segment(R, a) + segment(r, b);
}
