import { expect } from 'chai';
import { InputError } from '../../src/errors.js';
import { drawScene, sceneCanvas } from '../../src/scenes/draw.js';
import { sceneAt } from '../../src/scenes/scene.js';
import { sceneSheet } from '../../src/scenes/sheet.js';

describe('sceneSheet', () => {
  it('holds every scene, magnified by a whole number, and some ink below it', () => {
    const scenes = [0, 1, 2, 3, 4].map(index => sceneAt(0, index, { size: 64 }));
    const { width, height, data } = sceneSheet(scenes, 3);
    const at = (x: number, y: number) => [...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)];
    const canvas = sceneCanvas(64);
    const margin = Math.round(9 * 1.3);
    const pitchY = (height - margin) / 2;
    expect(Number.isInteger(pitchY)).to.equal(true);
    expect(width).to.equal(3 * (192 + margin) + margin);
    scenes.forEach((scene, i) => {
      drawScene(scene, canvas);
      const [left, top] = [margin + (i % 3) * (192 + margin), margin + Math.floor(i / 3) * pitchY];
      for (let p = 0; p < 64 * 64; p++) {
        const expected = [...canvas.pixels.subarray(3 * p, 3 * p + 3)];
        const [x, y] = [left + 3 * (p % 64), top + 3 * Math.floor(p / 64)];
        for (const [dx, dy] of [
          [0, 0],
          [2, 2],
        ] as const) {
          if (at(x + dx, y + dy).join() !== expected.join()) throw new Error(`scene ${i}, pixel ${p} is not there`);
        }
      }
      let inked = 0;
      for (let y = top + 192; y < top + pitchY - margin; y++) {
        for (let x = left; x < left + 192; x++) inked += Number(at(x, y)[0]! < 128);
      }
      expect(inked, `scene ${i}`).to.be.above(50);
    });
  });

  it('breaks a long caption into lines no wider than the picture', () => {
    const crowded = Array.from({ length: 6 }, (_, index) => sceneAt(3, index, { objects: [6, 6], radius: [6, 12] }));
    const { width, height, data } = sceneSheet(crowded, 6);
    const margin = 12;
    for (let gap = 1; gap < 6; gap++) {
      const left = gap * (192 + margin);
      for (let y = 0; y < height; y++) {
        for (let x = left + 2; x < left + margin; x++) expect(data[(y * width + x) * 3]).to.equal(255);
      }
    }
  });

  it('refuses no scenes, and too many', () => {
    expect(() => sceneSheet([])).to.throw(InputError);
    const large = sceneAt(0, 0, { size: 4096 });
    expect(() => sceneSheet(Array(5).fill(large))).to.throw(InputError, /at most 67108864 pixels .* got 83886080$/);
  });
});
