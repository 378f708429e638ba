import { expect } from 'chai';
import { InputError } from '../../src/errors.js';
import { type Picture, rgbPicture } from '../../src/image/picture.js';
import { clipPreprocess, preprocess } from '../../src/image/preprocess.js';
import { type Box, enlarged, gridCells, inPixels } from '../../src/regions/boxes.js';
import { cropSquare, padSquare } from '../../src/regions/crops.js';
import { expectClose, findGolden, type GoldenTensor, readGolden } from '../goldens.js';

const golden = readGolden(findGolden('clipself/crops.safetensors')!);
const pictureOf = ({ data, shape }: GoldenTensor): Picture => rgbPicture(shape[1]!, shape[0]!, data as Uint8Array);
const box = (left: number, top: number, right: number, bottom: number): Box => ({ left, top, right, bottom });
const pictures = { image0: pictureOf(golden.image0!), image1: pictureOf(golden.image1!) };

function expectCrops(image: keyof typeof pictures, boxes: readonly Box[], name: string) {
  const { data, shape } = golden[`${image}.${name}.crops`]!;
  const one = shape[1]! * shape[2]! * 3;
  expect(boxes).to.have.length(shape[0]!);
  boxes.forEach((each, i) => {
    const crop = cropSquare(pictures[image], each, 64);
    const where = { name: `${name} ${i}`, shape: shape.slice(1) };
    expectClose(crop.data, (data as Uint8Array).subarray(i * one, (i + 1) * one), { maxAbs: 0 }, where);
  });
}

describe("CLIPSelf's views of a picture, value for value", () => {
  for (const [image, rows, columns] of [
    ['image0', 2, 3],
    ['image1', 3, 2],
  ] as const) {
    const { width, height } = pictures[image];

    it(`${image}: the teacher's crops of grid cells`, () => {
      const cells = gridCells(rows, columns).map(cell => inPixels(cell, width, height));
      expectCrops(image, cells, `grid${rows}x${columns}`);
    });

    it(`${image}: the teacher's crops of proposals`, () => {
      const xywh = golden[`${image}.proposals_xywh`]!.data as Float32Array;
      const proposals = Array.from({ length: xywh.length / 4 }, (_, i) => {
        const [x, y, w, h] = [0, 1, 2, 3].map(j => xywh[4 * i + j]!) as [number, number, number, number];
        return enlarged(box(x, y, x + w, y + h), 1.5, width, height);
      });
      expectCrops(image, proposals, 'proposal');
    });

    it(`${image}: the student's square`, () => {
      const square = padSquare(pictures[image], 128);
      const { data, shape } = golden[`${image}.student128`]!;
      expectClose(square.picture.data, data as Uint8Array, { maxAbs: 0 }, { shape });
      expect([square.width, square.height]).to.deep.equal(image === 'image0' ? [128, 96] : [85, 128]);
    });
  }

  it('black is black before normalisation', () => {
    const { picture } = padSquare(rgbPicture(4, 2, new Uint8Array(24).fill(255)), 8);
    const spec = clipPreprocess(8);
    const pixels = preprocess(picture, spec);
    const black = (0 - spec.mean[0]) / spec.std[0];
    const white = (1 - spec.mean[0]) / spec.std[0];
    expectClose(pixels.subarray(0, 32), new Float32Array(32).fill(white), { maxAbs: 1e-6 });
    expectClose(pixels.subarray(32, 64), new Float32Array(32).fill(black), { maxAbs: 1e-6 });
  });
});

describe('crops at the edge', () => {
  const numbered = rgbPicture(
    4,
    3,
    Uint8Array.from({ length: 36 }, (_, i) => 10 * (1 + Math.floor(i / 3))),
  );
  const reds = ({ data }: Picture) => Array.from(data).filter((_, i) => i % 3 === 0);

  it('corners are rounded, halves to the even number, and cut off at the edge', () => {
    expect(reds(cropSquare(numbered, box(0.5, 0.5, 2.5, 1.6), 2))).to.deep.equal([10, 20, 50, 60]);
    expect(reds(cropSquare(numbered, box(2, 1, 90, 90), 2))).to.deep.equal([70, 80, 110, 120]);
    expect(reds(cropSquare(numbered, box(-9, -9, 2, 2), 2))).to.deep.equal([10, 20, 50, 60]);
  });

  it('an odd margin is smaller at the top and at the left', () => {
    expect(reds(cropSquare(numbered, box(0, 0, 4, 1), 4))).to.deep.equal([
      ...[0, 0, 0, 0],
      ...[10, 20, 30, 40],
      ...[0, 0, 0, 0],
      ...[0, 0, 0, 0],
    ]);
    expect(reds(cropSquare(numbered, box(1, 0, 2, 2), 2))).to.deep.equal([20, 0, 60, 0]);
  });

  it('a box that rounds to nothing takes one pixel', () => {
    expect(reds(cropSquare(numbered, box(1.1, 1.1, 1.3, 1.3), 1))).to.deep.equal([60]);
    expect(reds(cropSquare(numbered, box(3.8, 2.8, 4, 3), 1))).to.deep.equal([120]);
  });

  it('a side that shrinks to nothing stays one pixel', () => {
    const thin = rgbPicture(300, 1, new Uint8Array(900).fill(200));
    expect(reds(padSquare(thin, 2).picture)).to.deep.equal([200, 200, 0, 0]);
    expect(padSquare(thin, 2)).to.include({ width: 2, height: 1 });
  });

  it('grey and see-through pictures come out in RGB over black', () => {
    const grey: Picture = { width: 2, height: 1, mode: 'L', data: Uint8Array.of(7, 9), orientation: 1, format: 'png' };
    expect([...padSquare(grey, 2).picture.data]).to.deep.equal([7, 7, 7, 9, 9, 9, 0, 0, 0, 0, 0, 0]);
    const alpha: Picture = { ...grey, mode: 'LA', data: Uint8Array.of(7, 255, 9, 255) };
    expect([...cropSquare(alpha, box(1, 0, 2, 1), 1).data]).to.deep.equal([9, 9, 9]);
  });

  it('refuses boxes outside or without area, and sizes that are none', () => {
    for (const bad of [
      box(4, 0, 6, 2),
      box(0, 3, 2, 9),
      box(-3, 0, 0, 2),
      box(1, 1, 1, 2),
      box(3, 1, 1, 2),
      box(Number.NaN, 0, 1, 1),
      box(0, 0, Number.POSITIVE_INFINITY, 1),
    ]) {
      expect(() => cropSquare(numbered, bad, 2)).to.throw(InputError, /^cropSquare: expected a box with an area/);
    }
    for (const size of [0, -1, 1.5, Number.NaN, 1e9]) {
      expect(() => cropSquare(numbered, box(0, 0, 2, 2), size)).to.throw(InputError, /pixels/);
      expect(() => padSquare(numbered, size)).to.throw(InputError, /pixels/);
    }
  });
});
